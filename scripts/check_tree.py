#!/usr/bin/env python3
"""The rules of the house that need no compiler. Prints problems as file:line: problem.

  check_tree.py [ROOT]        checks the tree; exit code 1 if anything is wrong
  check_tree.py --self-test   checks that each rule can fail
"""
import pathlib
import re
import subprocess
import sys
import tempfile

import source_tree as tree
import tree_names as names
import tree_pages as pages

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 70
COLUMNS_MAX = pages.COLUMNS_MAX
README_LINES_MAX = 40
INDEX = "docs/decisions"  # one line for each: it may be as long as there are decisions

TEXT = tree.CODE + (".proto", ".py", ".sh", ".md", ".yaml", ".cmake", ".txt")
MEASURED = tree.CODE + (".py", ".sh")
NAMES_WHAT_IT_FORBIDS = ("scripts/check_tree.py",)

WORDS = re.compile(r"\b(FIXME|TODO|XXX|HACK)\b")
INFINITE = re.compile(r"\bcaf::infinite\b|\binfinite\b(?=\s*,)")
# No file may name a path of the machine on which it was written.
MACHINE_PATH = re.compile(r"(?<![\w.])/(?:[w]ork|[f]arm|root)/|(?<![\w/])\.\./[s]hared\b")

# Folders that need no README, because the one of the parent folder covers them.
WITHOUT_README = re.compile(r"^tests/data/")


def is_script(root, name):
    path = root / name
    return name.startswith(("scripts/", ".ci/")) and tree.read(path).startswith("#!")


def layer_of(name):
    return name.split("/")[0] if "/" in name else ""


def check_layers(root, files):
    """config < messages < telemetry < persistence < actors < nodes: includes go left only."""
    for name in files:
        layer = layer_of(name)
        if not name.endswith(tree.CODE):
            continue
        for line, system, included in tree.includes(root / name):
            other = layer_of(included)
            if system and other in tree.LAYERS:
                yield name, line, f"include <{included}> is ours: write it with quotes"
            elif not system and not (root / re.sub(r"\.pb\.h$", ".proto", included)).is_file():
                yield name, line, f'include "{included}" is no file, seen from the repository'
            elif layer not in tree.LAYERS:
                continue  # tests may know everything
            elif other == "tests":
                yield name, line, f"{layer}/ must not include {included}: it knows no tests"
            elif other in tree.LAYERS and tree.LAYERS.index(other) > tree.LAYERS.index(layer):
                yield name, line, (f"{layer}/ must not include {included}: the order is "
                                   + " < ".join(tree.LAYERS))


HOST = "actors/host/"  # the one folder that knows CAF


def check_caf(root, files):
    """Only actors/host/ includes CAF, and tests of it; the simulator is a host without CAF. The
    rest of actors/ does not include actors/host/."""
    for name in files:
        simulator = name.startswith("tests/sim/")
        if not name.endswith(tree.CODE) or (name.startswith((HOST, "tests/")) and not simulator):
            continue
        for line, _, included in tree.includes(root / name):
            if included.startswith("caf/"):
                yield name, line, f"only {HOST} includes CAF, not {name}: {included}"
            elif name.startswith("actors/") and included.startswith(HOST):
                yield name, line, f"a logic knows no host: it must not include {included}"


def check_lengths(root, files):
    for name in files:
        if name.endswith(MEASURED) or is_script(root, name):
            lines = tree.read(root / name).splitlines()
            if len(lines) > FILE_LINES_MAX:
                yield name, FILE_LINES_MAX + 1, (f"{len(lines)} lines; a file has at most"
                                                 f" {FILE_LINES_MAX}: make two of it")
            for number, line in enumerate(lines, 1):
                if len(line) > COLUMNS_MAX and "://" not in line:
                    yield name, number, f"{len(line)} columns; a line has at most {COLUMNS_MAX}"


FUNCTION_HEAD = re.compile(r"\)\s*(const|noexcept(\([^)]*\))?|override|final|mutable|&&?|\s"
                           r"|->\s*[^;{}]+)*(:[^;]*)?(requires[^;]*)?$")
NO_FUNCTION = re.compile(r"\b(namespace|class|struct|union|enum|extern)\b[^()]*$")


def functions(text):
    """(first line, last line) of each function that is not inside another."""
    text = re.sub(r"(?m)^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", lambda m: "\n" * m[0].count("\n"),
                  tree.blanked(text))  # without macros
    stack = []  # per open brace: the offset where a function began, or None
    since = 0   # where the statement before the brace began
    for m in re.finditer(r"[{};]|\b(?:public|private|protected):", text):
        if m[0] == "{":
            head = text[since:m.start()]
            inside = any(begin is not None for begin in stack)
            begins = (not inside and not NO_FUNCTION.search(head)
                      and FUNCTION_HEAD.search(head.rstrip()))
            stack.append(since + len(head) - len(head.lstrip()) if begins else None)
        elif m[0] == "}" and stack:
            begin = stack.pop()
            if begin is not None:
                yield text.count("\n", 0, begin) + 1, text.count("\n", 0, m.start()) + 1
        since = m.end()


def check_functions(root, files):
    for name in files:
        if name.endswith(tree.CODE):
            for first, last in functions(tree.read(root / name)):
                if last - first + 1 > FUNCTION_LINES_MAX:
                    yield name, first, (f"a function of {last - first + 1} lines; one has at most"
                                        f" {FUNCTION_LINES_MAX}: give its parts names")


def check_words(root, files):
    for name in files:
        if name in NAMES_WHAT_IT_FORBIDS or not (name.endswith(TEXT) or is_script(root, name)):
            continue
        for number, line in enumerate(tree.read(root / name).splitlines(), 1):
            if found := WORDS.search(line):
                yield name, number, f"{found[0]}: finish it, or say it in an issue"
            if found := MACHINE_PATH.search(line):
                yield name, number, f"{found[0].strip()} is a path of one machine"
            if name.endswith(tree.CODE) and not name.startswith("tests/") and INFINITE.search(line):
                yield name, number, "a request without a timeout (caf::infinite)"


def check_headers(root, files):
    for name in files:
        if name.endswith(".hpp") and "#pragma once" not in tree.read(root / name):
            yield name, 1, "a header begins with #pragma once"
        if name.endswith(".cpp"):
            own, seen = name[:-4] + ".hpp", tree.includes(root / name)
            if (root / own).is_file() and (not seen or seen[0][2] != own):
                yield name, seen[0][0] if seen else 1, f'the first include is "{own}"'


def check_readmes(root, files):
    folders = {str(p) for f in files for p in pathlib.PurePath(f).parents if str(p) != "."}
    for folder in sorted(folders):
        readme = root / folder / "README.md"
        if WITHOUT_README.match(folder):
            continue
        if not readme.is_file():
            yield (f"{folder}/README.md", 1,
                   "is missing: what the folder is for, its files, what it must not include")
        elif (folder != INDEX
              and (lines := len(tree.read(readme).splitlines())) > README_LINES_MAX):
            yield (f"{folder}/README.md", 1,
                   f"{lines} lines; a folder's README has at most {README_LINES_MAX}")


RULES = [check_layers, check_caf, check_lengths, check_functions, check_words, check_headers,
         check_readmes, names.check_names, names.check_meanings, pages.check_tables,
         pages.check_grammars, pages.check_format_options, pages.check_comments]


def check(root):
    files = tree.list_files(root)
    return [f"{name}:{line}: {words}" for name, line, words
            in sorted(problem for rule in RULES for problem in rule(root, files))]


SELF_TEST = [  # (file, its text, the expected message after "FILE:", or "" for none)
    ("config/a.hpp", '#pragma once\n#include "messages/b.hpp"\n', "2: config/ must not include"),
    ("messages/b.hpp", "#pragma once\n", ""),
    ("messages/c.hpp", "int c;\n", "1: a header begins with"),
    ("telemetry/d.cpp", "#include <config/a.hpp>\n", "1: include <config/a.hpp> is ours"),
    ("tests/unit/x.hpp", "#pragma once\n", ""),
    ("tests/README.md", "ok\n", ""),
    ("telemetry/e.cpp", '#include "tests/unit/x.hpp"\n', "1: telemetry/ must not include tests"),
    ("telemetry/f.cpp", '#include "e.hpp"\n', '1: include "e.hpp" is no file'),
    ("tests/unit/README.md", "ok\n", ""),
    ("tests/unit/a/f.cpp", '#include "f.hpp"\n', '1: include "f.hpp" is no file'),
    ("tests/unit/a/README.md", "one\n", ""),
    ("actors/host/shell.hpp", "#pragma once\n#include <caf/all.hpp>\n", ""),
    ("actors/host/README.md", "ok\n", ""),
    ("actors/x/logic.cpp", '#include "actors/host/shell.hpp"\n', "1: a logic knows no host"),
    ("nodes/knows_caf.cpp", "#include <caf/all.hpp>\n", "1: only actors/host/ includes CAF"),
    ("tests/sim/world.cpp", "#include <caf/all.hpp>\n", "1: only actors/host/ includes CAF"),
    ("tests/sim/README.md", "ok\n", ""),
    ("tests/unit/host_test.cpp", "#include <caf/all.hpp>\n", ""),
    ("nodes/long.cpp", "int x;\n" * 401, "401: 401 lines"),
    ("nodes/wide.cpp", "//" + " wide" * 20 + "\n", "1: 102 columns"),
    ("nodes/big.cpp", "namespace n {\nclass k {\nint big(int a) const noexcept {\n"
     + "  a = {1};\n" * 70 + "}\n};\n}\n", "3: a function of 72 lines"),
    ("nodes/fits.cpp", "namespace n {\nint fits() {\n  auto s = \"}{\"; // }\n" + "  f();\n" * 66
     + "}\n}\nenum class e { a,\n" + "\n" * 80 + "b };\nstruct s {\n" + "\n" * 80 + "};\n", ""),
    ("nodes/own.cpp", '#include <vector>\n#include "nodes/own.hpp"\n', "1: the first include"),
    ("nodes/word.cpp", "int a; // TODO later\n", "1: TODO"),
    ("nodes/wait.cpp", "a.request(b, caf::infinite, c);\n", "1: a request without"),
    ("nodes/README.md", "line\n" * 41, "1: 41 lines"),
    ("config/README.md", "see /root/x\n", "1: /root/ is a path"),
    ("messages/README.md", "ok\n", ""),
    ("actors/README.md", "ok\n", ""),
    ("actors/x/README.md", "ok\n", ""),
    ("telemetry/README.md", None, "1: is missing"),
] + names.SELF_TEST + pages.SELF_TEST


def self_test():
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        subprocess.run(["git", "init", "-q", folder], check=True)
        for name, text, _ in SELF_TEST:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            if text is not None:
                (root / name).write_text(text)
        found = check(root)
    expected = [f"{name}:{words}" for name, _, words in SELF_TEST if words]
    wrong = [f"not found: {e}" for e in expected if sum(f.startswith(e) for f in found) != 1]
    wrong += [f"not expected: {f}" for f in found if not f.startswith(tuple(expected))]
    print("\n".join(wrong), end="\n" if wrong else "")
    return 1 if wrong else 0


def main(arguments):
    if arguments == ["--self-test"]:
        return self_test()
    problems = check(pathlib.Path(arguments[0]).resolve() if arguments else tree.ROOT)
    print("\n".join(problems), end="\n" if problems else "")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
