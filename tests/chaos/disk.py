#!/usr/bin/env python3
"""A disk that fills up (root: a tmpfs), and syncs and writes that fail (strace).

Held: no acknowledged fact is lost, neither in the same process nor after kill -9. What is not
written is not acknowledged. Once there is room, the cluster writes again within half a minute.
"""
import contextlib
import os
import shutil
import subprocess

import chaoslib as chaos

ROUNDS, QUICK, ROUNDS_MEAN = 9, 1, "sorts of failures that are injected"
FACTS, FILLED_AT, FULL_AT = 40, 10, 25
DISK_MB, LEFT_BYTES = 110, 1_000_000
WRITES_AGAIN_SECONDS = 30
MAY_BE_TOLD = {0, 1, 69, 73, 76, 124}
INJECTED = (
    ["fdatasync:error=EIO:when=2"], ["write:error=EIO:when=12"],
    ["fdatasync:error=ENOSPC:when=1"], ["write:error=ENOSPC:when=8..9"],
    ["fdatasync:error=EIO:when=3..6"], ["write:error=EIO:when=3+5"],
    ["fdatasync:error=ENOSPC:when=4+4", "write:error=ENOSPC:when=20+7"],
    ["fdatasync:error=EIO:when=17"], ["fdatasync:delay_enter=300000:when=3+3"],
)


class Facts:
    def __init__(self, cluster):
        self.cluster, self.acknowledged, self.codes = cluster, [], {}

    def tell(self, number):
        done = self.cluster.send(f"librarian/k{number % 5}", f"Remember: fact zq{number} is told.",
                                 "--timeout", "10s")
        chaos.hold(done.code in MAY_BE_TOLD, f"what is told of a fact: {done.code} {done.words}")
        self.codes[done.code] = self.codes.get(done.code, 0) + 1
        if done.code == 0:
            self.acknowledged.append(number)
        return done

    def check(self, when):
        for number in self.acknowledged:
            done = self.cluster.send(f"librarian/k{number % 5}", f"What is fact zq{number}?")
            chaos.hold(f"zq{number} is told." in done.out,
                       f"{when}: an acknowledged fact is known, zq{number}: {done.words}")

    def tell_again(self, number, when):
        written = chaos.until(lambda: self.tell(number).code == 0, WRITES_AGAIN_SECONDS, 0.5)
        chaos.hold(written, f"{when}: facts are written again within {WRITES_AGAIN_SECONDS} s")


def kill_and_check(cluster, facts, when):
    cluster.kill("node-1")
    chaos.hold(cluster.all_up(40), f"{when}: the node is up again within 40 s of a kill -9")
    facts.check(f"{when}, after kill -9")


@contextlib.contextmanager
def small_disk(world, mb=DISK_MB):
    if not chaos.is_root():
        raise chaos.Skipped("a small disk needs root")
    folder = world.folder("disk")
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={mb}m", "none", folder],
                             capture_output=True, text=True)
    if mounted.returncode:
        raise chaos.Skipped(f"cannot mount a tmpfs: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        chaos.sweep(world.mark)
        subprocess.run(["umount", "-l", folder])


def fill_up(world):
    sets = ("storage.free_min=1MiB",)  # the stores themselves refuse
    with small_disk(world) as disk, world.cluster(1, sets, disk + "/d") as cluster:
        facts = Facts(cluster)
        for number in range(FACTS):
            facts.tell(number)
            if number in (FILLED_AT, FULL_AT):
                left = LEFT_BYTES if number == FILLED_AT else 0
                with contextlib.suppress(OSError), open(f"{disk}/fill{number}", "wb") as file:
                    file.write(b"x" * max(0, shutil.disk_usage(disk).free - left))
        chaos.say(f"a disk that fills up: exit codes {facts.codes}")
        chaos.hold(any(facts.codes.get(c) for c in (1, 69, 73)), "a full disk is noticed")
        chaos.hold(cluster.nodes() != {}, "`status` answers on a full disk")
        facts.check("on the full disk")
        for number in (FILLED_AT, FULL_AT):
            os.remove(f"{disk}/fill{number}")
        facts.tell_again(900, "with room again")
        kill_and_check(cluster, facts, "with room again")


def inject(world, what):
    with world.cluster(nodes=1) as cluster:
        facts, pid, trace = Facts(cluster), cluster.pid(), world.home + "/strace"
        for number in range(3):
            facts.tell(number)
        tracer = world.start(["strace", "-f", "-q", "-p", str(pid), "-o", trace]
                             + [word for one in what for word in ("-e", "inject=" + one)],
                             stderr=subprocess.PIPE, text=True)
        chaos.until(lambda: chaos.field_of(pid, "TracerPid") or tracer.poll() is not None, 5)
        if tracer.poll() is not None:
            raise chaos.Skipped(f"strace may not attach: {tracer.stderr.read().strip()}")
        facts.codes = {}
        for number in range(3, 24):
            facts.tell(number)
        same = cluster.pid() == pid
        tracer.terminate()
        tracer.wait()
        with open(trace, errors="replace") as lines:
            hits = sum("INJECTED" in line or "DELAYED" in line for line in lines)
        when = " ".join(what)
        facts.tell_again(990, when)
        facts.check(when)
        kill_and_check(cluster, facts, when)
        chaos.say(f"{when}: {hits} times, {'same process' if same else 'it ended'}, exit codes"
                  f" {facts.codes}, none of {len(facts.acknowledged)} lost")
        chaos.hold(hits > 0, f"{when}: something failed")


def run(world):
    left_out = []
    try:
        fill_up(world)
    except chaos.Skipped as why:
        left_out.append(f"a full disk: {why}")
    try:
        if not shutil.which("strace"):
            raise chaos.Skipped("strace is not installed")
        for what in INJECTED[:world.rounds]:
            inject(world, what)
    except chaos.Skipped as why:
        left_out.append(f"failing writes: {why}")
    if len(left_out) == 2:
        raise chaos.Skipped("; ".join(left_out))
    for why in left_out:
        chaos.say(f"left out: {why}")


if __name__ == "__main__":
    raise SystemExit(chaos.main(__doc__, run, ROUNDS, ROUNDS_MEAN))
