"""All plays of the benchmark, and what they come to: means over seeds, and a sweep.

Owns which plays are made. Each is of its own and none measures a time, so several run beside each
other, a process each.
"""

import multiprocessing
import os
import statistics
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from math import sqrt
from typing import Final

from benchmarks.coordination.parameters import SWEPT_AT, Parameters, sweeps
from benchmarks.coordination.play import Outcome, Setup, play
from benchmarks.result import Chart, Line, Result, Table


@dataclass(frozen=True, slots=True)
class Team:
    """A way to coordinate that is measured."""

    name: str
    strategy: str
    integrator: bool = False
    overlap: str = "allow"

    def setup(self, agents: int, seed: int, parameters: Parameters) -> Setup:
        """A play of it."""
        return Setup(self.strategy, agents, seed, parameters, self.integrator, self.overlap)


MEASURED: Final = Team("planner-worker-judge", "planner-worker-judge")
TEAMS: Final = (
    MEASURED,
    Team("with integrator", "planner-worker-judge", integrator=True),
    Team("optimistic", "optimistic"),
    Team("flat-locked", "flat-locked"),
)
ORDERED: Final = Team(
    'planner-worker-judge, `overlap = "order"`', "planner-worker-judge", overlap="order"
)
SIZES: Final = (1, 5, 20, 50, 100, 200, 500)
ORDERED_SIZES: Final = (20, 200, 500)
QUICK_SIZES: Final = (1, 5, 20, 50)
LIMITS: Final = {20: 19.0, 200: 190.0, 500: 450.0}
"""Effective workers that planner-worker-judge has at least, by the number of workers."""
FEW_SEEDS: Final = 2
"""Seeds of the sweep, of a quick run, and of what only stands beside the figures."""
FACTORS: Final = (0.25, 0.5, 2.0, 4.0)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over seeds, and its standard error."""

    mean: float
    error: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Estimate":
        """That of some values; the error of a single one is 0, for want of a better."""
        spread = statistics.stdev(values) if len(values) > 1 else 0.0
        return cls(statistics.fmean(values), spread / sqrt(len(values)))

    def __str__(self) -> str:
        return f"{self.mean:.3g} ± {self.error:.2g}"


Plays = Mapping[Setup, Outcome]


def run(*, quick: bool) -> Result:
    """Measure every team at every size; `benchmarks.coordination` says what."""
    parameters = Parameters.read()
    sizes = QUICK_SIZES if quick else SIZES
    cells = [_Cell(team, agents, _seeds(agents, quick)) for team in TEAMS for agents in sizes]
    beside = [_Cell(ORDERED, one, FEW_SEEDS) for one in ORDERED_SIZES if one in sizes]
    rows = [] if quick else _sweep(parameters)
    wanted = [one for cell in (*cells, *beside) for one in cell.setups(parameters)]
    plays = play_all(wanted + [one for row in rows for cell in row.cells for one in row.of(cell)])

    def outcomes(cell: _Cell) -> list[Outcome]:
        return [plays[setup] for setup in cell.setups(parameters)]

    def estimate(cell: _Cell) -> Estimate:
        return Estimate.of([one.effective_workers for one in outcomes(cell)])

    largest = max((one for one in cells if one.team is MEASURED), key=lambda one: one.agents)
    told = [
        (cell.team.name, str(cell.agents), str(estimate(cell)), *_beside(outcomes(cell)))
        for cell in (*cells, *beside)
    ]
    tables = [Table("Effective workers, mean and standard error", HEAD, tuple(told))]
    return Result(
        "coordination",
        {cell.figure: estimate(cell).mean for cell in cells},
        _conditions(parameters, largest, outcomes(largest)),
        {cell.figure: ("min", LIMITS[cell.agents]) for cell in cells if cell.is_limited},
        (*tables, *([_sweep_table(rows, plays)] if rows else [])),
        (_chart(sizes, [(cell, estimate(cell)) for cell in cells]),),
    )


@dataclass(frozen=True, slots=True)
class _Cell:
    """One team at one size, played with so many seeds."""

    team: Team
    agents: int
    seeds: int

    def setups(self, parameters: Parameters) -> list[Setup]:
        return [self.team.setup(self.agents, seed, parameters) for seed in range(self.seeds)]

    @property
    def figure(self) -> str:
        return f"{self.team.name.replace('-', '_').replace(' ', '_')}_{self.agents}"

    @property
    def is_limited(self) -> bool:
        return self.team is MEASURED and self.agents in LIMITS


def _seeds(agents: int, quick: bool) -> int:
    """How many seeds a size is played with: fewer where a play does more, and varies less."""
    if quick:
        return FEW_SEEDS
    return 5 if agents <= 50 else 3


def play_all(setups: Iterable[Setup]) -> Plays:
    """Play each setup once, as many at the same time as there are processors."""
    # The largest first, or the last of them would be waited for by one process alone.
    wanted = sorted(dict.fromkeys(setups), key=lambda setup: -setup.agents)
    context = multiprocessing.get_context("spawn")  # nothing of this process is carried over
    with ProcessPoolExecutor(os.cpu_count(), mp_context=context) as processes:
        return dict(zip(wanted, processes.map(play, wanted), strict=True))


HEAD: Final = (
    "strategy",
    "agents",
    "effective workers",
    "conflicts a commit",
    "hottest file's share of them",
)


def _beside(outcomes: Sequence[Outcome]) -> tuple[str, str]:
    """Conflicts a commit, and the hottest file's share, over all seeds."""
    landed = sum(one.landed for one in outcomes)
    conflicts = sum(one.conflicts for one in outcomes)
    hottest = sum(one.hottest_share * one.conflicts for one in outcomes)
    return (
        f"{conflicts / landed:.2g}" if landed else "nothing landed",
        f"{hottest / conflicts:.2g}" if conflicts else "none",
    )


def _conditions(
    parameters: Parameters, largest: _Cell, outcomes: Sequence[Outcome]
) -> dict[str, str | int | float]:
    return {
        "seeds": largest.seeds,
        "task_minutes": parameters.task_minutes,
        "largest_team": largest.agents,
        "its_window_minutes": parameters.window_s(largest.agents) / 60,
        "all_of_it_busy_after_minutes": statistics.fmean(one.busy_after_s for one in outcomes) / 60,
        "processor_percent": 100 * statistics.fmean(one.processor_share for one in outcomes),
    }


def _chart(sizes: Sequence[int], cells: Sequence[tuple[_Cell, Estimate]]) -> Chart:
    x = tuple(map(float, sizes))
    lines = [Line("no loss at all", x, x, is_ideal=True)]
    for team in TEAMS:
        own = [estimate for cell, estimate in cells if cell.team is team]
        means, errors = (tuple(one.mean for one in own), tuple(one.error for one in own))
        lines.append(Line(team.name, x, means, errors))
    return Chart(
        "coordination",
        "What so many agents get done",
        "agents",
        "effective workers",
        tuple(lines),
        is_log=True,
    )


# The sweep.


@dataclass(frozen=True, slots=True)
class _Row:
    """One parameter at one multiple of its value, for the teams on which it bears."""

    name: str
    factor: float
    parameters: Parameters
    teams: tuple[str, ...]
    agents: int

    @property
    def cells(self) -> list[_Cell]:
        return [_Cell(team, self.agents, FEW_SEEDS) for team in TEAMS if team.name in self.teams]

    def of(self, cell: _Cell) -> list[Setup]:
        return cell.setups(self.parameters)


def _sweep(parameters: Parameters) -> list[_Row]:
    everyone = tuple(team.name for team in TEAMS)
    larger = sorted({one.agents for one in sweeps()} - {SWEPT_AT})
    return [
        _Row("as it is", 1.0, parameters, everyone, SWEPT_AT),
        *(_Row("as it is", 1.0, parameters, (MEASURED.name,), agents) for agents in larger),
        *(
            _Row(one.name, factor, parameters.scaled(one.name, factor), one.teams, one.agents)
            for one in sorted(sweeps(), key=lambda one: one.agents)
            for factor in FACTORS
        ),
    ]


def _sweep_table(rows: Sequence[_Row], plays: Plays) -> Table:
    told = []
    for row in rows:
        values = {
            cell.team.name: Estimate.of([plays[one].effective_workers for one in row.of(cell)])
            for cell in row.cells
        }
        shown = (str(values[team.name]) if team.name in values else "" for team in TEAMS)
        told.append((row.name, f"{row.factor:g}", str(row.agents), *shown))
    return Table(
        "Effective workers where one parameter is another",
        ("parameter", "times", "agents", *(team.name for team in TEAMS)),
        tuple(told),
    )
