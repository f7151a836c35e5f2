"""Carry bytes between the event loop and one client.

Owns descriptors, sockets and the two threads of standard input and output. Knows no messages.

pygls 2.1.1 reads standard input on the pool that `@thread` handlers share, so that long work
there stops the reading, and writes in the loop's thread, so that a client that reads slowly stops
the server (neither reported upstream).
"""

import asyncio
import contextlib
import os
import sys
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Final, Protocol

CHUNK_BYTES: Final = 64 * 1024

FLUSH_TIMEOUT_S: Final = 2.0
"""How long the end of the session waits for a client that has stopped reading."""

OnBytes = Callable[[bytes], None]
OnEnd = Callable[[], None]


class Transport(Protocol):
    """One connection, used from the loop's thread unless said otherwise."""

    def start(self, on_bytes: OnBytes, on_end: OnEnd) -> None:
        """Begin to read; both are called in the loop's thread, `on_end` once and last."""

    def write(self, data: bytes) -> None:
        """Queue bytes, whole and in order; never blocks, from any thread.

        After the client is gone they are dropped.
        """

    async def close(self) -> None:
        """Send what is queued, as far as the client takes it, and stop."""


class PipeTransport:
    """A pair of descriptors, such as standard input and output.

    Each side has its own thread, because pipes, files and terminals can be waited for in no other
    way everywhere. Both are daemons: a read that never returns must not keep the process alive.
    """

    def __init__(self, read_fd: int, write_fd: int) -> None:
        """Take over the descriptors; `close` closes the one for writing."""
        self._read_fd = read_fd
        self._write_fd = write_fd
        self._outgoing: SimpleQueue[bytes | None] = SimpleQueue()
        self._writer = threading.Thread(target=self._write_all, name="lsp-write", daemon=True)

    @classmethod
    def over_standard_streams(cls) -> "PipeTransport":
        """Claim descriptors 0 and 1 for the protocol alone.

        In their place stand the null device and standard error, so that neither a stray `print`
        nor a child process can write into the protocol or eat from it.
        """
        read_fd, write_fd = os.dup(0), os.dup(1)
        _set_binary(read_fd, write_fd)
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        os.close(null)
        with contextlib.suppress(OSError):  # started without a standard error
            os.dup2(2, 1)
        return cls(read_fd, write_fd)

    def start(self, on_bytes: OnBytes, on_end: OnEnd) -> None:
        """See `Transport`."""
        loop = asyncio.get_running_loop()
        reader = threading.Thread(
            target=self._read_all, args=(loop, on_bytes, on_end), name="lsp-read", daemon=True
        )
        self._writer.start()
        reader.start()

    def write(self, data: bytes) -> None:
        """See `Transport`."""
        self._outgoing.put(data)

    async def close(self) -> None:
        """See `Transport`."""
        self._outgoing.put(None)
        await asyncio.to_thread(self._writer.join, FLUSH_TIMEOUT_S)

    def _read_all(self, loop: asyncio.AbstractEventLoop, on_bytes: OnBytes, on_end: OnEnd) -> None:
        with contextlib.suppress(RuntimeError):  # the loop was closed meanwhile
            with contextlib.suppress(OSError):
                while data := os.read(self._read_fd, CHUNK_BYTES):
                    loop.call_soon_threadsafe(on_bytes, data)
            loop.call_soon_threadsafe(on_end)

    def _write_all(self) -> None:
        client_reads = True
        while (data := self._outgoing.get()) is not None:
            rest = memoryview(data)
            while rest and client_reads:
                try:
                    rest = rest[os.write(self._write_fd, rest) :]
                except OSError:
                    # Drop from here on. The end of standard input ends the session.
                    client_reads = False
        os.close(self._write_fd)


class SocketTransport:
    """A TCP connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take over both ends; needs a running loop."""
        self._reader = reader
        self._writer = writer
        self._loop = asyncio.get_running_loop()
        self._reading: asyncio.Task[None] | None = None

    def start(self, on_bytes: OnBytes, on_end: OnEnd) -> None:
        """See `Transport`."""
        self._reading = self._loop.create_task(self._read_all(on_bytes, on_end))

    def write(self, data: bytes) -> None:
        """See `Transport`."""
        # Always through the loop: one way for all threads keeps the order.
        with contextlib.suppress(RuntimeError):  # the loop was closed meanwhile
            self._loop.call_soon_threadsafe(self._write, data)

    async def close(self) -> None:
        """See `Transport`."""
        await asyncio.sleep(0)  # what `write` scheduled comes first
        if self._reading is not None:
            self._reading.cancel()
        self._writer.close()
        with contextlib.suppress(OSError, TimeoutError):
            await asyncio.wait_for(self._writer.wait_closed(), FLUSH_TIMEOUT_S)

    def _write(self, data: bytes) -> None:
        if not self._writer.is_closing():
            self._writer.write(data)

    async def _read_all(self, on_bytes: OnBytes, on_end: OnEnd) -> None:
        with contextlib.suppress(OSError):
            while data := await self._reader.read(CHUNK_BYTES):
                on_bytes(data)
        on_end()


def _set_binary(*descriptors: int) -> None:
    if sys.platform == "win32":
        import msvcrt

        for descriptor in descriptors:
            msvcrt.setmode(descriptor, os.O_BINARY)
