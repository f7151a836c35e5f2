"""How fast an endpoint is asked: one pace for all agents that share it.

Owns who may send now, who waits, and for how long. Agents back off together when the endpoint says
that it is too much, and come back slowly: fewer at once, not all at the same moment. Must never
send anything; reads a clock only through what it is given.

Additive increase, multiplicative decrease: the way in which connections of a network share a line
that none of them knows the width of. Before the first refusal the number of calls at once grows by
one with each answer, after it by one with each full round of answers.
"""

import asyncio
import random
import re
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Final

AT_FIRST: Final = 256
"""Calls at once before anything is known of an endpoint: one that can't take them says so."""
MOST: Final = 2_000
LONGEST_PAUSE_S: Final = 120.0
"""An endpoint that asks for longer is asked again after so long."""
FIRST_PAUSE_S: Final = 0.5
"""Pause after a refusal that names none; twice as long with each further one."""
LAST_PAUSE_S: Final = 60.0
_SPAN: Final = re.compile(r"(\d{1,9}(?:\.\d{1,6})?)(ms|s|m|h)?")
_UNITS_S: Final[Mapping[str, float]] = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "": 1.0}


CallLater = Callable[[float, Callable[[], None]], asyncio.Handle]


@dataclass(slots=True, eq=False)
class Place:
    """One call under way; give it back with `Pace.leave` or `leave_refused`."""

    began: float


class Pace:
    """The pace at one endpoint."""

    def __init__(
        self,
        most: int = MOST,
        clock: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
        call_later: "CallLater | None" = None,
    ) -> None:
        """Begin with nothing known.

        Args:
            most: most calls at once, whatever the endpoint can take.
            clock: seconds, never going back.
            jitter: a number in [0, 1).
            call_later: as the running loop's, which it is if None.
        """
        self._call_later = call_later
        self._clock = clock
        self._jitter = jitter
        self._most = most
        self._limit = float(min(AT_FIRST, most))
        self._grows_fast = True
        self._under_way = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._closed_until = 0.0
        self._refused_at = float("-inf")
        self._refusals = 0
        self._alarm: asyncio.Handle | None = None

    @property
    def limit(self) -> int:
        """How many calls may be under way at once now."""
        return max(1, int(self._limit))

    @property
    def under_way(self) -> int:
        """How many calls are under way."""
        return self._under_way

    def allow_at_most(self, most: int) -> None:
        """Take a person's word on how many calls at once this endpoint may get; 0: no word."""
        if most:
            self._most = min(self._most, most)
            self._limit = min(self._limit, float(self._most))

    async def enter(self) -> Place:
        """Wait for a place, first come first served, and take it.

        Cancelling gives the place, or the turn, to the next.
        """
        if not self._waiting and self._is_open():
            self._under_way += 1
            return Place(self._clock())
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        self._wake()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._under_way -= 1  # it was handed over at the same moment
            elif turn in self._waiting:
                self._waiting.remove(turn)
            self._wake()
            raise
        return Place(self._clock())

    def leave(self, headers: Mapping[str, str] | None = None) -> None:
        """Give a place back after an answer that says nothing against the pace.

        Args:
            headers: the answer's, where there was one: what they say of limits is heeded.
        """
        self._under_way -= 1
        if headers is not None:
            self._refusals = 0
            step = 1.0 if self._grows_fast else 1.0 / self._limit
            self._limit = min(self._limit + step, float(self._most))
            pause_s = pause_told(headers)
            if pause_s:
                self._close(pause_s)
        self._wake()

    def leave_refused(self, place: Place, retry_after_s: float | None) -> None:
        """Give a place back after the endpoint said that it is too much.

        Args:
            place: from `enter`.
            retry_after_s: the pause that it asked for; None: it named none.
        """
        self._under_way -= 1
        # Of calls that were under way together, one refusal counts: they all tell of one moment.
        if place.began > self._refused_at:
            self._refused_at = self._clock()
            self._refusals += 1
            self._grows_fast = False
            self._limit = max(1.0, min(self._limit, float(self._under_way + 1)) / 2)
        if retry_after_s is None:
            pause_s = min(FIRST_PAUSE_S * 2.0 ** min(self._refusals - 1, 10), LAST_PAUSE_S)
        else:
            pause_s = min(max(retry_after_s, 0.0), LONGEST_PAUSE_S)
        self._close(pause_s * (1 + self._jitter() / 10))
        self._wake()

    def _close(self, pause_s: float) -> None:
        self._closed_until = max(self._closed_until, self._clock() + pause_s)

    def _is_open(self) -> bool:
        return self._under_way < self.limit and self._clock() >= self._closed_until

    def _wake(self) -> None:
        """Hand free places to those who wait."""
        while self._waiting and self._is_open():
            turn = self._waiting.popleft()
            if not turn.done():
                self._under_way += 1
                turn.set_result(None)
        left_s = self._closed_until - self._clock()
        if self._waiting and left_s > 0:
            if self._alarm is not None:
                self._alarm.cancel()
            later = self._call_later or asyncio.get_running_loop().call_later
            self._alarm = later(left_s, self._wake)

    def close(self) -> None:
        """Forget the alarm: nobody asks any more."""
        if self._alarm is not None:
            self._alarm.cancel()


def retry_after(headers: Mapping[str, str], now_s: Callable[[], float] = time.time) -> float | None:
    """The wait that an answer asks for, in seconds; None where none is named that we can read."""
    for header, per_second in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        told = headers.get(header)
        if told is None:
            continue
        try:
            wait_s = float(told) / per_second
        except ValueError:
            wait_s = _until(told, now_s())
        if 0 <= wait_s < float("inf"):
            return wait_s
    return None


def pause_told(headers: Mapping[str, str]) -> float:
    """Seconds until a limit that an answer calls used up is there anew; 0: none is used up."""
    waits = (
        _span(headers.get(f"x-ratelimit-reset-{kind}", ""))
        for kind in ("requests", "tokens")
        if headers.get(f"x-ratelimit-remaining-{kind}") == "0"
    )
    return min(max(waits, default=0.0), LONGEST_PAUSE_S)


def _until(told: str, now_s: float) -> float:
    """Seconds until a date of HTTP; infinite where it is none."""
    try:
        return max(0.0, parsedate_to_datetime(told).timestamp() - now_s)
    except (TypeError, ValueError, OverflowError):
        return float("inf")


def _span(told: str) -> float:
    """A span such as `1s`, `6m0s`, `250ms`, `1h2m` in seconds; 0 where it is none."""
    parts = _SPAN.findall(told)
    if not parts or "".join(number + unit for number, unit in parts) != told.strip():
        return 0.0
    return float(sum(float(number) * _UNITS_S[unit] for number, unit in parts))
