"""The edit of an accepted hunk, against the text of this moment.

Owns the refusal where that text and the hunk no longer fit. Never gives an edit for another text.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from lsprotocol import types

from longshift.errors import UsageError
from longshift.lsp.client import Client
from longshift.lsp.edits import BufferEdit, workspace_edit
from longshift.review.edits import apply_edits

if TYPE_CHECKING:
    from longshift.lsp.reviewing import FileReview, ReviewHunk
    from longshift.lsp.session import Session


def edit_of(
    client: Client, session: "Session", review: "FileReview", one: "ReviewHunk"
) -> types.WorkspaceEdit | None:
    """What accepting a pending hunk does to the open document; None: its command does it all.

    Files that come, go, move or are no text are the command's business, and so is a file that is
    not open or has changed since the hunk was placed.
    """
    hunk = one.hunk
    buffer = session.host.buffers.at(review.path, session.root)
    if hunk.kind != "edit" or hunk.old_path not in (None, hunk.file) or not hunk.edits:
        return None
    if buffer is None or (buffer.text, buffer.version) != (review.text, review.version):
        return None
    session.hand.gave(buffer)
    session.expect(one, apply_edits(buffer.text, hunk.edits))
    return workspace_edit(client, [BufferEdit(buffer, hunk.edits)])


def named_hunk(review: "FileReview", data: Mapping[str, object]) -> "ReviewHunk":
    """The hunk that an action's data names, while it can still be accepted.

    Raises:
        UsageError: it can't; says what became of it.
    """
    for one in review.hunks:
        hunk = one.hunk
        key = (one.run_id, hunk.change_id, hunk.path, hunk.hunk)
        if key != tuple(data.get(name) for name in ("runId", "changeId", "path", "hunk")):
            continue
        if hunk.state in ("pending", "accepted"):
            return one
        reason = f" ({hunk.reason})" if hunk.reason else ""
        raise UsageError(
            f"Hunk {hunk.hunk} of {hunk.change_id} in {hunk.path} is {hunk.state} now{reason}. "
            "Your text was not changed."
        )
    raise UsageError(
        f"Hunk {data.get('hunk')} of {data.get('changeId')} is no longer in {data.get('path')}. "
        "Your text was not changed."
    )
