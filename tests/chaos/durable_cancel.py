#!/usr/bin/env python3
"""Durable runs of three owners are cancelled while their tasks wait, work and ask a provider on all
nodes: by `troupe runs cancel`, by SIGINT for their clients, by their clients' deadlines.

Held: a second later no task waits or works on any node, and the provider has no open call of them.
The runs are cancelled, what was recorded before stays, and after all nodes were killed nothing of
them is asked again.
"""
import datetime
import itertools
import re
import signal
import subprocess
import time
import urllib.request

import chaoslib as chaos
import provider as providers
import run_load

ROUNDS, QUICK, ROUNDS_MEAN = 6, 3, "times that three runs are cancelled"
NODES, SLOTS, WORDS = 3, 2, 30
CANCEL_SECONDS_MAX, DEADLINE_SECONDS = 1, 5
KINDS = {"`runs cancel`": 1, "SIGINT": 130, "deadline": 124}  # with the clients' exit codes
RULES = """rules:
  - {model: quick, reply: "done"}
  - {latency: 60s, reply: "nobody waits for it"}
"""
GRAPH = """graph: cancelled
inputs:
  words: {type: list, required: true}
tasks:
  - {id: first, role: quick, input: {text: begin}}
  - {id: each, role: slow, for_each: $inputs.words, attempts: 1,
     input: {text: $item, before: $tasks.first}}
result: $tasks.each
"""
ASKED = re.compile(r'^llm_calls_running\{[^}]*provider="open"[^}]*\} (\d+)', re.MULTILINE)


class Slow:
    """A provider that answers one model at once and another hardly ever, and a graph for both."""

    def __init__(self, world):
        folder = world.folder("provider", {"rules.yaml": RULES, "cancelled.yaml": GRAPH})
        self.simulator = providers.Simulator(world, "ledger", "--rules", folder + "/rules.yaml")
        roles = world.folder("roles", {name + ".yaml": providers.ROLE.format(
            name=name, prompts='{answer: "{{text}}"}', tokens=100).replace("open/m", "open/" + name)
            for name in ("quick", "slow")})
        self.graph, self.config = folder + "/cancelled.yaml", folder + "/troupe.yaml"
        with open(self.config, "w") as file:
            file.write(providers.CONFIGURATION.format(url=self.simulator.url, roles=roles))

    def closed(self):
        """When calls of the slow model were closed, since the last time."""
        return [datetime.datetime.fromisoformat(line["time"].replace("Z", "+00:00")).timestamp()
                for line in self.simulator.new_lines() if line["model"] == "slow"]


def open_calls(cluster):
    """How many calls each node waits for, by its own metrics."""
    found = []
    for address in cluster.addresses()[1]:
        with urllib.request.urlopen(f"http://{address}/metrics", timeout=20) as answer:
            found.append(sum(map(int, ASKED.findall(answer.read().decode()))))
    return found


def is_under_way(cluster):
    nodes = cluster.nodes().values()
    return open_calls(cluster) == [SLOTS] * NODES and sum(n["queue_length"] for n in nodes) > 0


def is_idle(cluster):
    nodes = cluster.nodes().values()
    return len(nodes) == NODES and not any(n["queue_length"] + n["tasks_running"] for n in nodes) \
        and open_calls(cluster) == [0] * NODES


def start(world, cluster, provider, *more):
    """Clients, one for each owner, whose runs are under way, and the ids of these."""
    words = ",".join(f"w{i}" for i in range(WORDS))
    clients = [world.start([world.program, "run", provider.graph, "--data", cluster.data,
                            "--peer", owner, "--input", f"words={words}", "--durability", "sync",
                            *more], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
               for owner in cluster.addresses()[0]]
    chaos.hold(chaos.until(lambda: is_under_way(cluster), 20, 0.05),
               f"tasks wait and ask on all nodes: {open_calls(cluster)}")
    listed = run_load.parsed(cluster.on("runs", "--state", "running", "--json").out)["runs"]
    chaos.hold(len({run["node"] for run in listed}) == NODES == len(listed),
               f"each node owns a run: {listed}")
    return clients, [run["run"] for run in listed]


def cancel_all(world, cluster, provider, kind):
    """The runs, and how many seconds it took until nothing of them was left."""
    deadline = ["--timeout", f"{DEADLINE_SECONDS}s"] if kind == "deadline" else []
    begin = time.time()
    clients, runs = start(world, cluster, provider, *deadline)
    ordered = time.time()
    if kind == "deadline":
        ordered = begin + DEADLINE_SECONDS
        chaos.hold(time.time() < ordered, f"it takes less than {DEADLINE_SECONDS} s to begin")
        time.sleep(ordered - time.time())
    elif kind == "SIGINT":
        for client in clients:
            client.send_signal(signal.SIGINT)
    else:
        for done in chaos.at_once(lambda one: cluster.on("runs", "cancel", one), runs, NODES):
            chaos.hold(done.code == 0, f"`runs cancel` cancels it: {done.words}")
    looked, is_over = ordered, False
    while not is_over:  # looking takes a while: what was seen was there when it began, or later
        chaos.hold(looked <= ordered + CANCEL_SECONDS_MAX, f"{kind}: nothing waits or works after"
                   f" {CANCEL_SECONDS_MAX} s: {open_calls(cluster)} calls, {cluster.nodes()}")
        looked, is_over = time.time(), is_idle(cluster)
    idle = time.time() - ordered
    closed = [at - ordered for at in provider.closed()]
    for client in clients:
        code = client.wait(20)
        chaos.hold(code == KINDS[kind],
                   f"{kind}: its client says so: {code} {client.stdout.read()}")
    chaos.hold(len(closed) >= NODES * SLOTS, f"{kind}: the calls are closed: {len(closed)}")
    chaos.say(f"{kind}: the last of {len(closed)} calls is closed after {max(closed) * 1000:.0f}"
              f" ms, nothing waits or works after {idle * 1000:.0f} ms")
    chaos.hold(max(closed) <= CANCEL_SECONDS_MAX, f"{kind}: the last call is closed within"
               f" {CANCEL_SECONDS_MAX} s: {max(closed):.2f} s")
    return runs, max(*closed, idle)


def judge(cluster, run, when):
    shown = run_load.parsed(cluster.on("runs", "show", run, "--steps", "--json").out)
    chaos.hold(shown.get("state") == "cancelled", f"{when}: run {run} is cancelled: {shown}")
    first = [task for task in shown["tasks"] if task["task"] == "first"]
    chaos.hold(first and first[0]["ok"] and [
        step["outcome"] for step in first[0]["steps"]] == ["recorded"],
        f"{when}: what was done stays recorded: {first}")


def run(world):
    provider = Slow(world)
    with world.cluster(nodes=NODES, sets=[f"agents.pool_size={SLOTS}"],
                       arguments=["--config", provider.config]) as cluster:
        cancelled, most = [], 0
        for _, kind in zip(range(world.rounds), itertools.cycle(KINDS)):
            runs, took = cancel_all(world, cluster, provider, kind)
            cancelled += runs
            most = max(most, took)
        for one in cancelled:
            judge(cluster, one, "at once")
        for name in cluster.names():
            cluster.kill(name)
        chaos.hold(cluster.all_up(60), "all nodes are up within a minute of a kill -9")
        for one in cancelled:
            judge(cluster, one, "after kill -9 of all nodes")
        chaos.hold(open_calls(cluster) == [0] * NODES and not provider.closed(),
                   "nothing of a cancelled run is asked again")
        world.summary = (f"held: {len(cancelled)} runs cancelled on {NODES} nodes, nothing of them"
                         f" left after {most:.2f} s at most")


if __name__ == "__main__":
    raise SystemExit(chaos.main(__doc__, run, ROUNDS, ROUNDS_MEAN))
