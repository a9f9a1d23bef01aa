#!/usr/bin/env python3
"""Nodes are killed (kill -9), one, two or all, and come back, while clients submit durable runs
with keys, whose tasks call a provider, and tell facts to durable agents.

Held: every acknowledged run ends once, with the right result. No call of a model is made again
after its outcome was recorded; one that was open at a kill may be, and the run reports it. Every
acknowledged fact is known, once; "unavailable" (69) means not done. All nodes are up again within a
minute. Judged by the clients' log and the provider's ledger, after each 10 rounds.
"""
import collections
import itertools
import json
import random
import threading
import time

import chaoslib as chaos
import provider as providers
import run_judge
import run_load
import told_facts

ROUNDS, QUICK, ROUNDS_MEAN = 30, 6, "times that nodes are killed; at most 7 s each, else fewer"
FULL, FULL_SECONDS_MAX = 1_000, 10_000
SECONDS_A_ROUND, EPOCH_ROUNDS = 7, 10
SUBMITTERS, TELLERS = 6, 2
ALL_KILLED, TWO_KILLED, TOO_EARLY = 0.15, 0.2, 0.25  # shares of the rounds


class Handed:
    """What clients take one after the other: a new one each time, and all so far."""

    def __init__(self, make):
        self.make, self.all, self.numbers = make, [], itertools.count()
        self.lock = threading.Lock()

    def next(self):
        with self.lock:
            self.all.append(self.make(next(self.numbers)))
            return self.all[-1]

    def take(self):
        with self.lock:
            taken, self.all = self.all, []
            return taken


class Rounds:
    def __init__(self, world, cluster, provider):
        self.world, self.cluster, self.provider = world, cluster, provider
        self.runs = Handed(lambda n: run_load.Submitted(f"r{world.seed}-{n}"))
        self.facts = Handed(told_facts.Told)
        self.begin, self.rounds, self.killed, self.judged_runs = time.monotonic(), 0, 0, 0
        self.codes, self.verdict, self.judged_facts = collections.Counter(), run_judge.Verdict(), 0
        self.lock = threading.Lock()
        self.file = open(world.home + "/clients.jsonl", "a")

    def log(self, **what):
        with self.lock:
            self.file.write(json.dumps({"time": time.time(), **what}) + "\n")
            self.file.flush()

    def in_time(self):
        return time.monotonic() - self.begin < self.world.rounds * SECONDS_A_ROUND

    def kill_some(self):
        draw = self.world.random
        # A node that dies often restarts after growing pauses, so wait for all nodes, mostly.
        if draw.random() > TOO_EARLY:
            chaos.until(lambda: all(self.cluster.pids().values()), 6)
        time.sleep(draw.uniform(0.05, 0.8))
        chance, names = draw.random(), self.cluster.names()
        if chance > ALL_KILLED:
            names = draw.sample(names, 2 if chance < ALL_KILLED + TWO_KILLED else 1)
        killed = sum(self.cluster.kill(name) for name in names)
        self.log(killed=killed, names=names)
        self.rounds += 1
        return killed

    def epoch(self, rounds):
        """Kills that often under load, then judges what the clients have begun meanwhile."""
        stop, killed, begun = threading.Event(), 0, self.rounds
        draws = [random.Random(self.world.random.random()) for _ in range(SUBMITTERS)]
        clients = [chaos.Background(run_load.submit_on, self.cluster, self.provider, self.runs,
                                    self.log, draw, stop) for draw in draws]
        clients += [chaos.Background(told_facts.tell_on, self.cluster, self.facts, self.log, stop)
                    for _ in range(TELLERS)]
        try:
            while self.rounds < begun + rounds and self.in_time():
                killed += self.kill_some()
        finally:
            stop.set()
        chaos.hold(self.cluster.all_up(60), "all nodes are up within a minute after the last kill")
        for client in clients:
            client.result()
        self.killed += killed
        self.judge(killed)

    def judge(self, killed):
        runs, facts = self.runs.take(), self.facts.take()
        for run in runs:
            self.codes.update(run.codes)
        verdict = run_load.judge_submitted(self.cluster, self.provider, runs, self.log, killed)
        self.judged_runs += len(runs)
        self.judged_facts += len(facts)
        verdict.lost += told_facts.judge_facts(self.cluster, facts)
        self.verdict.add(verdict)
        self.world.summary = self.last_line()
        chaos.say(f"{time.monotonic() - self.begin:.0f} s: {self.last_line()}")
        for statement in verdict.all()[1:]:
            chaos.say(f"also: {statement}")
        chaos.hold(not verdict.all(), "".join(verdict.all()[:1]))

    def last_line(self):
        said = "" if self.rounds == self.world.rounds else f" of {self.world.rounds}"
        return (f"{self.rounds}{said} rounds ({self.killed} kills), {self.judged_runs} runs,"
                f" {self.judged_facts} facts, {len(self.verdict.lost)} acknowledged lost,"
                f" {len(self.verdict.repeated)} recorded repeated,"
                f" {len(self.verdict.unreported)} repeats unreported"
                f" ({self.verdict.paid_twice} reported)")


def run(world):
    run_judge.try_itself()
    provider = providers.Provider(world)
    with world.cluster(arguments=["--config", provider.config]) as cluster:
        rounds = Rounds(world, cluster, provider)
        while rounds.rounds < world.rounds and rounds.in_time():
            rounds.epoch(min(EPOCH_ROUNDS, world.rounds - rounds.rounds))
        chaos.say(f"submissions by exit code: {dict(sorted(rounds.codes.items()))}")


if __name__ == "__main__":
    raise SystemExit(chaos.main(__doc__, run, ROUNDS, ROUNDS_MEAN))
