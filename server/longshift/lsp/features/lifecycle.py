"""The session's beginning and end, its folders and its settings.

Owns when repositories are opened: in the background after `initialized`, so that `initialize` is
answered at once and hunks of earlier runs show by themselves.
"""

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING

from lsprotocol import types

from longshift.lsp.garbage import COLLECTOR
from longshift.lsp.host import Host
from longshift.lsp.protocol import warm_converter
from longshift.lsp.sessions import load_rest

if TYPE_CHECKING:
    from longshift.lsp.session import Session


def register(host: Host) -> None:
    """Follow the client from `initialize` to its end."""
    server = host.server
    server.add_closer(host.close)

    @server.feature(types.INITIALIZE)
    def initialize(params: types.InitializeParams) -> None:
        host.meet(params)

    @server.feature(types.INITIALIZED)
    def initialized(params: types.InitializedParams) -> None:
        del params
        folders = [folder.uri for folder in host.server.workspace.folders.values()]
        root = host.server.workspace.root_uri
        for uri in folders or ([root] if root else []):
            host.sessions.add_folder(uri)
        host.spawn(_begin(host), "opening the workspace")
        host.spawn(_tidy_when_quiet(), "tidying up")

    @server.feature(types.SHUTDOWN)
    async def shutdown(params: None) -> None:
        del params
        await host.close()

    @server.feature(types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS)
    def folders_changed(params: types.DidChangeWorkspaceFoldersParams) -> None:
        for folder in params.event.removed:
            host.spawn(host.sessions.remove_folder(folder.uri), "closing a folder")
        for folder in params.event.added:
            host.sessions.add_folder(folder.uri)
        host.spawn(host.sessions.open_folders(), "opening a folder")

    @server.feature(types.WORKSPACE_DID_CHANGE_CONFIGURATION)
    def configuration_changed(params: types.DidChangeConfigurationParams) -> None:
        for session in host.sessions.all:
            host.spawn(_configure(host, session, params.settings), "reading the settings")


async def _begin(host: Host) -> None:
    await host.sessions.open_folders()
    for session in host.sessions.all:
        await session.until_learnt()  # its editor asks now, and is to be answered first
    await asyncio.to_thread(load_rest)
    await asyncio.to_thread(warm_converter, host.server.protocol.fm.converter)
    if host.sessions.all:
        from longshift.screening import detector

        # The first goal would wait for it, the very first on a machine for seconds.
        await asyncio.to_thread(detector.load)


async def _tidy_when_quiet() -> None:
    while True:
        await asyncio.sleep(COLLECTOR.look_again_s)
        COLLECTOR.tidy()


async def _configure(host: Host, session: "Session", pushed: object) -> None:
    """Take new settings, and say at once where they are wrong."""
    if host.client.configuration:
        await host.configure(session)
    elif isinstance(pushed, Mapping):
        session.settings.set_configured(pushed.get("longshift"))
    for notice in await session.check_settings():
        host.notice(session, notice)
