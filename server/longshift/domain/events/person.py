"""A person's word: decisions on hunks, rules, answers; and what did not fit their text."""

from typing import Literal

from longshift.domain.events.fact import Fact, OfRun
from longshift.domain.model import Constraint, HunkDecision


class DecisionIntended(OfRun):
    """Intent: hunks are about to be written into the person's file or buffer."""

    event: Literal["decision.intended"] = "decision.intended"
    change: str
    path: str
    hunks: tuple[int, ...]
    decision: HunkDecision
    before_sha256: str | None
    """Of the file's bytes before and after the effect; None: no such file."""
    after_sha256: str | None
    file: str | None = None
    """Where the effect takes place; None: at `path`."""
    text: str | None = None
    """As in `ChangeDecided`."""


class ChangeDecided(OfRun):
    """A person decided on hunks of one path, and what it does to the text has been done."""

    event: Literal["change.decided"] = "change.decided"
    change: str
    path: str
    hunks: tuple[int, ...]
    decision: HunkDecision
    reason: str = ""
    text: str | None = None
    """For one accepted hunk, the lines that the person put there in place of the hunk's own."""
    editor: str = ""
    """Which of several editors it was made in, by a word that lasts as long as that one is open:
    its text need not be saved. "": none that is known, such as the command line."""


class ChangeStale(OfRun):
    """Hunks of a landing did not fit what the person had then; their text stands."""

    event: Literal["change.stale"] = "change.stale"
    change: str
    path: str
    hunks: tuple[int, ...]
    reason: str


class ConstraintAdded(Fact):
    """A person gave a rule, or rejected a hunk, which makes one."""

    event: Literal["constraint.added"] = "constraint.added"
    run: str | None = None
    constraint: str
    detail: Constraint


class ConstraintLifted(Fact):
    """A person took a rule back."""

    event: Literal["constraint.lifted"] = "constraint.lifted"
    run: str | None = None
    constraint: str


class QuestionAsked(OfRun):
    """An agent asks the person; work goes on."""

    event: Literal["question.asked"] = "question.asked"
    question: str
    text: str
    options: tuple[str, ...] = ()
    asked_by: str


class QuestionAnswered(OfRun):
    """The person answered; it reaches the planner at its next step."""

    event: Literal["question.answered"] = "question.answered"
    question: str
    answer: str
