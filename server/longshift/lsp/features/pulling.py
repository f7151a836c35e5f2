"""`textDocument/diagnostic` and `workspace/diagnostic`: open findings, for clients that ask.

Owns the answers and the asking to be asked again. A result's id is a digest of the result, so that
nothing is kept for a client: what it has already is unchanged. Where a client does not pull,
`diagnostics` publishes, and nothing here is advertised.
"""

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from lsprotocol import types

from longshift.lsp.features.diagnostics import FACTS, INTERVAL_S
from longshift.lsp.host import Host
from longshift.lsp.protocol import Throttle, Written, written
from longshift.lsp.showable import for_client, of_document

if TYPE_CHECKING:
    from longshift.domain.events import Recorded
    from longshift.lsp.session import Session

IDENTIFIER: Final = "longshift"
OPTIONS: Final = types.DiagnosticOptions(
    # What stands in one file follows from that file and from facts, of which the client is told.
    inter_file_dependencies=False,
    workspace_diagnostics=True,
    identifier=IDENTIFIER,
)


def register(host: Host) -> None:
    """Answer, and have the client ask again when findings come, go or move."""
    refresher = _Refresher(host)

    def on_fact(session: "Session", recorded: "Recorded") -> None:
        from longshift.domain import events

        moved = isinstance(recorded.event, events.TaskLanded) and session.has_findings
        if moved or recorded.event.event in FACTS:
            refresher.refresh()

    host.listen(on_fact)
    host.listen_opened(lambda _: refresher.refresh())

    @host.server.feature(types.TEXT_DOCUMENT_DIAGNOSTIC, OPTIONS)
    async def of_one(params: types.DocumentDiagnosticParams) -> Written:
        found = await of_document(host, params.text_document.uri)
        return _report(found, params.previous_result_id)

    @host.server.feature(types.WORKSPACE_DIAGNOSTIC)
    async def of_all(params: types.WorkspaceDiagnosticParams) -> Written:
        found = await for_client(host)
        before = {one.uri: one.value for one in params.previous_result_ids}
        # One report for each document that has any, or that the client believes has any.
        reports = [
            _report(
                found.get(uri, []),
                before.get(uri),
                {"uri": uri, "version": host.buffers.version(uri)},
            )
            for uri in dict.fromkeys([*found, *before])
        ]
        return Written(b'{"items":[%b]}' % b",".join(one.data for one in reports))


class _Refresher:
    """Has the client ask again, at a bounded rate."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._throttle: Throttle[None] | None = None

    def refresh(self) -> None:
        """Soon."""
        if self._host.closing or not self._host.client.pulls_diagnostics:
            return
        if self._throttle is None:
            loop = asyncio.get_running_loop()
            self._throttle = Throttle(INTERVAL_S, lambda _: self._ask(), loop)
        self._throttle.put(None)

    def _ask(self) -> None:
        if not self._host.closing:
            self._host.server.workspace_diagnostic_refresh(None)


def _report(
    found: Sequence[Written], before: str | None, more: Mapping[str, object] | None = None
) -> Written:
    """A report of one document, full or unchanged, with more fields in front."""
    items = b",".join(one.data for one in found)
    result_id = hashlib.sha256(items).hexdigest()[:32]
    kind = "unchanged" if before == result_id else "full"
    fields = written({**(more or {}), "kind": kind, "resultId": result_id}).data
    return Written(fields if kind == "unchanged" else b'%b,"items":[%b]}' % (fields[:-1], items))
