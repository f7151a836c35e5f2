"""The hunks of a run as a person goes through them, and each with all that there is to be seen.

Owns those two shapes. Looks only: it decides nothing and writes nothing. Lines count from zero.
"""

from collections.abc import Sequence

from longshift.domain.state import Run
from longshift.engine.describe import Json, why
from longshift.errors import UsageError
from longshift.review.decisions import Target, fingerprint
from longshift.review.own_words import proposed_lines
from longshift.review.proposals import Proposals
from longshift.review.shapes import PendingHunk, Present
from longshift.review.unified import hunk_in_context


def listed_hunks(hunks: Sequence[PendingHunk]) -> list[Json]:
    """Every hunk in few words, file by file in order of place."""
    return [_row(hunk) for hunk in hunks]


def shown_hunk(
    run: Run, hunks: Sequence[PendingHunk], proposals: Proposals, present: Present, target: Target
) -> Json:
    """One hunk with its lines amid the person's text, and why it was made; blocking.

    Args:
        run: the run.
        hunks: all of its change, computed against exactly this `present`.
        proposals: what computed them.
        present: the person's files.
        target: names the hunk.

    Raises:
        UsageError: there is no such hunk.
    """
    for hunk in hunks:
        if hunk.key == (target.change_id, target.path, target.hunk):
            text = proposals.text_at(run, hunk, present)
            return {
                **_row(hunk),
                "taskId": hunk.task_id,
                "title": hunk.title,
                "diff": hunk_in_context(hunk, text),
                "lines": proposed_lines(hunk, text),
                "why": why(run, hunk.change_id),
            }
    raise UsageError(
        f"There is no hunk {target.hunk} of {target.change_id} in {target.path} in {run.id}. "
        "Nothing was decided. `longshift status` shows what there is."
    )


def _row(hunk: PendingHunk) -> Json:
    return {
        "changeId": hunk.change_id,
        "path": hunk.path,
        "file": hunk.file,
        "oldPath": hunk.old_path,
        "kind": hunk.kind,
        "hunk": hunk.hunk,
        "of": hunk.of,
        "state": hunk.state,
        "line": hunk.start_line,
        "added": hunk.added,
        "removed": hunk.removed,
        "reason": hunk.reason,
        "flag": hunk.flag or None,
        "shown": fingerprint(hunk),
    }
