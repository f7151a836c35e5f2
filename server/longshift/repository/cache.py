"""A small bounded memory of computed values, safe to share between threads. Knows nothing else.

A limit alone would have a process grow for hours, cache by cache, until each is full of what
nobody asks for any more. So a cache that takes in new values also lets go of those that were not
used for a while; one that takes in none keeps all, so that a person finds it as it was left.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Final, Generic, TypeVar

AGE_S: Final = 120.0
"""How long an age lasts: a value stays for one to two of them without being used."""

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Cache(Generic[Key, Value]):
    """Least recently used values go first once their sizes pass the limit, or with their age.

    Two threads may compute the same value at once; values are those of immutable objects, so
    either is right.
    """

    def __init__(
        self,
        limit: int,
        size: Callable[[Value], int] = lambda _value: 1,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Hold nothing.

        Args:
            limit: what all sizes may come to.
            size: what one value counts for.
            clock: seconds, never going back.
        """
        self._limit = limit
        self._size = size
        self._clock = clock
        self._held = 0
        # In the order of their last use, so that what is old stands before what is used.
        self._used: OrderedDict[Key, Value] = OrderedDict()
        self._old: OrderedDict[Key, Value] = OrderedDict()
        self._aged_at = clock()
        self._lock = threading.Lock()

    def get(self, key: Key, compute: Callable[[Key], Value]) -> Value:
        """Give the value of a key, computing it outside the lock where it is not held."""
        with self._lock:
            if self._use(key):
                return self._used[key]
        value = compute(key)
        self.put(key, value)
        return value

    def find(self, key: Key) -> Value | None:
        """Give the value of a key where it is held."""
        with self._lock:
            return self._used[key] if self._use(key) else None

    def put(self, key: Key, value: Value) -> None:
        """Remember a value that is known already."""
        with self._lock:
            if key not in self._used and key not in self._old:
                self._take_in(key, value)

    def replace(self, key: Key, value: Value) -> None:
        """Remember another value in the place of what was held."""
        with self._lock:
            self._let_go(key)
            self._take_in(key, value)

    def drop(self, is_needless: Callable[[Key], bool]) -> None:
        """Forget the values of some keys."""
        with self._lock:
            for key in [key for key in (*self._old, *self._used) if is_needless(key)]:
                self._let_go(key)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._used.clear()
            self._old.clear()
            self._held = 0

    def _use(self, key: Key) -> bool:
        """Make a value the last one used; whether it is held."""
        if key in self._used:
            self._used.move_to_end(key)
            return True
        if key in self._old:
            self._used[key] = self._old.pop(key)
            return True
        return False

    def _take_in(self, key: Key, value: Value) -> None:
        size = self._size(value)
        if size > self._limit:
            return
        if self._clock() - self._aged_at >= AGE_S:
            self._grow_older()
        self._used[key] = value
        self._held += size
        while self._held > self._limit:
            self._let_go(next(iter(self._old or self._used)))

    def _grow_older(self) -> None:
        self._held -= sum(map(self._size, self._old.values()))
        self._old, self._used = self._used, OrderedDict()
        self._aged_at = self._clock()

    def _let_go(self, key: Key) -> None:
        for part in (self._old, self._used):
            if key in part:
                self._held -= self._size(part.pop(key))
