"""A file's weave as a person's decisions cut it: what they accepted, and what is left to decide.

Pure, and independent of the person's present text, so that a keystroke costs none of it.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from longshift.domain.model import Decision
from longshift.repository.cache import Cache
from longshift.repository.hunks import line_hunks, split_lines
from longshift.review.side import Side
from longshift.review.texts import Style
from longshift.review.weave import Ref, Toggle, Weave, joined_groups


@dataclass(frozen=True, slots=True)
class Reading:
    """The text that the person should have by their decisions, and the edits from there.

    Attributes:
        text: the taken text with the accepted hunks.
        lines: its lines.
        groups: joined hunks that are not accepted, each in landing order; the last stands for all.
        adds: what each group would do to `lines`; a toggle's unit is an index into `groups`.
        units: the accepted hunks, each with those that came in with it.
        takes: what taking each unit out would do to `lines`; none for one that others build on.
    """

    text: str
    lines: list[str]
    groups: tuple[tuple[Ref, ...], ...]
    adds: tuple[Toggle, ...]
    units: tuple[tuple[Ref, frozenset[Ref]], ...]
    takes: tuple[Toggle, ...]


_Key: TypeAlias = tuple[frozenset[Ref], frozenset[Ref], Style, frozenset[tuple[Ref, str]]]


class Readings:
    """The readings of one file, remembered: one lasts from one decision to the next."""

    def __init__(self, side: Side) -> None:
        self.side = side
        self._known: Cache[_Key, Reading] = Cache(8)

    def by(
        self,
        accepted: frozenset[Ref],
        refused: frozenset[Ref],
        style: Style,
        edited: frozenset[tuple[Ref, str]] = frozenset(),
    ) -> Reading:
        """Give the reading for decisions and a style; arguments as those of `read`."""
        key = (accepted, refused, style, edited)
        return self._known.get(key, lambda key: read(self.side, *key))


def read(
    side: Side,
    accepted: Collection[Ref],
    refused: Collection[Ref],
    style: Style,
    edited: Collection[tuple[Ref, str]] = (),
) -> Reading:
    """Read a file's weave.

    Args:
        side: the file; it has a weave.
        accepted: hunks that the person accepted.
        refused: hunks that the person rejected: none comes in by way of another.
        style: how lines look in the present text.
        edited: accepted hunks in whose place the person put lines of their own.
    """
    weave = side.weave
    assert weave is not None, "only texts are read by lines"
    parts = weave.refs()
    units = units_of(weave, sorted(parts & set(accepted)), refused)
    chosen = frozenset(ref for _, unit in units for ref in unit)
    groups = weave.groups(parts - chosen)
    free = [unit if _is_undoable(weave, unit, chosen) else frozenset[Ref]() for _, unit in units]
    lines = list(style.of_all(weave.text(chosen)))
    reading = Reading(
        "".join(lines),
        lines,
        tuple(groups),
        _styled(weave.toggles(chosen, groups, adding=True), style),
        tuple(units),
        _styled(weave.toggles(chosen, free, adding=False), style),
    )
    for ref, text in sorted(edited):
        reading = _with_own_words(reading, ref, style.of_all(split_lines(text)))
    return reading


def _with_own_words(reading: Reading, owner: Ref, own: tuple[str, ...]) -> Reading:
    """The reading with a person's lines in place of an accepted hunk's.

    Unchanged where another hunk has its place among those lines: what is theirs alone can't be
    told there.
    """
    index = next((i for i, (ref, _) in enumerate(reading.units) if ref == owner), None)
    mine = [toggle for toggle in reading.takes if toggle.unit == index]
    if not mine:
        return reading
    start, end = mine[0].start, max(toggle.end for toggle in mine)
    others = [*reading.adds, *(toggle for toggle in reading.takes if toggle.unit != index)]
    if any(toggle.start < end and start < toggle.end for toggle in others):
        return reading
    before: list[str] = []
    position = start
    for toggle in mine:
        before += [*reading.lines[position : toggle.start], *toggle.new]
        position = toggle.end
    before += reading.lines[position:end]
    growth = len(own) - (end - start)
    whole = replace(mine[0], old=own, new=tuple(before))

    def moved(toggle: Toggle) -> Toggle:
        behind = toggle.start >= end and toggle.start > start
        return replace(toggle, start=toggle.start + growth) if behind else toggle

    lines = [*reading.lines[:start], *own, *reading.lines[end:]]
    return replace(
        reading,
        text="".join(lines),
        lines=lines,
        adds=tuple(map(moved, reading.adds)),
        takes=tuple(
            whole if toggle is mine[0] else moved(toggle)
            for toggle in reading.takes
            if toggle is mine[0] or toggle.unit != index
        ),
    )


def units_of(
    weave: Weave, accepted: Sequence[Ref], refused: Collection[Ref]
) -> list[tuple[Ref, frozenset[Ref]]]:
    """What came in with each accepted hunk: all that it stood for when it was the last of them.

    Args:
        weave: the file's lines.
        accepted: the hunks, in landing order.
        refused: hunks that the person rejected. None comes in by way of another, unless nothing of
            it is left to be seen: others may hang together by what it did.
    """
    parts = weave.refs() - (weave.standing() & {*refused})
    units: list[tuple[Ref, frozenset[Ref]]] = []
    known: set[Ref] = set()
    for ref in accepted:
        others = [o for o in parts if o < ref and o not in accepted and o not in known]
        groups = joined_groups([*others, ref], weave.joins)
        unit = next(frozenset(group) for group in groups if ref in group)
        units.append((ref, unit))
        known |= unit
    return units


def _is_undoable(weave: Weave, unit: frozenset[Ref], chosen: frozenset[Ref]) -> bool:
    return not any(one in unit and other in chosen - unit for one, other in weave.joins)


def _styled(toggles: Sequence[Toggle], style: Style) -> tuple[Toggle, ...]:
    found: list[Toggle] = []
    for toggle in toggles:
        old, new = style.of_all(toggle.old), style.of_all(toggle.new)
        if set(old).isdisjoint(new):
            found.append(Toggle(toggle.start, old, new, toggle.unit))
        else:
            # Landings on top of each other leave lines that did not change in the end.
            found += _smaller(toggle, old, new)
    return tuple(replace(toggle, order=order) for order, toggle in enumerate(found))


def _smaller(toggle: Toggle, old: tuple[str, ...], new: tuple[str, ...]) -> list[Toggle]:
    return [
        Toggle(toggle.start + hunk.old_start, hunk.old_lines, hunk.new_lines, toggle.unit)
        for hunk in line_hunks("".join(old), "".join(new))
    ]


def held_back(side: Side, said: Mapping[Ref, Decision]) -> dict[Ref, Ref]:
    """Undecided hunks that propose once more what was rejected before, with the rejected one."""
    rejected = [ref for ref, decision in said.items() if decision.decision == "rejected"]
    found: dict[Ref, Ref] = {}
    for ref in side.refs if rejected else ():
        if ref not in said:  # not even to say that it may be proposed
            again = (old for old in rejected if old < ref and _proposes_again(side, old, ref))
            before = next(again, None)
            if before is not None:
                found[ref] = before
    return found


def _proposes_again(side: Side, old: Ref, new: Ref) -> bool:
    if not any(old.step < taking < new.step for taking in side.takings):
        return False  # the rejected lines were still at the head: this is on top of them
    if side.is_mode(old) or side.is_mode(new):
        return side.is_mode(old) and side.is_mode(new)
    was, now = side.by_step[old.step], side.by_step[new.step]
    before, after = was.line_hunk(old), now.line_hunk(new)
    if before is None or after is None:
        same_file = was.touch.kind == now.touch.kind and was.touch.after == now.touch.after
        return before is after and same_file
    if (before.old_lines, before.new_lines) != (after.old_lines, after.new_lines):
        return False
    # The same place: the lines around may have moved, the replaced ones not changed.
    assert was.touch.before is not None
    assert now.touch.before is not None
    start, end = before.old_start, before.old_start + len(before.old_lines)
    between = line_hunks(
        was.touch.before.data.decode(side.encoding), now.touch.before.data.decode(side.encoding)
    )
    for hunk in between:
        hunk_end = hunk.old_start + len(hunk.old_lines)
        if hunk.old_start < end and start < hunk_end:
            return False
    shift = sum(
        len(hunk.new_lines) - len(hunk.old_lines)
        for hunk in between
        if hunk.old_start + len(hunk.old_lines) <= start
    )
    return after.old_start == start + shift
