"""The pace at an endpoint: who may send now, after what the endpoint has said."""

import asyncio
from collections.abc import Callable

import pytest

from longshift.models.pacing import AT_FIRST, LONGEST_PAUSE_S, Pace, pause_told, retry_after


class Time:
    """A clock that stands until an alarm is due."""

    def __init__(self) -> None:
        self.now = 0.0
        self.alarms: list[tuple[float, Callable[[], None]]] = []

    def call_later(self, seconds: float, act: Callable[[], None]) -> asyncio.Handle:
        self.alarms.append((self.now + seconds, act))
        return asyncio.get_running_loop().call_soon(lambda: None)

    async def pass_until(self, moment: float) -> None:
        self.now = moment
        due = [alarm for alarm in self.alarms if alarm[0] <= moment]
        self.alarms = [alarm for alarm in self.alarms if alarm[0] > moment]
        for _, act in due:
            act()
        for _ in range(5):
            await asyncio.sleep(0)


@pytest.fixture
def time() -> Time:
    return Time()


def pace_of(time: Time, most: int) -> Pace:
    return Pace(most, lambda: time.now, lambda: 0.0, time.call_later)


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_no_more_than_the_most_are_under_way_and_the_first_comes_first(time) -> None:
    pace, order = pace_of(time, 2), []

    async def call(number: int) -> None:
        await pace.enter()
        order.append(number)

    calls = [asyncio.create_task(call(number)) for number in range(5)]
    await settled()
    assert (order, pace.under_way) == ([0, 1], 2)
    pace.leave({})
    await settled()
    assert order == [0, 1, 2]
    calls[3].cancel()
    pace.leave({})
    await settled()
    assert order == [0, 1, 2, 4]
    assert pace.under_way == 2


async def test_a_place_handed_to_a_caller_that_is_cancelled_goes_to_the_next(time) -> None:
    pace = pace_of(time, 1)
    await pace.enter()
    second, third = (asyncio.create_task(pace.enter()) for _ in range(2))
    await settled()
    pace.leave({})
    second.cancel()  # in the same moment in which it gets the place
    await settled()
    assert third.done()
    assert pace.under_way == 1


async def test_all_wait_together_after_a_refusal_and_come_back_fewer_at_once(time) -> None:
    pace = pace_of(time, 1_000)
    places = [await pace.enter() for _ in range(10)]
    pace.leave_refused(places[0], 7.0)
    for place in places[1:]:
        pace.leave_refused(place, None)  # they were under way together: one refusal counts
    assert pace.limit == 5
    waiting = [asyncio.create_task(pace.enter()) for _ in range(9)]
    await settled()
    assert not any(task.done() for task in waiting)
    await time.pass_until(6.9)
    assert not any(task.done() for task in waiting)
    await time.pass_until(7.1)
    assert sum(task.done() for task in waiting) == 5
    for _ in range(5):
        pace.leave({})  # one more at once with a whole round of answers
    await settled()
    assert pace.limit == 5
    pace.leave({})
    assert pace.limit == 6
    for task in waiting:
        task.cancel()


async def test_it_grows_with_every_answer_until_the_first_refusal(time) -> None:
    pace = pace_of(time, AT_FIRST + 2)
    for _ in range(5):
        await pace.enter()
        pace.leave({})
    assert pace.limit == AT_FIRST + 2
    pace.allow_at_most(3)
    assert pace.limit == 3


async def test_refusals_without_a_wait_are_answered_with_longer_and_longer_pauses(time) -> None:
    pace, pauses = pace_of(time, 1), []
    for _ in range(9):
        place = await pace.enter()
        began = time.now
        pace.leave_refused(place, None)
        waiting = asyncio.create_task(pace.enter())
        await settled()
        (moment, _), *_ = time.alarms
        pauses.append(round(moment - began, 6))
        await time.pass_until(moment)
        await waiting
        pace.leave()
        time.now += 0.001
    assert pauses == [0.5, 1, 2, 4, 8, 16, 32, 60, 60]


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "7", "retry-after-ms": "250"}, 0.25),
        ({"retry-after": "Thu, 01 Jan 1970 00:20:00 GMT"}, 200.0),
        ({"retry-after": "Thu, 01 Jan 1970 00:00:00 GMT"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
    ],
)
def test_a_wait_is_read_in_every_form(headers, seconds) -> None:
    assert retry_after(headers, lambda: 1_000.0) == seconds


@pytest.mark.parametrize(
    ("remaining", "reset", "seconds"),
    [
        ("0", "1s", 1.0),
        ("0", "6m0s", 360.0),
        ("0", "250ms", 0.25),
        ("0", "1h2m3.5s", 3723.5),
        ("0", "12.5", 12.5),
        ("3", "9s", 0.0),
        ("0", "", 0.0),
        ("0", "soon", 0.0),
        ("0", "1s; drop", 0.0),
        ("0", "-5s", 0.0),
        ("nothing", "9s", 0.0),
    ],
)
@pytest.mark.parametrize("kind", ["requests", "tokens"])
def test_a_limit_that_is_used_up_is_heeded_before_it_is_refused(
    kind, remaining, reset, seconds
) -> None:
    told = {f"x-ratelimit-remaining-{kind}": remaining, f"x-ratelimit-reset-{kind}": reset}
    assert pause_told(told) == min(seconds, LONGEST_PAUSE_S)


async def test_an_answer_with_a_limit_used_up_holds_all_calls_back(time) -> None:
    pace = pace_of(time, 10)
    await pace.enter()
    pace.leave({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "3s"})
    waiting = asyncio.create_task(pace.enter())
    await time.pass_until(2.9)
    assert not waiting.done()
    await time.pass_until(3.0)
    assert waiting.done()
