"""What taking rejected hunks out of the head does to one of its files.

Pure. A rejected hunk that something later builds on stays: only a task can take it out.
"""

from collections.abc import Collection
from dataclasses import dataclass

from longshift.domain.state import Run
from longshift.repository.files import FileEdit, FileVersion
from longshift.review.reading import held_back
from longshift.review.side import Side
from longshift.review.texts import encode
from longshift.review.weave import Ref, joined_groups


@dataclass(frozen=True, slots=True)
class TakenOut:
    """One file of the head without what was rejected.

    Attributes:
        edits: by path, the file to put at the head; None deletes. Empty: nothing to do.
        clashes: rejected hunks that stay, because later ones build on them.
    """

    edits: dict[str, FileEdit | None]
    clashes: tuple[Ref, ...]


def take_out(side: Side, run: Run) -> TakenOut:
    """Take the rejected hunks of one file out of the head."""
    said = side.decisions(run)
    refused = {ref for ref, d in said.items() if d.decision == "rejected"}
    refused |= {*held_back(side, said)}
    accepted = {ref for ref, d in said.items() if d.decision == "accepted"}
    # A file that the run made moves for the person too, once they have it.
    moves = side.is_renamed or (side.taken_path is None and bool(side.earlier_names(accepted)))
    live = {ref for ref in side.refs if _is_live(side, ref, moves=moves)}
    parts = side.weave.refs() if side.weave is not None else set()
    if not refused & (live | parts):
        return TakenOut({}, ())
    groups = _groups(side, (parts | live) - accepted)
    out = {ref for group in groups if group[-1] in refused for ref in group}
    edits = _without(side, out) if out else {}
    return TakenOut(edits, tuple(sorted((refused & live) - out)))


def _is_live(side: Side, ref: Ref, *, moves: bool) -> bool:
    """Whether the head has something of a hunk that the taken text has not."""
    landed = side.by_step[ref.step]
    if side.weave is None or side.is_mode(ref):
        return ref.step >= side.since
    if ref in side.standing:
        return True
    match landed.touch.kind:
        case "rename":
            return moves
        case "create":
            return side.taken is None and side.head is not None
        case "delete":
            return side.taken is not None and side.head is None
        case _:
            return False


def _groups(side: Side, refs: Collection[Ref]) -> list[tuple[Ref, ...]]:
    if side.weave is None:
        return [tuple(sorted(refs))] if refs else []
    return joined_groups(refs, side.weave.joins)


def _without(side: Side, out: set[Ref]) -> dict[str, FileEdit | None]:
    version = side.taken if side.weave is None else _version(side, out)
    renames = sorted(out.intersection(side.whole_file_refs("rename")))
    path = side.path
    if side.taken_path is not None and (side.weave is None or renames):
        path = side.taken_path
    elif side.taken_path is None and renames:
        path = side.by_step[renames[0].step].touch.path_before
    edits: dict[str, FileEdit | None] = {}
    if path != side.path and side.head is not None:
        edits[side.path] = None
    if version != side.head or path != side.path:
        edits[path] = None if version is None else FileEdit(version.data, version.mode)
    return edits


def _version(side: Side, out: set[Ref]) -> FileVersion | None:
    assert side.weave is not None, "a text has its weave"
    if side.taken is None and not out.isdisjoint(side.whole_file_refs("create")):
        return None
    # One that was made, accepted and deleted since the last taking is as it was before it went.
    versions = (side.head, side.taken, side.landed[-1].touch.before)
    stays = next((version for version in versions if version is not None), None)
    assert stays is not None, "what a rejected hunk changes was there before it or after it"
    mode = stays.mode
    if side.taken is not None and any(side.is_mode(ref) for ref in out):
        mode = side.taken.mode
    text = "".join(side.weave.text(side.weave.refs() - set(out)))
    return FileVersion(mode, encode(text, side.encoding), "")
