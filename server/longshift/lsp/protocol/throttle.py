"""Send only the newest of many values, at a bounded rate.

Owns the timing of one stream of notifications. Never loses the last value: what was put before
`close` is either sent or was replaced by something newer that is.
"""

from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

T = TypeVar("T")


class TimerHandle(Protocol):
    """A call that is due later."""

    def cancel(self) -> object:
        """Make it never happen."""


class Timer(Protocol):
    """What a throttle needs of an event loop; any asyncio loop is one."""

    def time(self) -> float:
        """Return seconds on a clock that never goes back."""

    def call_later(self, delay: float, callback: Callable[[], None], /) -> TimerHandle:
        """Call back once, `delay` seconds from now."""


class Throttle(Generic[T]):
    """Passes values on at most once per interval, the first at once.

    Belongs to the loop's thread. Invariant: a value waits only while a timer is running.
    """

    def __init__(self, interval_s: float, send: Callable[[T], None], timer: Timer) -> None:
        """Start with nothing sent.

        Args:
            interval_s: seconds between two calls of `send`, at least.
            send: takes a value on; called from `put`, `flush`, `close` or the timer.
            timer: the running event loop, or a fake one.
        """
        self._interval_s = interval_s
        self._send = send
        self._timer = timer
        self._waiting: list[T] = []  # none or one; a list, because None is a value too
        self._handle: TimerHandle | None = None
        self._free_at_s = timer.time()
        self._closed = False

    def put(self, value: T) -> None:
        """Send the value now or when the interval is over, in place of any that waits.

        After `close` it is dropped.
        """
        if self._closed:
            return
        self._waiting = [value]
        if self._handle is None:
            self._send_or_wait()

    def flush(self) -> None:
        """Send at once what waits, if anything does."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        if self._waiting:
            value = self._waiting.pop()
            # Before sending: if `send` raises, the rate still holds.
            self._free_at_s = self._timer.time() + self._interval_s
            self._send(value)

    def close(self) -> None:
        """Send what waits and take nothing more; no timer is left behind."""
        self._closed = True
        self.flush()

    def _send_or_wait(self) -> None:
        delay_s = self._free_at_s - self._timer.time()
        if delay_s > 0:
            self._handle = self._timer.call_later(delay_s, self._due)
        else:
            self.flush()

    def _due(self) -> None:
        self._handle = None
        self.flush()
