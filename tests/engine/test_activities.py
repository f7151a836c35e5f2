"""What agents do at this moment, as it is told to whoever watches."""

from datetime import UTC, datetime, timedelta

from longshift.engine.activities import Activities, Activity
from longshift.engine.turns import Turns

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


async def test_a_turn_tells_when_it_stands_in_line() -> None:
    told: list[bool] = []
    turn = Turns(1).one(told.append)
    async with turn, turn.away():
        pass
    assert told == [True, False, True, False]
