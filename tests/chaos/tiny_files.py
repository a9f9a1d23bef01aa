#!/usr/bin/env python3
"""Folders with very many tiny files.

Held: 10,000 files of 20 bytes are read, sent and reported within 20 s, twice. A librarian remembers
and finds them. 10,001 files are refused at once with exit code 64 and a message that names the
limit. Memory stays bounded.
"""
import chaoslib as chaos

ROUNDS, QUICK, ROUNDS_MEAN = 10_000, 2000, "files; the limit of 10,000 is tried from there on"
FILES_MAX = 10_000
RUN_SECONDS_MAX, REFUSED_SECONDS_MAX, NODE_MB_MAX = 20, 3, 400
QUESTION = "What must be given?"


def text(number):
    return f"x{number} must be given.\n"


def run(world):
    folder = world.folder("many", ((str(i), text(i)) for i in range(world.rounds)))
    with world.cluster(nodes=2) as cluster:
        pids, shown = cluster.pids(), []
        for what in ("first", "again"):
            done = cluster.digest(folder, question=QUESTION, timeout=120)
            shown.append(f"{what} {done.seconds:.1f} s")
            chaos.hold(done.code == 0,
                       f"{world.rounds} tiny files are read: {done.code} {done.last}")
            chaos.hold(done.seconds <= RUN_SECONDS_MAX, f"within {RUN_SECONDS_MAX} s, not"
                       f" {done.seconds:.1f}")
        told = cluster.send("librarian/m", f"Remember the folder {folder}", timeout=90)
        chaos.hold(told.code == 0, f"a librarian remembers them: {told.words}")
        asked = cluster.send("librarian/m", "What must be given with x77?", timeout=90)
        chaos.hold(asked.code == 0 and "x77 must be given" in asked.out,
                   f"it finds one of them: {asked.code} {asked.words[:200]}")
        most = max(chaos.rss_mb(pid) for pid in pids.values())
        chaos.say(f"{world.rounds} files: {', '.join(shown)}; remembered in {told.seconds:.1f} s,"
                  f" asked in {asked.seconds:.1f} s; nodes {most:.0f} MB")
        chaos.hold(most <= NODE_MB_MAX, f"a node has at most {NODE_MB_MAX} MB")
        chaos.hold(cluster.pids() == pids, "the nodes are the same processes")
        if world.rounds == FILES_MAX:
            with open(f"{folder}/{FILES_MAX}", "w") as file:
                file.write(text(FILES_MAX))
            done = cluster.digest(folder, question=QUESTION)
            chaos.say(f"{FILES_MAX + 1} files: {done.code} after {done.seconds:.1f} s,"
                      f" {done.last!r}")
            chaos.hold(done.code == 64 and "10000" in done.words.replace(",", ""),
                       f"one too many is refused in words: {done.code} {done.words}")
            chaos.hold(done.seconds <= REFUSED_SECONDS_MAX, "and at once")


if __name__ == "__main__":
    raise SystemExit(chaos.main(__doc__, run, ROUNDS, ROUNDS_MEAN))
