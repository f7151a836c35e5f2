"""Longshift's server with its loop watched: `python -m benchmarks.review.watched REPORT`.

With `--idle` before the report, a loop with nothing to do is watched until standard input ends:
what it shows is the machine's doing, and none of the server's.

Owns the watching: a heartbeat in the loop, and the time of each of its callbacks. Both are needed:
a callback says what it took, and a beat that comes late says also how long a thread held Python's
one lock between two of them. It begins at the request `benchmark/watch`, and writes what it saw as
a `Report` when the session ends. Changes nothing else of the server.
"""

import asyncio
import json
import sys
import time
from array import array
from bisect import bisect_left
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self

from lsprotocol import types

from longshift.lsp.protocol import LongshiftLanguageServer

EVERY_S: Final = 0.002
WATCH: Final = "benchmark/watch"
BEATS: Final = "beats"
"""What is asked for where the heart alone is to be watched."""


@dataclass(frozen=True)
class Report:
    """What was seen, in seconds of the machine's monotonic clock.

    Attributes:
        due: when each beat was due.
        late: by how much it came late.
        begun: when each callback of the loop began.
        took: how long it took.
        cpu: how much of that the loop's thread was at work.
    """

    due: "array[float]" = field(default_factory=lambda: array("d"))
    late: "array[float]" = field(default_factory=lambda: array("d"))
    begun: "array[float]" = field(default_factory=lambda: array("d"))
    took: "array[float]" = field(default_factory=lambda: array("d"))
    cpu: "array[float]" = field(default_factory=lambda: array("d"))

    def write(self, place: Path) -> None:
        """Keep it for another process."""
        place.write_text(json.dumps({name: list(v) for name, v in vars(self).items()}))

    @classmethod
    def read(cls, place: Path) -> Self:
        """Take what another process kept."""
        return cls(**{name: array("d", v) for name, v in json.loads(place.read_text()).items()})

    def held(self, start: float, end: float) -> float:
        """How long callbacks held the loop that began between two moments."""
        return sum(self.took[bisect_left(self.begun, start) : bisect_left(self.begun, end)])

    def worked(self, start: float, end: float) -> float:
        """How long the loop's thread was at work in them."""
        return sum(self.cpu[bisect_left(self.begun, start) : bisect_left(self.begun, end)])

    def stalls(self, start: float, end: float) -> list[float]:
        """How late the loop would have been, asked every `EVERY_S` between two moments.

        While it stands still no beat comes: those that it left out count too, each with what was
        left of the stall.
        """
        found: list[float] = []
        for index in range(bisect_left(self.due, start), bisect_left(self.due, end)):
            late = self.late[index]
            found.append(late)
            while (late := late - EVERY_S) > 0:
                found.append(late)
        return found


class Watch:
    """The heartbeat of one loop."""

    def __init__(self) -> None:
        """Watch nothing yet."""
        self.report = Report()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._due = 0.0

    def begin(self, *, callbacks: bool = True) -> None:
        """Watch the running loop from now on.

        Args:
            callbacks: whether each of them is timed too, which costs about 3 µs for each.
        """
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
            if callbacks:
                self._time_callbacks()
            self._next()

    def _next(self) -> None:
        assert self._loop is not None
        self._due = time.perf_counter() + EVERY_S
        self._loop.call_later(EVERY_S, self._beat)

    def _beat(self) -> None:
        self.report.due.append(self._due)
        self.report.late.append(time.perf_counter() - self._due)
        self._next()

    def _time_callbacks(self) -> None:
        # Every callback, every step of a task too, goes through this one private method.
        run, beat, report = asyncio.Handle._run, self._beat, self.report  # noqa: SLF001

        def timed(handle: Any) -> None:  # noqa: ANN401 -- its callback is private
            if handle._callback == beat:  # noqa: SLF001
                run(handle)
                return
            begun, cpu = time.perf_counter(), time.thread_time()
            run(handle)
            report.cpu.append(time.thread_time() - cpu)
            report.took.append(time.perf_counter() - begun)
            report.begun.append(begun)

        asyncio.Handle._run = timed  # type: ignore[assignment,method-assign]  # noqa: SLF001


def watched(place: Path) -> LongshiftLanguageServer:
    """The server as it is served, with a watch on its loop."""
    from longshift.lsp.server import build

    server, watch = build(), Watch()

    @server.feature(WATCH)
    def begin(params: types.LSPAny) -> None:
        watch.begin(callbacks=params != BEATS)

    async def write() -> None:
        watch.report.write(place)

    server.add_closer(write)
    return server


async def _idle(place: Path) -> None:
    watch = Watch()
    watch.begin()
    await asyncio.to_thread(sys.stdin.buffer.read)
    watch.report.write(place)


if __name__ == "__main__":
    if sys.argv[1] == "--idle":
        sys.exit(asyncio.run(_idle(Path(sys.argv[2]))))
    sys.exit(watched(Path(sys.argv[1])).serve_stdio())
