#!/usr/bin/env python3
"""Data that a client sent is recorded and sent again: whole, cut at any byte, with a flipped bit,
in another order. A node's own Hello and Proof are sent back to it. Bits are flipped in live
sessions.

Held: no replay is accepted as a client, and nothing changes in what an agent knows. A client whose
session is damaged still gets its answer, or hears that its message was not done or that nobody
knows. No agent learns anything that was not sent.
"""
import collections
import contextlib
import select
import socket
import struct
import threading

import chaoslib as chaos
import wire
from wire import HELLO, PREFACE, PROOF, frame, hello

ROUNDS, QUICK, ROUNDS_MEAN = 60, 20, "live sessions that are damaged; ten times as many replays"


class Proxy:
    """Relays one connection, records the data, and may change it."""

    def __init__(self, node, change=None):
        self.node, self.change, self.kept = node, change, (bytearray(), bytearray())
        self.door = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.door.getsockname()[1]
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        with contextlib.suppress(OSError):
            client, _ = self.door.accept()
            self.door.close()
            node = socket.create_connection(self.node)
            with client, node:
                while self.step(client, node):
                    pass

    def step(self, client, node):
        for one in select.select([client, node], [], [], 5)[0]:
            direction = int(one is node)
            data = one.recv(65536)
            if not data:
                return False
            if self.change:
                data = self.change(direction, len(self.kept[direction]), data)
            self.kept[direction].extend(data)
            (node if one is client else client).sendall(data)
        return True


def flipped(data, at, bit):
    return data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1:]


def frames_of(data):
    """The frames of one side as (kind, frame): first the plain ones, then the sealed ones."""
    parts, at, plain = [], len(PREFACE), True
    while at + 8 <= len(data):
        size, kind = struct.unpack("<IB", data[at:at + 5])
        end = at + size + (12 if plain else 8 + wire.Seal.TAG_BYTES)
        parts.append((kind, data[at:end]))
        plain, at = plain and kind != PROOF, end
    return parts


def answered(address, data):
    """Which frames a node answers with. Any beyond Hello, Proof and Bye mean that it believed."""
    got = b""
    with contextlib.suppress(OSError), socket.create_connection(address, timeout=1) as one:
        one.sendall(data)
        one.shutdown(socket.SHUT_WR)
        while len(got) < 65536 and (more := one.recv(65536)):
            got += more
    return [kind for kind, _ in frames_of(got)]


def replay(world, address, recorded):
    parts, count = [part for _, part in frames_of(recorded)], world.rounds * 10
    many = [recorded] * (count // 10)
    many += [recorded[:world.random.randrange(len(recorded))] for _ in range(count // 3)]
    many += [flipped(recorded, world.random.randrange(len(recorded)), world.random.randrange(8))
             for _ in range(count // 3)]
    many += [PREFACE + b"".join(world.random.sample(parts, len(parts)))
             for _ in range(count // 10)]
    many += [PREFACE + b"".join(world.random.choices(parts, k=world.random.randrange(1, 9)))
             for _ in range(count // 10)]
    for kinds in chaos.at_once(lambda data: answered(address, data), many, threads=16):
        chaos.hold(set(kinds) <= {HELLO, PROOF, wire.BYE}, f"a replay is not believed: {kinds}")
    return len(many)


def reflect(address):
    """Sends a node's own Hello and Proof back to it."""
    for what in (HELLO, PROOF):
        with socket.create_connection(address, timeout=2) as one:
            one.sendall(PREFACE + (frame(HELLO, hello()) if what == PROOF else b""))
            wire.receive(one, len(PREFACE))
            if what == HELLO:  # an acceptor speaks second, so use another connection's Hello
                with socket.create_connection(address, timeout=2) as other:
                    other.sendall(PREFACE + frame(HELLO, hello()))
                    wire.receive(other, len(PREFACE))
                    said = wire.read_plain(other)
            else:
                said = [wire.read_plain(one) for _ in range(2)][1]
            one.sendall(frame(*said))
            one.settimeout(6)
            got = b""
            with contextlib.suppress(OSError):
                while more := one.recv(65536):
                    got += more
            # A node's frames are plain up to its Proof and sealed after it.
            plain = what == HELLO
            kinds = [kind for kind, _ in frames_of(PREFACE + got)] if plain else list(got[4:5])
            chaos.hold(set(kinds) <= {HELLO, PROOF, wire.BYE},
                       f"what a node says is no proof to itself: {kinds}")


def damage(world, cluster, sizes):
    """Flips one bit, in either direction, in sessions of real clients."""
    node = chaos.place(cluster.addresses()[0][1])
    told = collections.Counter()

    def one(number):
        direction = number % 2
        at, bit = world.random.randrange(sizes[direction]), world.random.randrange(8)

        def change(way, position, data):
            if way == direction and position <= at < position + len(data):
                return flipped(data, at - position, bit)
            return data
        proxy = Proxy(node, change)
        agent, words = f"librarian/flip{number}", f"flipped {number} is intact."
        done = cluster.send(agent, f"Remember: {words}", "--peer", proxy.address,
                            "--timeout", "6s")
        known = cluster.send(agent, f"What is flipped {number}?").out
        what = f"bit {bit} of byte {at} {'from' if direction else 'to'} the node: {done.code}"
        chaos.hold(done.code in (0, 64, 69, 76, 124), f"{what}, {done.words}")
        chaos.hold(done.code != 0 or words in known, f"{what}: known is {known!r}")
        chaos.hold(done.code not in (64, 69) or words not in known, f"{what}, but done")
        chaos.hold(words in known or "flipped" not in known, f"{what}: changed to {known!r}")
        told[done.code] += 1
    chaos.at_once(one, range(world.rounds), threads=3)
    return dict(told)


def run(world):
    wire.Libraries.load()
    with world.cluster() as cluster:
        link = cluster.addresses()[0][1]
        address = chaos.place(link)
        proxy = Proxy(address)
        done = cluster.send("librarian/rec", "Remember: the recorded fact is alpha.",
                            "--peer", proxy.address)
        chaos.hold(done.code == 0, f"a client comes through a relay that changes nothing: {done}")
        proxy.thread.join(10)
        recorded, sizes = bytes(proxy.kept[0]), [len(k) for k in proxy.kept]

        def known():
            return cluster.send("librarian/rec", "What is the recorded fact?").out
        before = known()
        count = replay(world, address, recorded)
        reflect(address)
        chaos.say(f"{count} replays of {sizes[0]} bytes in {len(frames_of(recorded))} frames: none"
                  " believed")
        chaos.hold(known() == before, f"what the agent knows is as before: {known()!r}")
        told = damage(world, cluster, sizes)
        chaos.say(f"{world.rounds} live sessions with a flipped bit: exit codes {told}")
        cluster.check_log("node-2")


if __name__ == "__main__":
    raise SystemExit(chaos.main(__doc__, run, ROUNDS, ROUNDS_MEAN))
