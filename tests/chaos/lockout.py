#!/usr/bin/env python3
"""A stranger keeps 300 silent connections at the ports of two nodes, then of all nodes. With root,
the stranger is another user.

Held: clients get through within a second, by the folder and by --peer, /health answers, and a node
that is killed meanwhile is up again within 15 s. The nodes neither grow nor work much because of
it.
"""
import time

import chaoslib as chaos

ROUNDS, QUICK, ROUNDS_MEAN = 6, 3, "messages of each sort"
CONNECTIONS = 300
SECONDS_MAX, UP_SECONDS_MAX, GROWN_MB_MAX = 1.0, 15, 30


def try_all(world, cluster, what):
    links, https = cluster.addresses()
    slowest = 0
    for i in range(world.rounds):
        for more in ((), ("--peer", links[i % 3])):
            done = cluster.send("librarian/lock", f"Remember: lock {what} {i}.", *more)
            chaos.hold(done.code == 0, f"{what}: a client gets through: {done.code} {done.words}")
            slowest = max(slowest, done.seconds)
        code, seconds = chaos.health(https[i % 3])
        chaos.hold(code == 200, f"{what}: /health answers: {code}")
        slowest = max(slowest, seconds)
    chaos.hold(slowest <= SECONDS_MAX,
               f"{what}: nothing takes longer than {SECONDS_MAX} s, not {slowest:.2f}")
    return slowest


def run(world):
    with world.cluster() as cluster:
        links, https = cluster.addresses()
        quiet = try_all(world, cluster, "nobody there")
        before = chaos.rss_mb(cluster.pid("node-2"))
        with world.stranger("hold", "silent", CONNECTIONS, *links[:2], *https[:2]):
            two = try_all(world, cluster, "two of three")
            cluster.kill("node-1")
            begin = time.monotonic()
            chaos.hold(cluster.all_up(UP_SECONDS_MAX),
                       f"a node killed meanwhile is up again within {UP_SECONDS_MAX} s")
            back = time.monotonic() - begin
        with world.stranger("hold", "silent", CONNECTIONS, *links, *https):
            three = try_all(world, cluster, "all three")
        grown = chaos.rss_mb(cluster.pid("node-2")) - before
        chaos.say(f"slowest: nobody there {quiet:.2f} s, two of three {two:.2f} s, all"
                  f" {three:.2f} s; killed node back after {back:.1f} s; grown {grown:.0f} MB")
        chaos.hold(grown <= GROWN_MB_MAX, f"a node grows by at most {GROWN_MB_MAX} MB")


if __name__ == "__main__":
    raise SystemExit(chaos.main(__doc__, run, ROUNDS, ROUNDS_MEAN))
