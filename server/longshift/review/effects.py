"""What accepting hunks, or taking them back, does to the person's files. Performs nothing.

Pure. Invariant: what is written is the person's present text with edits, never the head's text in
its place; whole contents are written only where a file has no lines or was not there.
"""

from collections.abc import Sequence

from longshift.repository.files import FileVersion
from longshift.review.edits import apply_edits
from longshift.review.shapes import (
    DeleteFile,
    Edit,
    Effect,
    PendingHunk,
    Present,
    PresentFile,
    RenameFile,
    WriteFile,
)
from longshift.review.side import Side
from longshift.review.texts import BOM, encode, present_text


def effects_of(side: Side, hunks: Sequence[PendingHunk], present: Present) -> list[Effect]:
    """What to do to one file; arguments as those of `Proposals.file_effects`."""
    pending = [hunk for hunk in hunks if hunk.state == "pending"]
    if pending:
        return _accepting(side, pending, present)
    accepted = [hunk for hunk in hunks if hunk.state == "accepted"]
    return _taking_back(side, accepted, present) if accepted else []


def _accepting(side: Side, hunks: Sequence[PendingHunk], present: Present) -> list[Effect]:
    kinds = {hunk.kind for hunk in hunks}
    path, here = side.path, present.read(side.path)
    old_path = next((hunk.old_path for hunk in hunks if hunk.old_path), side.taken_path)
    if here is None and old_path is not None:
        path, here = old_path, present.read(old_path)
    if side.head is None or "delete" in kinds:
        return [DeleteFile(path)]
    moves: list[Effect] = []
    if path != side.path and (here is None or "rename" in kinds):
        moves = [RenameFile(path, side.path)] if here is not None else []
        path = side.path
    takes_mode = here is None or not kinds.isdisjoint({"mode", "create", "rename"})
    mode = side.head.mode if takes_mode or here is None else here.mode
    if side.weave is None:
        return [*moves, *_writes(path, here, side.head.data, side.head.mode)]
    data = _data(side, here, [edit for hunk in hunks for edit in hunk.edits])
    return [*moves, *_writes(path, here, data, mode)]


def _taking_back(side: Side, hunks: Sequence[PendingHunk], present: Present) -> list[Effect]:
    kinds = {hunk.kind for hunk in hunks}
    path, here = side.path, present.read(side.path)
    old_path = next((hunk.old_path for hunk in hunks if hunk.old_path), None)
    if here is None and old_path is not None:  # a later renaming is not theirs yet
        path, here = old_path, present.read(old_path)
    if side.taken is None:
        if here is None:
            return []
        if side.weave is None or _leaves_nothing(side, here, hunks):
            return [DeleteFile(path)]
    elif here is None or side.weave is None:
        before = side.taken_path or side.path
        back = [DeleteFile(path)] if here is not None and before != path else []
        return [*back, *_writes(before, present.read(before), side.taken.data, side.taken.mode)]
    data = _data(side, here, [edit for hunk in hunks for edit in hunk.undo])
    mode = side.taken.mode if side.taken and "mode" in kinds else here.mode
    before = side.taken_path or _name_before(side, path)
    if "rename" in kinds and before != path:
        return [RenameFile(path, before), *_writes(before, here, data, mode)]
    return _writes(path, here, data, mode)


def _name_before(side: Side, path: str) -> str:
    """The name that a file had before the one where it is; the same where it had none."""
    places = [place for place, name in enumerate(side.names) if name == path]
    last = places[-1] if places else 0  # it may have come back to an earlier name
    return side.names[last - 1] if last else path


def _leaves_nothing(side: Side, here: PresentFile, hunks: Sequence[PendingHunk]) -> bool:
    """Whether a created file is empty once its hunks are out: the person added no line to it."""
    created = any(hunk.kind == "create" for hunk in hunks)
    return created and not _data(side, here, [edit for hunk in hunks for edit in hunk.undo])


def _writes(path: str, file: PresentFile | None, data: bytes, mode: int) -> list[Effect]:
    """A write, unless the file, under whatever name, already is so."""
    if file is not None and file.text is None and (file.data, file.mode) == (data, mode):
        return []
    return [WriteFile(path, data, mode)]


def _data(side: Side, file: PresentFile | None, edits: Sequence[Edit]) -> bytes:
    text = present_text(file, side.encoding) if file is not None else ""
    assert text is not None, "only hunks of a text have edits"
    stored = side.taken or side.head
    marked = file is not None and file.text is not None and _has_mark(stored)
    return encode(apply_edits(text, edits), side.encoding, with_mark=marked)


def _has_mark(version: FileVersion | None) -> bool:
    return version is not None and version.data.startswith(BOM.encode())
