"""The findings of one repository's runs, where they stand in this editor.

Owns what was placed for open documents, with one text, one head and the decisions of one moment;
everything else of it happens on other threads. Never decides which of them a client is told.
"""

import asyncio
from collections.abc import Awaitable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from longshift.domain.model import Finding
from longshift.domain.state import Run
from longshift.lsp.findings import (
    Diagnostics,
    FileFindings,
    Files,
    PlacedFinding,
    Versions,
    View,
    diagnostics_of,
    files_of,
    open_findings,
)
from longshift.lsp.latest import Latest
from longshift.lsp.present import EditorPresent
from longshift.lsp.reviewing import FileReview
from longshift.repository.cache import Cache
from longshift.review.placing import Standing, place_findings

if TYPE_CHECKING:
    from longshift.lsp.session import Session

LARGEST_VERSIONS: Final = 8_000_000
"""Characters of committed files whose lines are remembered."""


@dataclass(frozen=True, slots=True)
class _Placed:
    """The findings of one file, and their diagnostics where no other file's text is in them."""

    findings: FileFindings
    diagnostics: Diagnostics | None


class Findings:
    """The findings of a session's runs. Where there are none, nothing is asked or computed."""

    def __init__(self, session: "Session") -> None:
        """Place nothing yet."""
        self._session = session
        self._placed: Latest[_Placed] = Latest("place findings")
        self._versions: Versions = Cache(LARGEST_VERSIONS, lambda lines: 1 + len(lines.text))
        self._epoch = 0
        """Grows with each fact about findings."""
        self._files: tuple[object, Files] | None = None
        """With the epochs in which they were these."""

    async def of(self, path: str) -> tuple[PlacedFinding, ...]:
        """The open findings of one file, where they stand now.

        Of findings that say the same of the same line, the latest run's.
        """
        return (await self._of_file(path)).findings.placed

    async def diagnostics(self, path: str) -> Diagnostics:
        """The same as diagnostics, by document; on virtual documents too."""
        placed = await self._of_file(path)
        if placed.diagnostics is not None:
            return placed.diagnostics
        view = self._view(self._session.hand.present())
        if view is None:
            return {}
        return await self._session.off_loop(diagnostics_of, view, placed.findings)

    async def all_diagnostics(
        self, paths: Collection[str] | None = None
    ) -> list[tuple[str, Diagnostics]]:
        """Diagnostics by file.

        Args:
            paths: only of files that one of these is a name of, or whose findings relate to one;
                None: of all.

        Returns:
            Of each file where findings may stand, also where none does.
        """
        files = await self._all_files()
        if paths is not None:
            files = {path: on for path, on in files.items() if not on.isdisjoint(paths)}
        return [(path, await self.diagnostics(path)) for path in files]

    async def place(self, run: Run, finding: Finding) -> Standing | None:
        """Where one finding stands, in any state; None: its line is in nobody's text."""
        proposals = (await self._session.link()).proposals
        present = self._session.hand.present()
        placed = await self._session.off_loop(place_findings, proposals, run, [finding], present)
        return placed[0] if placed else None

    def renew(self) -> None:
        """Take note of a fact about findings."""
        self._epoch += 1

    def forget(self, path: str) -> None:
        """Drop what was computed for a buffer that was closed."""
        self._placed.forget(path)

    async def _of_file(self, path: str) -> _Placed:
        session, runs = self._session, self._runs()
        present = session.hand.present()
        view = self._view(present)
        if view is None or not runs:
            return _Placed(FileFindings(path, None, ()), {})

        async def place(review: Awaitable[FileReview]) -> _Placed:
            return await session.off_loop(_place, view, runs, await review)

        buffer = present.buffers.get(path)
        if buffer is None:
            return await place(session.review_in(path, present))
        key = (session.epoch, self._epoch, buffer.uri, buffer.version, buffer.text)
        placing = self._placed.get(path, key, lambda: place(session.review_in(path, present)))
        return await asyncio.shield(placing)

    async def _all_files(self) -> Files:
        runs, proposals = self._runs(), self._session.proposals
        if proposals is None or not runs:
            return {}
        key = (self._session.epoch, self._epoch)
        if self._files is None or self._files[0] != key:
            # Known until the next fact: an edit, which comes far more often, asks no other thread.
            self._files = (key, await self._session.off_loop(files_of, proposals, runs))
        return self._files[1]

    def _view(self, present: EditorPresent) -> View | None:
        session, proposals = self._session, self._session.proposals
        if proposals is None:
            return None
        return View(session.host.client, session.root_uri, proposals, present, self._versions)

    def _runs(self) -> tuple[Run, ...]:
        return tuple(run for run in self._session.runs.values() if run.findings)


def _place(view: View, runs: tuple[Run, ...], review: FileReview) -> _Placed:
    findings = open_findings(view.proposals, runs, view.present, review)
    return _Placed(findings, diagnostics_of(view, findings) if findings.is_alone else None)
