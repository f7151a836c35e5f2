"""Removing every trace of a run, and of one whose start was broken off.

Owns the order: a mark first, so that what is begun is done, by the next process if need be. Must
never forget a run that no person gave up.
"""

import contextlib
import logging

from longshift.engine.room import Shop
from longshift.errors import LongshiftError
from longshift.repository.marks import Begun

log = logging.getLogger(__name__)


async def forget_all(shop: Shop, run_id: str) -> None:
    """Remove a run from the journal and both repositories.

    Raises:
        NeedsPerson: the journal can't be written, and nothing was removed; or a repository can't,
            and the rest is removed at the next start.
    """
    marks = shop.store.marks
    await shop.off_loop(marks.put, "forgetting", run_id)
    if run_id in shop.chronicle.state.runs:
        try:
            # The journal first: a run without objects could never be opened again.
            await shop.chronicle.forget(run_id)
        except LongshiftError:
            with contextlib.suppress(OSError):
                await shop.off_loop(marks.take, "forgetting", run_id)
            raise
    await shop.off_loop(shop.store.forget, run_id)
    await shop.off_loop(marks.take, "forgetting", run_id)


async def finish_marked(shop: Shop) -> list[str]:
    """Do what a process that was killed had begun with whole runs.

    Returns:
        What was done, as sentences for the log.
    """
    done: list[str] = []
    for begun, name in await shop.off_loop(shop.store.marks.left):
        try:
            done += await _finish(shop, begun, name)
        except LongshiftError as error:  # the next start tries again; other runs can go on
            log.warning("what is left of %s stays for now: %s", name, error)
    return done


async def _finish(shop: Shop, begun: Begun, name: str) -> list[str]:
    if begun == "forgetting":
        await forget_all(shop, name)
        return [f"Forgot {name}, which was begun before the end."]
    started = name in shop.chronicle.state.runs
    if not started:
        await shop.off_loop(shop.store.forget, name)
    await shop.off_loop(shop.store.marks.take, begun, name)
    return [] if started else [f"Removed what was left of {name}, whose start was broken off."]
