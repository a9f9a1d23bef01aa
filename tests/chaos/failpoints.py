#!/usr/bin/env python3
"""A node is killed at named places on the way of a durable run and of a fact: where it takes a
message, writes, syncs, acknowledges and sends; at the first, the second and the tenth time.

Held: every place is reached. The node comes back, and what was acknowledged is there: each run
once, with the right result, no recorded call made again, each repetition reported; each fact known
once.
"""
import subprocess
import threading
import time

import chaoslib as chaos
import kill_rounds
import provider as providers
import run_judge
import run_load
import told_facts

ROUNDS, QUICK, ROUNDS_MEAN = 20, 4, "ends at random places and hits; all if there are as many"
FULL, FULL_SECONDS_MAX = 1_000, 3600
HITS = (1, 2, 10)
PLACES = (
    # a submission, on its way to the disk and back
    "take:RunSubmit", "send:JournalAppend", "take:JournalAppend", "write:journal",
    "synced:journal", "marked:journal", "send:JournalWritten", "take:JournalWritten",
    "send:RunAccepted",
    # its tasks and their steps
    "send:TaskOffer", "take:TaskOffer", "send:TaskStarted", "send:TaskWork", "take:TaskWork",
    "send:StepsMade", "take:StepsMade", "send:StepsKept", "take:StepsKept", "send:ModelRequest",
    "take:ModelRequest", "send:ModelAnswer", "take:ModelAnswer", "send:TaskDone", "take:TaskDone",
    "send:RunEnded",
    # a fact
    "take:AgentMessage", "send:SnapshotPut", "take:SnapshotPut", "write:state", "synced:state",
    "marked:state", "send:SnapshotWritten", "take:SnapshotWritten", "send:AgentReply",
)
LATENCY_MS, REACHED_SECONDS_MAX, CLIENTS, ENDS_A_LINE = 20, 30, 3, 10


def log(**_):
    pass


class Node:
    """The only node of a cluster whose supervisor does not start it again."""

    def __init__(self, world, cluster):
        self.world, self.cluster, self.process = world, cluster, None
        cluster.kill("node-1")
        chaos.until(lambda: cluster.pid() is None, 5, 0.01)

    def start(self, **environment):
        self.process = subprocess.Popen(
            [self.world.program, "node", "--config", self.cluster.data + "/node-1/node.yaml"],
            env={**self.world.environment, **environment}, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return self

    def ended_within(self, seconds):
        try:
            return self.process.wait(seconds) is not None
        except subprocess.TimeoutExpired:
            return False

    def kill(self):
        self.process.kill()
        self.process.wait()


def load(cluster, provider, runs, facts, stop):
    """Submissions that are followed and facts, until `stop`; what fails is asked for later."""
    def submit():
        while not stop.is_set():
            one = runs.next()
            one.submit(cluster, provider, log, detach=True)

    def tell():
        while not stop.is_set():
            one = facts.next()
            one.done = one.tell(cluster, "--timeout", "5s")
    return [chaos.Background(submit) for _ in range(CLIENTS)] + [chaos.Background(tell)]


def try_place(cluster, provider, node, place, runs, facts):
    node.start(TROUPE_TEST_FAILPOINT=place)
    stop = threading.Event()
    clients = load(cluster, provider, runs, facts, stop)
    reached = node.ended_within(REACHED_SECONDS_MAX)
    stop.set()
    if not reached:
        node.kill()
    node.start()
    for client in clients:
        client.result()
    chaos.hold(reached, f"{place} is reached within {REACHED_SECONDS_MAX} s")
    chaos.hold(node.process.poll() is None and cluster.all_up(30), f"{place}: the node comes back")
    told = facts.take()
    verdict = run_load.judge_submitted(cluster, provider, runs.take(), log, 1)
    verdict.lost += told_facts.judge_facts(cluster, told, quiet=True)
    for statement in verdict.all():
        raise chaos.Violated(f"{place}: {statement}")
    node.kill()
    return verdict.paid_twice


def run(world):
    run_judge.try_itself()
    provider = providers.Provider(world, LATENCY_MS)
    runs = kill_rounds.Handed(lambda n: run_load.Submitted(f"f{world.seed}-{n}"))
    facts = kill_rounds.Handed(told_facts.Told)
    cluster = chaos.Cluster(world, 1, (), None, ["--no-restart", "--config", provider.config]).up()
    node, begin, twice = Node(world, cluster), time.monotonic(), 0
    ends = [f"{place}:{hit}" for hit in HITS for place in PLACES]
    chosen = ends if world.rounds >= len(ends) else world.random.sample(ends, world.rounds)
    for tried, place in enumerate(chosen, 1):
        twice += try_place(cluster, provider, node, place, runs, facts)
        if tried % ENDS_A_LINE == 0:
            chaos.say(f"{time.monotonic() - begin:.0f} s: {tried} of {len(chosen)} ends, the last"
                      f" at {place}")
    world.summary = (f"held: {len(chosen)} of {len(ends)} ends at {len(PLACES)} places, nothing"
                     f" lost, {twice} calls made again and reported")


if __name__ == "__main__":
    raise SystemExit(chaos.main(__doc__, run, ROUNDS, ROUNDS_MEAN))
