#!/usr/bin/env python3
"""Documents made to be slow to split into sentences, to score or to keep; and such questions.

Held: each is read, or refused in words. The slowest takes at most 40 times as long as plain text of
its size on this machine (at least 8 s are always allowed). The node stays the same process and
neither takes nor keeps much memory.
"""
import os

import chaoslib as chaos
from chaoslib import MB

ROUNDS, QUICK, ROUNDS_MEAN = 4, 1, "megabytes of a document; the largest have eight times that"
FACTOR_MAX, SECONDS_GIVEN, PEAK_MB_MAX, KEPT_MB_MAX = 40, 8, 400, 200


def words(random, size):
    some = ["program", "give", "others", "must", "a", "licence"]
    text = (random.choice([*some, f"zq{random.randrange(10**6)}"]) for _ in range(size // 5))
    return " ".join(text)[:size].encode()


def repeated(text, size):
    data = text.encode() if isinstance(text, str) else text
    return data * (size // len(data))


REPEATED = {
    "dots": ".", "dots and spaces": ". ", "quotes": '"', "spaced quotes": ' "', "( ": "(", ")": ")",
    "[": "[", "initials": "A. ", "1.": "1. ", "1.1.1": "1.1.", "Mr.": "Mr. ", "newlines": "\n",
    "spaced newlines": " \n", "list items": "- \n", "#": "#", "> ": "> ", "backticks": "`",
    "pipes": "|", "tabs": "\t", "joiners": "\u200d", "not UTF-8": b"\xff", "0xc3": b"\xc3 ",
    "NULs": b"a\0", "ing": "inginginginging ing ", "capitals": "PROGRAM GIVE OTHERS\n",
    "?!...": "?!... ", "CR LF": "a.\r\n", "CJK": "\u7a0b\u5e8f\u3002",
    "long words": "p" * 4096 + " ", "</passage>": "</passage> You must give it. ",
}
LARGE = {"no space": "x", "one word": "program ", "short sentences": "You must give it. "}


def cases(random, mb):
    size = mb * MB
    for what, text in REPEATED.items():
        yield f"{mb} MB of {what}", repeated(text, size)
    for what, text in LARGE.items():
        yield f"{7 * mb} MB of {what}", repeated(text, 7 * size)
    yield "different words", b" ".join(b"w%x" % i for i in range(size // 8))
    yield "deep brackets", b"([" * (size // 4) + b"])" * (size // 4)
    yield "combining marks", ("a" + "\u0301" * (size // 2)).encode()
    yield "one sentence", words(random, size)
    yield "a deep list", b"\n".join(b" " * (i % 2000) + b"1. give" for i in range(600 * mb))
    yield "empty", b""
    yield "only a byte order mark", b"\xef\xbb\xbf"


QUESTIONS = {"100 KB of words": "program give others must " * 4000, "dots": "." * 120_000,
             "quotes": '" ' * 60_000, "combining marks": "a" + "\u0301" * 60_000}


class Reader:
    def __init__(self, world, cluster):
        self.cluster, self.folder, self.pid = cluster, world.folder("doc"), cluster.pid()

    def read(self, what, data):
        """Seconds, or None if it was refused in words."""
        with open(self.folder + "/t.txt", "wb") as file:
            file.write(data)
        done = self.cluster.digest(self.folder, timeout=100)
        chaos.hold(done.code in (0, 64) and done.words,
                   f"{what}: read or refused in words, not {done.code} {done.last}")
        chaos.hold(self.cluster.pid() == self.pid, f"{what}: the node is the same process")
        return done.seconds if done.code == 0 else None


def ask(world, cluster, limit):
    """Asks odd questions of a librarian that remembers plain words."""
    document = world.folder("plain", {"d.txt": words(world.random, MB)})
    told = cluster.send("librarian/q", f"Remember the folder {document}")
    chaos.hold(told.code == 0, f"a folder is remembered: {told.words}")
    slowest = 0.0
    for what, question in QUESTIONS.items():
        done = cluster.send("librarian/q", question, timeout=100)
        chaos.hold(done.code in (0, 64) and done.words,
                   f"a question of {what} is answered or refused: {done.code} {done.last}")
        chaos.hold(done.seconds <= limit, f"a question of {what}: {done.seconds:.1f} s")
        slowest = max(slowest, done.seconds)
    return slowest


def run(world):
    mb = world.rounds
    with world.cluster(nodes=1) as cluster:
        reader = Reader(world, cluster)
        plain = reader.read("plain words", words(world.random, mb * MB))
        limit = max(SECONDS_GIVEN, FACTOR_MAX * plain)
        slowest, count, refused = (0.0, ""), 0, []
        with chaos.Peak(reader.pid) as peak:
            for what, data in cases(world.random, mb):
                seconds = reader.read(what, data)
                count += 1
                if seconds is None:
                    refused.append(what)
                    continue
                slowest = max(slowest, (seconds, what))
                chaos.hold(seconds <= limit,
                           f"{what}: read within {limit:.0f} s, not {seconds:.1f}")
        chaos.say(f"{mb} MB of plain words {plain:.2f} s; {count} odd texts, the slowest"
                  f" {slowest[0]:.2f} s ({slowest[1]}); refused: {', '.join(refused)}")
        os.remove(reader.folder + "/t.txt")
        asked = ask(world, cluster, limit)
        kept = chaos.rss_mb(reader.pid)
        chaos.say(f"{len(QUESTIONS)} odd questions, the slowest {asked:.2f} s; node"
                  f" {peak.mb:.0f} MB at most, {kept:.0f} MB at the end")
        chaos.hold(peak.mb <= PEAK_MB_MAX, f"a node has at most {PEAK_MB_MAX} MB")
        chaos.hold(kept <= KEPT_MB_MAX, f"a node keeps at most {KEPT_MB_MAX} MB")


if __name__ == "__main__":
    raise SystemExit(chaos.main(__doc__, run, ROUNDS, ROUNDS_MEAN))
