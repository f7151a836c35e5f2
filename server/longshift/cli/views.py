"""How a run is shown while it goes on: JSON lines, plain lines, or the live view.

Owns the choice between them. Each is shown every fact of the run once, in order.
"""

import json
import sys
from abc import abstractmethod
from collections import deque
from contextlib import AbstractContextManager, ExitStack
from datetime import UTC, datetime
from types import TracebackType
from typing import Final, Self

from rich.console import RenderableType
from rich.live import Live
from rich.text import Text

from longshift.cli.frame import Pulse, draw
from longshift.cli.terminal import can_be_drawn_on, output
from longshift.cli.told import STYLES, Told, told
from longshift.domain.events import Recorded
from longshift.domain.state import Run

EVENTS_SHOWN: Final = 5
FRAMES_A_SECOND: Final = 8


class View(AbstractContextManager["View"]):
    """Shows a run; inside a `with` it may hold the terminal."""

    @abstractmethod
    def show(self, record: Recorded, run: Run) -> None:
        """Show one more fact, and the run as it stands after it."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let go of the terminal."""


def open_view(*, as_json: bool) -> View:
    """The view that fits where the output goes."""
    if as_json:
        return JsonLines()
    return LiveView() if can_be_drawn_on(output()) else PlainLines()


class JsonLines(View):
    """One JSON object a line, for programs."""

    def show(self, record: Recorded, run: Run) -> None:
        """Print the fact."""
        del run
        sys.stdout.write(json.dumps(record.as_line()) + "\n")
        sys.stdout.flush()


class PlainLines(View):
    """A line for each thing that matters, where the output is no terminal."""

    def show(self, record: Recorded, run: Run) -> None:
        """Print the fact in words."""
        said = told(record.event, run)
        if not said.minor:
            sys.stdout.write(f"{record.time.astimezone():%H:%M:%S} {said.text}\n")
            sys.stdout.flush()


class LiveView(View):
    """Tables that stay in their place and change."""

    def __init__(self) -> None:
        """Hold nothing of the terminal before the block is entered."""
        self._console = output()
        self._run: Run | None = None
        self._pulse = Pulse()
        self._events: deque[Told] = deque(maxlen=EVENTS_SHOWN)
        self._stack = ExitStack()

    def show(self, record: Recorded, run: Run) -> None:
        """Take the fact in; the next frame shows it."""
        self._pulse = self._pulse.after(record)
        said = told(record.event, run)
        if not said.minor:
            self._events.append(said)
        self._run = run

    def __enter__(self) -> Self:
        """Begin to draw, in a thread of rich's own: the loop only swaps frozen values."""
        live = Live(
            console=self._console,
            get_renderable=self._frame,
            refresh_per_second=FRAMES_A_SECOND,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._stack.enter_context(live)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Draw the last frame and leave it standing."""
        self._stack.close()

    def _frame(self) -> RenderableType:
        if self._run is None:
            return Text("Reading the repository …", STYLES["dim"])
        rows = max(4, self._console.height - 14)
        events = tuple(self._events)
        return draw(self._run, self._pulse, events, datetime.now(UTC), rows)
