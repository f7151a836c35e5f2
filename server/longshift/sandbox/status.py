"""What those who build a cage tell of it: bubblewrap, and the launcher.

Owns the pipe that they tell it through. A command never holds an end of it, so what is told
there is true, whatever the command prints.
"""

import contextlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(slots=True)
class Status:
    """One command's pipe. Each line is written at once, so two may write."""

    _reading: int
    for_bubblewrap: int
    for_launcher: int
    life: int
    """For the launcher too: the end of another pipe, whose other end only Longshift holds. The
    kernel closes that one with it, however it ends."""

    _text: bytes = field(default=b"", init=False)

    def read(self) -> dict[str, int]:
        """All that was told so far: one JSON object a line, of numbers only.

        `confined`: the launcher did all that it was to do, and the command began. Of bubblewrap:
        `child-pid`, `pid-namespace`, and at the end `exit-code`.
        """
        with contextlib.suppress(BlockingIOError):
            while data := os.read(self._reading, 4096):
                self._text += data
        told: dict[str, int] = {}
        for line in self._text.splitlines():
            with contextlib.suppress(ValueError):
                told |= json.loads(line)
        return told


@contextlib.contextmanager
def status_pipe() -> Iterator[Status]:
    """A pipe for the time of a block."""
    reading, writing = os.pipe()
    second = os.dup(writing)
    life, held = os.pipe()
    os.set_blocking(reading, False)
    try:
        yield Status(reading, writing, second, life)
    finally:
        for handle in (reading, writing, second, life, held):
            os.close(handle)
