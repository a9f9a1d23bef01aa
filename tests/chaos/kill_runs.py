#!/usr/bin/env python3
"""A node is killed (kill -9) in the middle of each run of the main job, either a worker or the
owner; the runs are not durable (kill_rounds.py kills under those that are). Then nodes are stopped
(SIGSTOP) for a while and continued.

Held: the report is byte for byte that of an undisturbed run, or the owner was killed and the client
says so (75; 69 if the owner died before it had accepted the run). If a worker dies or is stopped,
or the owner is stopped, the run succeeds. Each message meanwhile is done, known not to be done, or
has an unknown outcome. All nodes are up again within 40 s.
"""
import collections
import os
import signal
import time

import chaoslib as chaos

ROUNDS, QUICK, ROUNDS_MEAN = 12, 4, "kills; from 12 on also nodes that are stopped"
ROUNDS_WITH_STOPS = 12
STOPPED_SECONDS = (3, 8)
SECONDS_MAX = 30


def judge(what, done, report, may_be_lost=False):
    chaos.hold(done.seconds <= SECONDS_MAX, f"{what}: a run takes at most {SECONDS_MAX} s")
    if may_be_lost and done.code in (69, 75):
        chaos.hold(not done.out.strip(), f"{what}: a run that is lost prints no report")
        return
    chaos.hold(done.code == 0, f"{what}: the run succeeds, not {done.code} {done.last}")
    chaos.hold(done.out == report, f"{what}: the report is the same, not {done.out[-200:]!r}")


def kill_one(world, cluster, number, undisturbed, seen):
    """Kills the owner of the run each third time, otherwise one of the others."""
    owner = world.random.randrange(cluster.size)
    workers = [v for v in range(cluster.size) if v != owner]
    victim = owner if number % 3 == 0 else world.random.choice(workers)
    link = cluster.addresses()[0][owner]
    run = chaos.Background(cluster.digest, chaos.LICENCES, "--peer", link,
                           "--durability", "off")
    time.sleep(world.random.uniform(0.02, undisturbed.seconds * 0.9))
    cluster.kill(f"node-{victim + 1}")
    done, kind = run.result(), "owner" if victim == owner else "worker"
    seen[f"{kind} killed: {done.code}"] += 1
    judge(f"{kind} killed", done, undisturbed.out, may_be_lost=kind == "owner")
    chaos.hold(cluster.all_up(40), f"all nodes are up within 40 s after the {kind} was killed")


def stop_one(cluster, kind, seconds, undisturbed):
    what = f"{kind} stopped for {seconds} s"
    run = chaos.Background(cluster.digest, chaos.LICENCES, "--peer", cluster.addresses()[0][0])
    time.sleep(undisturbed.seconds * 0.4)
    pid = cluster.pid("node-1" if kind == "owner" else "node-2")
    os.kill(pid, signal.SIGSTOP)
    begin = time.monotonic()

    def tell(number):
        return cluster.send(f"librarian/s{number}", f"Remember: {kind} {seconds} {number}.",
                            "--timeout", "12s")
    sends = chaos.Background(chaos.at_once, tell, range(8), 2)
    time.sleep(seconds)
    os.kill(pid, signal.SIGCONT)
    done, told = run.result(), [d.code for d in sends.result()]
    up = cluster.all_up(40)
    chaos.say(f"{what}: run {done.code} in {done.seconds:.1f} s; messages meanwhile {told};"
              f" all up {time.monotonic() - begin - seconds:.1f} s after it went on")
    judge(what, done, undisturbed.out)
    chaos.hold(set(told) <= {0, 69, 76, 124}, f"{what}: messages are done, or not, or unknown")
    chaos.hold(up, f"{what}: all nodes are up within 40 s")


def run(world):
    sets = ["models.offline_delay=250ms", "agents.pool_size=2"]
    with world.cluster(sets=sets) as cluster:
        undisturbed = cluster.digest(chaos.LICENCES)
        chaos.hold(undisturbed.code == 0, f"an undisturbed run succeeds: {undisturbed.words}")
        seen = collections.Counter()
        for number in range(world.rounds):
            kill_one(world, cluster, number, undisturbed, seen)
        chaos.say(f"undisturbed {undisturbed.seconds:.1f} s; {dict(seen)}")
        if world.rounds >= ROUNDS_WITH_STOPS:
            for kind in ("worker", "owner"):
                for seconds in STOPPED_SECONDS:
                    stop_one(cluster, kind, seconds, undisturbed)


if __name__ == "__main__":
    raise SystemExit(chaos.main(__doc__, run, ROUNDS, ROUNDS_MEAN))
