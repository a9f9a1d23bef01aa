#!/usr/bin/env python3
"""Judges durable runs by what their clients were told, what they say, and the provider's ledger.

Nothing here starts or asks anything. Without arguments it tries itself: a fine history must be
found fine, and each history with one thing wrong must be found wrong.
"""
import collections
import dataclasses

LATE_SECONDS = 0.05  # how exact the times of two processes are compared


@dataclasses.dataclass
class Bill:
    """A line of the ledger. A call that was cut off began `latency` before its end, or later."""
    question: str
    end: float


@dataclasses.dataclass
class RunAccount:
    """One submission: what its client was told, and what the cluster says now."""
    key: str
    stages: list                # of the lists of questions that are asked at once, in their order
    acknowledged: set           # the ids that clients were given for the key
    listed: list                # the runs that the cluster has for the key
    state: str = "succeeded"
    right: bool = True          # the result is what an undisturbed run gives
    open_calls: bool = False    # it ended with `outcome_unknown`
    told_end: float = None      # when a client was given the result
    unknown: dict = dataclasses.field(default_factory=dict)  # by question: perhaps paid twice


@dataclasses.dataclass
class Verdict:
    lost: list = dataclasses.field(default_factory=list)
    repeated: list = dataclasses.field(default_factory=list)
    unreported: list = dataclasses.field(default_factory=list)
    paid_twice: int = 0

    def add(self, other):
        self.lost += other.lost
        self.repeated += other.repeated
        self.unreported += other.unreported
        self.paid_twice += other.paid_twice

    def all(self):
        return self.lost + self.repeated + self.unreported


def most_at_once(bills, latency):
    """How many calls were open at once at most."""
    steps = sorted([(b.end - latency, 1) for b in bills] + [(b.end, -1) for b in bills])
    most = now = 0
    for _, step in steps:
        now += step
        most = max(most, now)
    return most


def judge_end(one, bills, verdict):
    """An acknowledged run is there, once, and has ended as it must."""
    what = f"run {one.key} ({', '.join(sorted(one.acknowledged)) or 'not acknowledged'})"
    if len(one.acknowledged) > 1 or len(one.listed) > 1:
        verdict.repeated.append(f"{what}: a key has one run: {sorted(one.listed)}")
    if not one.acknowledged:
        return
    if not one.acknowledged & set(one.listed):
        verdict.lost.append(f"{what}: an acknowledged run is there: {one.listed}")
    elif one.state == "failed" and one.open_calls:
        asked = [q for stage in one.stages for q in stage]
        if all(len(bills[q]) <= 1 for q in asked) and one.unknown == {}:
            verdict.lost.append(f"{what}: `outcome_unknown` only where a call was open")
    elif one.state != "succeeded":
        verdict.lost.append(f"{what}: an acknowledged run ends: {one.state}")
    elif not one.right:
        verdict.lost.append(f"{what}: its result is right")


def judge_bills(one, bills, latency, verdict):
    """No call is made again after its outcome was recorded; calls made again are reported."""
    for number, stage in enumerate(one.stages):
        after = one.stages[number + 1] if number + 1 < len(one.stages) else []
        # When something that follows from its outcome was asked, or told, the outcome was recorded.
        followed = [bills[q][0].end - latency for q in after if bills[q]]
        if not after and one.told_end is not None:
            followed = [one.told_end]
        for question in stage:
            paid = bills[question]
            again = [b for b in paid for f in followed
                     if b.end - latency > f + LATE_SECONDS]
            if again:
                verdict.repeated.append(f"run {one.key}: a recorded call is not made again:"
                                        f" {question!r}, {[b.end for b in paid]}")
            if one.state == "succeeded" and not paid:
                verdict.lost.append(f"run {one.key}: {question!r} was asked")
            verdict.paid_twice += max(0, len(paid) - 1)
            reported = one.unknown.get(question, 0)
            if len(paid) - 1 > reported:
                verdict.unreported.append(
                    f"run {one.key}: {question!r} was paid {len(paid)} times, and {reported}"
                    " repetitions are reported")


def judge_runs(accounts, lines, latency, kills):
    """`lines` in the order of the ledger; `kills`: how many processes were killed."""
    bills, verdict = collections.defaultdict(list), Verdict()
    for line in sorted(lines, key=lambda line: line.end):
        bills[line.question].append(line)
    for one in accounts:
        judge_end(one, bills, verdict)
        judge_bills(one, bills, latency, verdict)
    most = kills * most_at_once(lines, latency)
    if verdict.paid_twice > most:
        verdict.unreported.append(f"{verdict.paid_twice} calls were paid again, at most {most} were"
                                  " open when processes were killed")
    return verdict


# -- it tries itself ------------------------------------------------------------------------------

def fine_history():
    one = RunAccount("k", [["a", "b"], ["c"], ["d"]], {"1f"}, ["1f"], told_end=9.0,
                     unknown={"b": 1})
    lines = [Bill("a", 1.2), Bill("b", 1.1), Bill("b", 2.2), Bill("c", 3.0), Bill("d", 4.0)]
    return one, lines


def histories_with_one_wrong():
    """(what is wrong, how it is made wrong, the list of the verdict that must say so)"""
    return (
        ("it is gone", lambda one, lines: one.listed.clear(), "lost"),
        ("another has its key", lambda one, lines: one.listed.append("2f"), "repeated"),
        ("two ids are told", lambda one, lines: one.acknowledged.add("2f"), "repeated"),
        ("it goes on for ever", lambda one, lines: setattr(one, "state", "running"), "lost"),
        ("it failed", lambda one, lines: setattr(one, "state", "failed"), "lost"),
        ("its result is wrong", lambda one, lines: setattr(one, "right", False), "lost"),
        ("unknown, and no call was open", lambda one, lines: (
            setattr(one, "state", "failed"), setattr(one, "open_calls", True), one.unknown.clear(),
            lines.pop(2)), "lost"),
        ("a call was never made", lambda one, lines: lines.pop(), "lost"),
        ("a repetition is not reported", lambda one, lines: one.unknown.clear(), "unreported"),
        ("a second repetition", lambda one, lines: lines.insert(2, Bill("b", 1.6)), "unreported"),
        ("a recorded call again", lambda one, lines: (
            lines.append(Bill("a", 3.5)), one.unknown.update(a=1)), "repeated"),
        ("a call after the end", lambda one, lines: (
            lines.append(Bill("d", 10.0)), one.unknown.update(d=1)), "repeated"),
    )


def try_itself():
    """Raises AssertionError if the judge is blind, or sees what is not there."""
    one, lines = fine_history()
    found = judge_runs([one], lines, 0.2, 1).all()
    assert not found, f"a fine history is found wrong: {found}"
    assert judge_runs([one], lines, 0.2, 0).unreported, "nothing was killed, and b was paid twice"
    for what, spoil, where in histories_with_one_wrong():
        one, lines = fine_history()
        spoil(one, lines)
        assert getattr(judge_runs([one], lines, 0.2, 1), where), f"not seen: {what}"


if __name__ == "__main__":
    try_itself()
