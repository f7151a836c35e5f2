"""A case: a small repository, what one role is asked in it, and what must come of it.

Owns the format of the files in `cases/`. Data only: `criteria` judges, `playing` plays.
"""

import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

FOLDER = Path(__file__).with_name("cases")

Role = Literal["planner", "worker", "judge"]
Call = dict[str, Any]
"""A tool call of a scripted role: `{"name": …, "arguments": {…}}`."""


class _Data(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Task(_Data):
    """A task as a planner would add it, and what a scripted worker makes of it."""

    title: str
    instructions: str
    paths: tuple[str, ...] = ()
    acceptance: tuple[str, ...] = ()
    writes: dict[str, str] = {}
    """Judge's cases: files that the scripted worker writes."""
    summary: str = "Done."
    """Judge's cases: what the scripted worker says of it."""


class Play(_Data):
    """A scripted model in the role's place, for the graders to be tested on."""

    turns: tuple[tuple[Call, ...], ...]
    fails: tuple[str, ...] = ()
    """The criteria that must find fault with it."""


class Case(_Data):
    """One case."""

    id: str
    role: Role
    why: str
    """The failure that it looks for."""
    goal: str
    repository: dict[str, str]
    """Files by path."""
    constraints: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()
    tasks: tuple[Task, ...] = ()
    """Worker's and judge's cases: what was planned; a worker does the first."""
    hidden: dict[str, str] = {}
    """Worker's cases: files that are laid beside the result before `hidden_command` is run."""
    hidden_command: str = ""
    criteria: dict[str, Any]
    """By name, what each is held against (see `criteria`)."""
    good: Play
    bad: Play


def load(path: Path) -> Case:
    """Read a case from its file."""
    return Case.model_validate({"id": path.stem, **tomllib.loads(path.read_text("utf-8"))})


def all_cases() -> list[Case]:
    """Every case, planner's first, then worker's and judge's, by number."""
    cases = [load(path) for path in FOLDER.glob("*.toml")]
    order = {"planner": 0, "worker": 1, "judge": 2}
    return sorted(cases, key=lambda case: (order[case.role], int(case.id[1:])))
