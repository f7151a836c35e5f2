"""One process tree from its start to its certain end.

Owns starting, capturing, stopping and awaiting. Knows nothing of cages: whoever calls says how
everything that was started is killed. Never returns while the process that it started lives.
"""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, TypeVar

from longshift.sandbox.policy import CommandResult

T = TypeVar("T")

End = Literal["natural", "filled", "stopped"]
"""By itself, by what it took, or by its time or its caller."""

_WATCH_S = 1.0
_GONE_S, _LOOK_S = 0.5, 0.002
_TOOK_TOO_MUCH = 128 + signal.SIGXFSZ
_DRAIN_S = 2.0  # how long output is awaited after the end; more only where a daemon holds the pipe


def kill_group(pid: int) -> None:
    """Kill the process group that `pid` leads, if there still is one."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


class Watch(Protocol):
    """Somebody who looks at what a command takes."""

    def is_filled(self) -> bool:
        """Whether it takes too much; asked in a thread."""


@dataclass(frozen=True, slots=True)
class Launch:
    """What to start, and how to end it."""

    argv: Sequence[str]
    cwd: Path
    env: Mapping[str, str]
    output_bytes: int
    pass_fds: Sequence[int] = ()
    kill: Callable[[int], None] = kill_group
    """Kills everything that the process of this id started, itself included. May be called
    after its end."""
    watch: Watch | None = None
    """Asked now and then; ends the process early."""


async def run_to_end(launch: Launch, *, timeout_s: float) -> CommandResult:
    """Start a process, capture its output, and return when it and its output have ended.

    Cancelling kills it, waits for its end and only then lets the cancellation pass.
    """
    stop = asyncio.Event()
    # A task of its own, so that a cancellation can't fall between starting and knowing the id.
    life = asyncio.create_task(_live(launch, stop, timeout_s))
    try:
        return await asyncio.shield(life)
    except asyncio.CancelledError:
        stop.set()
        await settled(life)
        raise


async def settled(work: asyncio.Future[T]) -> None:
    """Wait for the end of work, however it ends and however often the waiter is cancelled."""
    while not work.done():
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait({work})


async def in_thread(work: Callable[[], T]) -> T:
    """Run blocking work in a thread, to its end even if the caller is cancelled.

    A thread can't be stopped: whatever it is busy with must not be taken for free meanwhile.
    """
    thread = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(thread)
    except asyncio.CancelledError:
        await settled(thread)
        raise


async def _live(launch: Launch, stop: asyncio.Event, timeout_s: float) -> CommandResult:
    """The process's whole life; `stop` or the timeout ends it early."""
    began = time.monotonic()
    capture = _Capture(launch.output_bytes)
    reading, writing = os.pipe()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: capture, os.fdopen(reading, "rb", buffering=0)
    )
    try:
        process = await _start(launch, writing)
        end = await _wait_for_end(process, launch, stop, timeout_s)
        await capture.wait_for_eof(_DRAIN_S)
    finally:
        transport.close()
    statuses = {"natural": _as_shell(process.returncode), "filled": _TOOK_TOO_MUCH}
    return CommandResult(
        exit_status=statuses.get(end),
        output=capture.text(),
        truncated=capture.truncated,
        timed_out=end == "stopped" and not stop.is_set(),
        duration_s=time.monotonic() - began,
    )


async def _start(launch: Launch, writing: int) -> asyncio.subprocess.Process:
    try:
        return await asyncio.create_subprocess_exec(
            *launch.argv,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=writing,
            stderr=writing,
            cwd=launch.cwd,
            env=dict(launch.env),
            pass_fds=launch.pass_fds,
            start_new_session=True,
        )
    finally:
        os.close(writing)


async def _wait_for_end(
    process: asyncio.subprocess.Process, launch: Launch, stop: asyncio.Event, timeout_s: float
) -> End:
    """Wait for the end, forcing it when time is up. Returns how it came."""
    ending = asyncio.create_task(process.wait())
    stopping = asyncio.create_task(stop.wait())
    filling = asyncio.create_task(_wait_until_filled(launch.watch))
    try:
        await asyncio.wait(
            {ending, stopping, filling}, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED
        )
        if ending.done():
            return "natural"
        return "filled" if filling.done() and not stop.is_set() else "stopped"
    finally:
        # Also after a natural end: a background process must not outlive its command.
        launch.kill(process.pid)
        stopping.cancel()
        filling.cancel()
        await settled(ending)
        await settled(asyncio.ensure_future(_wait_until_gone(process.pid)))


async def _wait_until_gone(group: int) -> None:
    """Wait for the last of a killed process group; a little, in case nobody collects the dead."""
    end = time.monotonic() + _GONE_S
    while time.monotonic() < end:
        try:
            os.killpg(group, 0)
        except (ProcessLookupError, PermissionError):
            return
        await asyncio.sleep(_LOOK_S)


async def _wait_until_filled(watch: Watch | None) -> None:
    """Wait for ever where nobody watches; look first when a short command is over already."""
    await asyncio.sleep(_WATCH_S)
    # A disk tells nobody that it fills.
    while watch is None or not await asyncio.to_thread(watch.is_filled):  # noqa: ASYNC110
        await asyncio.sleep(_WATCH_S)


def _as_shell(returncode: int | None) -> int | None:
    return 128 - returncode if returncode is not None and returncode < 0 else returncode


class _Capture(asyncio.Protocol):
    """Keeps the beginning and the end of what comes, in bounded memory."""

    def __init__(self, keep_bytes: int) -> None:
        self._room = keep_bytes // 2
        self._head = bytearray()
        self._tail = bytearray()
        self._dropped = 0
        self._eof = asyncio.Event()

    def data_received(self, data: bytes) -> None:
        free = self._room - len(self._head)
        self._head += data[:free] if free > 0 else b""
        self._tail += data[max(free, 0) :]
        excess = len(self._tail) - self._room
        if excess > 0:
            del self._tail[:excess]
            self._dropped += excess

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._eof.set()

    async def wait_for_eof(self, timeout_s: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._eof.wait(), timeout_s)

    @property
    def truncated(self) -> bool:
        return self._dropped > 0

    def text(self) -> str:
        gap = f"\n… {self._dropped} bytes left out …\n".encode() if self._dropped else b""
        return bytes(self._head + gap + self._tail).decode("utf-8", errors="replace")
