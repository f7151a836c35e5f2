"""What has happened: the facts that the journal keeps, each frozen and tagged by name.

The names are CONTRACT section 3's, and a few of our own for what must survive a restart or be
answered for: intents (`landing.intended`, `decision.intended`), planners and their design notes,
equal agents and their lock, the judge's start, model calls, the sandbox, its commands, guards that
refused something, and moves of the head. A fact is never changed once written; a field that is
added later needs a default, so that an old journal replays on new code.
"""

from datetime import datetime
from typing import Annotated

from pydantic import Field, TypeAdapter

from longshift.domain.events.accounts import (
    CommandRan,
    ConversationOpened,
    GuardRefused,
    ModelCalled,
    SandboxOpened,
)
from longshift.domain.events.fact import Fact, OfRun
from longshift.domain.events.judging import (
    CheckRan,
    FindingDismissed,
    FindingReported,
    FindingResolved,
    JudgeStarted,
    VerdictReached,
)
from longshift.domain.events.landing import (
    AttemptFailed,
    AttemptStarted,
    ConflictPredicted,
    FileReserved,
    Landing,
    LandingConflict,
    LandingIntended,
    TaskLanded,
)
from longshift.domain.events.person import (
    ChangeDecided,
    ChangeStale,
    ConstraintAdded,
    ConstraintLifted,
    DecisionIntended,
    QuestionAnswered,
    QuestionAsked,
)
from longshift.domain.events.planning import (
    AgentFinished,
    AgentStarted,
    DesignNoted,
    PlannerFinished,
    PlannerStarted,
    TaskAdded,
    TaskDropped,
    TasksLocked,
    TasksUnlocked,
)
from longshift.domain.events.runs import (
    BudgetExceeded,
    BudgetWarned,
    CycleStarted,
    HeadMoved,
    HeadPublished,
    RunFinished,
    RunPaused,
    RunRecovered,
    RunResumed,
    RunStarted,
    RunSteered,
    TaskCounts,
)
from longshift.domain.model import Value

__all__ = [
    "EVENT",
    "AgentFinished",
    "AgentStarted",
    "AttemptFailed",
    "AttemptStarted",
    "BudgetExceeded",
    "BudgetWarned",
    "ChangeDecided",
    "ChangeStale",
    "CheckRan",
    "CommandRan",
    "ConflictPredicted",
    "ConstraintAdded",
    "ConstraintLifted",
    "ConversationOpened",
    "CycleStarted",
    "DecisionIntended",
    "DesignNoted",
    "Event",
    "Fact",
    "FileReserved",
    "FindingDismissed",
    "FindingReported",
    "FindingResolved",
    "GuardRefused",
    "HeadMoved",
    "HeadPublished",
    "JudgeStarted",
    "Landing",
    "LandingConflict",
    "LandingIntended",
    "ModelCalled",
    "OfRun",
    "PlannerFinished",
    "PlannerStarted",
    "QuestionAnswered",
    "QuestionAsked",
    "Recorded",
    "RunFinished",
    "RunPaused",
    "RunRecovered",
    "RunResumed",
    "RunStarted",
    "RunSteered",
    "SandboxOpened",
    "TaskAdded",
    "TaskCounts",
    "TaskDropped",
    "TaskLanded",
    "TasksLocked",
    "TasksUnlocked",
    "VerdictReached",
]

Event = Annotated[
    RunStarted
    | RunResumed
    | RunPaused
    | RunRecovered
    | RunFinished
    | RunSteered
    | CycleStarted
    | HeadMoved
    | HeadPublished
    | PlannerStarted
    | PlannerFinished
    | DesignNoted
    | AgentStarted
    | AgentFinished
    | TasksLocked
    | TasksUnlocked
    | TaskAdded
    | TaskDropped
    | AttemptStarted
    | AttemptFailed
    | LandingIntended
    | TaskLanded
    | LandingConflict
    | FileReserved
    | ConflictPredicted
    | JudgeStarted
    | VerdictReached
    | FindingReported
    | FindingResolved
    | FindingDismissed
    | DecisionIntended
    | ChangeDecided
    | ChangeStale
    | ConstraintAdded
    | ConstraintLifted
    | QuestionAsked
    | QuestionAnswered
    | ConversationOpened
    | ModelCalled
    | SandboxOpened
    | CommandRan
    | CheckRan
    | GuardRefused
    | BudgetWarned
    | BudgetExceeded,
    Field(discriminator="event"),
]
EVENT: TypeAdapter[Event] = TypeAdapter(Event)
"""Parses a fact from its JSON or its dict; raises pydantic's ValidationError."""


class Recorded(Value):
    """A fact with its place in the journal."""

    seq: Annotated[int, Field(ge=1)]
    time: datetime
    """When it was written, in UTC."""
    event: Event

    def as_line(self) -> dict[str, object]:
        """The JSON object that `run --json` and `log --json` print for it."""
        body = self.event.model_dump(mode="json")
        time = self.time.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        head = {"seq": self.seq, "time": time, "run": body.pop("run"), "event": body.pop("event")}
        return head | body
