#!/usr/bin/env python3
"""Graphs, keys and times that are wrong, deep, huge or cyclic.

Held: wrong input is refused at once with exit code 64 (78 in the configuration), in our own words
and without much memory. A run with too many tasks fails. Large but correct input is done. The nodes
stay the same processes.
"""
import os
import time

import chaoslib as chaos

ROUNDS, QUICK, ROUNDS_MEAN = 10_000, 2000, "tasks of the large graphs"
REFUSED_SECONDS_MAX, CLIENT_MB_MAX, NODE_MB_MAX = 5.0, 128, 200
TASK = "graph: a\ntasks:\n  - id: x\n    role: noop\n"
ECHO = 'graph: a\ntasks:\n  - {id: x, role: echo, input: {text: "%s"}}\n'


def laughs(name):
    lines = [name + ": &a [x,x,x,x,x,x,x,x,x]\n"]
    for i in range(12):
        of = ",".join(["*" + chr(97 + i)] * 9)
        lines.append(f"{chr(98 + i)}: &{chr(98 + i)} [{of}]\n")
    return lines


def wrong_graphs():
    yield "billion laughs", "graph: a\n" + "".join(laughs("a")) + "tasks: *m\n"
    inputs = "".join("      " + line for line in laughs("a"))
    yield ("laughs as an input",
           "graph: a\ntasks:\n  - id: x\n    role: echo\n    input:\n" + inputs)
    yield "an alias of itself", "graph: a\ntasks: &t [*t]\n"
    yield "10,000 deep", "graph: a\ntasks: " + "[" * 10_000 + "]" * 10_000
    yield "10,000 deep, never closed", "graph: a\ntasks: " + "[" * 10_000
    yield "300,000 braces", "{a: " * 300_000
    yield "1,200 deep blocks", "\n".join(" " * i + "a:" for i in range(1200))
    yield "100 MB", [b"graph: a\n#"] + [b"x" * 1_000_000] * 100
    yield "NUL", "graph: a\0b\ntasks: []\n"
    yield "UTF-16", "graph: a\n".encode("utf-16")
    yield "not UTF-8", b"graph: a\ndescription: caf\xe9\n" + TASK[9:].encode()
    yield "not UTF-8 in an input", (ECHO % "caf?").encode().replace(b"?", b"\xe9")
    yield "empty", ""
    yield "a list", "[]"
    yield "a tag", "graph: !!python/object/apply:os.system [id]\n"
    yield "the same key twice", "graph: a\ngraph: b\n" + TASK[9:]
    yield "the same id twice", TASK + "  - id: x\n    role: noop\n"
    for name in ("../x", "a/b", "x[3]", "", "a b", "a\\n", "$x", "x.y", "é"):
        yield f"the id {name[:12]!r}", f'graph: a\ntasks:\n  - id: "{name}"\n    role: noop\n'
    for needs in (("y", "x"), ("x", "x"), ("z", "x")):
        yield (f"needs {needs}", "graph: a\ntasks:\n  - {id: x, role: noop, needs: [%s]}\n"
               "  - {id: y, role: noop, needs: [%s]}\n" % needs)
    for value in ("$tasks.nope", "$inputs.nope", "$item", "$", "$tasks", "$tasks.x", "$tasks..",
                  "$foo.bar", "$tasks.x" + ".a" * 5000):
        yield f"the input {value[:16]}", ECHO % value
    for value in ("0", "-1", "11", "99999999999999999999", "4294967296", "1.5", "1e3", "x"):
        yield f"attempts {value}", TASK + f"    attempts: {value}\n"
    for value in ("-5s", "1ns", "99999999999999h", "1e9s", "60", "s", "9223372036854775807ms"):
        yield f"the time {value}", TASK + f"    limits: {{time: {value}}}\n"
    yield "10,001 tasks", tasks_of(10_001)


def tasks_of(count):
    return "graph: a\ntasks:\n" + "".join(f"  - {{id: t{i}, role: noop}}\n" for i in range(count))


def large_graphs(count):
    """Large but correct input."""
    chain = "".join("  - {id: t%d, role: noop%s}\n" % (i, f", needs: [t{i - 1}]" if i else "")
                    for i in range(count // 2))
    wide = "".join("  - {id: t%d, role: noop, needs: [%s]}\n"
                   % (i, ", ".join(f"t{j}" for j in range(max(0, i - 170), i)))
                   for i in range(min(1000, count // 10)))
    items = "[" + ",".join(["a"] * (count * 3 // 10)) + "]"
    yield f"{count} tasks", tasks_of(count)
    yield f"a chain of {count // 2}", "graph: a\ntasks:\n" + chain
    yield "each needs 170 before", "graph: a\ntasks:\n" + wide
    yield (f"{count * 3 // 10} squared", "graph: a\ntasks:\n"
           f"  - {{id: x, role: echo, for_each: {items}, input: {{text: $item}}}}\n"
           f"  - {{id: y, role: noop, for_each: {items}, input: {{a: $tasks.x}}}}\n")


WRONG_KEYS = ("agents.pool_size=0", "agents.pool_size=99999999999", "agents.pool_size=-1",
              "queue.tasks_max=18446744073709551616", "scheduler.threads=100000",
              "telemetry.spans_kept=-1", "telemetry.sample_ratio=nan",
              "telemetry.sample_ratio=1e400", "models.offline_delay=-1s",
              "models.offline_delay=99999999h", "node.listen=0.0.0.0:0",
              "node.http_listen=0.0.0.0:0", "node.listen=127.0.0.1:99999", "cluster.name=a\nb",
              "telemetry.otlp_endpoint=file:///etc/passwd")
WRONG_TIMES = ("-5s", "0s", "99999999999h", "1e400s", "nan", "s")


def measured(world, *arguments, timeout=120):
    """(code, standard error, seconds, largest memory in MB) of a command"""
    errors = world.home + "/errors"
    begin = time.monotonic()
    with open(errors, "wb") as err, open(os.devnull, "wb") as out:
        process = world.start([world.program, *arguments], stdout=out, stderr=err)
        while True:
            pid, status, used = os.wait4(process.pid, os.WNOHANG)
            if pid:
                break
            if time.monotonic() - begin > timeout:
                process.kill()
            time.sleep(0.005)
    process.returncode = os.waitstatus_to_exitcode(status)
    with open(errors, errors="replace") as err:
        words = err.read().strip()
    return process.returncode, words, time.monotonic() - begin, used.ru_maxrss / 1024


def run_graph(world, cluster, text):
    path = world.home + "/g.yaml"
    with open(path, "wb") as file:
        file.writelines(text if isinstance(text, list) else
                        [text if isinstance(text, bytes) else text.encode()])
    return measured(world, "run", path, "--data", cluster.data)


def refuse(world, cluster):
    slowest, most, count = (0.0, ""), (0.0, ""), 0
    for what, text in wrong_graphs():
        code, words, seconds, mb = run_graph(world, cluster, text)
        slowest, most, count = max(slowest, (seconds, what)), max(most, (mb, what)), count + 1
        chaos.hold(code == 64, f"{what} is refused with 64, not {code}: {words[-200:]}")
        chaos.hold("libprotobuf" not in words and words, f"{what}: in words of ours: {words[:200]}")
        chaos.hold(seconds <= REFUSED_SECONDS_MAX and mb <= CLIENT_MB_MAX,
                   f"{what}: refused at once: {seconds:.1f} s, {mb:.0f} MB")
    many = ",".join(["a"] * 120_000)
    code, words, _, _ = run_graph(world, cluster, "graph: a\ntasks:\n"
                                  f"  - {{id: x, role: noop, for_each: [{many}]}}\n")
    chaos.hold(code == 1 and "100000" in words, f"120,000 tasks are too many: {code} {words[:200]}")
    for key in WRONG_KEYS:
        code, words, _, _ = measured(world, "config", "check", "--set", key)
        chaos.hold(code in (64, 78) and words, f"{key!r} is refused: {code} {words}")
    for value in WRONG_TIMES:
        code, words, _, _ = measured(world, "send", "--data", cluster.data, "echo/a", "hi",
                                     "--timeout", value)
        chaos.hold(code == 64 and words, f"--timeout {value} is refused: {code} {words}")
    chaos.say(f"{count} graphs, {len(WRONG_KEYS)} keys, {len(WRONG_TIMES)} times refused; the"
              f" slowest graph {slowest[0]:.2f} s ({slowest[1]}), a client had at most"
              f" {most[0]:.0f} MB ({most[1]})")


def run(world):
    with world.cluster(nodes=2) as cluster:
        pids = cluster.pids()
        refuse(world, cluster)
        shown = []
        for what, text in large_graphs(world.rounds):
            code, words, seconds, mb = run_graph(world, cluster, text)
            chaos.hold(code == 0, f"{what}: done, not {code}: {words[-200:]}")
            shown.append(f"{what} {seconds:.1f} s")
        most = max(chaos.rss_mb(pid) for pid in pids.values())
        chaos.say(f"{'; '.join(shown)}; nodes have {most:.0f} MB at most")
        chaos.hold(most <= NODE_MB_MAX, f"a node has at most {NODE_MB_MAX} MB after it all")
        chaos.hold(cluster.pids() == pids, "the nodes are the same processes")


if __name__ == "__main__":
    raise SystemExit(chaos.main(__doc__, run, ROUNDS, ROUNDS_MEAN))
