#!/usr/bin/env python3
"""A run of N tasks that each take the list of N results, and other work of its owner meanwhile.

Held: another run, a message and a status at the same node each take at most a second in the median
and never five. The large run ends, and memory stays bounded.
"""
import statistics
import time

import chaoslib as chaos

ROUNDS, QUICK, ROUNDS_MEAN = 40_000, 10_000, "tasks, each of which takes as many results"
MEDIAN_SECONDS_MAX, WORST_SECONDS_MAX, NODE_MB_MAX, LARGE_SECONDS_MAX = 1.0, 5.0, 600, 150


def graph_of(count):
    items = "[" + ",".join(["a"] * count) + "]"
    return ("graph: a\ntasks:\n"
            f"  - {{id: x, role: echo, for_each: {items}, input: {{text: $item}}}}\n"
            f"  - {{id: y, role: noop, for_each: {items}, input: {{a: $tasks.x}}}}\n")


def run(world):
    graph = world.folder("graph", {"g.yaml": graph_of(world.rounds)}) + "/g.yaml"
    with world.cluster(nodes=2) as cluster:
        to_owner = ("--peer", cluster.addresses()[0][0])
        large = chaos.Background(lambda: cluster.on("run", graph, *to_owner,
                                                    timeout=LARGE_SECONDS_MAX))
        time.sleep(0.1)
        taken = {"run": [], "send": [], "status": []}
        most = 0.0
        looks = 0
        while large.running() or not looks:
            looks += 1
            for what, words in (("run", ("chain",)), ("send", ("echo/a", "hi")), ("status", ())):
                done = cluster.on(what, *words, *to_owner)
                chaos.hold(done.code == 0, f"{what} meanwhile succeeds: {done.code} {done.words}")
                taken[what].append(done.seconds)
            most = max(most, *(chaos.rss_mb(pid) for pid in cluster.pids().values()))
            time.sleep(0.05)
        done = large.result()
        chaos.say(f"{world.rounds} x {world.rounds}: {done.code} in {done.seconds:.1f} s, nodes"
                  f" {most:.0f} MB; meanwhile "
                  + "; ".join(f"{what} {len(s)} times, median {statistics.median(s):.2f}, worst"
                              f" {max(s):.2f} s" for what, s in taken.items()))
        chaos.hold(done.code == 0, f"the large run succeeds: {done.code} {done.last}")
        chaos.hold(most <= NODE_MB_MAX, f"a node has at most {NODE_MB_MAX} MB")
        for what, seconds in taken.items():
            chaos.hold(statistics.median(seconds) <= MEDIAN_SECONDS_MAX
                       and max(seconds) <= WORST_SECONDS_MAX, f"{what} is not starved")


if __name__ == "__main__":
    raise SystemExit(chaos.main(__doc__, run, ROUNDS, ROUNDS_MEAN))
