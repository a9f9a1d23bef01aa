#!/usr/bin/env python3
"""Documents within the limits whose words are all different.

Held: they are read, one of 30 MB with at most 300 MB of memory, and four of 15 MB with no more.
Others are answered meanwhile, and the memory is given back.
"""
import time

import chaoslib as chaos
from chaoslib import MB

ROUNDS, QUICK, ROUNDS_MEAN = 30, 4, "megabytes of the largest document"
PEAK_MB_MAX, KEPT_MB_MAX, OTHERS_SECONDS_MAX, RUN_SECONDS_MAX = 300, 200, 5, 150


def read(world, data, count):
    folder = world.folder("doc", {f"{i}.txt": b"doc %d " % i + data for i in range(count)})
    what = f"{count} x {len(data) // MB} MB"
    with world.cluster(nodes=1) as cluster:
        pid, slowest, asked = cluster.pid(), 0.0, 0
        with chaos.Peak(pid) as peak:
            run = chaos.Background(lambda: cluster.digest(folder, question="What must I give?",
                                                          timeout=RUN_SECONDS_MAX))
            while run.running():
                told = cluster.send("librarian/x", f"Remember: meanwhile {asked}.")
                chaos.hold(told.code == 0, f"{what}: others are answered: {told.words}")
                slowest, asked = max(slowest, told.seconds), asked + 1
                time.sleep(0.3)
        done = run.result()
        back = chaos.until(lambda: chaos.rss_mb(pid) <= KEPT_MB_MAX, 10)
        chaos.say(f"{what}: {done.code} in {done.seconds:.1f} s, {peak.mb:.0f} MB at most, then"
                  f" {chaos.rss_mb(pid):.0f} MB; {asked} messages meanwhile,"
                  f" {slowest:.2f} s at most")
        chaos.hold(done.code == 0, f"{what}: read: {done.code} {done.last}")
        chaos.hold(peak.mb <= PEAK_MB_MAX, f"{what}: with at most {PEAK_MB_MAX} MB")
        chaos.hold(back, f"{what}: all but {KEPT_MB_MAX} MB are given back within 10 s")
        chaos.hold(slowest <= OTHERS_SECONDS_MAX, f"{what}: others wait {OTHERS_SECONDS_MAX} s at"
                   f" most, not {slowest:.1f}")
        chaos.hold(cluster.pid() == pid, f"{what}: the node is the same process")


def run(world):
    size = world.rounds * MB
    data = b" ".join(b"w%x" % i for i in range(size // 7))[:size]
    read(world, data[:size // 4], 1)
    read(world, data, 1)
    read(world, data[:size // 2], 4)


if __name__ == "__main__":
    raise SystemExit(chaos.main(__doc__, run, ROUNDS, ROUNDS_MEAN))
