"""The owner's door: other processes send their commands to whoever drives the repository.

Owns the order in which clients are answered, and how much one of them may ask. Must never know
what a command means, and never let one client's mistake or malice touch another or the server:
whoever opens too many connections loses their own, whoever asks too fast waits, whoever sends what
is no request is hung up on. The protocol is described in `wire`; the other end is `client`.
"""

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol, TypeAlias

from pydantic import ValidationError

from longshift.domain.events import Recorded
from longshift.errors import UsageError
from longshift.journal import wire
from longshift.journal.client import ControlClient
from longshift.journal.doors import Door, default_door
from longshift.journal.pace import Pace
from longshift.journal.wire import Json

__all__ = ["Ask", "ControlClient", "ControlServer", "Follow", "Handle", "Receive", "Visitor"]

log = logging.getLogger(__name__)

Handle: TypeAlias = Callable[[str, Json], Awaitable[Json]]
"""Carries out a command with its arguments; raises UsageError or NeedsPerson to refuse it."""

Follow: TypeAlias = Callable[[int], AsyncIterator[Recorded]]
"""The facts behind a sequence number, and then each as it happens."""

Ask: TypeAlias = Callable[[Json], Awaitable[None]]
"""Sends a question to one client; raises ConnectionError where it is gone."""


class Visitor(Protocol):
    """Who answers one client, for as long as it is connected."""

    async def handle(self, command: str, arguments: Json) -> Json:
        """Carry out a command of this client's, as `Handle` does."""

    def gone(self) -> None:
        """Take note that the client is no longer there; called once."""


Receive: TypeAlias = Callable[[Ask], Visitor]
"""Makes the visitor of a client that has just connected."""

CLOSING_GRACE_S: Final = 5.0
"""How long a command that is being carried out may still take once the server closes."""

LAST_WORDS_S: Final = 1.0
"""How long a client may take to read what it was sent before its connection is cut."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much clients may ask."""

    connections: int = 64
    """At a time; one more ends the idlest connection of the process that holds the most."""
    admitted_within_s: float = 5.0
    """How long a client may take to show its secret, where one is asked for."""
    requests_per_s: float = 200.0
    """Of one connection in the long run; faster ones wait on their own side."""
    requests_at_once: float = 400.0


class ControlServer:
    """Listens for the owner. Start it only while holding the repository's `Lease`."""

    def __init__(
        self,
        state_dir: Path,
        handle: Handle,
        follow: Follow,
        *,
        receive: Receive | None = None,
        door: Door | None = None,
        limits: Limits = Limits(),
    ) -> None:
        """Prepare to listen.

        Args:
            state_dir: the repository's state folder; the address is derived from it.
            handle: carries out every command but `follow`; commands of one client come one by
                one, those of several clients at once.
            follow: what a follower is sent; each of its iterators is closed with its client.
            receive: makes who answers each client in place of `handle`; None: `handle` answers all.
            door: where to listen; None: the safest that the platform has.
            limits: how much clients may ask.
        """
        self._limits = limits
        self._is_crowded = False
        self._door = door or default_door(state_dir)
        self._receive = receive or (lambda _: _Stranger(handle))
        self._follow = follow
        self._clients: dict[asyncio.Task[None], _Client] = {}
        self._closing = False

    async def start(self) -> str:
        """Listen; returns the address for `Lease.announce`.

        Raises:
            NeedsPerson: there is no place that only this user can open.
        """
        return await self._door.open(self._connected)

    @property
    def n_clients(self) -> int:
        """How many clients are connected that have asked something."""
        return sum(client.has_asked for client in self._clients.values())

    async def close(self, *, grace_s: float = CLOSING_GRACE_S) -> None:
        """Let commands that are being carried out answer, then end every client and the door.

        Must not be awaited by a command's own handler, which would wait for itself.
        """
        self._closing = True
        for task, client in self._clients.items():
            if client.finish_soon():
                task.cancel()
        tasks = set(self._clients)
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=grace_s)
            for task in late:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        await self._door.close()

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._closing:
            writer.close()
            return
        self._make_place()
        client = _Client(
            reader, writer, self._receive, self._follow, self._limits, self._door.peer(writer)
        )
        task = asyncio.get_running_loop().create_task(self._serve(client), name="control-client")
        self._clients[task] = client
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        # A task that was cancelled before its first step has closed nothing.
        self._clients.pop(task).writer.close()

    def _make_place(self) -> None:
        """End a connection where there are too many: of whoever holds the most, the idlest."""
        open_ones = [client for client in self._clients.values() if not client.is_dropped]
        if len(open_ones) < self._limits.connections:
            self._is_crowded = False
            return
        if not self._is_crowded:  # once for each crowd, or a flood would fill the log too
            self._is_crowded = True
            log.warning(
                "there are more than %d control connections; the idlest are ended",
                self._limits.connections,
            )
        held = Counter(client.peer for client in open_ones)
        most = max(held.values())
        greedy = [client for client in open_ones if held[client.peer] == most]
        min(greedy, key=lambda client: client.claim).drop()

    async def _serve(self, client: "_Client") -> None:
        try:
            if await self._admits(client):
                await client.serve()
            else:
                log.warning("a process of another user, or without the secret, was refused")
        except ConnectionError:
            log.debug("a control client went away")
        finally:
            await client.close()

    async def _admits(self, client: "_Client") -> bool:
        try:
            async with asyncio.timeout(self._limits.admitted_within_s):
                return await self._door.admits(client.reader, client.writer)
        except TimeoutError:
            return False


class _Client:
    """One connection at the server: its requests in their order, and what it follows."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        receive: Receive,
        follow: Follow,
        limits: Limits,
        peer: int | None,
    ) -> None:
        self.reader = reader
        self.writer = writer
        self.peer = peer
        self.is_dropped = False
        self._loop = asyncio.get_running_loop()
        self._pace = Pace(limits.requests_per_s, limits.requests_at_once, self._loop.time())
        self._has_asked = False
        self._spoke_at_s = self._loop.time()
        self._visitor = receive(self._ask)
        self._follow = follow
        self._following: asyncio.Task[None] | None = None
        self._is_busy = False
        self._is_finishing = False

    @property
    def has_asked(self) -> bool:
        """Whether it has sent a request."""
        return self._has_asked

    @property
    def claim(self) -> tuple[bool, bool, float]:
        """How much it has on its side when a place is needed; the least goes first."""
        is_needed = self._is_busy or self._following is not None
        return is_needed, self._has_asked, self._spoke_at_s

    def drop(self) -> None:
        """Cut the connection at once, for another's sake."""
        self.is_dropped = True
        self.writer.transport.abort()

    async def serve(self) -> None:
        """Answer requests until the client goes, makes a mistake of form, or is to finish."""
        while not self._is_finishing:
            try:
                line = await self.reader.readuntil(b"\n")
                request = wire.Request.model_validate_json(line)
            except asyncio.IncompleteReadError:
                return
            except (asyncio.LimitOverrunError, ValidationError) as error:
                log.warning("a control client sent what is no request, and was hung up on")
                await self._send(wire.refusal(None, "", wire.malformed(error)))
                return
            self._has_asked, self._spoke_at_s = True, self._loop.time()
            self._is_busy = True
            await self._answer(request)
            self._is_busy = False
            await asyncio.sleep(self._pace.wait_s(1, self._loop.time()))

    def finish_soon(self) -> bool:
        """Take no further request; True where none is being carried out."""
        self._is_finishing = True
        return not self._is_busy

    async def close(self) -> None:
        """End what it follows, and the connection."""
        self._visitor.gone()
        if self._following is not None:
            self._following.cancel()
            await asyncio.gather(self._following, return_exceptions=True)
        self.writer.close()
        try:
            async with asyncio.timeout(LAST_WORDS_S):
                await self.writer.wait_closed()
        except (ConnectionError, TimeoutError) as error:
            self.writer.transport.abort()  # it does not read what it was sent
            with contextlib.suppress(ConnectionError):
                await self.writer.wait_closed()
            error.__traceback__ = None  # else the writer holds it, and by this frame it the writer

    async def _answer(self, request: wire.Request) -> None:
        try:
            if request.command == "follow":
                await self._start_following(request)
                return
            result = await self._visitor.handle(request.command, request.arguments)
            line = wire.encode({"id": request.id, "result": result})
        except Exception as error:  # noqa: BLE001 -- one request's failure is its own answer
            line = wire.refusal(request.id, request.command, error)
        await self._send(line)

    async def _start_following(self, request: wire.Request) -> None:
        try:
            after = wire.FollowArguments.model_validate(request.arguments).after
        except ValidationError as error:
            raise UsageError(
                f'`follow` takes {{"after": number}}: {wire.first_problem(error)}'
            ) from error
        if self._following is not None:
            raise UsageError("This connection follows already; open another one.")
        await self._send(wire.encode({"id": request.id, "result": {}}))
        self._following = asyncio.get_running_loop().create_task(self._push(after))

    async def _push(self, after: int) -> None:
        """Send what happens; a slow client slows its own iterator and nothing else."""
        events = self._follow(after)
        try:
            async for recorded in events:
                await self._send(wire.encode({"event": recorded.as_line()}))
            last = wire.encode({"end": True})
        except ConnectionError:
            return
        except Exception as error:  # noqa: BLE001 -- as in _answer
            last = wire.refusal(None, "follow", error)
        finally:
            if isinstance(events, AsyncGenerator):
                await events.aclose()
        with contextlib.suppress(ConnectionError):
            await self._send(last)

    async def _ask(self, question: Json) -> None:
        await self._send(wire.encode({"ask": question}))

    async def _send(self, line: bytes) -> None:
        self.writer.write(line)
        await self.writer.drain()


class _Stranger:
    """A client of whom nothing is known: `handle` answers all alike."""

    def __init__(self, handle: Handle) -> None:
        self._handle = handle

    async def handle(self, command: str, arguments: Json) -> Json:
        return await self._handle(command, arguments)

    def gone(self) -> None:
        """Nothing was kept of it."""
