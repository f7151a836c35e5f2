"""The hunks of one file of the person's, of several runs at once.

Blocking: to be called on a thread of its own. Never changes anything, and keeps nothing.
"""

import logging
from collections.abc import Collection, Iterator, Sequence

from longshift.domain.state import Run
from longshift.errors import LongshiftError
from longshift.review.elsewhere import with_elsewhere
from longshift.review.proposals import Proposals
from longshift.review.shapes import PendingHunk, Present

logger = logging.getLogger(__name__)


def touched(run: Run) -> Iterator[str]:
    """The paths that a run's landings name, some of them twice."""
    return (path for change in run.changes.values() for path in change.paths)


def hunks_of(
    proposals: Proposals,
    runs: tuple[Run, ...],
    path: str,
    present: Present,
    others: Collection[str] = (),
) -> tuple[tuple[str, PendingHunk], ...]:
    """Every hunk on one of the person's files, of these runs, in any state, with its run's id.

    `others` are the other editors that are open, as for `with_elsewhere`.
    """
    return tuple(
        (run.id, hunk)
        for run in runs
        for at_head in _paths_at_head(proposals, run, path, present)
        for hunk in with_elsewhere(run, _of_path(proposals, run, at_head, present), others)
    )


def _paths_at_head(proposals: Proposals, run: Run, path: str, present: Present) -> list[str]:
    """Under which names the run's head has a file of the person's: it may be renamed there.

    Where they have the file under a later name as well, its hunks speak of that one's text.
    """
    paths = proposals.paths(run)
    if path in paths:
        return [path]
    if path not in set(touched(run)):
        return []
    return [one for one in paths if _is_at(path, (*proposals.names(run, one), one), present)]


def _is_at(path: str, names: Sequence[str], present: Present) -> bool:
    """Whether the person has a file at one of its names, and not at a later one."""
    later = (name for name in reversed(names) if present.read(name) is not None)
    return path in names and next(later, path) == path


def _of_path(
    proposals: Proposals, run: Run, path: str, present: Present
) -> tuple[PendingHunk, ...]:
    try:
        return proposals.of_path(run, path, present)
    except LongshiftError:
        logger.exception("The hunks of %s in %s can't be read.", path, run.id)
        return ()
