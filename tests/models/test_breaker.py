"""The breaker: an endpoint that keeps failing is left alone, and tried by one call at a time."""

import asyncio
from collections.abc import Callable

import pytest

from longshift.models.breaker import FAILURES, LONGEST_PAUSE_S, Breaker


class Scene:
    """A breaker whose pauses end when a test says so."""

    def __init__(self) -> None:
        self.pauses: list[float] = []
        self.told: list[str | None] = []
        self.breaker = Breaker(lambda: 0.0, self._later)
        self.breaker.on_change(self.told.append)

    def _later(self, seconds: float, act: Callable[[], None]) -> asyncio.Handle:
        self.pauses.append(seconds)
        self.end_pause = act
        return asyncio.get_running_loop().call_soon(lambda: None)

    def fail(self, times: int = FAILURES) -> None:
        for _ in range(times):
            self.breaker.failed("It is down.")


@pytest.fixture
def scene() -> Scene:
    return Scene()


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_it_opens_after_so_many_failures_in_a_row_of_all_agents(scene) -> None:
    scene.fail(FAILURES - 1)
    scene.breaker.answered()
    scene.fail(FAILURES - 1)
    assert not scene.breaker.is_open
    scene.fail(1)
    assert scene.breaker.is_open
    scene.fail(20)  # what was under way when it opened tells nothing new
    assert (scene.told, scene.pauses) == (["It is down."], [2.0])


async def test_one_call_tries_and_its_answer_lets_all_go_on(scene) -> None:
    scene.fail()
    waiting = [asyncio.create_task(scene.breaker.wait()) for _ in range(3)]
    await settled()
    assert not any(task.done() for task in waiting)
    scene.end_pause()
    await settled()
    assert [task.done() for task in waiting] == [True, False, False]
    assert waiting[0].result() is True
    assert not scene.breaker.may_be_asked  # one at a time
    scene.breaker.answered()
    assert [await task for task in waiting] == [True, False, False]
    assert scene.told == ["It is down.", None]


async def test_each_try_that_fails_makes_the_pause_longer(scene) -> None:
    scene.fail()
    for _ in range(9):
        scene.end_pause()
        assert await scene.breaker.wait() is True
        scene.breaker.failed("Still down.", tried=True)
    assert scene.pauses == [2, 4, 8, 16, 32, 64, 128, 256, LONGEST_PAUSE_S, LONGEST_PAUSE_S]
    assert scene.told[-1] == "Still down."
    scene.end_pause()
    await scene.breaker.wait()
    scene.breaker.answered()
    scene.fail()
    assert scene.pauses[-1] == 2.0


async def test_a_try_that_is_cancelled_goes_to_the_next(scene) -> None:
    scene.fail()
    first, second, third = (asyncio.create_task(scene.breaker.wait()) for _ in range(3))
    await settled()
    scene.end_pause()
    first.cancel()  # in the moment in which it was woken
    await settled()
    assert (second.done(), third.done()) == (True, False)
    scene.breaker.gave_up()  # the one that tried was cancelled before its answer came
    await settled()
    assert third.done()


async def test_a_person_may_have_it_tried_at_once(scene) -> None:
    scene.breaker.try_now()  # closed: nothing to do
    scene.breaker.failed("No answer.", at_once=True)
    assert scene.breaker.is_open
    scene.breaker.try_now()
    assert scene.breaker.may_be_asked
    assert await scene.breaker.wait() is True
