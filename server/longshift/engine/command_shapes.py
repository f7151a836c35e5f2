"""What each command takes: the shapes of its arguments."""

from collections.abc import Mapping
from typing import Annotated, Final, Self

from pydantic import Field, model_validator

from longshift.domain.model import Diagnostic, Selection
from longshift.engine.arguments import Arguments, Name

Words = Annotated[str, Field(max_length=100_000)]
MOST_TEXT: Final = 5_000_000
"""Most characters that a person's own lines may have; a snapshot takes no larger file either."""


class StartGoal(Arguments):
    """What `startGoal` takes; the language server has made paths of uris by then."""

    goal: Annotated[Words, Field(min_length=1)]
    paths: tuple[Name, ...] = ()
    selection: Selection | None = None
    diagnostics: tuple[Diagnostic, ...] = ()
    template: Name | None = None
    workers: int | None = None
    strategy: Name | None = None
    settings: Mapping[str, object] = {}
    """Settings for this run alone, as the command line sends them."""
    repo: Name | None = None
    """The worktree that the goal is for, as a URI; None: the engine's own."""


class Nothing(Arguments):
    """A command without arguments."""


class OfRun(Arguments):
    """A command on one run."""

    run_id: Name


class Resume(OfRun):
    """What `resumeRun` takes."""

    budget: Mapping[str, object] = {}
    """Limits that hold from here on, named as in the settings; what is left out stays."""


class Steer(OfRun):
    """What `steerRun` takes."""

    message: Annotated[Words, Field(min_length=1)]


class Answer(OfRun):
    """What `answerQuestion` takes."""

    question_id: Name
    answer: Words


class AddConstraint(Arguments):
    """What `addConstraint` takes."""

    text: Annotated[Words, Field(min_length=1)]


class LiftConstraint(Arguments):
    """What `liftConstraint` takes."""

    constraint_id: Name


class OfHunks(OfRun):
    """A decision on a change, on one of its files or on one hunk."""

    change_id: Name
    path: Name | None = None
    hunk: Annotated[int, Field(ge=1)] | None = None
    reason: Words = ""
    shown: Name | None = None
    """What `listHunks` or `showHunk` called `shown` when the person saw the hunk: one that is
    another by now is refused."""


class OfAll(OfRun):
    """A decision on everything that is pending, of one file or of the whole run."""

    path: Name | None = None


class Accept(OfHunks):
    """What `acceptChange` takes."""

    protected: bool = False
    """Whether files that take a word of their own are meant too, where no path names them."""
    text: Annotated[str, Field(max_length=MOST_TEXT)] | None = None
    """The lines to put there in place of the hunk's own; needs `path` and `hunk`."""

    @model_validator(mode="after")
    def _names_one_hunk(self) -> Self:
        if self.text is not None and (self.path is None or self.hunk is None):
            raise ValueError("goes with a path and a hunk: it stands in place of one hunk's lines")
        return self


class Rework(OfHunks):
    """What `reworkChange` takes."""

    go_on: bool = True
    """Whether agents set to work on it at once, where this process is to drive the run."""


class OfHunk(OfRun):
    """A look at one hunk."""

    change_id: Name
    path: Name
    hunk: Annotated[int, Field(ge=1)]


class AcceptAll(OfAll):
    """What `acceptAll` takes."""

    protected: bool = False
    """Whether files that take a word of their own are meant too."""


class OfFinding(OfRun):
    """A command on one finding."""

    finding_id: Name
    reason: Words = ""


class FixFinding(OfRun):
    """What `fixFinding` takes: one finding, or several."""

    finding_id: Name | None = None
    finding_ids: Annotated[tuple[Name, ...], Field(max_length=100)] = ()
    reason: Words = ""


class ShowChange(OfRun):
    """What `showChange` takes."""

    change_id: Name
    path: Name | None = None


class Export(OfRun):
    """What `exportRun` takes."""

    branch: Annotated[str, Field(min_length=1, max_length=200)]
    accepted: bool = False
    """Whether only accepted hunks are meant; otherwise all but rejected ones are."""
