"""What an editor sends with a goal, and the engine's form of it.

Owns the way from URIs, ranges and LSP diagnostics to paths and lines counted from 1. Everything
that comes is untrusted.
"""

from collections.abc import Mapping
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from longshift.crew.goals import GoalTemplate, goal_templates
from longshift.engine.arguments import parse
from longshift.errors import UsageError
from longshift.lsp.session import Session

OF_FILE: Final = "fix_file"
"""The template whose goal stays within the file that it is started from."""
OF_WORKSPACE: Final = "fix_workspace"
"""The template that speaks of no file."""

Count = Annotated[int, Field(ge=0)]
Text = Annotated[str, Field(max_length=100_000)]


class FromEditor(BaseModel):
    """An object of LSP; what a newer client adds is passed over."""

    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True)


class GivenPosition(FromEditor):
    """A place in a text, from zero."""

    line: Count
    character: Count = 0


class GivenRange(FromEditor):
    """A part of a text."""

    start: GivenPosition
    end: GivenPosition

    @property
    def lines(self) -> tuple[int, int]:
        """First and last line that it touches, from 1; an end at a line's start leaves it out."""
        last = self.end.line
        if self.end.character == 0 and last > self.start.line:
            last -= 1
        return self.start.line + 1, max(self.start.line, last) + 1


class GivenDiagnostic(FromEditor):
    """A diagnostic of any server."""

    range: GivenRange
    message: Text
    code: str | int | None = None
    source: str | None = None


class GivenGoal(BaseModel):
    """What `longshift.startGoal` takes; `uri` alone means: stay within that file."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True
    )

    goal: Text = ""
    paths: tuple[str, ...] | None = None
    uri: str | None = None
    range: GivenRange | None = None
    diagnostics: tuple[GivenDiagnostic, ...] = ()
    template: str | None = None
    workers: int | None = None
    strategy: str | None = None


def parse_goal(arguments: Mapping[str, object]) -> GivenGoal:
    """Check what an editor sent.

    Raises:
        UsageError: it does not fit; names the first field that does not.
    """
    given = parse("startGoal", GivenGoal, arguments)
    if not given.goal.strip() and given.template is None:
        raise UsageError("startGoal: `goal`: say what is to be done. Nothing was started.")
    needs_file = given.template not in (None, OF_WORKSPACE)
    if given.uri is None and (given.range or given.diagnostics or needs_file):
        raise UsageError(
            "startGoal: `uri`: a range, diagnostics or a template need the file that they speak "
            "of. Nothing was started."
        )
    return given


def goal_for_engine(session: Session, given: GivenGoal) -> dict[str, object]:
    """The arguments of the engine's `startGoal`.

    Raises:
        UsageError: a path lies outside of the repository, or there is no such template.
    """
    path = None if given.uri is None else repository_path(session, given.uri)
    arguments: dict[str, object] = {
        "goal": _text(given, path),
        "paths": _paths(session, given, path),
        "selection": _selection(given, path),
        "diagnostics": [_diagnostic(one, path) for one in given.diagnostics],
        "template": given.template,
        "workers": given.workers,
        "strategy": given.strategy,
    }
    return {name: value for name, value in arguments.items() if value is not None}


def repository_path(session: Session, uri: str) -> str:
    """The path of a file in a repository.

    Raises:
        UsageError: it is not in there.
    """
    path = session.host.buffers.path(uri, session.root)
    if path is None:
        raise UsageError(f"{uri} is not in the repository at {session.root}. Nothing was done.")
    return path


def _text(given: GivenGoal, path: str | None) -> str:
    if given.template is None:
        return given.goal
    start, end = given.range.lines if given.range else (1, 1)
    message = "\n".join(one.message for one in given.diagnostics)
    rendered = _template(given.template).text(path or ".", start, end, message)
    return "\n\n".join(filter(None, [given.goal.strip(), rendered.strip()]))


def _template(name: str) -> GoalTemplate:
    templates = {template.name: template for template in goal_templates()}
    if name not in templates:
        raise UsageError(
            f"There is no goal template {name!r}. There are: {', '.join(templates)}. Nothing was "
            "started."
        )
    return templates[name]


def _paths(session: Session, given: GivenGoal, path: str | None) -> list[str] | None:
    if given.paths is not None:
        return [
            repository_path(session, one) if one.startswith("file:") else one for one in given.paths
        ]
    alone = not (given.range or given.diagnostics or given.template)
    of_file = alone or given.template == OF_FILE
    return [path] if of_file and path is not None else None


def _selection(given: GivenGoal, path: str | None) -> dict[str, object] | None:
    if given.range is None:
        return None
    start, end = given.range.lines
    return {"path": path, "start_line": start, "end_line": end}


def _diagnostic(given: GivenDiagnostic, path: str | None) -> dict[str, object]:
    return {
        "path": path,
        "line": given.range.start.line + 1,
        "message": given.message,
        "code": "" if given.code is None else str(given.code),
        "source": given.source or "",
    }
