"""Clients that submit durable runs with keys, and the account of each run for the judge."""
import json
import time

import chaoslib as chaos
import run_judge

RUN_SECONDS_MAX = 60        # for a run to end when all nodes are up
FOLLOWED_SECONDS_MAX = 240  # a client does not give up a run whose nodes come back
LISTED_MAX = 1000
DETACHED, REPEATED = 0.8, 0.1  # shares of the submissions
MAY_BE_TOLD = {0, 69, 75, 76, 124}
# Task and number of the step, in the order of their questions.
STEPS = (("left", 1), ("right", 1), ("both", 1), ("last", 1), ("last", 2), ("last", 3))


def parsed(text):
    """The last JSON object of a command's output; {} if there is none."""
    for line in reversed(text.splitlines()):
        try:
            return json.loads(line)
        except ValueError:
            pass
    return {}


class Submitted:
    """A key, and what clients were told about its run."""

    def __init__(self, key, text=None):
        self.key, self.text = key, text or key  # what is asked begins with the text
        self.ids, self.told_end, self.codes = set(), None, []

    def submit(self, cluster, provider, log, detach, *more):
        done = cluster.on("run", provider.graph, "--input", f"text={self.text}", "--key", self.key,
                          "--durability", "sync", "--json", *(["--detach"] if detach else []),
                          *more, timeout=FOLLOWED_SECONDS_MAX)
        told = parsed(done.out)
        log(key=self.key, code=done.code, run=told.get("run"), result=told.get("result"))
        self.codes.append(done.code)
        no_room = done.code == 1 and "storage.free_min" in done.out
        chaos.hold(done.code in MAY_BE_TOLD or no_room,
                   f"clients are told what became of run {self.key}: {done.code} {done.words}")
        if done.code == 0:
            self.ids.add(told["run"])
            if not detach:
                self.told_end = self.told_end or time.time()
                chaos.hold(told["result"] == provider.result(self.text),
                           f"the result of run {self.key} is right: {done.out}")
        return done


def submit_on(cluster, provider, submitted, log, random, stop):
    """One client. A key that was not acknowledged comes again later, one that was sometimes too."""
    waiting = []
    while not stop.is_set():
        again = waiting and random.random() < 0.4
        one = waiting.pop(random.randrange(len(waiting))) if again else submitted.next()
        done = one.submit(cluster, provider, log, detach=random.random() < DETACHED)
        if done.code != 0 or random.random() < REPEATED:
            waiting.append(one)
        stop.wait(0.05)


def account_of(cluster, provider, one):
    """What the cluster says of a run that was acknowledged. It waits for the run's end."""
    account = run_judge.RunAccount(one.key, provider.stages(one.text), one.ids, [],
                                   told_end=one.told_end)
    run = sorted(one.ids)[0]
    done = cluster.on("runs", "attach", run, "--json", timeout=RUN_SECONDS_MAX)
    account.right = parsed(done.out).get("result") == provider.result(one.text)
    shown = parsed(cluster.on("runs", "show", run, "--steps", "--json").out)
    account.state = shown.get("state")
    if account.state is None or (account.state == "succeeded" and done.code != 0):
        account.state = f"{account.state}, and `runs attach` says {done.code} {done.words}"
    account.open_calls = "outcome_unknown" in done.words
    questions = dict(zip(STEPS, [q for stage in account.stages for q in stage]))
    for task in shown.get("tasks", []):
        steps = task.get("steps", [])
        account.unknown |= {questions[task["task"], step["number"]]: step["unknown"]
                            for step in steps if step["unknown"]}
        chaos.hold(task["unknown_steps"] == sum(step["unknown"] for step in steps),
                   f"run {one.key}: a task counts the unknown steps that it lists: {task}")
    return account


def judge_submitted(cluster, provider, submitted, log, kills):
    """The verdict on these runs. All nodes are up and nobody else submits."""
    for one in submitted:
        if not one.ids:  # its client gave up at the end of the load; it is asked for once more
            done = one.submit(cluster, provider, log, detach=True)
            chaos.hold(done.code == 0, f"with all nodes up a run is accepted: {done.words}")
    accounts = chaos.at_once(lambda one: account_of(cluster, provider, one), submitted, 3)
    listed = {}
    told = parsed(cluster.on("runs", "--limit", str(LISTED_MAX), "--json").out)
    for run in told.get("runs", []):
        listed.setdefault(run["key"], []).append(run["run"])
    for account in accounts:
        account.listed = listed.get(account.key, [])
    for one in submitted:
        for stage in provider.stages(one.text):
            for question in stage:
                provider.remember(question)
    lines = provider.bills()
    for line in lines:
        chaos.hold(line.question in provider.questions, "the ledger has only calls of these runs")
        line.question = provider.questions[line.question]
    provider.questions.clear()
    return run_judge.judge_runs(accounts, lines, provider.latency, kills)
