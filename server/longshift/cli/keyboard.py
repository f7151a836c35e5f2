"""What the person types, line by line, while the event loop goes on.

Owns the reading of the standard input. Reads only when it is asked to, so that an editor which is
started in between has the terminal to itself; and in a thread that nobody waits for, so that
Ctrl-C ends a command at once.
"""

import asyncio
import contextlib
import os
import sys
import threading
from typing import Final

_CHUNK: Final = 4096


class Keyboard:
    """The standard input, a terminal or not."""

    def __init__(self) -> None:
        """Read from where `sys.stdin` reads; without one there is nothing to read."""
        self._descriptor = sys.stdin.fileno() if sys.stdin is not None else None
        self._read = b""

    async def line(self) -> str | None:
        """The next line without its end; None: there is none (Ctrl-D, or the input has ended)."""
        loop = asyncio.get_running_loop()
        given: asyncio.Future[str | None] = loop.create_future()

        def settle(text: str | None) -> None:
            if not given.done():
                given.set_result(text)

        def read() -> None:
            text = self._next()
            with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
                loop.call_soon_threadsafe(settle, text)

        threading.Thread(target=read, name="longshift-keyboard", daemon=True).start()
        return await given

    def _next(self) -> str | None:
        while b"\n" not in self._read:
            chunk = self._chunk()
            if not chunk:
                rest, self._read = self._read, b""
                return rest.decode("utf-8", "replace") or None
            self._read += chunk
        line, _, self._read = self._read.partition(b"\n")
        return line.decode("utf-8", "replace").removesuffix("\r")

    def _chunk(self) -> bytes:
        if self._descriptor is None:
            return b""
        try:
            return os.read(self._descriptor, _CHUNK)
        except OSError:  # the terminal is gone
            return b""
