#!/usr/bin/env python3
"""The connection to the client's node ends, or becomes silent, between a message and its answer;
the node dies with the message; the supervisor of a cluster is killed.

Held: a client that lost its link reconnects and says what became of its message, which was done
once. 69 (certainly not done) is never returned for something that was done. Without its supervisor
a node ends. `troupe up` starts the cluster again, and nothing is left after `down`.
"""
import os
import pathlib
import select
import signal
import socket
import threading
import time

import chaoslib as chaos

ROUNDS, QUICK, ROUNDS_MEAN = 6, 2, "messages whose node dies"


class Proxy:
    """Relays one connection until the message comes; then cuts it, holds it, or calls."""

    def __init__(self, node, then, call=None):
        self.node, self.then, self.call = chaos.place(node), then, call
        self.door = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.door.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        client, _ = self.door.accept()
        self.door.close()  # a client that reconnects uses another door
        node, said = socket.create_connection(self.node), False
        with client, node:
            while True:
                for one in select.select([client, node], [], [], 10)[0]:
                    try:
                        data = one.recv(65536)
                    except OSError:
                        return
                    if not data or (one is node and said and self.then == "cut"):
                        return
                    if one is node and said:
                        continue
                    (node if one is client else client).sendall(data)
                    if one is client and b"Remember" in data:
                        said = True
                        if self.call:
                            self.call()


def lose(cluster, then):
    agent, proxy = f"librarian/{then}", Proxy(cluster.addresses()[0][0], then)
    words = f"Remember: the lost reply was {then}."
    told = cluster.send(agent, words, "--peer", proxy.address, "--timeout", "8s")
    chaos.say(f"{then}: told {told.code} {told.last!r} after {told.seconds:.1f} s")
    known = cluster.send(agent, "What was the lost reply?").out.count(f"was {then}.")
    chaos.hold(told.code == 0, f"a client whose link was {then} says what became of its message,"
               f" not {told.code} {told.words}")
    chaos.hold(known == 1, f"a message whose reply was lost is done once, not {known} times")
    chaos.hold("shall remember" in told.out, f"it gets the first answer, not {told.out!r}")


def die(world, cluster, number):
    """The only node dies while it has the message, so nobody knows what became of it."""
    agent = f"librarian/d{number}"
    pause = world.random.choice((0, 0, 0.001, 0.003, 0.01))

    def kill():
        time.sleep(pause)
        cluster.kill("node-1")
    proxy = Proxy(cluster.addresses()[0][0], "pass", kill)
    told = cluster.send(agent, f"Remember: death {number} came.", "--peer", proxy.address,
                        "--timeout", "2s")
    chaos.hold(cluster.all_up(), "a node that was killed is up again within 30 s")
    known = f"death {number} came" in cluster.send(agent, f"What about death {number}?").out
    chaos.say(f"node killed {pause * 1000:.0f} ms after the message: told {told.code},"
              f" known {known}")
    chaos.hold(told.code in (0, 69, 76, 124), f"what is told of it: {told.code} {told.words}")
    chaos.hold(told.code != 0 or known, "what was acknowledged is known")
    chaos.hold(told.code != 69 or not known, f"69 is not said of what was done: {told.words}")


def orphan(cluster):
    pids = cluster.pids()
    os.kill(chaos.field_of(pids["node-1"], "PPid"), signal.SIGKILL)

    def gone():
        return not any(pathlib.Path(f"/proc/{pid}").exists() for pid in pids.values())
    ended = chaos.until(gone, 10)
    chaos.say(f"supervisor killed: its nodes {'ended' if ended else 'go on'}")
    chaos.hold(ended, "nodes end within 10 s without their supervisor")
    cluster.up()
    told = cluster.send("librarian/cut", "What was the lost reply?")
    chaos.hold("was cut." in told.out, f"what was known is known after that: {told.words}")


def run(world):
    with world.cluster(nodes=2) as cluster:
        for then in ("cut", "held"):
            lose(cluster, then)
        orphan(cluster)
    with world.cluster(nodes=1) as cluster:
        for number in range(world.rounds):
            die(world, cluster, number)


if __name__ == "__main__":
    raise SystemExit(chaos.main(__doc__, run, ROUNDS, ROUNDS_MEAN))
