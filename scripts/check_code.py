#!/usr/bin/env python3
"""The rules that need a compiler: clang-tidy's short list, and every header compiles alone.

  check_code.py BUILD [--jobs N] [--only headers|tidy] [--within SECONDS] [FILE...]

BUILD is a configured build folder; its compile_commands.json says how each source is compiled.
Precompiled headers are not used here, so a source that does not include what it uses is found too.
Good results are remembered by the content of the file and of all files that it includes, so that
only changed files are checked again. The files that changed last are checked first. With --within,
no check begins after that time, and the number of remaining files is printed. Exit code 1 if
anything is wrong.
"""
import argparse
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import time

import source_tree as tree

DAYS_REMEMBERED = 30
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
MEMORY = CACHE / "troupe" / "check"
TIDY = "clang-tidy-14"
COMPILER = "g++"


def versions():
    """What else decides the result: the installed tools and libraries."""
    tools = [subprocess.run([t, "--version"], capture_output=True, check=True).stdout
             for t in (TIDY, COMPILER)]
    packages = subprocess.run(["dpkg-query", "-W", "lib*-dev", "prometheus-cpp-dev"],
                              capture_output=True, check=False).stdout
    return b"".join(tools) + packages + b"".join(
        tree.read(tree.ROOT / settings).encode()
        for settings in (".clang-tidy", "tests/.clang-tidy"))


def commands(build):
    """source -> its compiler arguments, without those that only fit the build itself."""
    found = {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        source = pathlib.Path(entry["directory"], entry["file"]).resolve()
        if tree.ROOT in source.parents and build not in source.parents:
            found[str(source.relative_to(tree.ROOT))] = flags_of(shlex.split(entry["command"]))
    return found


def flags_of(command):
    flags, skip = [], 0
    for word, following in zip(command, command[1:] + [""]):
        if skip:
            skip -= 1
        elif word == "-include" and "cmake_pch" in following or word in ("-o", "-c", "-MF", "-MT"):
            skip = 1
        elif re.match(r"-(I|D|std=|isystem|W(?!invalid-pch|error)|f(?!sanitize|use-ld))", word):
            flags.append(word)
            if word in ("-isystem", "-I", "-D"):
                flags.append(following)
                skip = 1
    return flags


class Memory:
    """Remembers good files, by one empty file per content."""

    def __init__(self):
        MEMORY.mkdir(parents=True, exist_ok=True)
        self.base = versions()
        self.digests = {}

    def key(self, what, name, flags):
        # Independent of the checkout's path, so that a fresh clone benefits too.
        words = "\0".join([what, name, *flags]).replace(str(tree.ROOT), ".")
        digest = hashlib.sha256(self.base + words.encode())
        for reached in sorted(tree.reached(tree.ROOT, name)):
            digest.update(reached.encode() + tree.read(tree.ROOT / reached).encode())
        return MEMORY / digest.hexdigest()

    @staticmethod
    def forget_old():
        for entry in MEMORY.iterdir():
            if time.time() - entry.stat().st_mtime > DAYS_REMEMBERED * 86_400:
                entry.unlink(missing_ok=True)


CHATTER = re.compile(r"\d+ (warnings?|errors?)( and \d+ errors?)? (generated|treated)|"
                     r"Suppressed |Use -header-filter")


def run(command):
    done = subprocess.run(command, cwd=tree.ROOT, capture_output=True, check=False, text=True)
    lines = (done.stdout + done.stderr).splitlines()
    return done.returncode, "\n".join(line for line in lines if not CHATTER.match(line))


def run_before(end, command):
    return run(command) if time.monotonic() < end else (None, "")


def header_command(name, flags):
    return [COMPILER, *flags, "-w", "-fsyntax-only", "-x", "c++", name]


def tidy_command(name, flags):
    return [TIDY, "--quiet", "--warnings-as-errors=*", name, "--", *flags, "-w"]


def work_of(files, known, only):
    """(what, file, flags, command) of everything to check."""
    headers_flags = sorted({f for flags in known.values() for f in flags if re.match(r"-(std|D)", f)
                            and "SOURCE_DIR" not in f and "BINARY_DIR" not in f})
    headers_flags += sorted({f for flags in known.values() for f in flags if f.startswith("-I")})
    for name in files:
        if name.endswith(".hpp") and only != "tidy":
            yield "header", name, headers_flags, header_command(name, headers_flags)
        elif name.endswith(".cpp") and only != "headers" and name in known:
            yield "tidy", name, known[name], tidy_command(name, known[name])


def newest_first(files):
    """Sorted by the last commit that changed them; uncommitted files come first."""
    log = subprocess.run(["git", "log", "--format=", "--name-only"], cwd=tree.ROOT,
                         capture_output=True, check=False, text=True).stdout
    changed = subprocess.run(["git", "status", "--porcelain"], cwd=tree.ROOT, capture_output=True,
                             check=False, text=True).stdout
    order = {}
    for name in [line[3:] for line in changed.splitlines()] + log.splitlines():
        order.setdefault(name, len(order))
    return sorted(files, key=lambda name: order.get(name, len(order)))


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("build", type=pathlib.Path)
    options.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    options.add_argument("--only", choices=["headers", "tidy"])
    options.add_argument("--within", type=float, default=float("inf"))
    options.add_argument("files", nargs="*")
    given = options.parse_args()
    known = commands(given.build.resolve())
    files = given.files or newest_first(
        f for f in tree.list_files(tree.ROOT) if f.endswith(tree.CODE))
    memory = Memory()
    todo = [(memory.key(what, name, flags), what, name, command)
            for what, name, flags, command in work_of(files, known, given.only)]
    unknown = [t for t in todo if not t[0].exists()]
    live, bad, left = sys.stdout.isatty(), 0, 0
    end = time.monotonic() + given.within
    with concurrent.futures.ThreadPoolExecutor(given.jobs) as pool:
        running = {pool.submit(run_before, end, t[3]): t for t in unknown}
        for count, done in enumerate(concurrent.futures.as_completed(running), 1):
            key, what, name, _ = running[done]
            code, words = done.result()
            if live:
                print(f"\r\033[K    {count} of {len(unknown)} {name[:80]}", end="", flush=True)
            if code is None:
                left += 1
                continue
            if code == 0:
                key.touch()
                continue
            bad += 1
            title = "does not stand alone" if what == "header" else "clang-tidy"
            print(("\r\033[K" if live else "") + f"{name}: {title}\n{words}")
    if live:
        print("\r\033[K", end="")
    print(f"    {len(todo)} files, {len(todo) - len(unknown)} of them unchanged since good"
          + (f", {left} left for --full (the others changed later)" if left else ""))
    memory.forget_old()
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
