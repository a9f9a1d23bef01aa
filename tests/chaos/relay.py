#!/usr/bin/env python3
"""A stranger on the port of a node that is down relays everything to a node that is up, and changes
it. With root, the stranger is another user.

Held: clients that know which node they want tell the stranger nothing: by the folder, or by --peer
with an address that the folder knows. The stranger may read a client that has only an address and a
secret. What the stranger changes is not done, and the client does not hear that it was done.
"""
import os

import chaoslib as chaos

ROUNDS, QUICK, ROUNDS_MEAN = 8, 4, "messages of each sort"
AGENTS_ANYWHERE = 24  # a third of them lives where nobody answers: never all
RIGHT, WRONG = "room 42", "room 66"


def tell(cluster, agent, *more):
    return cluster.send(agent, f"Remember: the safe is in {RIGHT}.", "--timeout", "5s", *more)


def unnamed(world, cluster, agent, address):
    """A client that knows no node id, only an address, the secret and the cluster's name."""
    secret = world.folder("secret") + "/secret"
    with open(secret, "wb") as file:
        file.write(cluster.secret() + b"\n")
    os.chmod(secret, 0o600)
    return world.troupe("send", agent, f"Remember: the safe is in {RIGHT}.", "--timeout", "5s",
                        "--peer", address, "--secret-file", secret, "--cluster", "default")


def knows(cluster, agent, live):
    done = cluster.send(agent, "Where is the safe?", "--peer", live)
    return done.out if done.code == 0 else None  # None: its home is the node that is down


def run(world):
    with world.cluster(arguments=["--no-restart"]) as cluster:
        nodes = cluster.nodes()
        dead, live = nodes["node-2"]["address"], nodes["node-1"]["address"]
        cluster.kill("node-2")
        with world.stranger("relay", dead, live, RIGHT, WRONG) as stranger:
            named, plain = [], []
            for i in range(world.rounds):
                named.append(tell(cluster, f"librarian/n{i}", "--peer", dead))
            for i in range(AGENTS_ANYWHERE):
                plain.append(tell(cluster, f"librarian/p{i}"))
            stranger.terminate()
            seen = stranger.stdout.read().splitlines()
        chaos.hold(not any(line.startswith("read") for line in seen),
                   f"a stranger reads nothing of clients who know whom they want: {seen[-3:]}")
        chaos.hold(any(done.code == 0 for done in plain), "clients get through elsewhere")
        lost = [done.words for done in plain if done.code != 0 and "is on node-2" not in done.words]
        chaos.hold(not lost, f"who cannot be reached lives on the node that is down: {lost[:2]}")
        with world.stranger("relay", dead, live, RIGHT, WRONG) as stranger:
            told = [unnamed(world, cluster, f"librarian/u{i}", dead) for i in range(world.rounds)]
            stranger.terminate()
            changed = stranger.stdout.read()
        chaos.hold("read" in changed, "the stranger saw, and changed, what unnamed clients sent")
        for i, done in enumerate(told):
            known = knows(cluster, f"librarian/u{i}", live)
            chaos.hold(WRONG not in (known or ""), f"what a stranger changed is not done: {known}")
            chaos.hold(done.code != 0 or known is None or RIGHT in known,
                       f"what is acknowledged was done as it was sent: {done.words} {known}")
        for sort, done in (("n", named), ("p", plain)):
            for i, one in enumerate(done):
                known = knows(cluster, f"librarian/{sort}{i}", live)
                chaos.hold(one.code != 0 or known is None or RIGHT in known,
                           f"what is acknowledged was done as it was sent: {known}")

        def codes(done):
            return sorted(d.code for d in done)
        chaos.say(f"relayed {sum(line == 'relayed' for line in seen)}; exit codes: --peer"
                  f" {codes(named)}, folder {codes(plain)}, unnamed {codes(told)}")


if __name__ == "__main__":
    raise SystemExit(chaos.main(__doc__, run, ROUNDS, ROUNDS_MEAN))
