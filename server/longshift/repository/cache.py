"""A small bounded memory of computed values, safe to share between threads. Knows nothing else."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Cache(Generic[Key, Value]):
    """Least recently used values go first once their sizes pass the limit.

    Two threads may compute the same value at once; values are those of immutable objects, so
    either is right.
    """

    def __init__(self, limit: int, size: Callable[[Value], int] = lambda _value: 1) -> None:
        self._limit = limit
        self._size = size
        self._held = 0
        self._values: OrderedDict[Key, Value] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Key, compute: Callable[[Key], Value]) -> Value:
        """Give the value of a key, computing it outside the lock where it is not held."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
                return self._values[key]
        value = compute(key)
        self.put(key, value)
        return value

    def find(self, key: Key) -> Value | None:
        """Give the value of a key where it is held."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
            return self._values.get(key)

    def put(self, key: Key, value: Value) -> None:
        """Remember a value that is known already."""
        size = self._size(value)
        if size > self._limit:
            return
        with self._lock:
            if key in self._values:
                return
            self._values[key] = value
            self._held += size
            while self._held > self._limit:
                _, dropped = self._values.popitem(last=False)
                self._held -= self._size(dropped)

    def replace(self, key: Key, value: Value) -> None:
        """Remember another value in the place of what was held."""
        with self._lock:
            if key in self._values:
                self._held -= self._size(self._values.pop(key))
        self.put(key, value)

    def drop(self, is_needless: Callable[[Key], bool]) -> None:
        """Forget the values of some keys."""
        with self._lock:
            for key in [key for key in self._values if is_needless(key)]:
                self._held -= self._size(self._values.pop(key))

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._values.clear()
            self._held = 0
