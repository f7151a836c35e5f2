"""The built-in judge: does what the rules promised hold at the head?

Owns the verdict of rules. Must never pass as done what it did not look at, and never call a goal
met of which a part is beyond rules.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from longshift.models.builtin.conversation import Ask, Brief, Conversation, Done, Step, TaskBrief
from longshift.models.builtin.planner import (
    HOW_TO_SET_A_MODEL,
    look_around,
    python_paths_in,
    styled_rules,
)
from longshift.models.builtin.ruff import SYNTAX_ERROR, Diagnostic, Inspection, Ruff
from longshift.models.builtin.rules import GoalReading, forbidden_paths, read_goal
from longshift.models.builtin.sources import Reading, list_on, overlooked, read_on
from longshift.models.builtin.wording import counted, few

MOST_FINDINGS: Final = 100
MOST_TRIES: Final = 2
"""Tasks for the same file after which what is left there is reported and not tried again."""
MOST_VERDICTS: Final = 3
"""The same verdict is given that often: a gate may hold it back, or a person speak in between."""
"""Paths named in one sentence."""

_GRAVITY: Final = ("E9", "F8", "F", "B", "E", "W")
"""Most important first; all other rules follow."""


@dataclass(frozen=True, slots=True)
class _Checks:
    words: str
    """What they said, as a sentence to append; "" where there are none."""
    newly_failing: tuple[str, ...] = ()
    """Those known to have passed on the run's base."""


@dataclass(frozen=True, slots=True)
class _Outcome:
    decision: str
    reason: str
    tasks: tuple[str, ...] = ()


async def next_step(conversation: Conversation, ruff: Ruff) -> Step:
    """The judge's next answer."""
    brief = conversation.brief
    reading = read_goal(brief.goal, brief.constraints, brief.codes)
    if conversation.named("verdict"):
        return _after_refusal(conversation)
    if not reading.rules:
        reason = f"No rule can do what the goal asks. {HOW_TO_SET_A_MODEL}"
        return _give(conversation, _Outcome("give_up", reason))
    if asks := _first_asks(conversation):
        return Step("The checks, and what the head holds.", asks)
    if asks := list_on(conversation.done):
        return Step("Which files there are.", asks)
    sources = read_on(conversation.done, _paths(conversation))
    if sources.asks:
        return Step(f"Reading {counted(len(sources.asks), 'file')}.", sources.asks)
    inspections = await ruff.inspect_all(sources.texts, styled_rules(conversation, reading.rules))
    checks = _read_checks(conversation.named("run_checks"))
    outcome = _judge(brief, reading, inspections, checks, _overlooked(conversation, sources))
    return _give(conversation, outcome, _findings(brief, inspections))


def _first_asks(conversation: Conversation) -> tuple[Ask, ...]:
    checks = () if conversation.named("run_checks") else (Ask("run_checks", {}),)
    return (*checks, *look_around(conversation))


def _paths(conversation: Conversation) -> list[str]:
    """Files to look at: those of the goal's scope, and those that the run changed."""
    changed = [p for p in conversation.brief.changed_paths if p.endswith((".py", ".pyi"))]
    if conversation.brief.selection is not None:
        changed = []
    return sorted({*python_paths_in(conversation), *changed})


def _overlooked(conversation: Conversation, sources: Reading) -> str:
    """What could not be looked at; a file that the run took out is no such."""
    listed = python_paths_in(conversation)
    missed = {path: why for path, why in sources.unreadable.items() if path in listed}
    return overlooked(conversation.done, missed)


def _judge(
    brief: Brief,
    reading: GoalReading,
    inspections: Sequence[Inspection],
    checks: _Checks,
    unseen: str,
) -> _Outcome:
    """The verdict, by what stands in its way, most pressing first."""
    broken = [each for each in inspections if each.syntax_error and _is_changed(brief, each)]
    if broken:
        return _broken(brief, broken, checks)
    if checks.newly_failing:
        words = f"Passed before this run and fails now: {'; '.join(checks.newly_failing)}."
        return _Outcome("give_up", f"{words} What landed stands for review.")
    left = _left(brief, inspections)
    open_paths = [path for path in left if _tries(brief.tasks, path) < MOST_TRIES]
    if open_paths:
        words = f"{len(open_paths)} files can still be fixed by rule: {few(open_paths)}."
        return _Outcome("continue", words + checks.words)
    if reading.outside:
        words = f"What rules can do is done. Beyond them: {'; '.join(reading.outside)}."
        return _Outcome("give_up", f"{words} {HOW_TO_SET_A_MODEL}{checks.words}")
    if unseen and not inspections:
        return _Outcome("give_up", f"No Python file could be looked at.{unseen}{checks.words}")
    held = len(inspections) - len(left)
    words = f"{counted(held, 'file')} {'holds' if held == 1 else 'hold'} to the rules of the goal."
    if left:
        words += f" Tried {MOST_TRIES} times and left as they are: {few(left)}."
    return _Outcome("done", words + unseen + checks.words)


def _broken(brief: Brief, broken: Sequence[Inspection], checks: _Checks) -> _Outcome:
    """Changed files that don't parse: their tasks once more, then no further."""
    words = f"Changed files that don't parse: {'; '.join(each.obstacle for each in broken)}."
    tasks = _owners(brief.tasks, [each.path for each in broken])
    if tasks and all(_tries(brief.tasks, each.path) < MOST_TRIES for each in broken):
        return _Outcome("retry", words + checks.words, tasks)
    return _Outcome("give_up", words + checks.words)


def _is_changed(brief: Brief, inspection: Inspection) -> bool:
    return inspection.path in brief.changed_paths


def _left(brief: Brief, inspections: Sequence[Inspection]) -> list[str]:
    """Paths where rules would still change something, and may.

    Lines of a selection are numbered as they were at the start: once a task was there, they say
    nothing of the head any more.
    """
    if brief.selection is not None and _tries(brief.tasks, brief.selection.path):
        return []
    left = [each.path for each in inspections if each.changed]
    forbidden = forbidden_paths(left, brief.constraints)
    return [path for path in left if path not in forbidden]


def _owners(tasks: Sequence[TaskBrief], paths: Sequence[str]) -> tuple[str, ...]:
    """The tasks that name any of `paths`."""
    wanted = set(paths)
    return tuple(task.id for task in tasks if wanted & set(task.paths))


def _tries(tasks: Sequence[TaskBrief], path: str) -> int:
    return sum(path in task.paths for task in tasks)


def _findings(brief: Brief, inspections: Sequence[Inspection]) -> list[Diagnostic]:
    """What rules report and can't fix, or tried to in vain; most important first."""
    found = [
        each
        for one in inspections
        for each in one.diagnostics
        if not each.fixable or _tries(brief.tasks, each.path) >= MOST_TRIES
    ]
    return sorted(found, key=lambda each: (_gravity(each.code), each.path, each.line, each.code))


def _gravity(code: str) -> int:
    if code == SYNTAX_ERROR:
        return -1
    ranks = [rank for rank, prefix in enumerate(_GRAVITY) if code.startswith(prefix)]
    return min(ranks, default=len(_GRAVITY))


def _read_checks(runs: Sequence[Done]) -> _Checks:
    if runs and runs[-1].error:
        return _Checks(f" The checks could not be run: {runs[-1].error}")
    listed = runs[-1].result.get("checks") if runs else None
    checks = [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    checks = [each for each in checks if not each.get("left_out")]
    failing = [each for each in checks if each.get("exit_status") != 0]
    # A check that failed before the run too is told, and held against no one.
    newly = tuple(str(each.get("command")) for each in failing if each.get("new_failure") is True)
    if failing:
        names = "; ".join(str(each.get("command")) for each in failing)
        return _Checks(f" Checks that fail: {names}.", newly)
    return _Checks(f" All {len(checks)} checks pass." if checks else "")


def _give(
    conversation: Conversation, outcome: _Outcome, findings: Sequence[Diagnostic] = ()
) -> Step:
    """Report what was not reported yet, and give the verdict behind it."""
    reported = len(conversation.named("report_finding"))
    reason = outcome.reason
    if len(findings) > MOST_FINDINGS:
        reason += f" Not listed: {counted(len(findings) - MOST_FINDINGS, 'more finding')}."
    arguments = {"reason": reason, "decision": outcome.decision, "tasks": list(outcome.tasks)}
    reports = (_report(each) for each in findings[reported:MOST_FINDINGS])
    return Step(reason, (*reports, Ask("verdict", arguments)))


def _report(finding: Diagnostic) -> Ask:
    return Ask(
        "report_finding",
        {
            "path": finding.path,
            "line": finding.line,
            "end_line": finding.end_line,
            "message": finding.message,
            "code": finding.code,
            "severity": "error" if finding.code == SYNTAX_ERROR else "warning",
            "suggestion": "",
            "evidence": "",
        },
    )


def _after_refusal(conversation: Conversation) -> Step:
    """A verdict that was not accepted: say it again, then give up."""
    verdicts = conversation.named("verdict")
    if len(verdicts) < MOST_VERDICTS:
        return Step(conversation.texts[-1], (Ask("verdict", verdicts[-1].arguments),))
    reason = f"The verdict was refused: {verdicts[-1].error or 'no reason given'}"
    return _give(conversation, _Outcome("give_up", reason))
