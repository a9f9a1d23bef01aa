#!/usr/bin/env python3
"""Instructions, allocations and bytes for one unit of work, counted by callgrind.

  bench_counts.py BUILD [--write] [--functions N] [--jobs N] [UNIT...]
  bench_counts.py --self-test   checks that the judgement can fail

BUILD holds tests/bench/bench_counts, which repeats a unit in one thread, so that a run counts the
same as the run before. The figures are compared with tests/bench/counts.json: what is more than 3 %
worse, or takes half an allocation more, is named, with the functions that grew, and the exit code
is 1; a unit that only one side knows is named too. Figures of other versions of the compiler and
the libraries are printed but not judged. --write makes the figures the ones to compare with.
--functions shows so many functions of each unit.
"""
import argparse
import collections
import concurrent.futures
import json
import pathlib
import re
import subprocess
import sys
import tempfile

import source_tree as tree

KNOWN = tree.ROOT / "tests" / "bench" / "counts.json"
WORSE_MAX = 0.03
ALLOCATIONS_MORE_MAX = 0.5  # for a unit of work: of many, one more is less than 3 %
FUNCTION_SHARE_MIN = 0.005  # of a unit: smaller functions are not remembered
GREW_SHOWN = 5
YARDSTICK = "yardstick/caf_round_trip"
PACKAGES = ("libc6", "libstdc++6", "libcaf-dev", "libprotobuf-dev", "valgrind")
FIGURES = ("instructions", "allocations", "bytes")


def output_of(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def versions():
    """What the figures belong to. Valgrind shows programs a processor of its own, but no more than
    the real one has."""
    found = {"g++": output_of("g++", "-dumpfullversion").strip()}
    for line in output_of("dpkg-query", "-W", "-f", "${Package} ${Version}\n",
                          *PACKAGES).splitlines():
        name, version = line.split()
        found[name] = version
    flags = re.search(r"^flags\s*:(.*)$", pathlib.Path("/proc/cpuinfo").read_text(), re.M)
    found["avx2"] = " avx2 " in f"{flags[1]} " if flags else False
    return found


class Profile:
    """Reads a file of callgrind: the instructions of each function without those it called."""
    NAME = re.compile(r"\((\d+)\)(?: (.*))?$")

    def __init__(self, path):
        self.names = {"fn": {}, "ob": {}}
        self.own = collections.Counter()  # (object, function): instructions
        here = {"fn": "", "ob": ""}
        skip = False
        for line in path.read_text(errors="replace").splitlines():
            key, equals, value = line.partition("=")
            if equals and key in ("fn", "ob"):
                here[key] = self.name(key, value)
            elif equals and key in ("cfn", "cob"):
                self.name(key[1:], value)
            elif equals and key == "calls":
                skip = True  # the next line is what the call cost
            elif line and (line[0].isdigit() or line[0] in "+-*"):
                if not skip:
                    self.own[here["ob"], here["fn"]] += int(line.split()[1])
                skip = False

    def name(self, kind, value):
        number, text = self.NAME.match(value).groups()
        if text is not None:
            self.names[kind][number] = text
        return self.names[kind][number]


class Layers:
    """Which part of the tree, or which library, a function belongs to."""
    LIBRARIES = (("libcaf", "CAF"), ("libprotobuf", "protobuf"), ("libstdc++", "standard library"),
                 ("libc.", "C library, malloc"), ("libc-", "C library, malloc"),
                 ("ld-", "C library, malloc"), ("libm.", "C library, malloc"))
    TEMPLATES = (("caf::", "CAF"), ("google::protobuf", "protobuf"), ("std::", "standard library"),
                 ("operator new", "C library, malloc"), ("operator delete", "C library, malloc"))

    def __init__(self, build):
        self.own = {}
        for library in sorted(build.glob("**/libtroupe_*.a")):
            part = library.stem.removeprefix("libtroupe_")
            for line in output_of("nm", "-C", "--defined-only", str(library)).splitlines():
                match = re.match(r"[0-9a-f]+ [TtW] (.*)$", line)
                if match:
                    self.own.setdefault(match[1], part)

    def of(self, library, function):
        for begin, layer in self.LIBRARIES:
            if pathlib.PurePath(library).name.startswith(begin):
                return layer
        function = re.sub(r"'\d+$", "", function)  # callgrind's mark of a recursion
        part = self.own.get(function)
        bare = re.sub(r"^(?:[\w:<>, ]+\s[&*]*)?(?=(?:caf|std|google)::)", "", function)
        for begin, layer in self.TEMPLATES:
            if bare.startswith(begin):
                return layer
        return part or "the measuring program"


def count(program, unit):
    """(figures, Profile) of a unit"""
    with tempfile.TemporaryDirectory() as folder:
        profile = pathlib.Path(folder, "profile")
        command = ["setarch", "-R", "valgrind", "--tool=callgrind", "--collect-atstart=no",
                   f"--callgrind-out-file={profile}", str(program), unit]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            sys.exit(f"bench_counts: {unit} failed:\n{done.stdout}{done.stderr}")
        figures = json.loads(done.stdout.splitlines()[-1])
        return figures, Profile(profile)


def measured(unit, figures, profile):
    times = figures["times"]
    total = sum(profile.own.values())
    functions = {name: own for (_, name), own in profile.own.items()
                 if own >= FUNCTION_SHARE_MIN * total}
    return {"instructions": round(total / times), "allocations": round(figures["allocations"], 2),
            "bytes": round(figures["bytes"]),
            "functions": {name: round(own / times) for name, own in
                          sorted(functions.items(), key=lambda item: -item[1])}}


def shown_functions(found, profile, layers, wanted):
    times = found["instructions"]
    top = sorted(profile.own.items(), key=lambda item: -item[1])[:wanted]
    total = sum(profile.own.values())
    for (library, name), own in top:
        print(f"    {100 * own / total:5.1f} %  {own * times / total:8.0f}"
              f"  {layers.of(library, name):<18} {name[:110]}")


def shown_layers(found, profile, layers):
    total = sum(profile.own.values())
    sums = collections.Counter()
    for (library, name), own in profile.own.items():
        sums[layers.of(library, name)] += own
    each = found["instructions"] / total
    print("    " + ", ".join(f"{layer} {own * each:.0f}" for layer, own in sums.most_common()
                             if own >= 0.01 * total))


def worse(unit, now, before):
    """What to say of a unit that became worse; nothing if it did not."""
    told = [f"{unit}: {figure} {before[figure]} -> {now[figure]}" for figure in FIGURES
            if now[figure] > before[figure] * (1 + WORSE_MAX)
            or (figure == "allocations"
                and now[figure] > before[figure] + ALLOCATIONS_MORE_MAX)]
    if told:
        grew = {name: own - before["functions"].get(name, 0)
                for name, own in now["functions"].items()}
        told += [f"    {more:+6d} instructions in {name[:110]}" for name, more in
                 sorted(grew.items(), key=lambda item: -item[1])[:GREW_SHOWN] if more > 0]
    return told


def judged(found, known, all_units):
    """What to say of the figures that were found; nothing if all is well. `all_units`: none was
    left out."""
    told = [line for unit, now in found.items() if unit in known
            for line in worse(unit, now, known[unit])]
    told += [f"{unit}: it is not in {KNOWN.name}; --write puts it there"
             for unit in found if unit not in known]
    if all_units:
        told += [f"{unit}: it is in {KNOWN.name}, and there is no such unit"
                 for unit in known if unit not in found]
    return told


def self_test():
    before = {"instructions": 1000, "allocations": 10.0, "bytes": 100, "functions": {"f": 10}}
    cases = [  # what was found, all units, what must be said of it
        ({"a": before}, True, []),
        ({"a": before | {"instructions": 1029}}, True, []),
        ({"a": before | {"instructions": 1031, "functions": {"f": 41}}}, True,
         ["a: instructions 1000 -> 1031", "    +31 instructions in f"]),
        ({"a": before | {"allocations": 10.6}}, True, ["a: allocations 10.0 -> 10.6"]),
        ({"a": before | {"bytes": 104}}, True, ["a: bytes 100 -> 104"]),
        ({}, False, []),
        ({}, True, [f"a: it is in {KNOWN.name}, and there is no such unit"]),
        ({"a": before, "b": before}, True,
         [f"b: it is not in {KNOWN.name}; --write puts it there"]),
    ]
    wrong = 0
    for found, all_units, expected in cases:
        told = judged(found, {"a": before}, all_units)
        if [line.split() for line in told] != [line.split() for line in expected]:
            print(f"of {found} it says {told}, not {expected}")
            wrong += 1
    return 1 if wrong else 0


def main():
    if sys.argv[1:] == ["--self-test"]:
        return self_test()
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("build", type=pathlib.Path)
    options.add_argument("--write", action="store_true")
    options.add_argument("--functions", type=int, default=0, metavar="N")
    options.add_argument("--jobs", type=int, default=2, metavar="N")
    options.add_argument("units", nargs="*", metavar="UNIT")
    wanted = options.parse_intermixed_args()
    program = wanted.build / "tests" / "bench" / "bench_counts"
    units = output_of(str(program)).split()
    if unknown := set(wanted.units) - set(units):
        options.error(f"there is no unit {' '.join(sorted(unknown))}, only {' '.join(units)}")
    own = versions()
    known = json.loads(KNOWN.read_text()) if KNOWN.exists() else None
    layers = Layers(wanted.build)
    found = {}
    with concurrent.futures.ThreadPoolExecutor(wanted.jobs) as pool:
        going = {unit: pool.submit(count, program, unit) for unit in wanted.units or units}
        for unit, future in going.items():
            figures, profile = future.result()
            found[unit] = measured(unit, figures, profile)
            print(f"{unit:<26} {found[unit]['instructions']:8d} instructions"
                  f" {found[unit]['allocations']:8.2f} allocations {found[unit]['bytes']:8d} bytes",
                  flush=True)
            shown_layers(found[unit], profile, layers)
            if wanted.functions:
                shown_functions(found[unit], profile, layers, wanted.functions)
    if all(unit in found for unit in (YARDSTICK, "node/echo", "node/agent_message")):
        bare = found[YARDSTICK]["instructions"]
        print("of bare CAF's instructions: " + ", ".join(
            f"{unit} {found[unit]['instructions'] / bare:.2f}"
            for unit in ("node/echo", "node/agent_message")))
    if wanted.write:
        if wanted.units:
            options.error("--write writes all units")
        KNOWN.write_text(json.dumps({"versions": own, "units": found}, indent=1) + "\n")
        return 0
    if not known:
        print("not judged: nothing is known yet; --write makes these figures the known ones")
        return 0
    if known["versions"] != own:
        print("not judged: the known figures are of other versions:"
              f" {json.dumps(known['versions'])}, not {json.dumps(own)}")
        return 0
    told = judged(found, known["units"], not wanted.units)
    print("\n".join(told) if told else
          f"ok: nothing is more than {100 * WORSE_MAX:.0f} % worse than tests/bench/counts.json")
    return 1 if told else 0


if __name__ == "__main__":
    sys.exit(main())
