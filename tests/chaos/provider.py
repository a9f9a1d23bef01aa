"""A provider of models for clusters: `troupe simulate` with its ledger, and what was billed for
which question. The ledger has a hash of each request; a second simulator tells which that is.
"""
import datetime
import http.client
import json
import os
import subprocess

import chaoslib as chaos
import run_judge

OUTPUT_TOKENS = 50000  # enough to say again what is asked
RULES = """rules:
  - latency: {latency}ms
    reply: "got {{question}}"
"""
ROLES = {  # prompts by name; those of `last` are three steps of one task
    "left": {"answer": "left {{text}}"},
    "right": {"answer": "right {{text}}"},
    "both": {"answer": "both {{text}} with {{other}}"},
    "last": {"first": "first {{text}}", "second": "second {{first}}", "answer": "last {{second}}"},
}
ROLE = """role: {name}
description: Asks the simulated provider
mind: chat
model: open/m
tasks: true
limits: {{output_tokens: {tokens}}}
prompts: {prompts}
"""
CONFIGURATION = """providers:
  open: {{kind: openai, base_url: "{url}/v1"}}
node: {{roles: {roles}}}
"""
GRAPH = """graph: steps
inputs:
  text: {type: text, required: true}
tasks:
  - {id: left, role: left, attempts: 10, input: {text: $inputs.text}}
  - {id: right, role: right, attempts: 10, input: {text: $inputs.text}}
  - {id: both, role: both, attempts: 10, input: {text: $tasks.left, other: $tasks.right}}
  - {id: last, role: last, attempts: 10, input: {text: $tasks.both}}
result: $tasks.last
"""


class Simulator:
    def __init__(self, world, name, *arguments):
        self.ledger = f"{world.home}/{name}.jsonl"
        self.process = world.start([world.program, "simulate", "--port", "0", "--ledger",
                                    self.ledger, *arguments], stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline().strip()
        chaos.hold(line.startswith("listening on "), f"`troupe simulate` listens: {line!r}")
        self.url = line.split()[-1]
        self.read = 0

    def new_lines(self):
        """What was billed since the last time."""
        if not os.path.exists(self.ledger):
            return []
        with open(self.ledger, "rb") as file:
            file.seek(self.read)
            text = file.read()
        whole = text[:text.rfind(b"\n") + 1]
        self.read += len(whole)
        return [json.loads(line) for line in whole.splitlines()]


class Provider:
    """The files that make a cluster ask it, and its ledger by question."""

    def __init__(self, world, latency_ms=250):
        self.latency = latency_ms / 1000
        files = {"rules.yaml": RULES.format(latency=latency_ms), "steps.yaml": GRAPH}
        folder = world.folder("provider", files)
        self.simulator = Simulator(world, "ledger", "--rules", folder + "/rules.yaml")
        self.hashing = Simulator(world, "hashes")
        roles = world.folder("roles", {name + ".yaml": ROLE.format(
            name=name, prompts=json.dumps(prompts), tokens=OUTPUT_TOKENS)
            for name, prompts in ROLES.items()})
        self.graph = folder + "/steps.yaml"
        self.config = folder + "/troupe.yaml"
        with open(self.config, "w") as file:
            file.write(CONFIGURATION.format(url=self.simulator.url, roles=roles))
        self.questions = {}

    @staticmethod
    def stages(text):
        """The questions that a run's tasks ask, in their order; those of one list at once."""
        both = f"both got left {text} with got right {text}"
        first = f"first got {both}"
        return [[f"left {text}", f"right {text}"], [both], [first], [f"second got {first}"],
                [f"last got second got {first}"]]

    @staticmethod
    def result(text):
        return "got " + Provider.stages(text)[-1][0]

    def remember(self, question):
        """Learns the hash of what a task asks."""
        body = json.dumps({"model": "m", "max_tokens": OUTPUT_TOKENS,
                           "messages": [{"role": "user", "content": question}]})
        link = http.client.HTTPConnection(self.hashing.url.split("//")[1], timeout=20)
        link.request("POST", "/v1/chat/completions", body, {"Content-Type": "application/json"})
        link.getresponse().read()
        link.close()
        self.questions[self.hashing.new_lines()[-1]["request_hash"]] = question

    def bills(self):
        """New lines of the ledger, with hashes for questions."""
        def end(line):
            return datetime.datetime.fromisoformat(line["time"].replace("Z", "+00:00")).timestamp()
        return [run_judge.Bill(line["request_hash"], end(line)) for line in
                self.simulator.new_lines()]
