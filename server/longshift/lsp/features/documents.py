"""Text synchronisation, and the virtual documents under the scheme `longshift:`.

Owns nothing of the text: pygls's built-in handlers have put it into the workspace before these
run. They stay synchronous, so that no later message is handled in between.

A virtual document's URI is `longshift:/RUN/CHANGE.diff`, `longshift:/RUN/CHANGE/before/PATH` or
`longshift:/RUN/CHANGE/after/PATH`, with the repository's root URI, quoted, as its query.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

from lsprotocol import types

from longshift.errors import UsageError
from longshift.lsp.host import Host

if TYPE_CHECKING:
    from longshift.lsp.session import Session

SCHEME: Final = "longshift"
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
    parts = urlsplit(uri)
    steps = unquote(parts.path).lstrip("/").split("/", 3)
    if parts.scheme != SCHEME or len(steps) not in {2, 4}:
        raise UsageError(f"{uri} names no document of Longshift's.")
    session = await host.sessions.with_run(steps[0], unquote(parts.query) or None)
    if len(steps) == 4:
        return await _version(session, uri, steps)
    change = steps[1].removesuffix(".diff")
    shown = await session.call("showChange", {"runId": steps[0], "changeId": change})
    return str(shown["diff"])


async def _version(session: "Session", uri: str, steps: list[str]) -> str:
    run_id, change_id, side, path = steps
    run = session.state.runs.get(run_id)
    change = run.changes.get(change_id) if run is not None else None
    if change is None or side not in {"before", "after"}:
        raise UsageError(f"{uri} names no document of Longshift's.")
    data = await session.file_at(change.parent if side == "before" else change.commit, path)
    return "" if data is None else data.decode("utf-8", "replace")
