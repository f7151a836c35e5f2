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
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError
from functools import partial
from queue import SimpleQueue
from typing import Final, Protocol

from longshift.precedence import PRECEDENCE

CHUNK_BYTES: Final = 64 * 1024

FLUSH_TIMEOUT_S: Final = 2.0
"""How long the end of the session waits for a client that has stopped reading."""

DROPS_ABOVE_BYTES: Final = 4 * 1024 * 1024
"""When so much waits for a client to read it, what it can do without is not sent."""

MOST_WAITING_BYTES: Final = 64 * 1024 * 1024
"""When so much waits, the client does not read at all, and its session ends."""

OnBytes = Callable[[bytes], Coroutine[None, None, None]]
OnEnd = Callable[[], None]


class Transport(Protocol):
    """One connection, used from the loop's thread unless said otherwise."""

    def start(self, on_bytes: OnBytes, on_end: OnEnd, on_stuck: OnEnd) -> None:
        """Begin to read; all are called in the loop's thread.

        Args:
            on_bytes: takes what came; nothing more is read before it returns.
            on_end: called once and last.
            on_stuck: called once, when the client has stopped reading for good.
        """

    def write(self, data: bytes, *, droppable: bool = False) -> None:
        """Queue bytes, whole and in order; never blocks, from any thread.

        After the client is gone they are dropped.

        Args:
            data: whole messages.
            droppable: the client can do without, where it reads too slowly.
        """

    async def close(self) -> None:
        """Send what is queued, as far as the client takes it, and stop."""


class Backlog:
    """What waits for a client to read it, and whether one more message may join; thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting = 0
        self._is_stuck = False

    def admits(self, n_bytes: int, *, droppable: bool) -> bool:
        """Count a message in, unless there is no place for it."""
        with self._lock:
            if self._is_stuck or (droppable and self._waiting > DROPS_ABOVE_BYTES):
                return False
            # The one that passes the limit is let in: a single long answer is no sign of trouble.
            self._is_stuck = self._waiting > MOST_WAITING_BYTES
            self._waiting += 0 if self._is_stuck else n_bytes
            return not self._is_stuck

    @property
    def is_stuck(self) -> bool:
        """Whether the client has stopped reading for good."""
        return self._is_stuck

    def shrink(self, n_bytes: int) -> None:
        """Count out what the client has taken."""
        with self._lock:
            self._waiting -= n_bytes


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
        self._backlog = Backlog()
        self._tell_stuck: Callable[[], object] = lambda: None
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

    def start(self, on_bytes: OnBytes, on_end: OnEnd, on_stuck: OnEnd) -> None:
        """See `Transport`."""
        loop = asyncio.get_running_loop()
        self._tell_stuck = partial(loop.call_soon_threadsafe, on_stuck)
        reader = threading.Thread(
            target=self._read_all, args=(loop, on_bytes, on_end), name="lsp-read", daemon=True
        )
        self._writer.start()
        reader.start()

    def write(self, data: bytes, *, droppable: bool = False) -> None:
        """See `Transport`."""
        was_stuck = self._backlog.is_stuck
        if self._backlog.admits(len(data), droppable=droppable):
            self._outgoing.put(data)
        elif self._backlog.is_stuck and not was_stuck:
            with contextlib.suppress(RuntimeError):  # the loop was closed meanwhile
                self._tell_stuck()

    async def close(self) -> None:
        """See `Transport`."""
        self._outgoing.put(None)
        await asyncio.to_thread(self._writer.join, FLUSH_TIMEOUT_S)

    def _read_all(self, loop: asyncio.AbstractEventLoop, on_bytes: OnBytes, on_end: OnEnd) -> None:
        with contextlib.suppress(RuntimeError, CancelledError):  # the loop was closed meanwhile
            with contextlib.suppress(OSError):
                while data := os.read(self._read_fd, CHUNK_BYTES):
                    # Only when it was taken is more read, so that a flood waits in the pipe. What
                    # hundreds of agents have in the loop gives way from now on, not from when
                    # the loop has come to it.
                    with PRECEDENCE.person():
                        _hand_over(loop, on_bytes, data)
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
            self._backlog.shrink(len(data))
        os.close(self._write_fd)


class SocketTransport:
    """A TCP connection."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, already: bytes = b""
    ) -> None:
        """Take over both ends; needs a running loop.

        Args:
            reader: where the client is heard.
            writer: where it is spoken to.
            already: what was read before, and comes first.
        """
        self._reader = reader
        self._writer = writer
        self._already = already
        self._on_stuck: OnEnd = lambda: None
        self._is_stuck = False
        self._loop = asyncio.get_running_loop()
        self._reading: asyncio.Task[None] | None = None

    def start(self, on_bytes: OnBytes, on_end: OnEnd, on_stuck: OnEnd) -> None:
        """See `Transport`."""
        self._on_stuck = on_stuck
        self._reading = self._loop.create_task(self._read_all(on_bytes, on_end))

    def write(self, data: bytes, *, droppable: bool = False) -> None:
        """See `Transport`."""
        # Always through the loop: one way for all threads keeps the order.
        with contextlib.suppress(RuntimeError):  # the loop was closed meanwhile
            self._loop.call_soon_threadsafe(self._write, data, droppable)

    async def close(self) -> None:
        """See `Transport`."""
        await asyncio.sleep(0)  # what `write` scheduled comes first
        if self._reading is not None:
            self._reading.cancel()
        self._writer.close()
        try:
            await asyncio.wait_for(self._writer.wait_closed(), FLUSH_TIMEOUT_S)
        except (OSError, TimeoutError):
            self._writer.transport.abort()

    def _write(self, data: bytes, droppable: bool) -> None:
        waiting = self._writer.transport.get_write_buffer_size()
        if self._is_stuck or self._writer.is_closing():
            return
        if waiting > MOST_WAITING_BYTES:
            self._is_stuck = True
            self._on_stuck()
        elif not droppable or waiting <= DROPS_ABOVE_BYTES:
            self._writer.write(data)

    async def _read_all(self, on_bytes: OnBytes, on_end: OnEnd) -> None:
        with contextlib.suppress(OSError):
            if self._already:
                await on_bytes(self._already)
            while data := await self._reader.read(CHUNK_BYTES):
                with PRECEDENCE.person():
                    await on_bytes(data)
        on_end()


def _hand_over(loop: asyncio.AbstractEventLoop, on_bytes: OnBytes, data: bytes) -> None:
    """Have the loop take bytes, and wait until it has.

    Raises:
        RuntimeError, CancelledError: the loop is closed, or closes before it has.
    """
    taking = on_bytes(data)
    try:
        taken = asyncio.run_coroutine_threadsafe(taking, loop)
    except RuntimeError:
        taking.close()
        raise
    taken.result()


def _set_binary(*descriptors: int) -> None:
    if sys.platform == "win32":
        import msvcrt

        for descriptor in descriptors:
            msvcrt.setmode(descriptor, os.O_BINARY)
