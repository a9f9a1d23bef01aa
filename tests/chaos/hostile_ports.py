#!/usr/bin/env python3
"""Strangers without the secret at a node's link port: wrong beginnings, noise, one byte at a time,
2,000 connections at once, no descriptors left. Also 1,000 clients that come and go.

Held: each wrong beginning is closed, at the latest at the deadline for the Hello. The node stays
the same process, does not grow, keeps no descriptors, uses little processor time and answers
clients throughout. Its log stays JSON.
"""
import contextlib
import resource
import socket
import struct
import time

import chaoslib as chaos
import wire
from wire import HELLO, PREFACE, PROOF, field, frame, hello

ROUNDS, QUICK, ROUNDS_MEAN = 1000, 300, "clients that come and go, and bursts of noise / 5"
CLOSED_SECONDS_MAX = 5 + 2.5  # hello_deadline, and some time for two busy cores
FLOOD = 2000
SEND_SECONDS_MAX, GROWN_MB_MAX, IDLE_CPU_MAX = 2.0, 30, 0.10
LONG = 256 * 1024


def beginnings():
    header = struct.pack("<IBBHI", LONG, HELLO, 0, 0, 0)
    good = frame(HELLO, hello())
    return {
        "nothing": b"",
        "HTTP": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        "half a preface": PREFACE[:4],
        "only a preface": PREFACE,
        "a preface of another version": b"TROUPE\0\2" + good,
        "a header of 4 GiB": PREFACE + frame(HELLO, b"", length=0xffffffff, checksum=0),
        "256 KiB and a byte": PREFACE + frame(HELLO, b"", length=LONG + 1, checksum=0),
        "256 KiB announced, 70 KB sent": PREFACE + header + b"x" * 70_000,
        "an empty Hello": PREFACE + frame(HELLO, b""),
        "kind 99": PREFACE + frame(99, b"abc"),
        "a kind without a meaning": PREFACE + frame(7, b"abc"),
        "reserved bytes": PREFACE + frame(HELLO, hello(), reserved=(1, 0x0302)),
        "a wrong checksum": PREFACE + frame(HELLO, hello(), checksum=1),
        "Hello twice": PREFACE + good * 2,
        "a proof first": PREFACE + frame(PROOF, field(1, b"x" * 32)),
        "a proof of zeros": PREFACE + good + frame(PROOF, field(1, b"\0" * 32)),
        "an empty proof": PREFACE + good + frame(PROOF, b""),
        "a proof of 60 KB": PREFACE + good + frame(PROOF, field(1, b"x" * 60_000)),
        "envelopes before the proof": PREFACE + good + frame(wire.ENVELOPES, b"\2"),
        "version 1": PREFACE + frame(HELLO, hello(version=1)),
        "version 2^32 - 1": PREFACE + frame(HELLO, hello(version=0xffffffff)),
        "another cluster": PREFACE + frame(HELLO, hello("evil\n\x1b[31m")),
        "another node wanted": PREFACE + frame(HELLO, hello(wanted=b"w" * 16)),
        "a wish of 3 bytes": PREFACE + frame(HELLO, hello(wanted=b"www")),
        "a nonce of 31": PREFACE + frame(HELLO, hello(nonce=b"x" * 31)),
        "a node without id": PREFACE + frame(HELLO, hello(client=False, session=0, node=b"")),
        "unknown groups": PREFACE + frame(HELLO, hello() + b"\xfb\x01" * 30_000),
        "a name that is not UTF-8": PREFACE + frame(HELLO, field(1, 2) + field(2, b"\xff\xfe")
                                                    + field(3, b"n" * 32)),
        "a Bye of 60 KB with escapes": PREFACE + frame(
            wire.BYE, field(1, 3) + field(2, b"\x1b]0;pwn\x07\n{\"level\":\"error\"}" * 2000)),
        "a node's name of 60 KB": PREFACE + frame(HELLO, hello(
            client=False, session=0, node=field(1, b"i" * 16) + field(3, b"n" * 60_000))),
    }


class Node:
    """The attacked node, and the state it must be in after each attack."""

    def __init__(self, cluster):
        self.cluster, self.pid = cluster, cluster.pid("node-2")
        self.link = cluster.addresses()[0][1]
        self.address = chaos.place(self.link)
        self.check("warm up", first=True)
        self.mb, self.descriptors = chaos.rss_mb(self.pid), chaos.descriptors(self.pid)

    def connect(self, timeout=5.0):
        return socket.create_connection(self.address, timeout=timeout)

    def send(self, what, seconds_max=SEND_SECONDS_MAX):
        done = self.cluster.send("librarian/after", f"Remember: {what}.", "--peer", self.link)
        chaos.hold(done.code == 0, f"{what}: a client is answered: {done.code} {done.words}")
        chaos.hold(done.seconds <= seconds_max,
                   f"{what}: within {seconds_max} s, not {done.seconds:.1f}")
        return done.seconds

    def check(self, what, first=False):
        self.send(what)
        if first:
            return
        chaos.hold(self.cluster.pid("node-2") == self.pid, f"{what}: the node is the same process")
        kept = chaos.until(lambda: chaos.descriptors(self.pid) <= self.descriptors + 6, 8)
        chaos.hold(kept, f"{what}: descriptors come back: {self.descriptors} ->"
                   f" {chaos.descriptors(self.pid)}")
        grown = chaos.rss_mb(self.pid) - self.mb
        chaos.hold(grown <= GROWN_MB_MAX, f"{what}: grown by {grown:.0f} MB")
        begin, cpu = time.monotonic(), chaos.cpu_seconds(self.pid)
        time.sleep(1)
        busy = (chaos.cpu_seconds(self.pid) - cpu) / (time.monotonic() - begin)
        chaos.hold(busy <= IDLE_CPU_MAX, f"{what}: nothing is left to do: {busy:.0%} of a core")


def until_closed(connection):
    """Seconds, or None if the connection stays open too long."""
    begin = time.monotonic()
    connection.settimeout(CLOSED_SECONDS_MAX)
    try:
        while connection.recv(65536):
            pass
    except TimeoutError:
        return None
    except OSError:
        pass
    return time.monotonic() - begin


def begin_wrong(node):
    def one(item):
        what, data = item
        with node.connect() as connection:
            with contextlib.suppress(OSError):
                connection.sendall(data)
            return what, until_closed(connection)
    results = chaos.at_once(one, beginnings().items(), threads=16)
    for what, seconds in results:
        chaos.hold(seconds is not None, f"{what}: closed within {CLOSED_SECONDS_MAX} s")
    chaos.say(f"{len(results)} wrong beginnings closed, the last after"
              f" {max(s for _, s in results):.1f} s")


def make_noise(world, node):
    for i in range(world.rounds // 5):
        with contextlib.suppress(OSError), node.connect() as connection:
            noise = world.random.randbytes(world.random.randrange(1, 3000))
            connection.sendall((PREFACE if i % 2 else b"") + noise)


def trickle(node):
    """60 peers that send a byte each tenth of a second: the deadline is for the whole Hello."""
    data = PREFACE + frame(HELLO, hello("x" * 60_000))
    connections = [node.connect() for _ in range(60)]
    begin = time.monotonic()
    for i in range(int(CLOSED_SECONDS_MAX * 10)):
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.sendall(data[i:i + 1])
        time.sleep(max(0.0, begin + (i + 1) / 10 - time.monotonic()))
    stand = 0
    for connection in connections:
        connection.settimeout(0.1)
        try:
            while connection.recv(65536):
                pass
        except TimeoutError:
            stand += 1
        except OSError:
            pass
        connection.close()
    chaos.hold(stand == 0, f"who says a byte each 100 ms is closed: {stand} of 60 stand")


def flood(node):
    connections, slowest = [], 0.0
    for _ in range(FLOOD):
        one = socket.socket()
        one.setblocking(False)
        with contextlib.suppress(OSError):
            one.connect(node.address)
        connections.append(one)
    for _ in range(3):
        slowest = max(slowest, node.send("a flood of connections"))
    for one in connections:
        one.close()
    return slowest


def starve_descriptors(node):
    """No descriptor is left for the TCP door: it waits without spinning; the local door works."""
    limits = resource.prlimit(node.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(node.pid, resource.RLIMIT_NOFILE,
                     (chaos.descriptors(node.pid) + 6, limits[1]))
    connections = [node.connect() for _ in range(60)]
    cpu, begin = chaos.cpu_seconds(node.pid), time.monotonic()
    time.sleep(2)
    busy = (chaos.cpu_seconds(node.pid) - cpu) / (time.monotonic() - begin)
    done = node.cluster.send("librarian/fd", "Remember: descriptors.")
    for one in connections:
        one.close()
    resource.prlimit(node.pid, resource.RLIMIT_NOFILE, limits)
    chaos.say(f"no descriptors left: {busy:.0%} of a core, a message {done.code} after"
              f" {done.seconds:.1f} s")
    chaos.hold(busy <= 0.5, f"a node without descriptors does not spin: {busy:.0%}")
    chaos.hold(done.code == 0, f"others serve clients meanwhile: {done.code} {done.words}")


def come_and_go(world, node):
    begin = time.monotonic()
    for _ in range(world.rounds):
        wire.Client(node.address, node.cluster.secret()).close()
    chaos.say(f"{world.rounds} clients came and went in {time.monotonic() - begin:.1f} s")


def run(world):
    wire.Libraries.load()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, FLOOD + 200), hard))
    with world.cluster() as cluster:
        node = Node(cluster)
        dripping = chaos.Background(trickle, node)
        begin_wrong(node)
        make_noise(world, node)
        dripping.result()
        node.check("after wrong beginnings")
        slowest = flood(node)
        chaos.say(f"{FLOOD} connections at once: a client took {slowest:.2f} s at most")
        node.check("after a flood")
        starve_descriptors(node)
        node.check("after descriptors were short")
        come_and_go(world, node)
        node.check("after many clients")
        chaos.say(f"memory {node.mb:.0f} -> {chaos.rss_mb(node.pid):.0f} MB, descriptors"
                  f" {node.descriptors} -> {chaos.descriptors(node.pid)}")
        cluster.check_log("node-2")
        chaos.hold(cluster.all_up(10), "all nodes are up at the end")


if __name__ == "__main__":
    raise SystemExit(chaos.main(__doc__, run, ROUNDS, ROUNDS_MEAN))
