#!/usr/bin/env python3
"""Agents, clients and runs come and go: is memory, disk space or a descriptor lost?

Held: an agent that was used, became idle and left costs less than 200 bytes of memory; a client
costs no descriptor; a run costs no document and less than a kilobyte of memory. A node with
thousands of durable agents is up within 5 s after a kill -9 and knows what they were told.
"""
import os
import time

import chaoslib as chaos
import wire

ROUNDS, QUICK, ROUNDS_MEAN = 3000, 300, "agents of each sort; a twentieth as many runs"
AGENT_BYTES_MAX, DURABLE_BYTES_MAX, RUN_KB_MAX = 200, 1000, 40
SLACK_MB = 12  # caches of RocksDB and the allocator, which are bounded
UP_SECONDS_MAX, QUIET_SECONDS_MAX = 5, 60


class Growth:
    def __init__(self, world, cluster):
        self.world, self.cluster, self.pid = world, cluster, cluster.pid()
        self.address = chaos.place(cluster.addresses()[0][0])

    def client(self):
        return wire.Client(self.address, self.cluster.secret(), timeout=20)

    def quiet(self):
        """Once no agent and no document is left: (memory in MB, disk in KB, descriptors)."""
        def rest():
            node = self.cluster.nodes().get("node-1", {"agents": -1})
            return node["agents"] == 0 and node["blobs"] == 0
        chaos.hold(chaos.until(rest, QUIET_SECONDS_MAX, 0.5),
                   f"agents rest and documents go within {QUIET_SECONDS_MAX} s")
        disk = 0
        for folder, _, files in os.walk(self.cluster.data + "/node-1"):
            for name in files:
                if not name.startswith(("log.", "output.log")):
                    try:
                        disk += os.lstat(os.path.join(folder, name)).st_blocks / 2
                    except OSError:
                        pass  # RocksDB has removed it meanwhile
        return chaos.rss_mb(self.pid), disk, chaos.descriptors(self.pid)

    def stage(self, what, count, one, bytes_max):
        """Does one(i) a tenth of the times, then the rest. What the rest adds is growth."""
        for i in range(count // 10):
            one(i)
        before, begin = self.quiet(), time.monotonic()
        for i in range(count // 10, count):
            one(i)
        seconds = time.monotonic() - begin
        after = self.quiet()
        chaos.say(f"{count} {what} in {seconds:.1f} s: memory {before[0]:.1f} -> {after[0]:.1f} MB,"
                  f" disk {before[1]:.0f} -> {after[1]:.0f} KB, descriptors {before[2]} ->"
                  f" {after[2]}")
        allowed = SLACK_MB + bytes_max * count / chaos.MB
        chaos.hold(after[0] - before[0] <= allowed, f"{what}: memory grows by at most"
                   f" {allowed:.1f} MB, not {after[0] - before[0]:.1f}")
        chaos.hold(after[2] <= before[2] + 4, f"{what}: descriptors come back")
        return (after[1] - before[1]) / count


def run(world):
    # The files of a durable run stay until the journal forgets it.
    sets = ["agents.idle=500ms", "storage.blob_keep=1s", "runs.durability=off"]
    with world.cluster(nodes=1, sets=sets) as cluster:
        growth = Growth(world, cluster)
        client, count = growth.client(), world.rounds
        growth.stage("echo agents", count, lambda i: client.ask(f"echo/e{i}", "hi"),
                     AGENT_BYTES_MAX)
        growth.stage("librarians told a fact", count, lambda i: client.ask(
            f"librarian/g{i}", f"Remember: fact {i} is here."), DURABLE_BYTES_MAX)
        growth.stage("clients", count, lambda _: growth.client().close(), AGENT_BYTES_MAX)
        folder = world.folder("docs")

        def digest(number):
            with open(folder + "/d.txt", "w") as file:
                file.write(f"Document {number} says that you must give the program away. " * 400)
            done = cluster.digest(folder)
            chaos.hold(done.code == 0, f"a run succeeds: {done.words}")
        each = growth.stage("runs of a new document", count // 20, digest, 1024)
        chaos.hold(each <= RUN_KB_MAX, f"a run leaves at most {RUN_KB_MAX} KB on disk: {each:.1f}")
        begin = time.monotonic()
        cluster.kill("node-1")
        chaos.hold(cluster.all_up(UP_SECONDS_MAX), f"up within {UP_SECONDS_MAX} s of a kill -9")
        seconds = time.monotonic() - begin
        number = world.random.randrange(count)
        done = cluster.send(f"librarian/g{number}", f"What is fact {number}?")
        chaos.say(f"with {count} durable agents up {seconds:.1f} s after a kill -9")
        chaos.hold(f"fact {number} is here" in done.out, f"what was told is known: {done.words}")


if __name__ == "__main__":
    raise SystemExit(chaos.main(__doc__, run, ROUNDS, ROUNDS_MEAN))
