"""The hunks and findings of one worktree's runs, against what the person has at one moment.

Blocking: to be called on a thread of its own. Never changes anything, and keeps nothing.
"""

import logging
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from longshift.domain.model import Finding
from longshift.domain.state import Run
from longshift.errors import LongshiftError
from longshift.lsp.positions import Lines
from longshift.lsp.present import EditorPresent
from longshift.review.proposals import Proposals
from longshift.review.shapes import PendingHunk, PresentFile

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ReviewHunk:
    """A hunk with its run."""

    run_id: str
    hunk: PendingHunk


@dataclass(frozen=True, slots=True)
class FileReview:
    """The hunks of one file as it is now.

    Attributes:
        repo: the root URI of its repository, where the client works in several; else None.
        path: the file's.
        text: what they were computed against; None: no text.
        version: of the buffer; None: not open.
        hunks: of all runs, in any state.
        lines: of the text, in the client's encoding.
    """

    repo: str | None
    path: str
    text: str | None
    version: int | None
    hunks: tuple[ReviewHunk, ...]
    lines: Lines

    @property
    def pending(self) -> tuple[ReviewHunk, ...]:
        """Those that a person can decide on, stale ones among them."""
        return tuple(one for one in self.hunks if one.hunk.state in ("pending", "stale"))


def touched(run: Run) -> Iterator[str]:
    """The paths that a run's landings name, some of them twice."""
    return (path for change in run.changes.values() for path in change.paths)


def hunks_of(
    proposals: Proposals, runs: tuple[Run, ...], path: str, present: EditorPresent
) -> tuple[ReviewHunk, ...]:
    """Every hunk on one of the person's files, of these runs, in any state."""
    return tuple(
        ReviewHunk(run.id, hunk)
        for run in runs
        for at_head in _paths_at_head(proposals, run, path)
        for hunk in _of_path(proposals, run, at_head, present)
    )


def _paths_at_head(proposals: Proposals, run: Run, path: str) -> list[str]:
    """Under which names the run's head has a file of the person's: it may be renamed there."""
    paths = proposals.paths(run)
    if path in paths:
        return [path]
    if path not in set(touched(run)):
        return []
    return [one for one in paths if path in proposals.side(run, one).names]


def _of_path(
    proposals: Proposals, run: Run, path: str, present: EditorPresent
) -> tuple[PendingHunk, ...]:
    try:
        return proposals.of_path(run, path, present)
    except LongshiftError:
        logger.exception("The hunks of %s in %s can't be read.", path, run.id)
        return ()


@dataclass(frozen=True, slots=True)
class FileFindings:
    """The open findings of one file as it is now, each with its run's id and its line, from 0."""

    path: str
    lines: Lines
    findings: tuple[tuple[str, Finding, int], ...]


def open_findings(
    proposals: Proposals,
    runs: tuple[Run, ...],
    present: EditorPresent,
    encoding: str,
    paths: Collection[str] | None,
) -> list[FileFindings]:
    """The open findings by file, at some paths or (None) at all; of equal ones, the latest."""
    by_path: dict[str, list[tuple[Run, Finding]]] = {}
    for run in runs:
        for one in run.findings.values():
            if one.state == "open" and (paths is None or one.path in paths):
                by_path.setdefault(one.path, []).append((run, one))
    return [
        _findings_at(proposals, path, found, present, encoding) for path, found in by_path.items()
    ]


def _findings_at(
    proposals: Proposals,
    path: str,
    findings: Iterable[tuple[Run, Finding]],
    present: EditorPresent,
    encoding: str,
) -> FileFindings:
    file = present.read(path)
    found: dict[tuple[int, str, str], tuple[str, Finding, int]] = {}
    for run, one in findings:
        line = proposals.line_in_present(one.commit, path, one.line - 1, file)
        if line is not None:
            found[line, one.code, one.message] = (run.id, one, line)
    return FileFindings(path, Lines(_text(file), encoding), tuple(found.values()))


def _text(file: PresentFile | None) -> str:
    if file is None:
        return ""
    return file.text if file.text is not None else (file.data or b"").decode("utf-8", "replace")
