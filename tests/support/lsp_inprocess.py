"""A real server and an editor for tests in one process and one loop, for thousands of steps.

Every byte that they exchange is what would go through the pipes; only the pipes are missing.
"""

import asyncio
import functools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from unittest import mock

from pytest_lsp import client_capabilities

from longshift.lsp.host import Host
from longshift.lsp.protocol.converter import make_converter
from longshift.lsp.protocol.framing import BadHeader, Framer
from longshift.lsp.protocol.transport import OnBytes, OnEnd
from longshift.lsp.server import FEATURES, LOG_PLACE, make_server
from tests.support.lsp_journey import (
    PROFILES,
    Editor,
    Json,
    make_client_converter,
    make_editor,
    shake_hands,
)

# What a converter has learnt of the protocol's types costs more than a whole session.
_servers_converter = functools.cache(make_converter)
_clients_converter = functools.cache(make_client_converter)
_capabilities = functools.cache(client_capabilities)


class Wire:
    """The server's transport and the client's writer; each takes what the other wrote, in order."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._loop = asyncio.get_running_loop()
        self._framer = Framer()
        self._to_server: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._reading: asyncio.Task[None] | None = None

    # The server's side.

    def start(self, on_bytes: OnBytes, on_end: OnEnd, on_stuck: OnEnd) -> None:
        del on_stuck
        self._reading = self._loop.create_task(self._read(on_bytes, on_end))

    def write(self, data: bytes, *, droppable: bool = False) -> None:
        del droppable
        self._loop.call_soon_threadsafe(self._to_client, data)

    async def close(self) -> None:
        assert self._reading is not None
        self._reading.cancel()
        await asyncio.wait([self._reading])
        await asyncio.sleep(0)

    async def _read(self, on_bytes: OnBytes, on_end: OnEnd) -> None:
        while (data := await self._to_server.get()) is not None:
            await on_bytes(data)
        on_end()

    def _to_client(self, data: bytes) -> None:
        protocol = self._client.protocol
        for body in self._framer.feed(data):
            assert not isinstance(body, BadHeader), body
            protocol.handle_message(json.loads(body, object_hook=protocol.structure_message))


class _Writer:
    """The client's side of a wire."""

    def __init__(self, queue: "asyncio.Queue[bytes | None]") -> None:
        self._queue = queue

    def write(self, data: bytes) -> None:
        self._queue.put_nowait(data)

    def close(self) -> None:
        self._queue.put_nowait(None)


class Connected:
    """One editor with its own server."""

    def __init__(
        self, editor: Editor, host: Host, serving: "asyncio.Task[int]", patch: Any
    ) -> None:
        self.editor = editor
        self.host = host
        self._serving = serving
        self._patch = patch

    async def close(self) -> None:
        """End the session in good order."""
        await self.editor.client.shutdown_async(None)
        self.editor.client.exit(None)
        assert await self._serving == 0
        self._patch.stop()


async def connect(folders: Sequence[Path], profile: str, settings: Json) -> Connected:
    """Start a server in this process and shake hands under a client's profile."""
    # A process serves one client for its lifetime, and this one serves thousands.
    patch = mock.patch("longshift.lsp.garbage.Collector.settle")
    patch.start()
    with mock.patch("longshift.lsp.protocol.server.make_converter", _servers_converter):
        server = make_server("longshift", "test", log_place=LOG_PLACE)
        host = Host(server)
        for feature in FEATURES:
            feature.register(host)
    editor = make_editor(_clients_converter)
    wire = Wire(editor.client)
    editor.client.protocol.set_writer(_Writer(wire._to_server))
    serving = asyncio.get_running_loop().create_task(server._serve(wire))
    await asyncio.sleep(0)
    await shake_hands(editor, folders, _capabilities(PROFILES[profile]), {"settings": settings})
    return Connected(editor, host, serving, patch)
