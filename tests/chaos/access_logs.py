#!/usr/bin/env python3
"""Ordinary access logs: large, with numbers in each line that occur in no other line.

Held: a folder of them is read within a minute with at most 250 MB of memory, which is given back.
"""
import chaoslib as chaos
from chaoslib import MB

ROUNDS, QUICK, ROUNDS_MEAN = 30, 6, "megabytes of the largest log; then three of a third"
PEAK_MB_MAX, KEPT_MB_MAX, RUN_SECONDS_MAX = 250, 150, 60
LINE = ("2026-11-26T%02d:%02d:%02d.%03dZ INFO gateway request=%032x user=%d path=/v1/items/%d"
        " took %d us status 200\n")


def log(random, size):
    lines, written, i = [], 0, 0
    while written < size:
        line = LINE % (i // 3600 % 24, i // 60 % 60, i % 60, i % 1000, random.getrandbits(128),
                       random.randrange(10**6), random.randrange(10**7), random.randrange(10**6))
        lines.append(line)
        written, i = written + len(line), i + 1
    return "".join(lines)


def run(world):
    largest = log(world.random, world.rounds * MB)
    for count, text in ((1, largest), (3, largest[:len(largest) // 3])):
        folder = world.folder("logs", {f"access{i}.log": f"file {i}\n{text}" for i in range(count)})
        what = f"{count} x {len(text) // MB} MB"
        with world.cluster(nodes=1) as cluster:
            pid = cluster.pid()
            with chaos.Peak(pid) as peak:
                done = cluster.digest(folder, question="Which request failed with status 500?",
                                      timeout=150)
            back = chaos.until(lambda: chaos.rss_mb(pid) <= KEPT_MB_MAX, 10)
            chaos.say(f"{what}: {done.code} in {done.seconds:.1f} s, {peak.mb:.0f} MB at most, then"
                      f" {chaos.rss_mb(pid):.0f} MB")
            chaos.hold(done.code == 0, f"{what}: read: {done.code} {done.last}")
            chaos.hold(done.seconds <= RUN_SECONDS_MAX, f"{what}: within {RUN_SECONDS_MAX} s")
            chaos.hold(peak.mb <= PEAK_MB_MAX, f"{what}: with at most {PEAK_MB_MAX} MB")
            chaos.hold(back, f"{what}: all but {KEPT_MB_MAX} MB are given back within 10 s")


if __name__ == "__main__":
    raise SystemExit(chaos.main(__doc__, run, ROUNDS, ROUNDS_MEAN))
