"""The hunks of one worktree's runs, against what the person has at one moment.

Blocking: to be called on a thread of its own. Never changes anything, and keeps nothing.
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from longshift.domain.state import Run
from longshift.errors import LongshiftError
from longshift.lsp.positions import Lines
from longshift.lsp.present import EditorPresent
from longshift.review.proposals import Proposals
from longshift.review.shapes import PendingHunk

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

    @property
    def decided(self) -> tuple[ReviewHunk, ...]:
        """Those of which a decision can be taken back where they stand."""
        return tuple(one for one in self.hunks if not one.hunk.settled and _is_decided(one.hunk))


def _is_decided(hunk: PendingHunk) -> bool:
    return bool(hunk.undo) if hunk.state == "accepted" else hunk.state in ("rejected", "rework")


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
        for at_head in _paths_at_head(proposals, run, path, present)
        for hunk in _of_path(proposals, run, at_head, present)
    )


def _paths_at_head(proposals: Proposals, run: Run, path: str, present: EditorPresent) -> list[str]:
    """Under which names the run's head has a file of the person's: it may be renamed there.

    Where they have the file under a later name as well, its hunks speak of that one's text.
    """
    paths = proposals.paths(run)
    if path in paths:
        return [path]
    if path not in set(touched(run)):
        return []
    return [one for one in paths if _is_at(path, (*proposals.names(run, one), one), present)]


def _is_at(path: str, names: Sequence[str], present: EditorPresent) -> bool:
    """Whether the person has a file at one of its names, and not at a later one."""
    later = (name for name in reversed(names) if present.read(name) is not None)
    return path in names and next(later, path) == path


def _of_path(
    proposals: Proposals, run: Run, path: str, present: EditorPresent
) -> tuple[PendingHunk, ...]:
    try:
        return proposals.of_path(run, path, present)
    except LongshiftError:
        logger.exception("The hunks of %s in %s can't be read.", path, run.id)
        return ()
