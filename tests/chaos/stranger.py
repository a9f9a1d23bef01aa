"""Somebody without the secret. Runs as another user if possible, and says when it is ready.

  stranger.py hold KIND COUNT ADDRESS...   COUNT connections to each; reopens closed ones
  stranger.py relay AT TO [OLD NEW]        relays AT to TO, with OLD turned into NEW; prints lines
"""
import os
import resource
import select
import socket
import sys
import threading

SAYS = {"silent": b"", "half": b"GET /hea", "preface": b"TROUPE\0",
        "idle": b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n"}


def place(text):
    host, port = text.rsplit(":", 1)
    return host, int(port)


class Holder:
    EVENTS = select.EPOLLIN | select.EPOLLOUT | select.EPOLLRDHUP | select.EPOLLET
    GONE = select.EPOLLHUP | select.EPOLLERR | select.EPOLLRDHUP

    def __init__(self, kind):
        self.words, self.poll, self.open, self.silent = SAYS[kind], select.epoll(), {}, set()

    def add(self, address):
        one = socket.socket()
        one.setblocking(False)
        try:
            one.connect(address)
        except BlockingIOError:
            pass
        except OSError:
            one.close()
            return
        self.open[one.fileno()] = (one, address)
        self.silent.add(one.fileno())
        self.poll.register(one.fileno(), self.EVENTS)

    def step(self):
        for number, event in self.poll.poll(0.2):
            one, address = self.open[number]
            gone = bool(event & self.GONE)
            try:
                if event & select.EPOLLIN and not gone:
                    while one.recv(65536):
                        pass
                    gone = True
            except BlockingIOError:
                pass
            except OSError:
                gone = True
            if not gone and event & select.EPOLLOUT and self.words and number in self.silent:
                self.silent.discard(number)
                try:
                    one.send(self.words)
                except OSError:
                    gone = True
            if gone:
                self.poll.unregister(number)
                del self.open[number]
                one.close()
                self.add(address)


def hold(kind, count, *addresses):
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    holder, at = Holder(kind), [place(a) for a in addresses]
    for _ in range(int(count)):
        for address in at:
            holder.add(address)
    print("standing", len(holder.open), "as user", os.getuid(), flush=True)
    while True:
        holder.step()


def pump(from_, to, old, new):
    try:
        while data := from_.recv(65536):
            if b"Remember" in data or b"remember" in data:
                print("read", data[-80:], flush=True)
            to.sendall(data.replace(old, new) if old else data)
    except OSError:
        pass
    for one in (from_, to):
        try:
            one.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def relay(at, to, old="", new=""):
    door = socket.socket()
    door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    door.bind(place(at))
    door.listen(64)
    print("standing as user", os.getuid(), flush=True)
    while True:
        client, _ = door.accept()
        try:
            node = socket.create_connection(place(to))
        except OSError:
            client.close()
            continue
        print("relayed", flush=True)
        for pair in ((client, node), (node, client)):
            threading.Thread(target=pump, args=(*pair, old.encode(), new.encode()),
                             daemon=True).start()


if __name__ == "__main__":
    {"hold": hold, "relay": relay}[sys.argv[1]](*sys.argv[2:])
