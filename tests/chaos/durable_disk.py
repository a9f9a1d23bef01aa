#!/usr/bin/env python3
"""Durable runs fill up a disk (root: a tmpfs): 12 MB until new ones are refused, then all of it.

Held: no acknowledged run is lost, neither in the same process nor after kill -9: each ends once,
with the right result. New runs are refused with an error that says why, while what was accepted
goes on. Once there is room, runs are accepted again, by themselves, within half a minute.
"""
import contextlib
import os
import random
import shutil

import chaoslib as chaos
import disk
import provider as providers
import run_judge
import run_load

ROUNDS, QUICK, ROUNDS_MEAN = 1, 0, "disks"
DISK_MB, FREE_MIN_MB = 150, 70  # of the disk; below which new runs are refused
ROOM_MB = 12                    # until they are: somebody else has the rest, and gives it back
TEXT_BYTES, CLIENTS, SUBMITTED_MAX, REFUSED_ENOUGH = 30_000, 4, 400, 8
ACCEPTED_AGAIN_SECONDS = 30
MAYBE_ACCEPTED = (75, 76, 124)  # exit codes: the run may go on once there is room
KILLED = 1000  # the process may end by itself on the full disk


def log(**_):
    pass


class Filling:
    def __init__(self, cluster, provider):
        self.cluster, self.provider, self.all, self.refused = cluster, provider, [], []

    def submit(self, number):
        """A run whose calls and results are large. Whether it was refused for want of space."""
        if len(self.refused) >= REFUSED_ENOUGH:
            return
        one = run_load.Submitted(str(number), f"{number} " + "x" * TEXT_BYTES)
        done = one.submit(self.cluster, self.provider, log, detach=True)
        if done.code in (0, *MAYBE_ACCEPTED):
            self.all.append(one)
        else:
            self.refused.append(done)

    def until_refused(self):
        chaos.at_once(self.submit, range(SUBMITTED_MAX), CLIENTS)
        chaos.hold(len(self.refused) >= REFUSED_ENOUGH, "new runs are refused on a full disk")
        for done in self.refused:
            chaos.hold("storage.free_min" in done.words, "a refusal says what is missing:"
                       f" {done.code} {done.words}")

    def is_accepted(self):
        one = run_load.Submitted(f"again {random.random()}")
        done = one.submit(self.cluster, self.provider, log, detach=True)
        if done.code in (0, *MAYBE_ACCEPTED):
            self.all.append(one)
        return done.code == 0


def leave(folder, name, left_bytes):
    """Fills the disk but for that many bytes."""
    with contextlib.suppress(OSError), open(f"{folder}/{name}", "wb") as file:
        file.write(b"x" * max(0, shutil.disk_usage(folder).free - left_bytes))


def run(world):
    run_judge.try_itself()
    with disk.small_disk(world, DISK_MB) as folder:
        provider = providers.Provider(world)
        with world.cluster(nodes=1, data=folder + "/d",
                           sets=[f"storage.free_min={FREE_MIN_MB}MiB"],
                           arguments=["--config", provider.config]) as cluster:
            leave(folder, "stolen", (FREE_MIN_MB + ROOM_MB) * chaos.MB)
            filling = Filling(cluster, provider)
            filling.until_refused()
            chaos.say(f"{len(filling.all)} runs accepted, then refused: {filling.refused[0].code}"
                      f" {filling.refused[0].last}")
            leave(folder, "fill", 0)
            chaos.hold(not filling.is_accepted(), "nothing is accepted on a full disk")
            chaos.hold(cluster.nodes() != {}, "`status` answers on a full disk")
            os.remove(folder + "/fill")
            os.remove(folder + "/stolen")
            again = chaos.until(filling.is_accepted, ACCEPTED_AGAIN_SECONDS, 0.5)
            chaos.hold(again, f"runs are accepted within {ACCEPTED_AGAIN_SECONDS} s with room")
            cluster.kill("node-1")
            chaos.hold(cluster.all_up(40), "the node is up within 40 s of a kill -9")
            verdict = run_load.judge_submitted(cluster, provider, filling.all, log, KILLED)
            for statement in verdict.all():
                raise chaos.Violated(statement)
            world.summary = (f"held: {len(filling.all)} runs on a disk of {ROOM_MB} MB, none lost,"
                             f" {verdict.paid_twice} calls made again and reported")


if __name__ == "__main__":
    raise SystemExit(chaos.main(__doc__, run, ROUNDS, ROUNDS_MEAN))
