#!/usr/bin/env python3
"""The owner or a worker of a durable run is stopped (SIGSTOP) for 3 and for 15 s; then the wall
clock of all nodes jumps by a day and by ten years, either way, while a durable run is under way.

Held: each run has one result, the right one, through its client and for whoever asks later. No call
is made again after its outcome was recorded, and each that is made again is reported. With a clock
that jumps nothing is made again, no process ends, and none is busy with timers.
"""
import glob
import json
import os
import signal
import time

import chaoslib as chaos
import provider as providers
import run_judge
import run_load

ROUNDS, QUICK, ROUNDS_MEAN = 8, 0, "of four stops and four jumps; with less than 8 the first ones"
STOPS = [(kind, seconds) for seconds in (3, 15) for kind in ("owner", "worker")]
DAY, TEN_YEARS = 86400, 315360000
JUMPS = (DAY, -DAY, TEN_YEARS, -TEN_YEARS)
LATENCY_MS, UNDER_WAY_SECONDS = 1000, 0.5
IDLE_SECONDS, BUSY_SHARE_MAX = 2, 0.5


def log(**_):
    pass


def submit(cluster, provider, key):
    """(submission, owner) of a run that is under way."""
    one = run_load.Submitted(key)
    done = one.submit(cluster, provider, log, detach=True)
    chaos.hold(done.code == 0, f"a run is accepted: {done.words}")
    time.sleep(UNDER_WAY_SECONDS)
    return one, run_load.parsed(done.out)["owner"]


def judge(cluster, provider, one, what, ended):
    """`ended`: how many processes may have lost their calls."""
    verdict = run_load.judge_submitted(cluster, provider, [one], log, ended)
    for statement in verdict.all():
        raise chaos.Violated(f"{what}: {statement}")
    return verdict.paid_twice


def stop_one(cluster, provider, kind, seconds):
    what = f"{kind} stopped for {seconds} s"
    one, owner = submit(cluster, provider, f"{kind}-{seconds}")
    name = owner if kind == "owner" else next(n for n in cluster.names() if n != owner)
    others = [link for node, link in zip(cluster.names(), cluster.addresses()[0]) if node != name]
    pid = cluster.pid(name)
    begin = time.monotonic()
    os.kill(pid, signal.SIGSTOP)
    client = chaos.Background(one.submit, cluster, provider, log, False, "--peer", others[0])
    time.sleep(seconds)
    os.kill(pid, signal.SIGCONT)
    done = client.result()
    if done.code != 0:  # it could not know; the run goes on
        done = cluster.on("runs", "attach", sorted(one.ids)[0], "--json")
    chaos.hold(run_load.parsed(done.out).get("result") == provider.result(one.text),
               f"{what}: the result comes: {done.code} {done.words}")
    took = time.monotonic() - begin
    chaos.hold(cluster.all_up(40), f"{what}: all nodes are up within 40 s")
    chaos.hold(cluster.pid(name) == pid, f"{what}: no process ends")
    time.sleep(LATENCY_MS / 1000)  # what is still open at the provider is billed
    twice = judge(cluster, provider, one, what, ended=1)
    chaos.say(f"{what}: one result after {took:.1f} s, {twice} calls made again and reported")


def last_time(cluster, name):
    lines = open(f"{cluster.data}/{name}/log.jsonl", errors="replace").read().splitlines()
    return json.loads(lines[-1])["ts"]


class Clock:
    """The wall clock of the nodes and commands of a world, by libfaketime."""

    def __init__(self, world):
        found = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
        if not found:
            raise chaos.Skipped("libfaketime is not installed (`scripts/setup --tests`)")
        self.file = world.home + "/offset"
        self.jump(0)
        world.environment.update(LD_PRELOAD=found[0], FAKETIME_TIMESTAMP_FILE=self.file,
                                 FAKETIME_NO_CACHE="1", DONT_FAKE_MONOTONIC="1")

    def jump(self, seconds):
        """By a rename, so that nobody reads half of it."""
        with open(self.file + ".next", "w") as file:
            file.write(f"{seconds:+d}\n")
        os.rename(self.file + ".next", self.file)


def jump_once(cluster, provider, clock, seconds):
    what = f"a clock that jumps by {seconds / DAY:+.0f} days"
    pids = cluster.pids()
    one, owner = submit(cluster, provider, f"jump{seconds}")
    clock.jump(seconds)
    begin = time.monotonic()
    done = one.submit(cluster, provider, log, detach=False)
    chaos.hold(done.code == 0, f"{what}: the run's client gets its result: {done.words}")
    took = time.monotonic() - begin
    stamp, expected = last_time(cluster, owner), time.gmtime(time.time() + seconds)
    chaos.hold(stamp.startswith(time.strftime("%Y-%m-%d", expected)),
               f"{what}: the clock of {owner} has jumped: {stamp}")
    one.told_end = None  # by a clock that did not jump
    twice = judge(cluster, provider, one, what, ended=0)
    before = {name: chaos.cpu_seconds(pid) for name, pid in pids.items()}
    time.sleep(IDLE_SECONDS)
    busy = max(chaos.cpu_seconds(pid) - before[name] for name, pid in pids.items()) / IDLE_SECONDS
    chaos.say(f"{what}: one result after {took:.1f} s, {twice} calls made again, idle nodes use"
              f" {busy:.0%} of a core")
    chaos.hold(busy <= BUSY_SHARE_MAX, f"{what}: no storm of timers: {busy:.0%} of a core")
    clock.jump(0)
    told = cluster.on("runs", "show", sorted(one.ids)[0], "--json")
    chaos.hold(run_load.parsed(told.out).get("state") == "succeeded",
               f"{what}, and back: the run is there: {told.words}")
    chaos.hold(cluster.all_up(20) and cluster.pids() == pids, f"{what}, and back: no process ends")


def run(world):
    run_judge.try_itself()
    provider = providers.Provider(world, LATENCY_MS)
    with world.cluster(arguments=["--config", provider.config]) as cluster:
        for kind, seconds in STOPS[:world.rounds]:
            stop_one(cluster, provider, kind, seconds)
    jumps = JUMPS[:max(0, world.rounds - len(STOPS))]
    if not jumps:
        return
    try:
        clock = Clock(world)  # not that of the provider, whose ledger the judge reads
    except chaos.Skipped as why:
        return chaos.say(f"left out: jumps of the clock: {why}")
    with world.cluster(arguments=["--config", provider.config]) as cluster:
        for seconds in jumps:
            jump_once(cluster, provider, clock, seconds)


if __name__ == "__main__":
    raise SystemExit(chaos.main(__doc__, run, ROUNDS, ROUNDS_MEAN))
