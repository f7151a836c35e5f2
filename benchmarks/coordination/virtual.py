"""An event loop in virtual time, and a clock that shows it.

Owns the rule by which time passes: it stands still while anything can be done, and jumps to the
next timer when nothing can. Work that is given to a thread is done by the loop itself, in the
order in which it was given, and takes no virtual time. So the same program does the same steps in
the same order each time, and what the machine does beside it changes nothing.
"""

import asyncio
import selectors
from collections.abc import Callable
from concurrent.futures import Executor
from datetime import UTC, datetime, timedelta
from typing import Final, TypeVar, TypeVarTuple, Unpack

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

BEGINNING: Final = datetime(2026, 1, 1, tzinfo=UTC)
"""What a clock shows at second 0 of its loop."""
RESOLUTION_S: Final = 1e-6
"""That of a `datetime`."""


class Stalled(RuntimeError):
    """Nothing can be done, no timer is set: whoever waits would wait forever."""


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop that never waits. Use it with `asyncio.Runner(loop_factory=VirtualLoop)`."""

    def __init__(self) -> None:
        """Begin at second 0."""
        self._now = 0.0
        super().__init__(_Jumping(self._pass))

    def time(self) -> float:
        """Virtual seconds since the loop was made."""
        return self._now

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[Unpack[Ts]], T], *args: *Ts
    ) -> "asyncio.Future[T]":
        """Do the work here, behind everything that is ready now; `executor` is left idle."""
        del executor
        done: asyncio.Future[T] = self.create_future()
        self.call_soon(_settle, done, func, *args)
        return done

    def _pass(self, seconds: float) -> None:
        self._now += seconds


class LoopClock:
    """Shows a loop's time as the engine's clock."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Follow this loop."""
        self._loop = loop

    def now(self) -> datetime:
        """The present moment."""
        return BEGINNING + timedelta(seconds=self._loop.time())

    def awake(self) -> float:
        """Virtual seconds; nothing ever sleeps here."""
        return self._loop.time()

    async def sleep(self, seconds: float) -> None:
        """Wait until so much virtual time has passed, and at least as much as the clock can show.

        Whoever waits for a moment by this clock would else never see it come, since no time passes
        by itself.
        """
        await asyncio.sleep(max(seconds, RESOLUTION_S))


class _Jumping(selectors.DefaultSelector):
    """A selector that lets virtual time pass instead of waiting."""

    def __init__(self, pass_: Callable[[float], None]) -> None:
        super().__init__()
        self._pass = pass_

    def select(self, timeout: float | None = None) -> "list[tuple[selectors.SelectorKey, int]]":
        found: list[tuple[selectors.SelectorKey, int]] = super().select(0)
        if found or timeout == 0:
            return found
        if timeout is None:
            raise Stalled("Nothing is left to wait for: the simulation stands still.")
        self._pass(timeout)
        return found


def _settle(done: "asyncio.Future[T]", func: Callable[[Unpack[Ts]], T], *args: *Ts) -> None:
    if done.cancelled():
        return  # as a pool leaves out what was cancelled before its turn
    try:
        result = func(*args)
    except (SystemExit, KeyboardInterrupt):
        raise
    except BaseException as error:  # noqa: BLE001 -- whoever waits for it gets it
        done.set_exception(error)
    else:
        done.set_result(result)
