"""A person's present text beside what it should read by their decisions.

Owns the question which of the accepted hunks the text still has: an editor's undo takes one out
without a word to us. Pure.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from itertools import takewhile
from typing import Final

from longshift.repository.hunks import LineHunk, line_hunks
from longshift.review.anchor import Applied, Free, Placed, Touched, place
from longshift.review.reading import Reading, Readings
from longshift.review.texts import Style, ended_text
from longshift.review.weave import Ref, Toggle
from longshift.review.words import Document


class Compared:
    """One text against the readings of its file."""

    def __init__(
        self,
        readings: Readings,
        document: Document,
        style: Style,
        refused: frozenset[Ref],
        own_words: Mapping[Ref, str],
    ) -> None:
        """Compare a text with readings.

        Args:
            readings: of the file's side.
            document: the present text.
            style: how its lines look.
            refused: hunks that the person rejected.
            own_words: by accepted hunk, the lines that the person put in its place.
        """
        self._readings: Final = readings
        self._document: Final = document
        self._style: Final = style
        self._refused: Final = refused
        self._own_words: Final = own_words
        self._differences: tuple[Reading, list[LineHunk]] | None = None

    def reading_of(self, accepted: frozenset[Ref]) -> Reading:
        """The reading by those of the accepted hunks that were not undone in the editor since."""
        reading = self._read(accepted)
        if not reading.units or reading.text == self._document.text:
            return reading
        plain = self._read(frozenset())
        if plain.text == self._document.text:
            return plain
        undone = self._undone(reading)
        if undone:
            accepted -= undone
            reading = self._read(accepted)
        return self._without_undone_together(reading, accepted)

    def place(
        self, reading: Reading, toggles: Sequence[Toggle]
    ) -> Mapping[int, list[tuple[Toggle, Placed]]]:
        """Place a reading's toggles in the present text, by their unit."""
        found: defaultdict[int, list[tuple[Toggle, Placed]]] = defaultdict(list)
        if not toggles:
            return found
        if self._differences is None or self._differences[0] is not reading:
            # A last line is the same with and without its end: `place` sees to what would be glued.
            ended = (ended_text(reading.text), ended_text(self._document.text))
            self._differences = reading, line_hunks(*ended)
        placed = place(reading.lines, toggles, self._document.lines, self._differences[1])
        for toggle, at in zip(toggles, placed, strict=True):
            found[toggle.unit].append((toggle, at))
        return found

    def _read(self, accepted: frozenset[Ref]) -> Reading:
        edited = frozenset((r, text) for r, text in self._own_words.items() if r in accepted)
        return self._readings.by(accepted, self._refused, self._style, edited)

    def _undone(self, reading: Reading) -> set[Ref]:
        return {
            reading.units[index][0]
            for index, places in self.place(reading, reading.takes).items()
            if all(isinstance(at, Applied) for _, at in places)
        }

    def _without_undone_together(self, reading: Reading, accepted: frozenset[Ref]) -> Reading:
        """The reading without hunks that the person undid together, one built on the other.

        To take only one of them out would not give what the text reads. They can be put in again,
        and no line of theirs is there, not even with something typed into it.
        """
        without, left = reading, accepted
        while touched := self._touched_in(without):
            left -= touched
            left -= self._undone(self._read(left))
            without = self._read(left)
        if left == accepted:
            return reading
        placed, undone = self.place(without, without.adds), set[Ref]()
        there = {line for line in self._document.lines if line.strip()}
        typed = there - {*without.lines}
        for index, group in enumerate(without.groups):
            places = placed.get(index, ())
            if places and all(
                isinstance(at, Free)
                and there.isdisjoint(toggle.new)
                and not any(_is_typed_into(line, typed) for line in toggle.new)
                for toggle, at in places
            ):
                undone |= {*group}
        return self._read(accepted - undone) if undone & (accepted - left) else reading

    def _touched_in(self, reading: Reading) -> set[Ref]:
        """The accepted hunks in whose lines the person has changed something."""
        return {
            ref
            for index, places in self.place(reading, reading.takes).items()
            if any(isinstance(at, Touched) for _, at in places)
            for ref in (reading.units[index][0], *reading.units[index][1])
        }


def _is_typed_into(line: str, there: Collection[str]) -> bool:
    """Whether one of these lines is a line with something put into it, or taken from it."""
    line = line.strip()
    for other in map(str.strip, there):
        ahead = _shared(line, other)
        behind = _shared(line[ahead:][::-1], other[ahead:][::-1])
        if 2 * (ahead + behind) > len(line):
            return True
    return False


def _shared(one: str, other: str) -> int:
    """How many characters two texts have in common at their beginning."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))
