"""What was computed last for each open document, while it is what was asked for.

Owns tasks by path. An editor asks several questions about each text of a document: they share one.
"""

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Latest(Generic[T]):
    """The last value of each path, with the key of what it was computed from."""

    def __init__(self, name: str) -> None:
        """Know nothing yet; `name` is that of the tasks."""
        self._name = name
        self._tasks: dict[str, tuple[Hashable, asyncio.Task[T]]] = {}

    def get(
        self, path: str, key: Hashable, compute: Callable[[], Coroutine[Any, Any, T]]
    ) -> "asyncio.Task[T]":
        """Give the value of a path for a key, begun anew where it is another key's or failed.

        Whoever waits for it waits behind `asyncio.shield`: others may too.
        """
        known = self._tasks.get(path)
        if known is None or known[0] != key or _has_failed(known[1]):
            known = (key, asyncio.create_task(compute(), name=f"{self._name} {path}"))
            self._tasks[path] = known
        return known[1]

    def forget(self, path: str) -> None:
        """Drop what was computed for a path."""
        self._tasks.pop(path, None)


def _has_failed(task: "asyncio.Task[T]") -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)
