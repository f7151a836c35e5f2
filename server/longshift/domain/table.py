"""A mapping that is never changed and of which a changed copy costs next to nothing.

A run's state is copied with every fact; a dict of thousands of tasks would be copied whole each
time. Pure. Safe to read from any thread while another makes copies.
"""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Final, TypeVar, cast

Key = TypeVar("Key")
Value = TypeVar("Value")

_WIDTH: Final = 64
"""Values of a row: the one row that changes is copied, and the list of rows."""


class Table(Mapping[Key, Value]):
    """Values by key, in the order in which their keys came; no key ever goes.

    The names of the keys are kept once for all copies and only grow. A copy knows how many of them
    are its own; one that goes on from an older copy than the newest takes the names along with it.
    """

    __slots__ = ("_names", "_places", "_rows", "_size")

    def __init__(self) -> None:
        """Hold nothing."""
        self._names: list[Key] = []
        self._places: dict[Key, int] = {}
        self._rows: tuple[tuple[Value, ...], ...] = ()
        self._size = 0

    def put(self, key: Key, value: Value) -> "Table[Key, Value]":
        """A copy with one value put in; this one stays as it is."""
        copy: Table[Key, Value] = Table.__new__(Table)
        place = self._places.get(key, self._size)
        if place < self._size:
            copy._names, copy._places, copy._size = self._names, self._places, self._size
            number, column = divmod(place, _WIDTH)
            row = self._rows[number]
            changed = (*row[:column], value, *row[column + 1 :])
            copy._rows = (*self._rows[:number], changed, *self._rows[number + 1 :])
            return copy
        if len(self._names) == self._size:
            copy._names, copy._places = self._names, self._places
        else:  # another copy has gone on from here
            copy._names = self._names[: self._size]
            copy._places = {name: number for number, name in enumerate(copy._names)}
        copy._places[key] = self._size
        copy._names.append(key)
        copy._size = self._size + 1
        if self._size % _WIDTH:
            copy._rows = (*self._rows[:-1], (*self._rows[-1], value))
        else:
            copy._rows = (*self._rows, (value,))
        return copy

    def place(self, key: Key) -> int:
        """The number of a key, from zero, in the order in which they came.

        Raises:
            KeyError: it is not there.
        """
        place = self._places[key]
        if place >= self._size:
            raise KeyError(key)
        return place

    def at(self, place: int) -> Value:
        """The value at a place."""
        return self._rows[place // _WIDTH][place % _WIDTH]

    def __getitem__(self, key: Key) -> Value:
        """The value of a key."""
        return self.at(self.place(key))

    def __contains__(self, key: object) -> bool:
        """Whether there is a value of that key."""
        return self._places.get(cast("Key", key), self._size) < self._size

    def __iter__(self) -> Iterator[Key]:
        """The keys in their order."""
        return islice(self._names, self._size)

    def __len__(self) -> int:
        """How many values there are."""
        return self._size
