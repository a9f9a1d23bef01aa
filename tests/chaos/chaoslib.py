"""What the scripts of this folder share: their own clusters in temporary folders, statements that
must hold, strangers, and the end of everything that was started. Python 3 without packages.

Every process that a script starts has a mark in its environment, which its children inherit. Only
by this mark are processes found again and ended.
"""
import argparse
import collections
import contextlib
import fcntl
import json
import os
import pathlib
import random
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

HELD, VIOLATED, BROKEN, SKIPPED = 0, 1, 70, 77  # exit codes of a script
MARK = "LC_CHAOS_MARK"  # LC_*: a node inherits it (nodes/child_process.cpp)
MB = 1 << 20
QUESTION = "What must I do when I give the program to others?"
LICENCES = "/usr/share/common-licenses"


class Violated(Exception):
    """A statement that must hold did not hold."""


class Skipped(Exception):
    """Why a script, or a part of it, cannot run here."""


def hold(holds, statement):
    if not holds:
        raise Violated(statement)


def say(*words):
    print(*words, flush=True)


class Done(collections.namedtuple("Done", "code out err seconds")):
    """The result of a command; code -999: it did not end in time."""

    @property
    def words(self):
        return (self.out + self.err).strip()

    @property
    def last(self):
        return (self.words.splitlines() or [""])[-1]


class Background:
    """A function in a thread; `result` waits for it and raises its exception again."""

    def __init__(self, function, *arguments):
        self.value, self.error = None, None

        def work():
            try:
                self.value = function(*arguments)
            except Exception as error:  # raised again by `result`
                self.error = error
        self.thread = threading.Thread(target=work, daemon=True)
        self.thread.start()

    def running(self):
        return self.thread.is_alive()

    def result(self):
        self.thread.join()
        if self.error:
            raise self.error
        return self.value


def at_once(function, items, threads=8):
    """[function(item)], a few at a time."""
    items = list(items)
    results, left = [None] * len(items), iter(enumerate(items))
    lock = threading.Lock()

    def work():
        while True:
            with lock:
                index, item = next(left, (None, None))
            if index is None:
                return
            results[index] = function(item)
    for one in [Background(work) for _ in range(threads)]:
        one.result()
    return results


# -- processes ------------------------------------------------------------------------------------

def marked(pid, mark):
    try:
        return f"{MARK}={mark}\0".encode() in pathlib.Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return False


def sweep(mark):
    """Ends all processes with this mark, except the caller."""
    for _ in range(100):
        found = [int(p) for p in os.listdir("/proc") if p.isdigit() and int(p) != os.getpid()
                 and marked(p, mark)]
        if not found:
            return
        for pid in found:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)


def lock_holder(path):
    """The process that has locked the file (struct flock of fcntl(2)); None if nobody has."""
    layout = "hhqqi"
    asked = struct.pack(layout, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
    try:
        with open(path, "r+b") as file:
            kind, *_, pid = struct.unpack(layout, fcntl.fcntl(file, fcntl.F_GETLK, asked))
    except OSError:
        return None
    return None if kind == fcntl.F_UNLCK else pid


def field_of(pid, name):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1])
    return 0


def rss_mb(pid):
    try:
        return field_of(pid, "VmRSS") / 1024
    except OSError:
        return 0.0


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Peak:
    """`with Peak(pid) as peak`: afterwards, peak.mb is the largest resident memory."""

    def __init__(self, pid):
        self.pid, self.mb, self.stop = pid, rss_mb(pid), threading.Event()

    def __enter__(self):
        def watch():
            while not self.stop.wait(0.05):
                self.mb = max(self.mb, rss_mb(self.pid))
        self.thread = Background(watch)
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.result()


def until(condition, seconds, pause=0.1):
    """Whether the condition became true in time."""
    end = time.monotonic() + seconds
    while not (holds := condition()) and time.monotonic() < end:
        time.sleep(pause)
    return bool(holds)


def place(text):
    host, port = text.rsplit(":", 1)
    return host, int(port)


def health(address, timeout=15):
    """(HTTP status or error, seconds) of GET /health."""
    begin = time.monotonic()
    try:
        with urllib.request.urlopen(f"http://{address}/health", timeout=timeout) as answer:
            code = answer.status
    except OSError as error:
        code = repr(error)
    return code, time.monotonic() - begin


def is_root():
    return os.geteuid() == 0


def nobody():
    """How to run as another user: as nobody, or without root as oneself."""
    if not is_root() or not shutil.which("setpriv"):
        return []
    return ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]


# -- clusters -------------------------------------------------------------------------------------

class Cluster:
    def __init__(self, world, nodes, sets, data, arguments):
        self.world, self.size, self.sets = world, nodes, list(sets)
        self.home = tempfile.mkdtemp(prefix="cluster.", dir=world.home)
        self.data = data or self.home + "/data"
        self.arguments = list(arguments)

    def up(self):
        done = self.world.troupe("up", "--data", self.data, "--nodes", str(self.size), "--detach",
                                 *self.arguments, *(w for s in self.sets for w in ("--set", s)))
        hold(done.code == 0, f"a cluster starts: {done.words}")
        hold(self.all_up(), "all nodes of a new cluster are up within 30 s")
        return self

    def on(self, verb, *arguments, timeout=60):
        return self.world.troupe(verb, "--data", self.data, *arguments, timeout=timeout)

    def send(self, agent, text, *more, timeout=60):
        return self.on("send", agent, text, *more, timeout=timeout)

    def digest(self, folder, *more, question=QUESTION, timeout=60):
        return self.on("run", "digest", "--input", f"dir={folder}", "--input",
                       f"question={question}", *more, timeout=timeout)

    def down(self):
        done = self.on("down")
        hold(done.code == 0, f"`troupe down` ends a cluster: {done.words}")

    def nodes(self, *more):
        """What `status` says about each node, by name; {} if nobody answers."""
        try:
            status = json.loads(self.on("status", "--json", *more).out)
            return {node["name"]: node for node in status["nodes"]}
        except (ValueError, KeyError):
            return {}

    def names(self):
        return [f"node-{i + 1}" for i in range(self.size)]

    def pid(self, name="node-1"):
        """The process that holds the node's lock, if it is ours; else None."""
        pid = lock_holder(f"{self.data}/{name}/lock")
        return pid if pid and marked(pid, self.world.mark) else None

    def pids(self):
        return {name: self.pid(name) for name in self.names()}

    def kill(self, name, with_signal=signal.SIGKILL):
        """Whether there was a process for the signal."""
        pid = self.pid(name)
        if pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, with_signal)
                return True
        return False

    def addresses(self):
        """(links, HTTP) ports, in the order of the nodes."""
        text = pathlib.Path(self.data + "/cluster.yaml").read_text()
        return (re.findall(r' address: "([^"]+)"', text),
                re.findall(r'http_address: "([^"]+)"', text))

    def all_up(self, wait=30):
        """Whether each node sees all nodes up in time."""
        def stand(link):
            nodes = self.nodes("--peer", link)
            return len(nodes) == self.size and all(n["state"] == "up" for n in nodes.values())
        return until(lambda: all(map(stand, self.addresses()[0])), wait)

    def secret(self):
        return pathlib.Path(self.data + "/secret").read_text().strip().encode()

    def check_log(self, name="node-1"):
        """Each line of a log is one JSON object and cannot control a terminal."""
        text = pathlib.Path(f"{self.data}/{name}/log.jsonl").read_bytes()
        hold(b"\x1b" not in text, f"the log of {name} has no escape characters")
        for line in text.splitlines():
            try:
                json.loads(line)
            except ValueError:
                raise Violated(f"each line of the log of {name} is JSON: {line[:200]!r}") from None


class World:
    """What a script gets: the program, its seed and rounds, and its own folder."""

    def __init__(self, options, mark):
        self.program = os.path.abspath(options.troupe)
        self.rounds, self.seed, self.mark = options.rounds, options.seed, mark
        self.random = random.Random(options.seed)
        self.summary = ""  # the last line
        self.home = tempfile.mkdtemp(prefix="chaos.")
        self.environment = {k: v for k, v in os.environ.items()
                            if not k.startswith(("TROUPE_", "OTEL_", "TRACEPARENT"))}
        self.environment.update({MARK: mark, "XDG_STATE_HOME": self.home + "/state",
                                 "TMPDIR": self.home})

    def start(self, command, **more):
        return subprocess.Popen(command, env=self.environment, stdin=subprocess.DEVNULL, **more)

    def troupe(self, *arguments, timeout=60, prefix=(), program=None):
        begin = time.monotonic()
        process = self.start([*prefix, program or self.program, *arguments], errors="replace",
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            out, err = process.communicate(timeout=timeout)
            code = process.returncode
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            code = -999
        return Done(code, out, err, time.monotonic() - begin)

    @contextlib.contextmanager
    def cluster(self, nodes=3, sets=(), data=None, arguments=()):
        cluster = Cluster(self, nodes, sets, data, arguments).up()
        yield cluster
        cluster.down()

    def folder(self, name, files=()):
        """A new folder with these files: (name, text or bytes)."""
        path = pathlib.Path(tempfile.mkdtemp(prefix=name + ".", dir=self.home))
        for file, text in dict(files).items():
            (path / file).write_bytes(text.encode() if isinstance(text, str) else text)
        return str(path)

    @contextlib.contextmanager
    def stranger(self, what, *arguments):
        """Starts stranger.py as another user and waits until it is ready."""
        code = pathlib.Path(__file__).with_name("stranger.py").read_text()
        process = self.start([*nobody(), sys.executable, "-c", code, what, *map(str, arguments)],
                             cwd="/", stdout=subprocess.PIPE, text=True)
        try:
            line = process.stdout.readline()
            hold(line.startswith("standing"), f"the stranger stands: {line!r}")
            yield process
        finally:
            process.terminate()
            process.wait()


def main(module_doc, run, rounds, rounds_mean):
    """Runs a script: run(World). Ends with one of the exit codes above."""
    parser = argparse.ArgumentParser(description=module_doc,
                                     formatter_class=argparse.RawDescriptionHelpFormatter,
                                     epilog="Exit codes: 0 all held, 1 something did not, 70 the"
                                            " script itself failed, 77 skipped.")
    parser.add_argument("troupe", help="the program, such as build/release/troupe")
    parser.add_argument("--rounds", type=int, default=rounds, metavar="N",
                        help=f"{rounds_mean} (default: {rounds})")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30), metavar="N")
    parser.add_argument("--keep", action="store_true", help="keep the folder whatever happens")
    options = parser.parse_args()
    if not os.access(options.troupe, os.X_OK):
        parser.error(f"{options.troupe} is no program")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    mark = os.environ.get(MARK) or f"{os.getpid()}-{random.randrange(1 << 60)}"
    world, keep = World(options, mark), options.keep
    say(f"seed {options.seed}, rounds {options.rounds}")
    try:
        run(world)
        say(world.summary or "held")
        return HELD
    except Violated as violated:
        keep = True
        say(f"VIOLATED: {violated}\nkept: {world.home}; again: --seed {options.seed}"
            f" --rounds {options.rounds}\n{world.summary}".rstrip())
        return VIOLATED
    except Skipped as why:
        say(f"skipped: {why}")
        return SKIPPED
    except KeyboardInterrupt:
        say("interrupted")
        return 130
    except Exception:  # a fault of the script, not of the program
        import traceback
        traceback.print_exc()
        return BROKEN
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        sweep(mark)
        if not keep:
            shutil.rmtree(world.home, ignore_errors=True)
