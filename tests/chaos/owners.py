#!/usr/bin/env python3
"""Three owners at once, each with four times as many tasks as the cluster has slots.

Held: all runs and all tasks succeed, and a task is executed at most 1.02 times on average: an owner
does not consider tasks lost that wait for slots used by others.
"""
import re
import urllib.request

import chaoslib as chaos

ROUNDS, QUICK, ROUNDS_MEAN = 2, 1, "times that three owners run at once"
SLOTS_A_NODE, NODES, TIMES_SLOTS = 4, 3, 4
EXECUTIONS_MAX = 1.02
GRAPH = """graph: slow
inputs:
  dir: {type: folder, required: true}
tasks:
  - id: read
    role: reader
    for_each: $inputs.dir.documents
    input: {document: $item, question: why}
    attempts: 3
    limits: {time: 2500ms}
result: $tasks.read
"""
COUNTED = re.compile(r'agent_tasks_processed_total\{[^}]*task_type="task"[^}]*\} (\d+)')


def executions(cluster):
    total = 0
    for address in cluster.addresses()[1]:
        with urllib.request.urlopen(f"http://{address}/metrics", timeout=20) as answer:
            total += sum(int(n) for n in COUNTED.findall(answer.read().decode()))
    return total


def run(world):
    tasks = SLOTS_A_NODE * NODES * TIMES_SLOTS
    graph = world.folder("graph", {"slow.yaml": GRAPH}) + "/slow.yaml"
    documents = world.folder("documents", {f"{i}.txt": f"Text {i} must be given.\n"
                                           for i in range(tasks)})
    sets = [f"agents.pool_size={SLOTS_A_NODE}", "models.offline_delay=1500ms"]
    with world.cluster(nodes=NODES, sets=sets) as cluster:
        before = 0
        for _ in range(world.rounds):
            runs = [chaos.Background(cluster.on, "run", graph, "--input", f"dir={documents}",
                                     "--peer", link) for link in cluster.addresses()[0]]
            done = [one.result() for one in runs]
            for one in done:
                chaos.hold(one.code == 0, f"each owner's run succeeds: {one.code} {one.last}")
            total = executions(cluster)
            each = (total - before) / (NODES * tasks)
            before = total
            chaos.say(f"{NODES} owners x {tasks} tasks, {SLOTS_A_NODE * NODES} slots:"
                      f" {max(d.seconds for d in done):.1f} s, {each:.3f} executions a task")
            chaos.hold(1 <= each <= EXECUTIONS_MAX,
                       f"a task is executed at most {EXECUTIONS_MAX} times, not {each:.3f}")
        failed = sum(n["tasks_failed"] for n in cluster.nodes().values())
        chaos.hold(failed == 0, f"no task fails: {failed}")


if __name__ == "__main__":
    raise SystemExit(chaos.main(__doc__, run, ROUNDS, ROUNDS_MEAN))
