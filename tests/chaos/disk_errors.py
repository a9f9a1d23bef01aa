#!/usr/bin/env python3
"""A session of durable runs and facts on one node, again and again: each time another one of its
writes and syncs fails, with EIO or ENOSPC (an interposed library; needs a C compiler).

Held: the node ends by itself, or goes on, and is never damaged: it starts again. What was
acknowledged is there, though what a failed sync should have kept is taken away.
"""
import collections
import errno
import os
import shutil
import signal
import struct
import subprocess

import chaoslib as chaos
import failpoints
import kill_rounds
import provider as providers
import run_judge
import run_load
import told_facts

ROUNDS, QUICK, ROUNDS_MEAN = 20, 4, "failures, at random; all if there are as many"
FULL, FULL_SECONDS_MAX = 1_000, 3600
ERRORS = (errno.EIO, errno.ENOSPC)
LARGE_TEXT_BYTES = 70_000  # a payload of its own
DAMAGED = 65
SESSION_SECONDS_MAX, STEPS_A_LINE = 60, 50


def log(**_):
    pass


class FailingFiles:
    """What is preloaded into a node, and what it tells."""

    def __init__(self, world, folder):
        compiler = shutil.which("cc")
        if not compiler:
            raise chaos.Skipped("there is no C compiler")
        here = os.path.dirname(os.path.abspath(__file__))
        self.folder, self.preloaded = folder, world.home + "/failing_files.so"
        self.state = world.home + "/failing_files.state"
        subprocess.run([compiler, "-O1", "-shared", "-fPIC", "-o", self.preloaded,
                        here + "/failing_files.c"], check=True)

    def at(self, number, error):
        """The environment of a node whose operation of that number fails; of none if it is 0."""
        with open(self.state, "wb") as file:
            file.write(bytes(16))
        return {"LD_PRELOAD": self.preloaded, "FAILING_FILES_FOLDER": self.folder,
                "FAILING_FILES_STATE": self.state, "FAILING_FILES_AT": str(number),
                "FAILING_FILES_ERROR": str(error)}

    def told(self):
        """(operations so far, whether one has failed)"""
        with open(self.state, "rb") as file:
            operations, failed = struct.unpack("QQ", file.read())
        return operations, bool(failed)


def session(cluster, provider, runs, facts):
    """What one client does, one after the other."""
    def tell():
        one = facts.next()
        one.done = one.tell(cluster, "--timeout", "10s")
    runs.next().submit(cluster, provider, log, detach=True)
    tell()
    large = runs.next()
    large.text = large.key + " " + "x" * LARGE_TEXT_BYTES
    large.submit(cluster, provider, log, detach=False)
    tell()


class Session:
    def __init__(self, world):
        self.provider = providers.Provider(world, latency_ms=10)
        self.cluster = chaos.Cluster(world, 1, (), None, [
            "--no-restart", "--config", self.provider.config]).up()
        self.node = failpoints.Node(world, self.cluster)
        self.files = FailingFiles(world, self.cluster.data + "/node-1/")
        self.runs = kill_rounds.Handed(lambda n: run_load.Submitted(f"e{world.seed}-{n}"))
        self.facts = kill_rounds.Handed(told_facts.Told)
        self.ends, self.twice, self.reached = collections.Counter(), 0, 0

    def try_failure(self, number, error):
        """How many operations there were, until the node was told to end."""
        what = f"operation {number} fails with {errno.errorcode.get(error)}"
        self.node.start(**self.files.at(number, error))
        client = chaos.Background(session, self.cluster, self.provider, self.runs, self.facts)
        chaos.until(lambda: not client.running() or self.node.process.poll() is not None,
                    SESSION_SECONDS_MAX, 0.01)
        by_itself = self.node.process.poll() is not None
        if not by_itself:
            self.node.process.send_signal(signal.SIGTERM)
            chaos.hold(self.node.ended_within(30), f"{what}: the node ends when it is told to")
        code = self.node.process.returncode
        operations, failed = self.files.told()
        self.node.start()
        client.result()
        self.ends[f"{code}{'' if by_itself else ' when told to'}"] += failed
        self.reached += failed
        chaos.hold(code != DAMAGED, f"{what}: a failure is not taken for damage: {code}")
        chaos.hold(self.node.process.poll() is None and self.cluster.all_up(30),
                   f"{what}: the node comes back")
        self.judge(what)
        self.node.kill()
        return operations

    def judge(self, what):
        told = self.facts.take()
        verdict = run_load.judge_submitted(self.cluster, self.provider, self.runs.take(), log, 1)
        verdict.lost += told_facts.judge_facts(self.cluster, told, quiet=True)
        for statement in verdict.all():
            raise chaos.Violated(f"{what}: {statement}")
        self.twice += verdict.paid_twice


def run(world):
    run_judge.try_itself()
    tried = Session(world)
    operations = tried.try_failure(0, 0)
    all_of_them = [(number, error) for error in ERRORS for number in range(1, operations + 1)]
    wanted = min(world.rounds, len(all_of_them))
    in_turn = all_of_them
    if wanted < len(all_of_them):
        in_turn = world.random.sample(all_of_them, len(all_of_them))
    chaos.say(f"{operations} writes and syncs in a session; {wanted} of {len(all_of_them)}"
              " failures are tried")
    done = 0
    for done, (number, error) in enumerate(in_turn, 1):
        tried.try_failure(number, error)
        if done % STEPS_A_LINE == 0:
            chaos.say(f"{done} failures; exit codes {dict(tried.ends)}")
        if tried.reached == wanted:
            break
    # A group of writes goes into one sync, so that no two sessions have as many operations.
    chaos.hold(tried.reached == wanted or tried.reached * 2 > done,
               f"most failures happen: {tried.reached} of {done}")
    world.summary = (f"held: {tried.reached} failures of {operations} writes and syncs, nothing"
                     f" lost, {tried.twice} calls made again and reported; the node's exit codes:"
                     f" {dict(tried.ends)}")


if __name__ == "__main__":
    raise SystemExit(chaos.main(__doc__, run, ROUNDS, ROUNDS_MEAN))
