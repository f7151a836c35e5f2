"""What a rule says when it ends a run, and what all rules look at.

Owns these shapes only. Pure.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from longshift.domain.model import Outcome
from longshift.domain.state import CycleRecord, Run

RuleName = Literal[
    "goal_met",
    "given_up",
    "no_progress",
    "oscillation",
    "diminishing_return",
    "drift",
    "budget",
    "person",
]
"""What ends a run; `person`: they stopped it."""
Figures = Mapping[str, int | float | str]
MOST_NAMED = 3
"""Findings and paths that a reason names."""


@dataclass(frozen=True, slots=True)
class Stop:
    """A run's end: by which rule, with what to say of it and what it went by."""

    rule: RuleName
    outcome: Outcome
    reason: str
    """Sentences for a person: what happened, and what they could do."""
    figures: Figures = field(default_factory=dict)


def counted(run: Run) -> Sequence[CycleRecord]:
    """The cycles that rules look at: judged ones, since the person last had a say.

    A cycle without a verdict was cut off, and had no chance to bring anything.
    """
    return [one for one in run.cycles[run.counted_from :] if one.verdict is not None]


def is_void(cycle: CycleRecord) -> bool:
    """Whether what landed in a cycle comes to nothing: its head's files are as it began."""
    return bool(cycle.tree) and cycle.tree == cycle.start_tree


def brought(cycle: CycleRecord) -> int:
    """How much a cycle brought: landings, and resolved findings; nothing where no file changed.

    A finding that goes without that was forgotten, or told in other words.
    """
    return 0 if is_void(cycle) else cycle.landed + len(cycle.resolved)


def standing_words(run: Run, ids: Sequence[str]) -> str:
    """The findings that stand in the way, named for a person; "" where there are none."""
    found = [run.findings[id_] for id_ in ids if id_ in run.findings]
    if not found:
        return ""
    named = [f"{one.id} {one.code} ({one.path}:{one.line})" for one in found[:MOST_NAMED]]
    more = f" and {len(found) - MOST_NAMED} more" if len(found) > MOST_NAMED else ""
    return f"Open errors: {', '.join(named)}{more}."


def ending(run: Run, rule: RuleName, what: str, advice: str) -> str:
    """A reason: the rule, what it saw, what stands open, the judge's last word, what to do next."""
    last = run.cycles[-1]
    said = last.verdict.reason if last.verdict else ""
    name = rule.replace("_", " ").capitalize()
    parts = [
        f"{name}: {what}",
        standing_words(run, last.standing),
        said and f"The judge's last word: {said}",
    ]
    words = " ".join(part for part in parts if part)
    return f"{words}{'' if words.endswith(('.', '!', '?')) else '.'} {advice.format(run=run.id)}"
