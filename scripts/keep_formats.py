"""What scripts/keep_formats does: a node with `troupe simulate` writes a journal and states of each
kind, is killed, and what it leaves on its disk is kept for the tests of later versions.
"""
import argparse
import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "tests" / "chaos"))
import chaoslib as chaos  # noqa: E402

RULES = """rules:
  - {contains: stall, first: 1, fault: hang}
  - {contains: hang, fault: hang}
  - {contains: refuse, refusal: true}
  - {contains: large, output_tokens: 20000}
  - reply: "got {question}"
"""
ROLES = {
    "asker": '{"answer": "{{text}}"}',
    "talker": '{"first": "{{text}}", "answer": "hang after {{first}}"}',
}
ROLE = """role: %s
description: Asks the simulated provider
mind: chat
model: open/m
tasks: true
limits: {output_tokens: 50000}
prompts: %s
"""
GRAPHS = {
    # A failure that another attempt follows, one that none follows, a large payload, a list.
    "kinds": """graph: kinds
inputs:
  file: {type: file, required: true}
  items: {type: list, required: true}
tasks:
  - {id: again, role: asker, attempts: 2, limits: {time: 2s}, input: {text: stall}}
  - {id: large, role: asker, input: {text: large}}
  - {id: each, role: asker, for_each: $inputs.items, input: {text: $item}}
  - {id: refused, role: asker, attempts: 1, input: {text: refuse}}
result: $tasks.each
""",
    "cancelled": """graph: cancelled
tasks:
  - {id: never, role: asker, input: {text: hang}}
""",
    # A step with an outcome and one without, and a task that is done.
    "open": """graph: open
tasks:
  - {id: done, role: asker, input: {text: quick}}
  - {id: talks, role: talker, attempts: 9, input: {text: $tasks.done}}
result: $tasks.talks
""",
}
# What a run comes to; not what only an owner of another version writes.
KINDS = {"began", "resumed", "taskStarted", "taskSucceeded", "taskFailed", "step", "cancelAsked",
         "finished", "left"}
LEFT_OUT = ("LOCK", "LOG", "LOG.old", "IDENTITY", "OPTIONS", "LISTED.new")
LARGE_FACT = "The large fact: " + " ".join(f"word{i}" for i in range(10_000)) + "."


class Node:
    """A cluster of one node."""

    def __init__(self, program, home, url):
        self.program, self.data = program, home / "data"
        roles = home / "roles"
        roles.mkdir()
        for name, prompts in ROLES.items():
            (roles / f"{name}.yaml").write_text(ROLE % (name, prompts))
        (home / "troupe.yaml").write_text(
            f'providers:\n  open: {{kind: openai, base_url: "{url}/v1"}}\n'
            f'node: {{roles: {roles}}}\n')
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith("TROUPE_")}
        self.environment |= {"TROUPE_CONFIG": str(home / "troupe.yaml"), "TMPDIR": str(home),
                             "XDG_STATE_HOME": str(home / "home")}
        self.up = None

    def start(self):
        self.up = subprocess.Popen(
            [self.program, "up", "--nodes", "1", "--data", str(self.data), "--json"],
            env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        for line in self.up.stdout:
            told = json.loads(line)
            if told.get("event") == "ready":
                return
            if "error" in told:
                raise RuntimeError(f"the node does not start: {told}")
        raise RuntimeError("the node does not start")

    def kill(self):
        """The node and who would start it again."""
        if not self.up:
            return
        self.up.send_signal(signal.SIGSTOP)
        holder = chaos.lock_holder(self.data / "node-1" / "lock")
        if holder:
            os.kill(holder, signal.SIGKILL)
        self.up.kill()
        self.up.wait()
        chaos.until(lambda: not chaos.lock_holder(self.data / "node-1" / "lock"), 30)
        self.up = None

    def stop(self):
        """In good order."""
        self.troupe("down")
        self.up.wait(60)
        self.up = None

    def troupe(self, verb, *arguments, codes=(0,)):
        done = subprocess.run([self.program, *verb.split(), "--data", str(self.data), *arguments],
                              env=self.environment, stdin=subprocess.DEVNULL,
                              text=True, timeout=120,
                              capture_output=True)
        if done.returncode not in codes:
            raise RuntimeError(f"troupe {verb}: {done.returncode} {done.stderr}")
        return done.stdout

    def events(self):
        text = subprocess.run([self.program, "journal", "export", str(self.data / "node-1")],
                              env=self.environment, check=True, capture_output=True,
                              text=True).stdout
        return [json.loads(line) for line in text.splitlines()]


def steps_of(node, run):
    shown = json.loads(node.troupe("runs show", run, "--steps", "--json"))
    return {(task["task"], step["number"]): step["outcome"]
            for task in shown["tasks"] for step in task["steps"]}


def write_runs(node, home):
    graphs = {}
    for name, text in GRAPHS.items():
        graphs[name] = home / f"{name}.yaml"
        graphs[name].write_text(text)
    (home / "file.txt").write_text("A file of the inputs.\n")

    def submit(name, *more):
        return node.troupe("run", str(graphs[name]), "--durability", "sync", "--detach",
                           *more).strip()
    goes_on = submit("open", "--key", "goes on")
    chaos.hold(chaos.until(lambda: steps_of(node, goes_on).get(("talks", 2)) == "open", 60),
               "a step is open")
    for end in (node.stop, node.kill):
        end()
        node.start()  # it is resumed, and its open step begun again
        chaos.hold(chaos.until(lambda: steps_of(node, goes_on).get(("talks", 2)) == "open", 60),
                   "a step is open again")
    cancelled = submit("cancelled")
    chaos.hold(chaos.until(lambda: steps_of(node, cancelled), 60), "a call is open")
    node.troupe("runs cancel", cancelled)
    node.troupe("run", str(graphs["kinds"]), "--durability", "sync", "--key", "all kinds",
                "--input", f"file={home}/file.txt", "--input", "items=one,two,three",
                codes=(1,))


def write_states(node):
    node.troupe("send", "librarian/small", "Remember: The ferry leaves from pier four.")
    node.troupe("send", "librarian/large", "Remember: " + LARGE_FACT)
    node.troupe("send", "librarian/large", "Remember: The harbour opens at six.")
    node.troupe("send", "librarian/large", f"Remember the file {node.data.parent}/file.txt")


def check(events):
    """What is kept has all that later versions must be able to read."""
    kinds = {kind for event in events for kind in event["event"]}
    chaos.hold(kinds >= KINDS, f"each kind of event is there: {kinds}")
    failed = [event["event"]["taskFailed"].get("again", False) for event in events
              if "taskFailed" in event["event"]]
    chaos.hold(set(failed) == {True, False}, "a task failed for now, and one for good")
    chaos.hold(max(len(json.dumps(event)) for event in events) > 1 << 16, "a payload is large")


def keep(folder, into):
    into.mkdir(parents=True)
    for file in sorted(folder.iterdir()):
        if not file.name.startswith(LEFT_OUT):
            shutil.copy(file, into / file.name)
    chaos.say(f"{into}: " + ", ".join(f"{file.name} ({file.stat().st_size} bytes)"
                                      for file in sorted(into.iterdir())))


def make(program, journal, state):
    home = pathlib.Path(tempfile.mkdtemp(prefix="formats."))
    (home / "rules.yaml").write_text(RULES)
    provider = subprocess.Popen([program, "simulate", "--port", "0", "--rules",
                                 str(home / "rules.yaml")], stdout=subprocess.PIPE, text=True)
    node = None
    try:
        node = Node(program, home, provider.stdout.readline().split()[-1])
        node.start()
        write_runs(node, home)
        write_states(node)
        node.kill()
        for name, into in (("journal", journal), ("state", state)):
            keep(node.data / "node-1" / name, into)
        check(node.events())  # opens it, and so changes it
    finally:
        with contextlib.suppress(ProcessLookupError):
            if node:
                node.kill()
        provider.kill()
        provider.wait()
        shutil.rmtree(home, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program")
    parser.add_argument("--journal", type=pathlib.Path, required=True)
    parser.add_argument("--state", type=pathlib.Path, required=True)
    wanted = parser.parse_args()
    for folder in (wanted.journal, wanted.state):
        if folder.exists():
            parser.error(f"{folder} is there: what a version has left is kept as it is")
    try:
        make(os.path.abspath(wanted.program), wanted.journal, wanted.state)
    except (chaos.Violated, RuntimeError, subprocess.SubprocessError) as why:
        chaos.say(f"not kept: {why}")
        for folder in (wanted.journal, wanted.state):
            shutil.rmtree(folder, ignore_errors=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
