#!/usr/bin/env python3
"""A stranger on the port of a node that is down relays that port to another node. With root, the
stranger is another user.

Held: the two healthy nodes see each other up all the time, and messages between them arrive.
"""
import time

import chaoslib as chaos

ROUNDS, QUICK, ROUNDS_MEAN = 20, 8, "looks at the two nodes, five a second"
SETTLES = 6  # seconds; by then a newly dialled link would have replaced the good one


def run(world):
    with world.cluster(arguments=["--no-restart"]) as cluster:
        nodes = cluster.nodes()
        # The lower id dials: `low` dials `dead` and reaches `high`.
        low, dead, high = sorted(nodes, key=lambda name: nodes[name]["id"])
        cluster.kill(dead)
        with world.stranger("relay", nodes[dead]["address"], nodes[high]["address"]) as stranger:
            time.sleep(SETTLES)
            sent = 0
            for i in range(world.rounds):
                for one, other in ((low, high), (high, low)):
                    seen = cluster.nodes("--peer", nodes[one]["address"])
                    state = seen.get(other, {}).get("state", "not known")
                    chaos.hold(state == "up", f"{one} sees {other} up, not {state}")
                done = cluster.send(f"echo/q{i}", "hi", "--peer", nodes[high]["address"],
                                    "--timeout", "3s")
                chaos.hold(done.code == 0 or f"{dead} (" in done.words,
                           f"a message through {high} arrives: {done.code} {done.words}")
                sent += done.code == 0
                time.sleep(0.2)
            stranger.terminate()
            relayed = stranger.stdout.read().count("relayed")
        chaos.hold(relayed > 0, "the stranger relayed something")
        chaos.say(f"{relayed} connections relayed; the two saw each other up {2 * world.rounds}"
                  f" times; {sent} messages arrived, the others have their home on {dead}")


if __name__ == "__main__":
    raise SystemExit(chaos.main(__doc__, run, ROUNDS, ROUNDS_MEAN))
