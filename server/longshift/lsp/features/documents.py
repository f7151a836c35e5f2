"""Text synchronisation, and the virtual documents under the scheme `longshift:`.

Owns nothing of the text: pygls's built-in handlers have put it into the workspace before these
run. They stay synchronous, so that no later message is handled in between.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from lsprotocol import types

from longshift.errors import UsageError
from longshift.lsp.garbage import COLLECTOR
from longshift.lsp.host import Host
from longshift.lsp.virtual import SCHEME, Virtual, parse

if TYPE_CHECKING:
    from longshift.lsp.session import Session

CONTENT_REQUEST: Final = "longshift/textDocumentContent"
"""The same as `workspace/textDocumentContent`, for clients that don't know that one."""


def register(host: Host) -> None:
    """Follow open documents, and answer for virtual ones."""
    server = host.server

    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    def did_open(params: types.DidOpenTextDocumentParams) -> None:
        host.buffers.changed(params.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    def did_change(params: types.DidChangeTextDocumentParams) -> None:
        COLLECTOR.touch()
        host.buffers.changed(params.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_SAVE)
    def did_save(params: types.DidSaveTextDocumentParams) -> None:
        host.buffers.changed(params.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    def did_close(params: types.DidCloseTextDocumentParams) -> None:
        uri = params.text_document.uri
        session = host.sessions.at(uri)
        if session is not None and (path := host.buffers.path(uri, session.root)) is not None:
            session.forget_closed(path)
        host.buffers.changed(uri)

    @server.feature(
        types.WORKSPACE_TEXT_DOCUMENT_CONTENT, types.TextDocumentContentOptions([SCHEME])
    )
    async def content(
        params: types.TextDocumentContentParams,
    ) -> types.TextDocumentContentResult:
        return types.TextDocumentContentResult(await _text(host, params.uri))

    @server.feature(CONTENT_REQUEST)
    async def content_by_request(params: types.LSPAny) -> Mapping[str, str]:
        uri = params.get("uri") if isinstance(params, Mapping) else getattr(params, "uri", None)
        if not isinstance(uri, str):
            raise UsageError(f"{CONTENT_REQUEST}: `uri`: a string was expected.")
        return {"text": await _text(host, uri)}


async def _text(host: Host, uri: str) -> str:
    shown = parse(uri)
    session = await host.sessions.with_run(shown.run_id, shown.repo)
    if shown.side:
        return await _version(session, uri, shown)
    ids = {"runId": shown.run_id, "changeId": shown.change_id}
    return str((await session.call("showChange", ids))["diff"])


async def _version(session: "Session", uri: str, shown: Virtual) -> str:
    run = session.state.runs.get(shown.run_id)
    change = run.changes.get(shown.change_id) if run is not None else None
    if change is None:
        raise UsageError(f"{uri} names no document of Longshift's.")
    commit = change.parent if shown.side == "before" else change.commit
    data = await session.file_at(commit, shown.path)
    return "" if data is None else data.decode("utf-8", "replace")
