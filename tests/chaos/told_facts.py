"""Facts that clients tell durable agents, and what must be known of them afterwards."""
import collections

import chaoslib as chaos

AGENTS, TOLD_AGAIN = 24, 10
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
        """How often the fact is in the answer."""
        for _ in range(3):
            done = cluster.send(self.agent, f"What value is fact number zq{self.number}?")
            if done.code == 0:
                return done.out.count(self.words)
        raise chaos.Violated(f"{self.agent} answers when all nodes are up: {done.words}")


def tell_on(cluster, told, log, stop):
    """One client: tells facts until `stop`. What it was told goes to the log first."""
    while not stop.is_set():
        one = told.next()
        one.done = one.tell(cluster, "--timeout", "20s")
        log(fact=one.number, code=one.done.code)
        stop.wait(0.05 if one.done.code == 0 else 0.3)


def judge_facts(cluster, told, quiet=False):
    """Compares what the agents know now with what they were told. What was lost."""
    known = chaos.at_once(lambda one: one.ask(cluster), told, threads=3)
    codes = collections.Counter(one.done.code for one in told)
    if not quiet:
        chaos.say("facts: " + ", ".join(f"{MAY_BE_TOLD.get(c, c)} {n}" for c, n in codes.items())
                  + f"; slowest {max((one.done.seconds for one in told), default=0):.1f} s")
    lost = []
    for one, times in zip(told, known):
        what = f"{one.agent}, zq{one.number}, told {one.done.code} {one.done.words!r}"
        chaos.hold(one.done.code in MAY_BE_TOLD, f"clients are told what became of it: {what}")
        chaos.hold(one.done.code != 69 or not times, f"69 says that it was not done: {what}")
        chaos.hold(times <= 1, f"a fact is known once: {what}, {times} times")
        if one.done.code == 0 and not times:
            lost.append(f"an acknowledged fact is known: {what}")
    for one in [one for one in told if one.done.code == 0][:TOLD_AGAIN]:
        again = one.tell(cluster)
        if again.code in (69, 76, 124):  # for a moment
            again = one.tell(cluster)
        chaos.hold("told that before" in again.out,
                   f"an acknowledged fact is not new: {again.code} {again.words!r}")
    return lost
