"""Events in words: one line for each, as the log and a plain terminal show them.

Owns these words. What models and repositories wrote is put on one line and made harmless here.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import singledispatch
from typing import Literal

from longshift.cli.terminal import one_line
from longshift.domain import events as e
from longshift.domain.budgets import setting_of, shares
from longshift.domain.model import WITHOUT_EVIDENCE, BudgetKind, Usage
from longshift.domain.state import Run
from longshift.review.flags import named, protected_paths

Tone = Literal["plain", "good", "bad", "warn", "dim", "bold"]

STYLES: dict[Tone, str] = {
    "plain": "",
    "good": "green",
    "bad": "red",
    "warn": "yellow",
    "dim": "dim",
    "bold": "bold",
}


@dataclass(frozen=True, slots=True)
class Told:
    """An event in words.

    Attributes:
        text: one line.
        tone: how it is to be coloured.
        minor: whether only the log has it, and not the lines of a run under way.
    """

    text: str
    tone: Tone = "plain"
    minor: bool = False


def told(event: e.Event, run: Run | None) -> Told:
    """Put an event into words.

    Args:
        event: what happened.
        run: its run as it stands, to give names to ids; None: it is not known.
    """
    said = _told(event, run)
    return Told(one_line(said.text, 400), said.tone, said.minor)


def usage_words(usage: Usage) -> str:
    """What was spent: calls, tokens, cost; how much of it is our estimate."""
    cached = f" ({usage.cached_tokens:,} cached)" if usage.cached_tokens else ""
    tokens = f"{usage.input_tokens:,} tokens in{cached}, {usage.output_tokens:,} out"
    estimated = ""
    if usage.estimated_calls:
        estimated = f" (estimated for {counted(usage.estimated_calls, 'call')})"
    return f"{counted(usage.calls, 'call')}, {tokens}{estimated}, {cost_words(usage)}"


def cost_words(usage: Usage) -> str:
    """What calls cost: in dollars, or that a price is unknown and what the others come to."""
    if usage.cost_usd is not None:
        return f"${usage.cost_usd:.2f}"
    return f"price unknown, ${usage.known_usd:.2f} beside" if usage.known_usd else "price unknown"


def budget_words(run: Run, now: datetime) -> str:
    """What a run has used of each limit that is set for it; "" where none is."""
    return ", ".join(
        f"{amount(share.kind, share.used)} of {amount(share.kind, share.limit)} "
        f"{_UNITS[share.kind]}({share.percent} %)"
        for share in shares(run, now)
    )


def amount(kind: BudgetKind, number: Decimal) -> str:
    """A share of a budget in digits that a person reads: `$0.25`, `1,200`, `2.5`."""
    if kind == "usd":
        return f"${number:,.2f}"
    return f"{number:,.0f}" if number == int(number) else f"{number:,.1f}"


_UNITS: dict[BudgetKind, str] = {
    "usd": "",
    "tokens": "tokens ",
    "calls": "calls ",
    "minutes": "minutes ",
    "cycles": "cycles ",
}


def sandbox_words(opened: e.SandboxOpened) -> str:
    """What holds the commands of models, or why none is run."""
    return f"sandbox: {opened.profile}" if opened.commands else opened.profile


def sandbox_line(opened: e.SandboxOpened) -> str:
    """The same in few words, for a view that has little room."""
    if opened.commands:
        return f"sandbox: {opened.profile.partition(':')[0]}"
    return opened.profile.partition(". ")[0].removesuffix(".")


def counted(number: int, noun: str) -> str:
    """`1 hunk`, `2 hunks`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def ordinal(number: int) -> str:
    """`1st`, `2nd`, `3rd` and so on."""
    teens = number % 100 in (11, 12, 13)
    ending = "th" if teens else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


@singledispatch
def _told(event: e.Fact, run: Run | None) -> Told:
    """Whatever is not told below: by its name alone."""
    del run
    return Told(str(getattr(event, "event", type(event).__name__)), "dim", minor=True)


@_told.register
def _(event: e.RunStarted, run: Run | None) -> Told:
    del run
    return Told(f"{event.run} started: {event.goal.text}", "bold")


@_told.register
def _(event: e.RunResumed, run: Run | None) -> Told:
    del run
    return Told(f"{event.run} goes on{_because(event.reason)}", "bold")


@_told.register
def _(event: e.RunPaused, run: Run | None) -> Told:
    del run
    return Told(f"{event.run} is paused{_because(event.reason)}", "warn")


@_told.register
def _(event: e.RunRecovered, run: Run | None) -> Told:
    del run
    done = " ".join(event.done) or "Nothing was half done."
    return Told(f"{event.run} was put in order after its process had ended: {done}", "warn")


@_told.register
def _(event: e.RunFinished, run: Run | None) -> Told:
    del run
    tone: Tone = "good" if event.outcome == "done" else "bad"
    return Told(f"{event.run} ended: {event.outcome}{_because(event.reason)}", tone)


@_told.register
def _(event: e.RunSteered, run: Run | None) -> Told:
    del run
    return Told(f"the person says: {event.message}")


@_told.register
def _(event: e.CycleStarted, run: Run | None) -> Told:
    del run
    return Told(f"cycle {event.cycle} begins ({event.mode})", "bold")


@_told.register
def _(event: e.HeadMoved, run: Run | None) -> Told:
    del run
    return Told(f"the head took in your text ({_paths(event.paths)})", minor=not event.paths)


@_told.register
def _(event: e.HeadPublished, run: Run | None) -> Told:
    del run
    text = f"the head is published: refs/longshift/{event.run}/head is {event.head[:10]}"
    return Told(text, "dim", minor=True)


@_told.register
def _(event: e.PlannerStarted, run: Run | None) -> Told:
    del run
    slice_ = f" on {event.scope}: {event.objective}" if event.parent else ""
    return Told(f"{event.planner} plans{slice_}", minor=not slice_)


@_told.register
def _(event: e.PlannerFinished, run: Run | None) -> Told:
    del run
    text = f"{event.planner} {event.outcome}: {event.summary}"
    return Told(text, "plain" if event.outcome == "finished" else "warn")


@_told.register
def _(event: e.DesignNoted, run: Run | None) -> Told:
    del run
    return Told(f"{event.planner} decided {event.note}, {event.topic}: {event.decision}")


@_told.register
def _(event: e.TaskAdded, run: Run | None) -> Told:
    del run
    after = f", after {', '.join(event.plan.depends_on)}" if event.plan.depends_on else ""
    return Told(f"{event.task} added: {event.plan.title}{after}")


@_told.register
def _(event: e.TaskDropped, run: Run | None) -> Told:
    return Told(f"{_task(event.task, run)} dropped: {event.reason}", "warn")


@_told.register
def _(event: e.AgentStarted, run: Run | None) -> Told:
    del run
    return Told(f"{event.agent} comes to the list of tasks", "dim", minor=True)


@_told.register
def _(event: e.AgentFinished, run: Run | None) -> Told:
    del run
    text = f"{event.agent} {event.outcome}: {event.summary}"
    finished = event.outcome == "finished"
    return Told(text, "dim" if finished else "warn", minor=finished)


@_told.register
def _(event: e.TasksLocked, run: Run | None) -> Told:
    del run
    return Told(
        f"{event.agent} has the list of tasks to itself, after {event.waited_s:.0f} s in line",
        "dim",
        minor=True,
    )


@_told.register
def _(event: e.TasksUnlocked, run: Run | None) -> Told:
    del run
    text = f"{event.agent} had the list of tasks for {event.held_s:.0f} s"
    if event.cause == "expired":
        return Told(f"{text} and did not give it back: it was taken from it", "warn")
    return Told(f"{text}, and it is free again", "dim", minor=True)


@_told.register
def _(event: e.AttemptStarted, run: Run | None) -> Told:
    try_ = f" ({ordinal(event.attempt)} attempt)" if event.attempt > 1 else ""
    by = f", claimed by {event.agent}" if event.agent else ""
    return Told(f"{_task(event.task, run)} started{try_}{by}", "dim")


@_told.register
def _(event: e.AttemptFailed, run: Run | None) -> Told:
    again = "will be tried again" if event.retry else "failed"
    text = f"{_task(event.task, run)} {again} ({event.failure}): {event.reason}"
    return Told(text, "warn" if event.retry else "bad")


@_told.register
def _(event: e.LandingIntended, run: Run | None) -> Told:
    del run
    return Told(f"{event.task} is about to land {event.commit[:10]}", "dim", minor=True)


@_told.register
def _(event: e.TaskLanded, run: Run | None) -> Told:
    change = f"{event.change}, {_paths(event.paths)}" if event.change else "nothing to change"
    concerns = f"; concerns: {event.handoff.concerns}" if event.handoff.concerns else ""
    flags = _flags(event, run)
    text = f"{_task(event.task, run)} landed ({change}){concerns}{flags}"
    return Told(text, "warn" if flags else "good")


@_told.register
def _(event: e.LandingConflict, run: Run | None) -> Told:
    text = f"{_task(event.task, run)} met a conflict in {_paths(event.paths)}; its worker resolves"
    return Told(text, "warn")


@_told.register
def _(event: e.FileReserved, run: Run | None) -> Told:
    text = f"{_paths(event.paths)} goes to {_task(event.task, run)} first: it drew many conflicts"
    return Told(text, "dim")


@_told.register
def _(event: e.ConflictPredicted, run: Run | None) -> Told:
    one, other = (_task(id_, run) for id_ in event.tasks)
    return Told(f"{one} and {other} have edited the same lines of {event.path}", "dim")


@_told.register
def _(event: e.JudgeStarted, run: Run | None) -> Told:
    del run
    if event.look > 1:
        return Told(f"a second judge looks at cycle {event.cycle}{_because(event.because)}")
    return Told(f"the judge looks at cycle {event.cycle}")


@_told.register
def _(event: e.VerdictReached, run: Run | None) -> Told:
    del run
    tasks = f" {', '.join(event.tasks)}" if event.tasks else ""
    return Told(f"verdict: {event.decision}{tasks}{_because(event.reason)}", "bold")


@_told.register
def _(event: e.FindingReported, run: Run | None) -> Told:
    del run
    f = event.detail
    tone: Tone = "warn" if f.origin == "run" else "dim"
    before = ", stood there before" if f.origin == "base" else ""
    unshown = ", without evidence" if f.evidence == WITHOUT_EVIDENCE else ""
    text = f"{f.id} {f.severity}{before}{unshown}: {f.path}:{f.line}: {f.message} [{f.code}]"
    return Told(text, tone, minor=f.origin == "base")


@_told.register
def _(event: e.FindingResolved, run: Run | None) -> Told:
    del run
    return Told(f"{event.finding} is resolved", "good")


@_told.register
def _(event: e.FindingDismissed, run: Run | None) -> Told:
    del run
    return Told(f"{event.finding} is dismissed{_because(event.reason)}")


@_told.register
def _(event: e.DecisionIntended, run: Run | None) -> Told:
    del run
    text = f"{event.change} {event.path}: about to be {event.decision}"
    return Told(text, "dim", minor=True)


@_told.register
def _(event: e.ChangeDecided, run: Run | None) -> Told:
    del run
    hunks = f"hunk {', '.join(map(str, event.hunks))}"
    text = f"{event.change} {event.path}, {hunks}: {event.decision}{_because(event.reason)}"
    return Told(text, "good" if event.decision == "accepted" else "plain")


@_told.register
def _(event: e.ChangeStale, run: Run | None) -> Told:
    del run
    hunks = f"hunk {', '.join(map(str, event.hunks))}"
    return Told(f"{event.change} {event.path}, {hunks} needs rework: {event.reason}", "warn")


@_told.register
def _(event: e.ConstraintAdded, run: Run | None) -> Told:
    del run
    return Told(f"{event.constraint} holds from now on: {event.detail.text}")


@_told.register
def _(event: e.ConstraintLifted, run: Run | None) -> Told:
    del run
    return Told(f"{event.constraint} is lifted")


@_told.register
def _(event: e.QuestionAsked, run: Run | None) -> Told:
    del run
    options = f" ({' / '.join(event.options)})" if event.options else ""
    how = f'`longshift answer {event.run} {event.question} "…"`'
    return Told(f"{event.question} {event.asked_by} asks: {event.text}{options}; {how}", "bold")


@_told.register
def _(event: e.QuestionAnswered, run: Run | None) -> Told:
    del run
    return Told(f"{event.question} is answered: {event.answer}")


@_told.register
def _(event: e.ConversationOpened, run: Run | None) -> Told:
    del run
    return Told(f"{event.agent} begins, as {event.role}, with {event.model}", "dim", minor=True)


@_told.register
def _(event: e.ModelCalled, run: Run | None) -> Told:
    del run
    ended = event.finish_reason if event.outcome in ("", "answered") else event.outcome
    _, _, used = usage_words(event.usage).partition(", ")  # of one call, it goes without saying
    text = f"{event.agent} asked {event.model}: {used}, {event.latency_s:g} s"
    return Told(f"{text}{_because(ended)}", "dim", minor=True)


@_told.register
def _(event: e.SandboxOpened, run: Run | None) -> Told:
    del run
    return Told(sandbox_words(event), "plain" if event.commands else "warn")


@_told.register
def _(event: e.CommandRan, run: Run | None) -> Told:
    del run
    ended = "was stopped for its time" if event.exit_status is None else f"→ {event.exit_status}"
    text = f"{event.agent} ran `{event.command}` {ended}, {event.duration_s:g} s"
    return Told(text, "dim", minor=True)


@_told.register
def _(event: e.CheckRan, run: Run | None) -> Told:
    del run
    check = f"Check `{event.command}`"
    if event.left_out:
        return Told(f"{check} was left out: its program is not there", "warn", minor=True)
    if event.exit_status is None:
        return Told(f"{check} could not be run to its end", "warn")
    if event.flaky:
        held = "and never did before the run" if event.new_failure else "and is not held against it"
        text = f"{check} is flaky: it passed on {event.passed} of {event.tries} tries, {held}"
        return Told(text, "warn")
    if event.new_failure:
        return Told(f"{check} fails, and did not so before the run", "bad")
    before = " as it did before the run" if event.exit_status else ""
    verb = "fails" if event.exit_status else "passes"
    return Told(f"{check} {verb}{before}", "dim", minor=True)


@_told.register
def _(event: e.GuardRefused, run: Run | None) -> Told:
    del run
    if not event.tool:
        return Told(f"{event.agent} ({event.guard}): {event.detail}", "warn")
    text = f"{event.agent} was kept in bounds with {event.tool} ({event.guard}): {event.detail}"
    return Told(text, "warn")


@_told.register
def _(event: e.BudgetWarned, run: Run | None) -> Told:
    del run
    of = f"{amount(event.kind, event.used)} of {amount(event.kind, event.limit)}"
    text = f"{event.percent} % of {_budget(event)} is used or reserved: {of}"
    # Of a task what matters is that it was stopped, which the next fact says.
    return Told(text, "warn", minor=event.task is not None)


@_told.register
def _(event: e.BudgetExceeded, run: Run | None) -> Told:
    del run
    of = f"{amount(event.kind, event.used)} of {amount(event.kind, event.limit)}"
    return Told(f"{_budget(event)} is used up: {of}", "bad")


def _budget(event: e.BudgetWarned | e.BudgetExceeded) -> str:
    of_task = f" of {event.task}" if event.task else ""
    return f"{setting_of(event.kind, event.task)}{of_task}"


def _flags(event: e.TaskLanded, run: Run | None) -> str:
    if run is None or event.change is None or event.change not in run.changes:
        return ""
    flags = protected_paths(run, event.change)
    return f"; protected: {named(flags)}" if flags else ""


def _because(reason: str) -> str:
    return f": {reason}" if reason else ""


def _paths(paths: Iterable[str]) -> str:
    named = list(paths)
    if len(named) <= 2:
        return ", ".join(named)
    return f"{named[0]} and {counted(len(named) - 1, 'more file')}"


def _task(task_id: str, run: Run | None) -> str:
    task = run.tasks.get(task_id) if run else None
    return f"{task_id} ({task.plan.title})" if task else task_id
