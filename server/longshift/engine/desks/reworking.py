"""What the worker of a rework is shown: the hunk, the person's words, and their present text.

Owns the choice of how much of that text. Blocking: it reads the person's files.
"""

from typing import Final

from longshift.crew.briefs import ReworkNote
from longshift.domain.model import Rework
from longshift.domain.state import Run
from longshift.engine.ports import file_bytes
from longshift.engine.room import Shop
from longshift.repository.hunks import split_lines

LINES_AROUND: Final = 20
"""Of the person's text, above and below the hunk's place."""


def rework_note(shop: Shop, run: Run, rework: Rework) -> ReworkNote:
    """What a rework's worker is told of it."""
    present = _present(shop, run, rework)
    return ReworkNote(rework.change_id, rework.path, rework.diff, rework.words, present)


def _present(shop: Shop, run: Run, rework: Rework) -> str:
    """The person's text around the hunks, as it is now; "" where the head has the same."""
    present = shop.hand.present()
    hunks = [
        hunk
        for hunk in shop.proposals.of_change(run, rework.change_id, present)
        if hunk.path == rework.path and hunk.hunk in rework.hunks
    ]
    if not hunks:
        return ""
    data = file_bytes(present.read(hunks[0].old_path or hunks[0].file))
    head = shop.store.read_file(run.head, hunks[0].file)
    if data is None or (head is not None and head.data == data):
        return ""
    lines = split_lines(data.decode(errors="replace"))
    start = min(hunk.start_line for hunk in hunks) - LINES_AROUND
    end = max(hunk.end_line for hunk in hunks) + LINES_AROUND
    return "".join(lines[max(0, start) : end])
