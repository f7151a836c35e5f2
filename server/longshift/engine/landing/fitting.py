"""Whether what has just landed fits the text that the person is writing.

Their live buffers belong to the world that workers must fit. Owns the look at them after each
landing, and the fact that says what did not fit. Never changes a text, and never undoes a landing:
the hunks are stale by themselves, for as long as the person's text is as it is.
"""

import logging

from longshift.domain.events import ChangeStale
from longshift.domain.state import Run
from longshift.engine.ports import StillPresent, file_bytes
from longshift.engine.room import Shop
from longshift.review.shapes import PendingHunk

log = logging.getLogger(__name__)


async def mark_stale(shop: Shop, run_id: str, change_id: str) -> None:
    """Record which files of a landing clash with what the person has at this moment."""
    run = shop.chronicle.run(run_id)
    present = StillPresent(shop.hand.present())
    try:
        clashing = await shop.for_agent(_clashing, shop, run, change_id, present)
    except Exception:
        # The landing is on record and stays; what did not fit is seen in the review all the same.
        log.exception("whether %s fits the person's text could not be found out", change_id)
        return
    if not clashing:
        return
    by_path: dict[str, list[PendingHunk]] = {}
    for hunk in clashing:
        by_path.setdefault(hunk.path, []).append(hunk)
    await shop.chronicle.record(
        *(
            ChangeStale(
                run=run_id,
                change=change_id,
                path=path,
                hunks=tuple(sorted(hunk.hunk for hunk in hunks)),
                reason=hunks[0].reason,
            )
            for path, hunks in by_path.items()
        )
    )


def _clashing(
    shop: Shop, run: Run, change_id: str, present: StillPresent
) -> tuple[PendingHunk, ...]:
    shop.proposals.paths(run)  # followed at once: what this landing wrote is still in memory
    paths = run.changes[change_id].paths
    # Most files are as they were taken: then everything fits, and nothing need be compared.
    if not any(_is_changed(shop, run, path, present) for path in paths):
        return ()
    hunks = shop.proposals.of_change(run, change_id, present)
    return tuple(hunk for hunk in hunks if hunk.state == "stale")


def _is_changed(shop: Shop, run: Run, path: str, present: StillPresent) -> bool:
    taken = shop.store.read_file(run.taken, path)
    return file_bytes(present.read(path)) != (taken.data if taken is not None else None)
