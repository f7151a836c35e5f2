"""What agents do at this moment, as it is told to whoever watches."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import get_args

import pytest

from longshift.engine.activities import Activities, Activity, Doing
from longshift.engine.turns import Turns
from tests.support.engine_world import World, call, edit, flow, planner, task, turn, worker

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def test_only_who_has_begun_and_not_ended_is_told_of() -> None:
    times = iter(NOW + timedelta(seconds=n) for n in range(9))
    them = Activities(lambda: next(times))
    them.note("R1", "T1.1", "model")
    assert them.all() == []
    them.begin("R1", "T1.1", "worker")
    them.note("R1", "T1.1", "model")
    them.note("R1", "T1.1", "model")  # the same: since when stays
    them.begin("R2", "T1.1", "worker")
    first = Activity("R1", "T1.1", "worker", "model", NOW + timedelta(seconds=1))
    assert them.all()[0] == first
    them.end("R1", "T1.1")
    them.end("R1", "T1.1")
    assert [one.run for one in them.all()] == ["R2"]


@pytest.mark.parametrize("doing", get_args(Doing))
def test_the_page_of_the_protocol_names_what_is_told(doing: str) -> None:
    page = (Path(__file__).parents[2] / "docs" / "lsp.md").read_text("utf-8")
    row = next(line for line in page.splitlines() if line.startswith("| `longshift.listAgents`"))
    assert f"`{doing}`" in row


async def test_a_turn_tells_when_it_stands_in_line() -> None:
    told: list[bool] = []
    turn = Turns(1).one(told.append)
    async with turn, turn.away():
        pass
    assert told == [True, False, True, False]


async def test_what_each_waits_for_or_does_is_noted(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A judge's checks are commands, each with a time of its own; who has submitted waits."""
    world.play(
        planner(task("shout", "a.txt")),
        worker("shout", turn(edit("two", "TWO"))),
        flow("judge", turn(call("run_checks")), turn(call("run_command", command="true")),
             turn(call("verdict", reason="All of it is done.", decision="done"))),
    )  # fmt: skip
    noted: list[tuple[str, str]] = []
    real = Activities.note

    def note(self: Activities, run: str, agent: str, doing: Doing) -> None:
        noted.append((agent, doing))
        real(self, run, agent, doing)

    monkeypatch.setattr(Activities, "note", note)
    async with world.opened() as it:
        run = await it.work(checks=["true", "echo"], sandbox={"mode": "none"})
        assert run.outcome == "done"
    worked = [doing for agent, doing in noted if agent == "T1.1"]
    judged = [doing for agent, doing in noted if agent == "judge"]
    assert [doing for doing in worked if doing in ("line", "landing")] == ["line", "landing"]
    assert worked[-1] == "tools"
    commands = [n for n, doing in enumerate(judged) if doing == "command"]
    assert len(commands) == 3
    assert {judged[n + 1] for n in commands} == {"tools"}, "or two would be one that takes long"
