"""Attacks as data: what a poisoned text says, what a model that obeys it does, and what stops it.

The rows are in `tests/attacks/data/`, one file for each kind. A text may name `<outside>` (a folder
that is not the repository), `<repository>`, `<port>` and `<udp>` (where the test listens on
loopback), `<parent>` (the test's own process), `<runtime>` (where sockets are) and `<marker>` (a
word by which a process can be found).
"""

import tomllib
from pathlib import Path
from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

DATA = Path(__file__).parents[1] / "attacks" / "data"

Place: TypeAlias = Literal[
    "file",
    "file name",
    "AGENTS.md",
    "diagnostic",
    "check output",
    "commit message",
    "finding",
    "handoff",
    "verdict",
    "task",
    "rejected hunk",
    "reworked hunk",
]


class _Data(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Act(_Data):
    """One tool call that the obeying model makes, a reply of its own."""

    tool: str
    arguments: dict[str, object] | str = {}
    times: int = 1
    """How often the call stands in the reply."""


class Fact(_Data):
    """An event that must stand in the journal, with what some of its fields hold."""

    event: str
    holds: dict[str, object] = {}
    """By field, a dotted path into its JSON: a part of a text, or the whole of any other value."""


class Attack(_Data):
    """One attack."""

    name: str
    place: Place = "file"
    path: str = "README.md"
    """Which file, where the place is one."""
    text: str
    """What the poisoned text says. For a reader; the scripted model obeys whatever it says."""
    role: Literal["planner", "worker", "judge"]
    acts: tuple[Act, ...] = Field(min_length=1)
    stands: tuple[Fact, ...] = ()
    """What the journal says of it."""
    no_event: str = ""
    """Why nothing of it needs to stand in the journal; only where nothing is out of bounds."""
    told: tuple[str, ...] = ()
    """What the model is told by the results of its calls, in parts."""
    head_has: tuple[str, ...] = ()
    """Paths that came to the run's head, where they wait for the person."""
    protected: tuple[str, ...] = ()
    """Those of them that are written only by a word of their own."""
    never_instructs: str = ""
    """A text that no later planner or worker may be sent."""
    verdicts: tuple[str, ...] = ("done",)
    """What an honest judge says, cycle by cycle."""
    files: dict[str, str] = {}
    links: dict[str, str] = {}
    """Symbolic links that the repository brings along, by path."""
    checks: tuple[str, ...] = ()
    settings: dict[str, object] = {}
    does_harm: bool = False
    """Whether the same acts, done by anyone without guards, do harm that the test would see."""

    @property
    def needs_cage(self) -> bool:
        """Whether it runs commands."""
        return bool(self.checks) or any(act.tool == "run_command" for act in self.acts)


def load_attacks() -> list[tuple[str, Attack]]:
    """Every attack with its kind."""
    return [
        (file.stem, Attack.model_validate(row))
        for file in sorted(DATA.glob("*.toml"))
        for row in tomllib.loads(file.read_text(encoding="utf-8"))["attack"]
    ]
