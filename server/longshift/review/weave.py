"""Every line that a file had since the person's text was last taken, and which hunk did what to it.

A weave holds, in one order, the lines of the taken text and all lines that landings wrote, each
with the hunk that wrote it and the hunk that removed it. Any choice of hunks is then a text: a line
is in it if its writer is chosen (or it was taken) and its remover is not. Choosing none gives the
taken text; choosing all, the head. Pure: knows no run, no store and no present text.

Hunks that touch each other's lines are *joined*: one of them makes no sense without the other, so
they are reviewed as one, under the name of the last.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from longshift.repository.hunks import LineHunk


class Ref(NamedTuple):
    """A hunk of a landing; later ones compare greater."""

    step: int
    """The landing's place in the run's steps."""
    number: int
    """The hunk's number in its change and path, from 1."""


class Line(NamedTuple):
    """A line, with who wrote it (None: it was taken) and who removed it (None: it stands)."""

    text: str
    writer: Ref | None = None
    remover: Ref | None = None
    is_late: bool = False
    """Whether the person's own text, or a rejection, put it there after the beginning."""


@dataclass(frozen=True, slots=True)
class Toggle:
    """What choosing other hunks does to one place of a text.

    Attributes:
        start: the first line that goes, zero-based, in the text before.
        old: the lines that go.
        new: the lines that come.
        unit: which of the asked sets of hunks does it.
        order: its place among all toggles of the text.
    """

    start: int
    old: tuple[str, ...]
    new: tuple[str, ...]
    unit: int
    order: int = 0

    @property
    def end(self) -> int:
        """The line after the last that goes."""
        return self.start + len(self.old)


@dataclass(slots=True)
class _Open:
    """A toggle that may still grow."""

    start: int
    unit: int
    old: list[str] = field(default_factory=list)
    new: list[str] = field(default_factory=list)


class Weave:
    """The lines of one file with their history. Built by landings and takings, then only read."""

    def __init__(self, taken: Iterable[str]) -> None:
        self.lines = [Line(text) for text in taken]
        self.joins: set[tuple[Ref, Ref]] = set()
        self.settled: set[Ref] = set()
        """Hunks whose lines the person's own text already had when it was last taken."""
        self.maker: Ref | None = None
        """The hunk that made the whole file, while the person does not have it: all build on it."""
        self.heirs: set[Ref] = set()
        """Hunks that stand for others they are joined to, though no line is their own any more."""
        self._at_ragged_end: set[Ref] = set()
        self.overridden: set[Ref] = set()
        """Hunks of which the person's own text, or a rejection, put something back at the head."""

    # Reading.

    def text(self, chosen: Collection[Ref]) -> list[str]:
        """The lines of the file with these hunks."""
        return [line.text for line in self.lines if _shows(line, chosen)]

    def refs(self) -> set[Ref]:
        """The hunks that still have a part in the file."""
        seen = {line.writer for line in self.lines} | {line.remover for line in self.lines}
        return {ref for ref in seen if ref is not None} | self.heirs

    def standing(self) -> set[Ref]:
        """The hunks of which something is still to be seen at the head."""
        written = {line.writer for line in self.lines if line.remover is None}
        removed = {line.remover for line in self.lines if line.writer is None}
        return {ref for ref in written | removed if ref is not None}

    def groups(self, refs: Collection[Ref]) -> list[tuple[Ref, ...]]:
        """Part hunks into joined groups, in landing order; joins through others don't count."""
        return joined_groups(refs, self.joins)

    def toggles(
        self, chosen: Collection[Ref], units: Sequence[Collection[Ref]], *, adding: bool
    ) -> list[Toggle]:
        """How each unit, alone, changes the text of the chosen hunks, in order of place.

        Args:
            chosen: the hunks of the text before.
            units: sets of hunks, none joined to another; all chosen, or none.
            adding: whether they are added to the chosen ones, or taken out.
        """
        unit_of = {ref: index for index, unit in enumerate(units) for ref in unit}
        done: list[_Open] = []
        current: _Open | None = None
        position = 0
        for line in self.lines:
            unit, comes = _toggled(line, chosen, unit_of, adding=adding)
            shows = _shows(line, chosen)
            if unit is None and shows:
                current = None
            elif unit is not None and shows != comes:
                if current is None or current.unit != unit:
                    current = _Open(position, unit)
                    done.append(current)
                (current.old if shows else current.new).append(line.text)
            position += shows
        closed = [Toggle(o.start, tuple(o.old), tuple(o.new), o.unit) for o in done]
        return sorted(
            (toggle for toggle in closed if toggle.old != toggle.new),
            key=lambda toggle: (toggle.start, toggle.end),
        )

    # Building.

    def copy(self) -> "Weave":
        """The same to build on; the lines themselves never change."""
        other = Weave(())
        other.lines, other.joins, other.settled = [*self.lines], {*self.joins}, {*self.settled}
        other.maker, other.heirs = self.maker, {*self.heirs}
        other._at_ragged_end, other.overridden = {*self._at_ragged_end}, {*self.overridden}
        return other

    def land(self, hunks: Sequence[LineHunk], refs: Sequence[Ref]) -> None:
        """Take in what one landing did; `refs` names each of `hunks`."""
        standing = self.standing_at()
        groups = self.groups(self.refs())
        group_of = {ref: number for number, group in enumerate(groups) for ref in group}
        for hunk, ref in reversed(list(zip(hunks, refs, strict=True))):
            self._join(hunk, ref, standing, group_of)
            for index in _span(hunk, standing):
                if self.lines[index].remover is None:
                    self.lines[index] = self.lines[index]._replace(remover=ref)
            self._insert(hunk, standing, ref)

    def overwrite(self, hunks: Sequence[LineHunk]) -> None:
        """Take in what the person's own text, or a rejection, did to the head."""
        standing = self.standing_at()
        for hunk in reversed(hunks):
            self.overridden |= self._overrides(hunk, standing)
            at = self._insert(hunk, standing, None)
            gone = [i for i in _span(hunk, standing) if self.lines[i].remover is None]
            assert all(index < at for index in gone), "new lines follow those that they replace"
            for index in reversed(gone):
                del self.lines[index]

    def join_all(self, ref: Ref) -> None:
        """Join a hunk that makes or removes the whole file to all before it."""
        self.joins |= {(other, ref) for other in self.refs() if other != ref}

    def _overrides(self, hunk: LineHunk, standing: list[int]) -> set[Ref]:
        """The hunks of which an overwriting one takes lines, or brings back what they removed."""
        end = hunk.old_start + len(hunk.old_lines)
        first = standing[hunk.old_start - 1] + 1 if hunk.old_start else 0
        found: set[Ref | None] = set()
        for line in self.lines[first : standing[end] if end < len(standing) else len(self.lines)]:
            if line.remover is None:
                found.add(line.writer)
            elif line.text in hunk.new_lines:
                found.add(line.remover)
        return {ref for ref in found if ref is not None}

    def standing_at(self) -> list[int]:
        """Where the head's lines are among all lines."""
        return [index for index, line in enumerate(self.lines) if line.remover is None]

    def _join(
        self, hunk: LineHunk, ref: Ref, standing: list[int], group_of: Mapping[Ref, int]
    ) -> None:
        touched: set[Ref | None] = {self.maker}
        span = _span(hunk, standing)
        for index in span:
            touched |= {self.lines[index].writer, self.lines[index].remover}
        start, end = hunk.old_start, hunk.old_start + len(hunk.old_lines)
        if not span and 0 < start < len(standing):
            above, below = (self.lines[standing[index]].writer for index in (start - 1, start))
            if above and below and group_of[above] == group_of[below]:  # amid one group's lines
                touched |= {above, below}
        if end == len(standing):
            # Lines must not be glued together by choosing one and not the other.
            touched |= self._at_ragged_end
            if any(not text.endswith("\n") for text in (*hunk.old_lines, *hunk.new_lines)):
                behind = standing[-1] + 1 if standing else 0
                touched |= {line.remover for line in self.lines[behind:]}
                self._at_ragged_end.add(ref)
        self.joins |= {(other, ref) for other in touched if other not in (None, ref)}

    def _insert(self, hunk: LineHunk, standing: list[int], writer: Ref | None) -> int:
        # Right after the line before, so ahead of what others removed there: a choice without
        # them then keeps new lines on the side where they were written.
        end = hunk.old_start + len(hunk.old_lines)
        at = standing[end - 1] + 1 if end else 0
        late = writer is None
        self.lines[at:at] = [Line(text, writer, is_late=late) for text in hunk.new_lines]
        return at


def joined_groups(refs: Collection[Ref], joins: Iterable[tuple[Ref, Ref]]) -> list[tuple[Ref, ...]]:
    """Part hunks into groups by the joins between them, each group in landing order."""
    group_of = {ref: [ref] for ref in refs}
    for one, other in joins:
        if one in group_of and other in group_of and group_of[one] is not group_of[other]:
            merged = group_of[one] + group_of[other]
            for ref in merged:
                group_of[ref] = merged
    distinct = {id(group): group for group in group_of.values()}
    return sorted(tuple(sorted(group)) for group in distinct.values())


def _span(hunk: LineHunk, standing: list[int]) -> range:
    """The places of the lines that a hunk removes, and of all between them."""
    if not hunk.old_lines:
        return range(0)
    end = hunk.old_start + len(hunk.old_lines)
    return range(standing[hunk.old_start], standing[end - 1] + 1)


def owners(lines: Iterable[Line]) -> set[Ref]:
    """The hunks that wrote or removed any of some lines."""
    seen = {ref for line in lines for ref in (line.writer, line.remover)}
    return {ref for ref in seen if ref is not None}


def _shows(line: Line, chosen: Collection[Ref]) -> bool:
    written = line.writer is None or line.writer in chosen
    return written and (line.remover is None or line.remover not in chosen)


def _toggled(
    line: Line, chosen: Collection[Ref], unit_of: Mapping[Ref, int], *, adding: bool
) -> tuple[int | None, bool]:
    """The unit that decides on a line, and whether the line shows after its decision."""
    of_writer = unit_of.get(line.writer) if line.writer else None
    of_remover = unit_of.get(line.remover) if line.remover else None
    unit = of_remover if of_writer is None else of_writer
    if unit is None:
        return None, False

    def counts(ref: Ref) -> bool:
        return adding if unit_of.get(ref) == unit else ref in chosen

    written = line.writer is None or counts(line.writer)
    return unit, written and (line.remover is None or not counts(line.remover))
