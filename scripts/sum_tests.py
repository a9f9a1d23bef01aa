#!/usr/bin/env python3
"""Adds up what the test binaries and scripts/chaos reported: sum_tests.py FOLDER...

A folder has gtest's XML reports, `expected` (the binaries that ran, one per line) and `log` (the
name of the file with their output). Prints each failure and why tests were skipped; the last line
is "N passed, N failed, N skipped". A binary that left no report died and counts as one failure. So
does a binary that failed although all its tests passed (a sanitizer found a leak at its end).
"""
import pathlib
import re
import sys
import xml.etree.ElementTree as xml

LOG_LINES_SHOWN = 60


def cases(report):
    """(name, outcome, message) of each test in a report; outcome: passed, failed or skipped."""
    for case in xml.parse(report).getroot().iter("testcase"):
        name = f"{case.get('classname')}.{case.get('name')}"
        failures = [f.get("message") or f.text or "" for f in case.findall("failure")]
        skipped = case.find("skipped")
        if failures:
            yield name, "failed", "\n".join(failures)
        elif skipped is not None or case.get("status") == "notrun":
            words = skipped.get("message") or "" if skipped is not None else "disabled"
            yield name, "skipped", words
        elif case.get("result") != "suppressed":
            yield name, "passed", ""


class Log:
    """The output of ctest -V, where each line of a binary begins with its number."""

    def __init__(self, path):
        self.path = path
        self.lines = pathlib.Path(path).read_text(errors="replace").splitlines()

    def failed(self, binary):
        return any(re.search(rf"Test +#\d+: {binary} \.*\*\*\*", line) for line in self.lines)

    def end_of(self, binary):
        number = next((m[1] for m in (re.search(rf"Test +#(\d+): {binary} ", l) for l in self.lines)
                       if m), "")
        lines = [l for l in self.lines if l.startswith(f"{number}: ")][-LOG_LINES_SHOWN:]
        return f"the end of its output in {self.path}:\n" + "\n".join(lines) + "\n"


def results_of(folder, binary, log):
    report = folder / f"{binary}.xml"
    if not report.exists():
        return [(binary, "failed", f"It ended without a report; {log.end_of(binary)}")]
    results = list(cases(report))
    if log.failed(binary) and all(outcome != "failed" for _, outcome, _ in results):
        results.append((binary, "failed", f"Its tests passed but it failed; {log.end_of(binary)}"))
    return results


def again(kind, name):
    if kind == "chaos":
        return f"scripts/chaos --quick --only {name.removeprefix('chaos.')}"
    flags = {"asan": "--unit --sim --sanitize", "tsan": "--unit --sim --thread"}
    return f"scripts/test {flags.get(kind, '--' + kind.split('-')[0])} --filter '{name}'"


def main(folders):
    count = {"passed": 0, "failed": 0, "skipped": 0}
    for folder in map(pathlib.Path, folders):
        log = Log((folder / "log").read_text().strip())
        for binary in (folder / "expected").read_text().split():
            for name, outcome, words in results_of(folder, binary, log):
                count[outcome] += 1
                if outcome == "failed":
                    print(f"FAILED   {folder.name}: {name}\n{words}\n"
                          f"again: {again(folder.name, name)}; all it printed: {log.path}\n")
                elif outcome == "skipped":
                    print(f"skipped  {name}: {words.strip() or 'no reason given'}")
    print(f"{count['passed']} passed, {count['failed']} failed, {count['skipped']} skipped")
    return 1 if count["failed"] or not count["passed"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
