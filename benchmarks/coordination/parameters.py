"""The parameters of the simulation, from `parameters.toml`, where each says where it comes from."""

import tomllib
from dataclasses import dataclass, fields, replace
from functools import cache
from pathlib import Path
from typing import Any, Final, Self

FILE: Final = Path(__file__).with_name("parameters.toml")
SWEPT_AT: Final = 20
"""The size at which most are swept: that of which the sources say what became of it."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """One value for each table of the file, which says what it means."""

    task_minutes: float
    turns: int
    spread: float
    warm_up_tasks: float
    window_tasks: float
    least_tasks: int
    planning_turn_minutes: float
    tasks_a_turn: int
    slice_tasks: int
    choosing_share: float
    forgotten_releases: float
    lease_minutes: float
    crash_rate: float
    overlap: float
    shared_files: int
    places: int
    integrating_share: float
    merging_share: float

    @classmethod
    def read(cls) -> Self:
        """Those that hold."""
        tables = _tables()
        values = {field.name: tables[field.name]["value"] for field in fields(cls)}
        assert set(values) == set(tables), "the file has tables that nothing reads"
        return cls(**values)

    @property
    def turn_s(self) -> float:
        """Mean length of one turn of work, in seconds."""
        return self.task_s / self.turns

    @property
    def task_s(self) -> float:
        """Mean length of a task, in seconds."""
        return self.task_minutes * 60

    @property
    def warm_up_s(self) -> float:
        """From the first start to the window, in seconds."""
        return self.warm_up_tasks * self.task_s

    def window_s(self, agents: int) -> float:
        """How long the window of so many agents is, in seconds."""
        return max(self.window_tasks, self.least_tasks / agents) * self.task_s

    def scaled(self, name: str, factor: float) -> Self:
        """The same with one value multiplied; whole numbers stay whole, and at least 1."""
        value = getattr(self, name)
        more = value * factor
        return replace(self, **{name: max(1, round(more)) if isinstance(value, int) else more})


@dataclass(frozen=True, slots=True)
class Sweep:
    """A parameter that is taken from a quarter to four times, and for whom."""

    name: str
    teams: tuple[str, ...]
    agents: int


def sweeps() -> list[Sweep]:
    """All of them, in the order of the file."""
    return [
        Sweep(name, tuple(table["sweep"]), table.get("sweep_at", SWEPT_AT))
        for name, table in _tables().items()
        if "sweep" in table
    ]


@cache
def _tables() -> dict[str, dict[str, Any]]:
    return tomllib.loads(FILE.read_text(encoding="utf-8"))
