"""The landing rate that `longshift watch` shows: after days, beside a wrong clock, at the end."""

import io
from datetime import UTC, datetime, timedelta

import pytest
from rich.console import Console

from longshift.cli.board.drawing import Board, draw
from longshift.cli.board.known import Known
from longshift.cli.board.standing import CHECK_S
from longshift.cli.board.vitals import LATELY_S, Lately
from longshift.domain import events as e
from longshift.domain.events import Event, Recorded
from longshift.domain.model import Goal, Handoff, TaskPlan, Usage
from longshift.engine.checking.checks import CHECK_TIMEOUT_S

BEGAN = datetime(2026, 1, 2, 12, tzinfo=UTC)
PHASES_S = [0, 1, 5, 9, 30, 59]
"""When in its minute something happens once."""


def at(seconds: float) -> datetime:
    return BEGAN + timedelta(seconds=seconds)


@pytest.mark.parametrize("hours", [1, 13, 54, 107, 24 * 30])
@pytest.mark.parametrize("phase_s", PHASES_S)
def test_once_a_minute_is_once_a_minute_at_any_moment(hours: int, phase_s: int) -> None:
    lately, end_s = Lately(BEGAN), hours * 3600
    for second in range(end_s - 3600 + phase_s, end_s, 60):
        lately.add(at(second))
    last_s = end_s - 60 + phase_s
    assert {lately.a_minute(at(last_s + later)) for later in (0, 0.5, 13, 42, 59)} == {1.0}
    assert lately.a_minute(at(last_s + 60)) == 0.8
    assert lately.a_minute(at(last_s + LATELY_S)) == 0


LEAPS = {"a second back": -1, "an hour back": -3600, "two days ahead": 2 * 86_400}


@pytest.mark.parametrize("leap", LEAPS)
def test_one_wrong_time_spoils_no_rate(leap: str) -> None:
    lately = Lately(BEGAN)
    for minute in range(100):
        lately.add(at(minute * 60))
        if minute == 50:
            lately.add(at(minute * 60 + LEAPS[leap]))
    assert lately.a_minute(at(100 * 60 - 1)) == 1.0


def test_many_at_once_are_all_counted_and_not_all_kept() -> None:
    lately = Lately(BEGAN)
    for n in range(100_000):
        lately.add(at(n / 100))
    assert lately.a_minute(at(999.99)) == 6000
    assert len(lately._counts) <= LATELY_S


def facts(hours: int) -> list[Recorded]:
    """A run in which a task lands every minute, and which then ends."""
    told: list[tuple[float, Event]] = [
        (0, e.RunStarted(run="R1", goal=Goal(text="Do it"), repo="/r", base="b")),
        (0, e.CycleStarted(run="R1", cycle=1)),
    ]
    for n in range(1, hours * 60 + 1):
        task, second = f"T{n}", n * 60
        plan = TaskPlan(title="Part", instructions="")
        landing = {"run": "R1", "task": task, "attempt": 1, "change": None, "commit": "b",
                   "parent": "b", "paths": (), "handoff": Handoff()}  # fmt: skip
        told += [
            (second, e.TaskAdded(run="R1", task=task, plan=plan)),
            (second, e.AttemptStarted(run="R1", task=task, attempt=1, base="b")),
            (second, e.LandingIntended(**landing)),
            (second, e.TaskLanded(**landing)),
        ]
    finished = e.RunFinished(
        run="R1", outcome="stopped", reason="Enough.", cycles=1, tasks={"landed": 1, "failed": 0},
        conflicts=0, usage=Usage(), head="b",
    )  # fmt: skip
    told.append((hours * 3600 + 1, finished))
    return [
        Recorded(seq=seq, time=at(second), event=event)
        for seq, (second, event) in enumerate(told, start=1)
    ]


@pytest.mark.parametrize("hours", [1, 7, 54])
def test_who_looks_later_sees_the_rate_of_a_runs_last_minutes(hours: int) -> None:
    """An ended run was seen from the end of a step, which in a long run is 20 minutes later."""
    records = facts(hours)
    for told, later_s in ((records[:-1], 30), (records, 30), (records, 30 * 86_400)):
        board = Board(Known(told), owner=1, chosen="R1", page="tasks")
        console = Console(width=100, height=30, file=io.StringIO())
        console.print(draw(board, at(hours * 3600 + later_s), 100, 30))
        assert "1.0 a minute lately" in console.file.getvalue()


def test_a_check_hangs_no_sooner_than_its_own_time_is_up() -> None:
    assert CHECK_S >= CHECK_TIMEOUT_S
