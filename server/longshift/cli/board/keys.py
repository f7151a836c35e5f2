"""Single keys, as they are pressed, while the event loop goes on.

Owns the terminal's mode for as long as it is entered, and puts it back. Where there is no terminal
to read from, or it can't be set so, there are no keys.
"""

import asyncio
import contextlib
import os
import re
import sys
from types import TracebackType
from typing import Final, Self

_CHUNK: Final = 256
_NAMES: Final = {
    b"\x1b[A": "up", b"\x1b[B": "down", b"\x1b[C": "right", b"\x1b[D": "left",
    b"\x1bOA": "up", b"\x1bOB": "down", b"\x1bOC": "right", b"\x1bOD": "left",
    b"\x1b[Z": "left", b"\t": "right", b"\r": "enter", b"\n": "enter", b"\x1b": "escape",
}  # fmt: skip
_ONE: Final = re.compile(rb"\x1b[\[O][0-9;]*[A-Za-z~]|.", re.DOTALL)


class Keys:
    """The keyboard; `async with` it, and await `next`."""

    def __init__(self) -> None:
        """Change nothing yet."""
        self._pressed: asyncio.Queue[str] = asyncio.Queue()
        self._stack = contextlib.ExitStack()
        self.are_there = False

    async def next(self) -> str:
        """The next key: its letter, or `up`, `down`, `left`, `right`, `enter`, `escape`."""
        return await self._pressed.get()

    async def __aenter__(self) -> Self:
        """Have each key given at once, unseen."""
        if not (sys.platform != "win32" and sys.stdin is not None and sys.stdin.isatty()):
            return self
        import termios
        import tty

        descriptor = sys.stdin.fileno()
        before = termios.tcgetattr(descriptor)
        self._stack.callback(termios.tcsetattr, descriptor, termios.TCSADRAIN, before)
        tty.setcbreak(descriptor, termios.TCSADRAIN)
        loop = asyncio.get_running_loop()
        loop.add_reader(descriptor, self._read, descriptor)
        self._stack.callback(loop.remove_reader, descriptor)
        self.are_there = True
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave the terminal as it was."""
        self._stack.close()

    def _read(self, descriptor: int) -> None:
        try:
            typed = os.read(descriptor, _CHUNK)
        except OSError:
            typed = b""
        if not typed:  # the terminal is gone
            asyncio.get_running_loop().remove_reader(descriptor)
            self._pressed.put_nowait("q")
            return
        for name in names_of(typed):
            self._pressed.put_nowait(name)


def names_of(typed: bytes) -> list[str]:
    """The keys in what a terminal has sent; what has no name and is no letter is left out."""
    named = (_NAMES.get(one) or _letter(one) for one in _ONE.findall(typed))
    return [name for name in named if name]


def _letter(typed: bytes) -> str:
    text = typed.decode("ascii", "ignore")
    return text if len(text) == 1 and text.isalnum() else ""
