"""`textDocument/publishDiagnostics`: open findings, for clients that do not ask for them.

Owns what has been published for each document, and publishes only what differs. Follows facts and
edits, at a bounded rate, and looks anew only at files that they can have to do with. A client that
pulls (`pulling`) is never told here: it would show each finding twice.
"""

import asyncio
import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from lsprotocol import types

from longshift.lsp.host import Host
from longshift.lsp.protocol import Throttle, Written
from longshift.lsp.showable import told
from longshift.lsp.virtual import SCHEME

if TYPE_CHECKING:
    from longshift.domain.events import Recorded
    from longshift.lsp.findings import Diagnostics
    from longshift.lsp.session import Session

INTERVAL_S: Final = 0.2
FACTS: Final = frozenset(
    {
        "finding.reported",
        "finding.resolved",
        "finding.dismissed",
        "change.decided",
        "head.moved",
        "run.started",
    }
)
"""After these, findings may have come, gone or moved; after a landing, those of its files."""


def register(host: Host) -> None:
    """Publish at each fact about findings and at each change of a document."""
    publisher = Publisher(host)

    def on_fact(session: "Session", recorded: "Recorded") -> None:
        from longshift.domain import events

        if isinstance(recorded.event, events.TaskLanded):
            publisher.renew_at(session, recorded.event.paths)
        elif recorded.event.event in FACTS:
            publisher.renew()

    def on_change(uri: str) -> None:
        session = host.sessions.at(uri)
        path = host.buffers.path(uri, session.root) if session is not None else None
        if session is not None and path is not None:
            publisher.renew_at(session, [path])
        elif uri.startswith(f"{SCHEME}:"):
            publisher.renew_names()

    host.listen(on_fact)
    host.listen_opened(lambda _: publisher.renew())
    host.buffers.watch(on_change)


class Publisher:
    """What the client has been told, and the next time that it is told more."""

    def __init__(self, host: Host) -> None:
        """Nothing is published yet."""
        self._host = host
        self._found: dict[tuple[Session, str], Diagnostics] = {}
        """Of each file of each repository, when it was looked at last."""
        self._published: dict[str, list[Written]] = {}
        self._throttle: Throttle[None] | None = None
        self._everything = False
        self._touched: dict[Session, set[str]] = {}
        """Files that were changed since they were looked at."""
        self._busy = False
        self._again = False

    def renew(self) -> None:
        """Publish what has changed, soon."""
        self._everything = True
        self._soon()

    def renew_at(self, session: "Session", paths: Iterable[str]) -> None:
        """The same, where only some files were changed."""
        if session.has_findings:
            self._touched.setdefault(session, set()).update(paths)
            self._soon()

    def renew_names(self) -> None:
        """The same, where only a virtual document was opened or closed."""
        if self._found:
            self._soon()

    def _soon(self) -> None:
        if self._host.closing or self._host.client.pulls_diagnostics:
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
        touched, self._touched = self._touched, {}
        if everything:
            self._found = {
                (session, path): one
                for session in self._all()
                for path, one in await session.findings.all_diagnostics()
                if one
            }
        else:
            for session, paths in touched.items():
                await self._look_at(session, paths)
        shown = told(self._host, self._found.values())
        for uri in dict.fromkeys([*shown, *self._published]):
            self._tell(uri, shown.get(uri, []))

    def _all(self) -> Iterable["Session"]:
        return () if self._host.closing else self._host.sessions.all

    async def _look_at(self, session: "Session", paths: set[str]) -> None:
        found = dict.fromkeys(paths) | dict(await session.findings.all_diagnostics(paths))
        for path, one in found.items():
            if one:
                self._found[session, path] = one
            else:
                self._found.pop((session, path), None)

    def _tell(self, uri: str, diagnostics: list[Written]) -> None:
        if self._published.get(uri, []) == diagnostics:
            return
        if diagnostics:
            self._published[uri] = diagnostics
        else:
            del self._published[uri]
        each = b",".join(one.data for one in diagnostics)
        self._host.server.protocol.notify_written(
            types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS,
            Written(b'{"uri":%b,"diagnostics":[%b]}' % (json.dumps(uri).encode(), each)),
        )
