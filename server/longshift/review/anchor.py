"""Where the edits of a reference text stand in the text that a person has made of it.

Pure: lines and numbers only. An edit *touches* what the person did if their old ranges overlap, if
one inserts strictly inside what the other replaces, or if both insert at the same place; edits
that only meet at a border do not touch. What touches is never applied, unless the person's text
reads exactly as if some of the edits had been applied: then those are, and the others stand free.
An edit that was applied beside lines which the person typed is part of one difference with them; it
is known again by its new lines, which stand whole in the text that has it (`_standing`).
Invariant: applying an edit that is `Free` changes no line that the person wrote.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from operator import methodcaller
from typing import Final

from longshift.repository.hunks import LineHunk, line_hunks
from longshift.review.weave import Toggle

_IS_ENDED: Final = methodcaller("endswith", "\n")


@dataclass(frozen=True, slots=True)
class Free:
    """The edit can be applied to these lines of the present text."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Applied:
    """The present text has the edit already, in these lines."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Touched:
    """The person changed the place, now these lines, to something else.

    `ragged`: nothing there was changed, but a last line without a line end would be glued on.
    """

    start: int
    end: int
    ragged: bool = False


Placed = Free | Applied | Touched


def place(
    reference: Sequence[str],
    edits: Sequence[Toggle],
    present: Sequence[str],
    person: Sequence[LineHunk],
) -> list[Placed]:
    """Place each edit of the reference text in the present text.

    Args:
        reference: lines that the edits speak of.
        edits: edits in ascending order, none overlapping.
        present: the person's lines.
        person: the hunks that turn the reference into the present text, from `line_hunks`; they
            may pass over the end of the last line.

    Returns:
        A placement for each edit, in order.
    """
    if not all(map(_IS_ENDED, reference[:-1])):
        # Two lines of the reference are one line of the text: its numbers speak of nothing there.
        last = len(present)
        return [Touched(min(e.start, last), min(e.end, last), ragged=True) for e in edits]
    if not person and list(reference[-1:]) == list(present[-1:]):
        return [Free(edit.start, edit.end) for edit in edits]
    # Diffs of repetitive lines can slide; an exact match needs no diff.
    exact = _explained(reference, edits, present, 0)
    if exact is not None:
        return exact
    placed: list[Placed] = []
    starts = [hunk.old_start for hunk in person]
    growth = list(accumulate((len(h.new_lines) - len(h.old_lines) for h in person), initial=0))
    for neighbours in _clusters(edits, _near(edits, person, starts), _meet):
        shift = growth[bisect_left(starts, neighbours.start)]
        placed += _place_neighbours(reference, neighbours, present, shift)
    return placed


def _near(
    edits: Sequence[Toggle], person: Sequence[LineHunk], starts: Sequence[int]
) -> list[LineHunk]:
    """The person's hunks that meet an edit, and those that adjoin one which does.

    Of thousands that they may have typed, the others only move what follows.
    """
    near: list[LineHunk] = []
    taken = 0
    for edit in edits:
        first, start, end = bisect_left(starts, edit.start), edit.start, edit.end
        while first > taken and _end(person[first - 1]) >= start:
            first -= 1
            start = starts[first]
        last = first = max(first, taken)
        while last < len(person) and starts[last] <= end:
            end = max(end, _end(person[last]))
            last += 1
        near += person[first:last]
        taken = last
    return near


def _end(hunk: LineHunk) -> int:
    return hunk.old_start + len(hunk.old_lines)


@dataclass(slots=True)
class _Cluster:
    """Edits and person's hunks that touch, and the reference lines that they span."""

    start: int
    end: int
    edits: list[Toggle]
    person: list[LineHunk]

    @property
    def growth(self) -> int:
        return sum(len(hunk.new_lines) - len(hunk.old_lines) for hunk in self.person)


def _place_neighbours(
    reference: Sequence[str], neighbours: _Cluster, present: Sequence[str], shift: int
) -> list[Placed]:
    """Place edits among the person's hunks that touch them or meet them at a border."""
    if not neighbours.edits:
        return []
    start = neighbours.start + shift
    standing: dict[int, Applied] = {}
    if neighbours.person:
        end = neighbours.end + shift + neighbours.growth
        toggles = _relative(neighbours.edits, neighbours.start)
        here = reference[neighbours.start : neighbours.end], toggles, present[start:end], start
        exact = _explained(*here)
        if exact is not None:
            return exact
        standing = _standing(*here)
    placed: list[Placed] = []
    for cluster in _clusters(neighbours.edits, neighbours.person, _touch):
        exact = _exact(reference, cluster, present, shift)
        for number, edit in enumerate(cluster.edits):
            if exact is not None:
                placed.append(exact[number])
            elif len(placed) in standing:
                placed.append(standing[len(placed)])
            else:
                placed.append(_place_one(edit, cluster, present, shift))
        shift += cluster.growth
    return placed


def _exact(
    reference: Sequence[str], cluster: _Cluster, present: Sequence[str], shift: int
) -> list[Placed] | None:
    if not cluster.person:
        return None
    start, end = cluster.start + shift, cluster.end + shift + cluster.growth
    return _explained(
        reference[cluster.start : cluster.end],
        _relative(cluster.edits, cluster.start),
        present[start:end],
        start,
    )


def _place_one(edit: Toggle, cluster: _Cluster, present: Sequence[str], shift: int) -> Placed:
    start, end = cluster.start + shift, cluster.end + shift + cluster.growth
    if cluster.person:
        gone = None if edit.new else _removed_at(edit, cluster.person)
        return Touched(start, end) if gone is None else Applied(gone + shift, gone + shift)
    if _glues(edit, start, end, present) or tuple(present[start:end]) != edit.old:
        return Touched(start, end, ragged=True)
    return Free(start, end)


def _removed_at(edit: Toggle, person: Sequence[LineHunk]) -> int | None:
    """Where the person removed all that a deletion removes, and perhaps more; None: nowhere."""
    growth = 0
    for hunk in person:
        covers = hunk.old_start <= edit.start and edit.end <= hunk.old_start + len(hunk.old_lines)
        if covers and not hunk.new_lines:
            return hunk.old_start + growth
        growth += len(hunk.new_lines) - len(hunk.old_lines)
    return None


def _relative(edits: Sequence[Toggle], start: int) -> list[Toggle]:
    return [Toggle(e.start - start, e.old, e.new, e.unit) for e in edits]


def _standing(
    reference: Sequence[str], edits: Sequence[Toggle], present: Sequence[str], offset: int
) -> dict[int, Applied]:
    """The edits, by number, that stand whole in a text beside other changes of the person's.

    An edit stands where the difference between the text with all edits and the present one leaves
    its new lines alone. A deletion has none: it stands where nothing beside it was changed.
    """
    edited: list[str] = []
    places: list[tuple[int, int]] = []
    read = 0
    for edit in edits:
        edited += [*reference[read : edit.start], *edit.new]
        places.append((len(edited) - len(edit.new), len(edited)))
        read = edit.end
    edited += reference[read:]
    if not all(line.endswith("\n") for line in (*edited[:-1], *present[:-1])):
        return {}
    person = line_hunks("".join(edited), "".join(present))
    standing: dict[int, Applied] = {}
    for number, (start, end) in enumerate(places):
        if _stands_whole(edits[number], start, end, person):
            shift = offset + sum(
                len(h.new_lines) - len(h.old_lines)
                for h in person
                if h.old_start + len(h.old_lines) <= start
            )
            standing[number] = Applied(start + shift, end + shift)
    return standing


def _stands_whole(edit: Toggle, start: int, end: int, person: Sequence[LineHunk]) -> bool:
    if not edit.new:
        return not any(h.old_start <= start <= h.old_start + len(h.old_lines) for h in person)
    if not any(line.strip() for line in edit.new):
        return False  # blank lines are found anywhere
    return not any(h.old_start < end and start < h.old_start + len(h.old_lines) for h in person)


def _glues(edit: Toggle, start: int, end: int, present: Sequence[str]) -> bool:
    """Whether a line without a line end would come to stand before another."""
    if not edit.new:
        return False
    after_ragged = start > 0 and not present[start - 1].endswith("\n")
    return after_ragged or (end < len(present) and not edit.new[-1].endswith("\n"))


def _clusters(
    edits: Sequence[Toggle],
    person: Sequence[LineHunk],
    belongs: Callable[[_Cluster, _Cluster], bool],
) -> Iterator[_Cluster]:
    """Sweep over both lists in order of place; what belongs together comes together."""
    waiting = sorted(
        [_Cluster(edit.start, edit.end, [edit], []) for edit in edits]
        + [_Cluster(h.old_start, h.old_start + len(h.old_lines), [], [h]) for h in person],
        # At one place: insertions first, and the person's before ours.
        key=lambda item: (item.start, item.end, bool(item.edits)),
    )
    current: _Cluster | None = None
    for item in waiting:
        if current is not None and belongs(current, item):
            current.end = max(current.end, item.end)
            current.edits += item.edits
            current.person += item.person
            continue
        if current is not None:
            yield current
        current = item
    if current is not None:
        yield current


def _touch(cluster: _Cluster, item: _Cluster) -> bool:
    """Whether an item, which begins no earlier, touches the cluster before it."""
    if cluster.start == cluster.end == item.start == item.end:
        return bool(cluster.person)  # the person's insertion comes first; two of ours are free
    return cluster.start < item.end and item.start < cluster.end


def _meet(cluster: _Cluster, item: _Cluster) -> bool:
    """Whether an item touches the cluster before it, or begins where that ends."""
    return item.start <= cluster.end


def _explained(
    reference: Sequence[str], edits: Sequence[Toggle], present: Sequence[str], offset: int
) -> list[Placed] | None:
    """Place the edits if the present text is the reference with exactly some of them applied.

    Follows all ways to read the present text side by side; one with fewer edits applied is
    preferred. `offset` is added to all lines.
    """
    # position in `present` -> the placements that lead there
    ways: dict[int, _Way] = {0: None}
    read = 0
    for edit in edits:
        ways = _advance(ways, present, reference[read : edit.start])
        following: dict[int, _Way] = {}
        for position, way in ways.items():
            if _stands(present, position, edit.old):
                end = position + len(edit.old)
                following.setdefault(end, (way, Free(position + offset, end + offset)))
        for position, way in ways.items():
            if _stands(present, position, edit.new):
                end = position + len(edit.new)
                following.setdefault(end, (way, Applied(position + offset, end + offset)))
        if not following:
            return None
        ways, read = following, edit.end
    ways = _advance(ways, present, reference[read:])
    return _unrolled(ways[len(present)]) if len(present) in ways else None


_Way = tuple["_Way", Placed] | None  # a chain of placements, last first


def _advance(ways: dict[int, _Way], present: Sequence[str], kept: Sequence[str]) -> dict[int, _Way]:
    return {
        position + len(kept): way
        for position, way in ways.items()
        if _stands(present, position, kept)
    }


def _stands(present: Sequence[str], position: int, lines: Sequence[str]) -> bool:
    return list(present[position : position + len(lines)]) == list(lines)


def _unrolled(way: _Way) -> list[Placed]:
    placed: list[Placed] = []
    while way is not None:
        way, last = way
        placed.append(last)
    return placed[::-1]
