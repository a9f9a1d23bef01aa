#!/usr/bin/env python3
"""Clients tell facts to agents while nodes are killed (kill -9), one or all, and restarted.

Held: every acknowledged fact is known afterwards, once. A fact whose client got "unavailable" (exit
code 69, certainly not done) is not known. The cluster is complete again within a minute. No client
gets an answer other than done, unavailable, outcome unknown or out of time.
"""
import collections
import threading
import time

import chaoslib as chaos

ROUNDS, QUICK, ROUNDS_MEAN = 30, 5, "kills"
CLIENTS, AGENTS, TOLD_AGAIN = 3, 24, 20
ALL_KILLED_SHARE = 0.15
MAY_BE_TOLD = {0: "done", 69: "unavailable", 76: "outcome unknown", 124: "out of time"}


class Told:
    """A fact, and what its client was told about it."""

    def __init__(self, number):
        self.number, self.agent = number, f"librarian/k{number % AGENTS}"
        self.words = f"zq{number} is value vq{number * 7919 % 99991}."
        self.done = None

    def tell(self, cluster, *more):
        return cluster.send(self.agent, f"Remember: fact number {self.words}", *more)

    def ask(self, cluster):
        for _ in range(3):
            done = cluster.send(self.agent, f"What value is fact number zq{self.number}?")
            if done.code == 0:
                return done.out.count(self.words)
        raise chaos.Violated(f"{self.agent} answers when all nodes are up: {done.words}")


def tell_on(cluster, told, lock, stop):
    while not stop.is_set():
        with lock:
            one = Told(len(told))
            told.append(one)
        one.done = one.tell(cluster, "--timeout", "20s")
        stop.wait(0.05 if one.done.code == 0 else 0.3)


def kill_rounds(world, cluster):
    killed = 0
    for _ in range(world.rounds):
        # A node that dies often restarts after growing pauses, so wait for all nodes.
        chaos.until(lambda: all(cluster.pids().values()), 6)
        time.sleep(world.random.uniform(0.05, 0.8))
        names = cluster.names()
        if world.random.random() > ALL_KILLED_SHARE:
            names = [world.random.choice(names)]
        killed += sum(cluster.kill(name) for name in names)
    return killed


def judge(cluster, told):
    """Compares what the agents know now with what they were told."""
    known = chaos.at_once(lambda one: one.ask(cluster), told, threads=3)
    codes = collections.Counter(one.done.code for one in told)
    chaos.say("told: " + ", ".join(f"{MAY_BE_TOLD.get(c, c)} {n}" for c, n in codes.items())
              + f"; slowest {max(one.done.seconds for one in told):.1f} s")
    unknown = sum(1 for one, times in zip(told, known) if one.done.code in (76, 124) and times)
    chaos.say(f"known though not acknowledged: {unknown} of {codes[76] + codes[124]}")
    for one, times in zip(told, known):
        what = f"{one.agent}, zq{one.number}, told {one.done.code} {one.done.words!r}"
        chaos.hold(one.done.code in MAY_BE_TOLD, f"clients are told what became of it: {what}")
        chaos.hold(one.done.code != 0 or times, f"an acknowledged fact is known: {what}")
        chaos.hold(one.done.code != 69 or not times, f"69 says that it was not done: {what}")
        chaos.hold(times <= 1, f"a fact is known once: {what}, {times} times")
    acknowledged = [one for one in told if one.done.code == 0]
    chaos.hold(len(acknowledged) > len(told) / 20, "some facts are acknowledged between kills")
    for one in acknowledged[:TOLD_AGAIN]:
        again = one.tell(cluster).out
        chaos.hold("told that before" in again, f"an acknowledged fact is not new: {again!r}")


def run(world):
    with world.cluster() as cluster:
        told, lock, stop = [], threading.Lock(), threading.Event()
        clients = [chaos.Background(tell_on, cluster, told, lock, stop) for _ in range(CLIENTS)]
        killed = kill_rounds(world, cluster)
        stop.set()
        for client in clients:
            client.result()
        chaos.hold(cluster.all_up(60), "all nodes are up within a minute after the last kill")
        chaos.say(f"{killed} nodes killed in {world.rounds} rounds, {len(told)} facts told")
        judge(cluster, told)


if __name__ == "__main__":
    raise SystemExit(chaos.main(__doc__, run, ROUNDS, ROUNDS_MEAN))
