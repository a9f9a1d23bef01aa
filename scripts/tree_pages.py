"""Rules of the tree about what people read: tables, grammars, comments."""
import re

import source_tree as tree

COLUMNS_MAX = 100
TORN_MIN = 14  # columns that would still be free after the next word

COMMENT = re.compile(r"^\s*///? ?(.*)$")
DELIMITERS = re.compile(r"^\|(?:\s*:?-+:?\s*\|)+$")
ESCAPED = re.compile(r"\\.")  # \| is no end of a cell; a | in a code span is one, also on GitHub


def cells(row):
    return ESCAPED.sub("xx", row.strip()).strip("|").count("|") + 1


def prose_lines(name, text):
    """(number, line) of what is Markdown in a file: a page outside its code blocks, or comments."""
    fenced = False
    for number, line in enumerate(text.splitlines(), 1):
        if name.endswith(".md"):
            if line.lstrip().startswith("```"):
                fenced = not fenced
            yield number, "" if fenced else line.strip()
        else:
            found = COMMENT.match(line)
            yield number, found[1].strip() if found else ""


def check_tables(root, files):
    """A table has rows of as many cells as its header: else something has torn or joined them."""
    for name in files:
        if not name.endswith(tree.CODE + (".md", ".proto")):
            continue
        before, columns = "", 0  # the line before; the cells of the table, 0: none
        told = False             # once for each table
        for number, line in prose_lines(name, tree.read(root / name)):
            wrong = None
            if not line.startswith("|"):
                if columns and line and name.endswith(".md"):
                    wrong = "a row of a table begins with |, other text after an empty line"
                columns = 0
            elif not columns and DELIMITERS.match(line):
                columns = cells(line)
                if cells(before) != columns:
                    wrong = (f"a table of {columns} columns, its header has {cells(before)} cells")
            elif columns and (cells(line) != columns or not line.endswith("|")):
                wrong = f"a row of {cells(line)} cells in a table of {columns} columns"
            elif not columns and before.startswith("|") and name.endswith(".md"):
                wrong = "a table without the line |---| below its header"
                columns = cells(line)
            if wrong and not told:
                yield name, number, wrong
            told = bool(line) and (told or bool(wrong))
            before = line


GRAMMAR = re.compile(r"^(\s*///? {4,})(\w+)( +)= \S")


def check_grammars(root, files):
    """The rules of a grammar in a comment stand one a line, their signs of equality below each
    other. What joins or reflows lines breaks that."""
    for name in files:
        if not name.endswith(".hpp"):
            continue
        column = 0  # of the sign in the block, 0: not known yet
        for number, line in enumerate(tree.read(root / name).splitlines(), 1):
            rule = GRAMMAR.match(line)
            if not rule:
                if not COMMENT.match(line) or not COMMENT.match(line)[1].strip():
                    column = 0  # a block ends with an empty line
                continue
            at = line.index("=")
            column = column or at
            if at != column or re.search(r"\w +(?:= |:= )", line[at + 1:]):
                yield name, number, "a mangled grammar: one rule a line, each = below the other"


def check_format_options(root, files):
    if ".clang-format" in files:
        if "ReflowComments: false" not in tree.read(root / ".clang-format").splitlines():
            yield ".clang-format", 1, "ReflowComments: false keeps tables and drawings whole"


def check_comments(root, files):
    """A comment line that ends early in the middle of a sentence: a formatter has torn it."""
    prose = re.compile(r"^(\s*)(///|//) (?! )(?![-*|`{\"#]|\d+[.)])([^|]*\S)$")
    for name in files:
        if not name.endswith(tree.CODE):
            continue
        lines = tree.read(root / name).splitlines()
        for number, (line, after) in enumerate(zip(lines, lines[1:]), 1):
            here, there = prose.match(line), prose.match(after)
            if not here or not there or here.group(1, 2) != there.group(1, 2):
                continue
            if here[3][-1] in ".:;!?" or "-- " in line or re.search(r"\S  +\S", line + after):
                continue
            if len(line) + 1 + len(there[3].split()[0]) <= COLUMNS_MAX - TORN_MIN:
                yield name, number, "a comment line that ends early: let the sentence fill it"


TABLE = "| a | b |\n|---|---|\n"
SELF_TEST = [  # as in check_tree.py
    (".clang-format", "ColumnLimit: 100\nReflowComments: true\n", "1: ReflowComments: false"),
    ("docs/README.md", TABLE + "| `x \\| y` | 2 |\n\n```\n| no table\n```\n", ""),
    ("docs/joined.md", TABLE + "| 1 | 2 | | 3 | 4 |\n", "3: a row of 5 cells in a table of 2"),
    ("docs/torn.md", TABLE + "| 1 | two\nlines |\n", "3: a row of 2 cells in a table of 2"),
    ("docs/span.md", TABLE + "| `1 | 2` | 3 |\n", "3: a row of 3 cells in a table of 2"),
    ("docs/head.md", "| a |\n|---|---|\n", "2: a table of 2 columns, its header has 1"),
    ("docs/line.md", "| a | b |\n| 1 | 2 |\n", "2: a table without the line"),
    ("docs/next.md", TABLE + "| 1 | 2 |\nmore words\n", "4: a row of a table begins with |"),
    ("nodes/table.hpp", "#pragma once\n/// | a | b |\n/// |---|---|\n/// | 1 |\n",
     "4: a row of 1 cells in a table of 2"),
    ("nodes/drawn.hpp", "#pragma once\n///     a  = b, c    words\n///          d\n"
     "///     bc = e\n///\n///     f = g\n", ""),
    ("nodes/shifted.hpp", "#pragma once\n///     a  = b\n///     bc  = e\n",
     "3: a mangled grammar"),
    ("nodes/reflown.hpp", "#pragma once\n///     a  = b bc    = e\n", "2: a mangled grammar"),
    ("nodes/torn.cpp", "/// This was torn in the\n/// middle.\n", "1: a comment line that ends"),
    ("nodes/whole.cpp", "/// One.\n/// Two, as a list:\n///  - a\n///  - b\n", ""),
]
