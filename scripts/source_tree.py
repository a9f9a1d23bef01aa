"""What the checks share: which files are ours, what they include, their text without comments."""
import functools
import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent
LAYERS = ["config", "messages", "telemetry", "persistence", "actors", "nodes"]  # lower first
CODE = (".hpp", ".cpp")

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)


def list_files(root):
    """All files that git tracks or would track, relative to `root`, without those just deleted."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=root, check=True, capture_output=True).stdout.decode()
    return sorted(f for f in set(listed.split("\0")) if f and (root / f).is_file())


@functools.lru_cache(maxsize=None)
def read(path):
    return path.read_text(encoding="utf-8", errors="replace")


@functools.lru_cache(maxsize=None)
def includes(path):
    """(line, system?, name) of each include of a file."""
    text = read(path)
    return [(text.count("\n", 0, m.start()) + 1, m[1] == "<", m[2]) for m in INCLUDE.finditer(text)]


def own_includes(root, name):
    """Our files that `name` includes directly; a generated header counts as its .proto."""
    found = []
    for line, _, included in includes(root / name):
        source = re.sub(r"\.pb\.h$", ".proto", included)
        if (root / source).is_file():
            found.append((line, source))
    return found


def reached(root, name):
    """`name` and all our files that it includes, each with the file that includes it."""
    via = {name: None}
    todo = [name]
    while todo:
        current = todo.pop()
        for _, included in own_includes(root, current):
            if included not in via:
                via[included] = current
                todo.append(included)
    return via


TOKENS = re.compile(  # comments, raw strings, strings, characters (but not the separator in 1'000)
    r'//[^\n]*|/\*.*?\*/|R"(?P<mark>[^(\s]*)\(.*?\)(?P=mark)"|"(?:\\.|[^"\\\n])*"'
    r"|(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'", re.DOTALL)


def blanked(text):
    """`text` with comments and literals replaced by spaces; line numbers stay the same."""
    return TOKENS.sub(lambda m: re.sub(r"[^\n]", " ", m[0]), text)
