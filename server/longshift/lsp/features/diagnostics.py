"""`textDocument/publishDiagnostics`: open findings, where they stand in the live text.

Owns what has been published for each document, and publishes only what differs. Follows facts and
edits, at a bounded rate.
"""

import asyncio
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Final

from lsprotocol import types

from longshift.lsp.host import Host
from longshift.lsp.positions import Lines
from longshift.lsp.protocol import Throttle, written
from longshift.lsp.words import shown

if TYPE_CHECKING:
    from longshift.domain.events import Recorded
    from longshift.domain.model import Finding
    from longshift.lsp.reviewing import FileFindings
    from longshift.lsp.session import Session

Json = dict[str, object]

INTERVAL_S: Final = 0.2
SEVERITIES: Final = {
    "error": types.DiagnosticSeverity.Error,
    "warning": types.DiagnosticSeverity.Warning,
    "info": types.DiagnosticSeverity.Information,
    "hint": types.DiagnosticSeverity.Hint,
}
FACTS: Final = frozenset(
    {"finding.reported", "finding.resolved", "finding.dismissed", "change.decided", "run.started"}
)


def register(host: Host) -> None:
    """Publish at each fact about findings and at each change of a document."""
    publisher = Publisher(host)

    def on_fact(_: "Session", recorded: "Recorded") -> None:
        if recorded.event.event in FACTS:
            publisher.renew()

    def on_change(uri: str) -> None:
        publisher.renew_at(uri)

    def on_opened(_: "Session") -> None:
        publisher.renew()

    host.listen(on_fact)
    host.listen_opened(on_opened)
    host.buffers.watch(on_change)


class Publisher:
    """What the client has been told, and the next time that it is told more."""

    def __init__(self, host: Host) -> None:
        """Nothing is published yet."""
        self._host = host
        self._published: dict[str, list[Json]] = {}
        self._throttle: Throttle[None] | None = None
        self._everything = False
        self._edited: set[str] = set()
        """Documents whose text was changed since they were looked at."""
        self._busy = False
        self._again = False

    def renew(self) -> None:
        """Publish what has changed, soon."""
        self._everything = True
        self._soon()

    def renew_at(self, uri: str) -> None:
        """The same, where only one document was edited."""
        session = self._host.sessions.at(uri)
        if session is not None and session.has_findings:
            self._edited.add(uri)
            self._soon()

    def _soon(self) -> None:
        if self._host.closing:
            return
        if self._throttle is None:
            loop = asyncio.get_running_loop()
            self._throttle = Throttle(INTERVAL_S, lambda _: self._start(), loop)
        self._throttle.put(None)

    def _start(self) -> None:
        if self._host.closing:
            return
        if self._busy:
            self._again = True
        else:
            self._busy = True
            self._host.spawn(self._publish_and_again(), "publishing findings")

    async def _publish_and_again(self) -> None:
        try:
            await self._publish()
        finally:
            self._busy = False
        if self._again:
            self._again = False
            self._soon()

    async def _publish(self) -> None:
        everything, self._everything = self._everything, False
        edited, self._edited = self._edited, set()
        found: dict[str, list[Json]] = {}
        for session in self._host.sessions.all:
            if self._host.closing:
                return
            paths = None if everything else self._paths(session, edited)
            for path, diagnostics in await _of(session, paths):
                uri = self._host.buffers.uri(path, session.root)
                found.setdefault(uri, []).extend(diagnostics)
        for uri in {*found, *self._published} if everything else {*found, *edited}:
            self._tell(uri, found.get(uri, []))

    def _paths(self, session: "Session", uris: Iterable[str]) -> set[str]:
        found = (self._host.buffers.path(uri, session.root) for uri in uris)
        return {path for path in found if path is not None}

    def _tell(self, uri: str, diagnostics: list[Json]) -> None:
        if self._published.get(uri, []) == diagnostics:
            return
        if diagnostics:
            self._published[uri] = diagnostics
        else:
            del self._published[uri]
        self._host.server.protocol.notify_written(
            types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS,
            written({"uri": uri, "diagnostics": diagnostics}),
        )


async def _of(session: "Session", paths: Collection[str] | None) -> list[tuple[str, list[Json]]]:
    return [] if paths is not None and not paths else await session.findings(paths, _diagnostics)


def _diagnostics(files: Sequence["FileFindings"]) -> list[tuple[str, list[Json]]]:
    return [
        (file.path, [_diagnostic(*found, lines=file.lines) for found in file.findings])
        for file in files
    ]


def _diagnostic(run_id: str, finding: "Finding", line: int, *, lines: Lines) -> Json:
    length = (finding.end_line or finding.line) - finding.line
    start, end = lines.line_range(line).start, lines.line_range(line + length).end
    return {
        "range": {
            "start": {"line": start.line, "character": start.character},
            "end": {"line": end.line, "character": end.character},
        },
        "message": _words(finding),
        "severity": SEVERITIES[finding.severity].value,
        "code": finding.code,
        "source": "longshift",
        "data": {"runId": run_id, "findingId": finding.id},
    }


def _words(finding: "Finding") -> str:
    parts: Sequence[str] = [finding.message, finding.suggestion]
    return shown("\n".join(part for part in parts if part))
