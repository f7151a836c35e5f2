"""A circuit breaker: an endpoint that keeps failing is left alone until it is well again.

Owns whether an endpoint may be asked, and who may try whether it is well. While the breaker is
open, callers keep their place here and nothing is sent; after a pause that grows, one of them is
let through, and its answer decides. Must never send anything, and never give up by itself: how
long to wait is a person's decision, and they are told through `on_change`.
"""

import asyncio
import random
from collections.abc import Callable
from typing import Final

from longshift.models.pacing import CallLater

FAILURES: Final = 5
"""So many failed calls in a row, of all agents together, open it."""
FIRST_PAUSE_S: Final = 2.0
LONGEST_PAUSE_S: Final = 300.0

Listener = Callable[[str | None], None]
"""Told why an endpoint is out of order; None: it is well again."""


class Breaker:
    """The breaker of one endpoint."""

    def __init__(
        self,
        jitter: Callable[[], float] = random.random,
        call_later: CallLater | None = None,
    ) -> None:
        """Begin closed: calls go through.

        Args:
            jitter: a number in [0, 1).
            call_later: as the running loop's, which it is if None.
        """
        self._call_later = call_later
        self._jitter = jitter
        self._failures = 0
        self._pause_s = FIRST_PAUSE_S
        self._reason: str | None = None
        self._waiting: list[asyncio.Future[None]] = []
        self._watching: list[asyncio.Future[None]] = []
        self._probing = False
        self._may_probe = False
        self._timer: asyncio.Handle | None = None
        self._listener: Listener | None = None

    @property
    def is_open(self) -> bool:
        """Whether calls are held back."""
        return self._reason is not None

    @property
    def reason(self) -> str:
        """Why it is open; "" where it is not."""
        return self._reason or ""

    @property
    def may_be_asked(self) -> bool:
        """Whether a call would be let through now, be it as the one that tries."""
        return not self.is_open or (self._may_probe and not self._probing)

    def on_change(self, listener: Listener | None) -> None:
        """Name who is told when it opens, when a try fails, and when it closes."""
        self._listener = listener

    async def wait(self) -> bool:
        """Wait until a call may be made; the caller then tells how it went.

        Returns:
            Whether this call is the one that tries whether the endpoint is well.
        """
        while self.is_open:
            if self._may_probe and not self._probing:
                self._probing = True
                return True
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            try:
                await turn
            except asyncio.CancelledError:
                self._waiting.remove(turn)
                self._wake_one()  # it may have been its turn to try
                raise
            self._waiting.remove(turn)
        return False

    async def until_askable(self) -> None:
        """Wait until a call would be let through, without being that call."""
        while not self.may_be_asked:
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._watching.append(turn)
            try:
                await turn
            finally:
                self._watching.remove(turn)

    def answered(self) -> None:
        """The endpoint gave an answer, whatever it says: it is there."""
        self._failures = 0
        self._probing = False
        if self.is_open:
            self._reason = None
            self._pause_s = FIRST_PAUSE_S
            self._stop_timer()
            self._wake_all()
            self._tell(None)

    def failed(self, reason: str, *, tried: bool = False, at_once: bool = False) -> None:
        """A call failed in a way that tells of the endpoint and not of the call.

        Args:
            reason: what happened, in words for a person.
            tried: whether this was the one call that was let through while it is open.
            at_once: open it without waiting for more.
        """
        self._failures += 1
        if tried:
            self._probing = False
            self._pause_s = min(self._pause_s * 2, LONGEST_PAUSE_S)
        elif self.is_open:
            return  # it was under way when the breaker opened, and tells nothing new
        elif not at_once and self._failures < FAILURES:
            return
        self._reason = reason
        self._may_probe = False
        self._stop_timer()
        later = self._call_later or asyncio.get_running_loop().call_later
        self._timer = later(self._pause_s * (1 + self._jitter() / 4), self.try_now)
        self._tell(reason)

    def gave_up(self) -> None:
        """The call that was let through ended without an answer or a failure: it was cancelled."""
        self._probing = False
        self._wake_one()

    def try_now(self) -> None:
        """Let one caller through at once, as after a person asked for it."""
        if self.is_open:
            self._may_probe = True
            self._wake_one()

    def close(self) -> None:
        """Forget the timer: nobody asks any more."""
        self._stop_timer()

    def _wake_one(self) -> None:
        if not self._may_probe or self._probing:
            return
        for turn in self._watching:
            if not turn.done():
                turn.set_result(None)
        for turn in self._waiting:
            if not turn.done():
                turn.set_result(None)
                return

    def _wake_all(self) -> None:
        for turn in (*self._waiting, *self._watching):
            if not turn.done():
                turn.set_result(None)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _tell(self, reason: str | None) -> None:
        if self._listener is not None:
            self._listener(reason)
