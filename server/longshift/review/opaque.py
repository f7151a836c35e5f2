"""A file without lines (binary, a symlink, a submodule) set against what the person has.

Pure. Such a file is one hunk, owned by the last landing; it is applied whole or not at all.
"""

import stat
from dataclasses import replace

from longshift.domain.state import Run
from longshift.repository.files import FileVersion
from longshift.repository.hunks import LARGEST_COMPARED
from longshift.review.reading import held_back
from longshift.review.shapes import HunkKind, PendingHunk, Present, PresentFile
from longshift.review.side import Side
from longshift.review.texts import encode, size_named
from longshift.review.words import Word, hunks_of, name


def assess_opaque(side: Side, run: Run, present: Present) -> tuple[PendingHunk, ...]:
    """Give every hunk of a file that has no weave, in any state."""
    live = [ref for ref in side.refs if ref.step >= side.since]
    if not live and side.taken != side.head:
        live = list(side.refs[-1:])
    if not live:
        return hunks_of(side, run, {})
    owner, said = live[-1], side.decisions(run)
    reason = f"{name(side, owner)} stands for the file now"
    words = {ref: Word("superseded", "binary", reason) for ref in live[:-1]}
    accepted = [ref for ref in live if ref in said and said[ref].decision == "accepted"]
    known = [side.by_step[ref.step].touch.after for ref in accepted]
    word = _word(side, present, [side.taken, *known])
    again, decision = held_back(side, said).get(owner), said.get(owner)
    if again is not None:
        reason = f"it proposes again what you rejected as {name(side, again)}"
        word = replace(word, state="rejected", reason=reason)
    elif decision is not None and decision.decision == "rejected":
        word = replace(word, state="rejected", reason=decision.reason)
    elif decision is not None and decision.decision == "rework":
        word = replace(word, state="rework", reason=decision.reason)
    return hunks_of(side, run, words | {owner: word})


def _word(side: Side, present: Present, known: list[FileVersion | None]) -> Word:
    """What could be done; `known` are versions that the person may have from us."""
    kind = _kind(side)
    here = present.read(side.path)
    old = present.read(side.taken_path) if side.is_renamed and side.taken_path else None
    whole = _why_whole(side)
    if old is None and _same(side, here, side.head):
        return Word("accepted", kind, whole)
    if here is None and old is not None and any(_same(side, old, one) for one in known):
        return Word("pending", "rename", whole, old_path=side.taken_path)
    if old is None and any(_same(side, here, one) for one in known):
        return Word("pending", kind, whole)
    return Word("stale", kind, f"{_difference(side, here)}; your file is kept: ask for rework")


def _kind(side: Side) -> HunkKind:
    if side.head is None:
        return "delete"
    if side.taken is None:
        return "create"
    return "mode" if side.taken.data == side.head.data else "binary"


def _why_whole(side: Side) -> str:
    """Why a text is one hunk; "" where the file is none."""
    versions = [side.taken, *(one.touch.after for one in side.landed)]
    if any(one is not None and len(one.data) > LARGEST_COMPARED for one in versions):
        return (
            f"it is not compared line by line, because it is larger than "
            f"{size_named(LARGEST_COMPARED)}: it is taken whole or not at all"
        )
    return ""


def _same(side: Side, file: PresentFile | None, version: FileVersion | None) -> bool:
    if file is None or version is None:
        return file is None and version is None
    if file.unread or len(file.text or "") > len(version.data):
        return False  # no encoding makes a text shorter
    data = encode(file.text, side.encoding) if file.text is not None else file.data
    same_type = stat.S_IFMT(file.mode) == stat.S_IFMT(version.mode)
    return same_type and file.mode == version.mode and data == version.data


def _difference(side: Side, here: PresentFile | None) -> str:
    if here is None:
        return f"you deleted or moved {side.path}"
    if here.unread:
        return f"your {side.path} is not compared, because {here.unread}"
    if side.taken is None:
        return f"something else stands at {side.path}"
    return f"you changed {side.path} since"
