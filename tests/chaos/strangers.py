#!/usr/bin/env python3
"""2,000 silent connections at each port of a node, reopened whenever the node closes them.

Held: `troupe status`, by the folder and by --peer, and GET /health answer, and none fails. In the
median each takes at most 100 ms more than without strangers, and never two seconds. More is allowed
only on a machine that is busy with other things, where it takes long without strangers too.
"""
import statistics

import chaoslib as chaos

ROUNDS, QUICK, ROUNDS_MEAN = 15, 5, "questions of each sort, for each kind of stranger"
CONNECTIONS = 2000
KINDS = ("silent", "half", "preface", "idle")
MEDIAN_MS_MORE_MAX, WORST_MS_MAX = 100, 2000
QUICK_SLACK = 10  # the quick form checks only answers, since other tests may run beside it
BUSY_FACTOR = 4  # times the duration without strangers


def measure(world, cluster):
    """{question: [milliseconds]}, for the first node"""
    links, https = cluster.addresses()
    taken = {"status": [], "status --peer": [], "/health": []}

    def ask(what, code, right, seconds, words):
        chaos.hold(code == right, f"{what} answers among strangers: {words}")
        taken[what].append(seconds * 1000)
    for _ in range(world.rounds):
        done = cluster.on("status")
        ask("status", done.code, 0, done.seconds, done.words)
        done = cluster.on("status", "--peer", links[0])
        ask("status --peer", done.code, 0, done.seconds, done.words)
        code, seconds = chaos.health(https[0])
        ask("/health", code, 200, seconds, code)
    return taken


def shown(taken):
    return "; ".join(f"{what} median {statistics.median(ms):.0f}, worst {max(ms):.0f} ms"
                     for what, ms in taken.items())


def run(world):
    with world.cluster(nodes=1) as cluster:
        links, https = cluster.addresses()
        quiet = measure(world, cluster)
        chaos.say(f"nobody there: {shown(quiet)}")
        for kind in KINDS:
            with world.stranger("hold", kind, CONNECTIONS, *links, *https):
                taken = measure(world, cluster)
            chaos.say(f"{CONNECTIONS} {kind} at each of 2 ports: {shown(taken)}")
            for what, ms in taken.items():
                alone = statistics.median(quiet[what])
                slack = QUICK_SLACK if world.rounds <= QUICK else 1
                more, allowed = statistics.median(ms) - alone, BUSY_FACTOR * alone
                more_max = max(MEDIAN_MS_MORE_MAX * slack, allowed)
                worst_max = max(WORST_MS_MAX * slack, 10 * allowed)
                chaos.hold(more <= more_max, f"{what} takes at most {more_max:.0f} ms more among"
                           f" strangers ({kind}), not {more:.0f}")
                chaos.hold(max(ms) <= worst_max, f"{what} never takes {worst_max:.0f} ms among"
                           f" strangers ({kind}): {max(ms):.0f}")


if __name__ == "__main__":
    raise SystemExit(chaos.main(__doc__, run, ROUNDS, ROUNDS_MEAN))
