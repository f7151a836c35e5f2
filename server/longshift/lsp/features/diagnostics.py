"""`textDocument/publishDiagnostics`: open findings, where they stand in the live text.

Owns what has been published for each document, and publishes only what differs. Follows facts and
edits, at a bounded rate.
"""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from lsprotocol import types

from longshift.lsp.host import Host
from longshift.lsp.positions import Lines
from longshift.lsp.protocol import Throttle
from longshift.lsp.words import shown

if TYPE_CHECKING:
    from longshift.domain.events import Recorded
    from longshift.domain.model import Finding
    from longshift.lsp.present import EditorPresent
    from longshift.lsp.session import Session

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

    def on_change(_: str) -> None:
        publisher.renew_if_shown()

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
        self._published: dict[str, list[types.Diagnostic]] = {}
        self._throttle: Throttle[None] | None = None
        self._busy = False
        self._again = False

    def renew(self) -> None:
        """Publish what has changed, soon."""
        if self._host.closing:
            return
        if self._throttle is None:
            loop = asyncio.get_running_loop()
            self._throttle = Throttle(INTERVAL_S, lambda _: self._start(), loop)
        self._throttle.put(None)

    def renew_if_shown(self) -> None:
        """The same, where there is anything that an edit can move."""
        if any(session.has_findings for session in self._host.sessions.all):
            self.renew()

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
            self.renew()

    async def _publish(self) -> None:
        found: dict[str, list[types.Diagnostic]] = {}
        for session in self._host.sessions.all:
            for uri, diagnostics in (await self._of(session)).items():
                found.setdefault(uri, []).extend(diagnostics)
        for uri in {*found, *self._published}:
            self._tell(uri, found.get(uri, []))

    async def _of(self, session: "Session") -> dict[str, list[types.Diagnostic]]:
        buffers = self._host.buffers
        by_path: dict[str, list[tuple[str, Finding, int]]] = {}
        for run, finding, line in await session.findings():
            by_path.setdefault(finding.path, []).append((run.id, finding, line))
        present = session.hand.present()
        found: dict[str, list[types.Diagnostic]] = {}
        for path, findings in by_path.items():
            text = await session.off_loop(_text, present, path)
            lines = Lines(text, self._host.client.encoding)
            found[buffers.uri(path, session.root)] = [
                _diagnostic(run_id, finding, lines, line) for run_id, finding, line in findings
            ]
        return found

    def _tell(self, uri: str, diagnostics: list[types.Diagnostic]) -> None:
        if self._published.get(uri, []) == diagnostics:
            return
        if diagnostics:
            self._published[uri] = diagnostics
        else:
            del self._published[uri]
        self._host.server.text_document_publish_diagnostics(
            types.PublishDiagnosticsParams(uri=uri, diagnostics=diagnostics)
        )


def _diagnostic(run_id: str, finding: "Finding", lines: Lines, line: int) -> types.Diagnostic:
    length = (finding.end_line or finding.line) - finding.line
    first, last = lines.line_range(line), lines.line_range(line + length)
    return types.Diagnostic(
        range=types.Range(first.start, last.end),
        message=_words(finding),
        severity=SEVERITIES[finding.severity],
        code=finding.code,
        source="longshift",
        data={"runId": run_id, "findingId": finding.id},
    )


def _words(finding: "Finding") -> str:
    parts: Sequence[str] = [finding.message, finding.suggestion]
    return shown("\n".join(part for part in parts if part))


def _text(present: "EditorPresent", path: str) -> str:
    file = present.read(path)
    if file is None:
        return ""
    return file.text if file.text is not None else (file.data or b"").decode("utf-8", "replace")
