"""A mapping and a sequence that never change; a changed copy of either costs next to nothing.

A run's state is copied with every fact; a dict of thousands of tasks would be copied whole each
time. Pure. Safe to read from any thread while another makes copies.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Final, TypeVar, cast, overload

Key = TypeVar("Key")
Value = TypeVar("Value")
T = TypeVar("T")
Item_co = TypeVar("Item_co", covariant=True)

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
        self._rows: list[list[Value]] = []
        self._size = 0

    def put(self, key: Key, value: Value) -> "Table[Key, Value]":
        """A copy with one value put in; this one stays as it is."""
        copy: Table[Key, Value] = Table.__new__(Table)
        place = self._places.get(key, self._size)
        # Only the list of rows and one row are copied; no row that another copy has is changed.
        copy._rows = rows = self._rows.copy()
        if place < self._size:
            copy._names, copy._places, copy._size = self._names, self._places, self._size
            number, column = divmod(place, _WIDTH)
            rows[number] = row = rows[number].copy()
            row[column] = value
            return copy
        copy._names, copy._places, copy._size = self._names, self._places, self._size
        copy._name(key)
        if self._size % _WIDTH:
            rows[-1] = [*rows[-1], value]
        else:
            rows.append([value])
        return copy

    def put_all(self, values: Mapping[Key, Value]) -> "Table[Key, Value]":
        """A copy with several values put in, at hardly more than the cost of one."""
        copy: Table[Key, Value] = Table.__new__(Table)
        copy._names, copy._places, copy._size = self._names, self._places, self._size
        copy._rows = rows = self._rows.copy()
        own: set[int] = set()
        for key, value in values.items():
            place = copy._places.get(key, copy._size)
            if place >= copy._size:
                place = copy._name(key)
            number, column = divmod(place, _WIDTH)
            if number == len(rows):
                rows.append([])
            elif number not in own:
                rows[number] = rows[number].copy()
            own.add(number)
            rows[number][column : column + 1] = [value]
        return copy

    def _name(self, key: Key) -> int:
        """Take a key in that is not there; gives its place. Only while a copy is made."""
        place = self._size
        if len(self._names) != place:  # another copy has gone on from here
            self._names = self._names[:place]
            self._places = {name: number for number, name in enumerate(self._names)}
        self._places[key] = place
        self._names.append(key)
        self._size = place + 1
        return place

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
        place = self._places[key]
        if place >= self._size:
            raise KeyError(key)
        return self._rows[place // _WIDTH][place % _WIDTH]

    @overload
    def get(self, key: Key, /) -> Value | None: ...
    @overload
    def get(self, key: Key, /, default: Value | T) -> Value | T: ...
    def get(self, key: Key, /, default: Value | T | None = None) -> Value | T | None:
        """The value of a key, or another; asked for with every fact."""
        place = self._places.get(key, self._size)
        if place >= self._size:
            return default
        return self._rows[place // _WIDTH][place % _WIDTH]

    def __contains__(self, key: object) -> bool:
        """Whether there is a value of that key."""
        return self._places.get(cast("Key", key), self._size) < self._size

    def __iter__(self) -> Iterator[Key]:
        """The keys in their order."""
        return islice(self._names, self._size)

    def __len__(self) -> int:
        """How many values there are."""
        return self._size


class Growing(Sequence[Item_co]):
    """Values in a row, of which a copy with one more costs the same however many there are.

    They are kept once for all copies; one that goes on from an older copy takes them along.
    """

    __slots__ = ("_items", "_size")

    def __init__(self) -> None:
        """Hold nothing."""
        self._items: list[Item_co] = []
        self._size = 0

    def plus(self, item: Item_co) -> "Growing[Item_co]":  # type: ignore[misc] # nothing is changed by it
        """A copy with one value more at its end; this one stays as it is."""
        copy: Growing[Item_co] = Growing.__new__(Growing)
        copy._items = self._items
        if len(self._items) != self._size:  # another copy has gone on from here
            copy._items = self._items[: self._size]
        copy._items.append(item)
        copy._size = self._size + 1
        return copy

    @overload
    def __getitem__(self, place: int) -> Item_co: ...
    @overload
    def __getitem__(self, place: slice) -> list[Item_co]: ...
    def __getitem__(self, place: int | slice) -> Item_co | list[Item_co]:
        """One value, or several."""
        if isinstance(place, slice):
            return [self._items[number] for number in range(*place.indices(self._size))]
        if not -self._size <= place < self._size:
            raise IndexError(place)
        return self._items[place if place >= 0 else place + self._size]

    def __iter__(self) -> Iterator[Item_co]:
        """The values in their order."""
        return islice(self._items, self._size)

    def __len__(self) -> int:
        """How many values there are."""
        return self._size

    def __eq__(self, other: object) -> bool:
        """Whether the other, of whatever kind, has the same values in the same order."""
        if not isinstance(other, Sequence) or len(other) != self._size:
            return NotImplemented
        return all(mine == its for mine, its in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment] # as of any mapping or list
