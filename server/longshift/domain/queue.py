"""The tasks of a run that are not done, and which of them may start.

Owns who waits for whom: a task for those that it depends on and, where paths are kept in order,
for older ones on the same paths. Kept up to date with every move of a task, so that to know what
may start costs the same with ten tasks and with ten thousand. Pure.

Sets of tasks are the bits of one number, each at its task's place in the run's table of tasks: so
the lowest bit is the oldest task, and a copy with one more or less is made at once.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import takewhile
from typing import Final

from longshift.domain.copies import replace
from longshift.domain.model import Task, TaskState
from longshift.domain.table import Table

UNFINISHED: Final = (TaskState.WAITING, TaskState.RUNNING)
"""The states from which a task still moves by itself."""


@dataclass(frozen=True, eq=False)  # without slots: `copies.replace` is quicker so
class Queue:
    """Who waits and who runs.

    Invariant (`claims` is kept): of two unfinished tasks that name the same path, or a folder and
    a path in it, only the older one may be ready or run.
    """

    waiting: int = 0
    running: int = 0
    ready: int = 0
    """Those that wait for nothing but a free worker."""
    doomed: int = 0
    """Those that depend on one which will not land."""
    claims: Table[str, int] = field(default_factory=Table)
    """By path, the unfinished tasks that name it; by a folder's path with a slash behind it, those
    that name something in it. Empty where paths are not kept in order."""
    dependents: Table[str, int] = field(default_factory=Table)
    """By task, those that depend on it, whatever has become of them."""

    @property
    def unfinished(self) -> int:
        """Those that wait or run."""
        return self.waiting | self.running

    def __eq__(self, other: object) -> bool:
        """Whether the same tasks wait for the same; paths that nobody claims any more are none."""
        return isinstance(other, Queue) and self._said() == other._said()

    __hash__ = None  # type: ignore[assignment] # as of what holds mappings

    def _said(self) -> tuple[object, ...]:
        claims = {path: tasks for path, tasks in self.claims.items() if tasks}
        return self.waiting, self.running, self.ready, self.doomed, claims, dict(self.dependents)


UNMADE: Final = Queue()
"""In the place of a queue while a long journal is folded. Nobody asks what may start before all is
taken in; kept up to date with every fact, it took a quarter of that time."""


def places(tasks: int) -> Iterator[int]:
    """The places of a set of tasks, the oldest first."""
    while tasks:
        lowest = tasks & -tasks
        yield lowest.bit_length() - 1
        tasks ^= lowest


def newest_places(tasks: int, most: int) -> list[int]:
    """The places of the newest of a set of tasks, the oldest of them first."""
    found: list[int] = []
    while tasks and len(found) < most:
        found.append(tasks.bit_length() - 1)
        tasks ^= 1 << found[-1]
    return found[::-1]


def entered(queue: Queue, tasks: Table[str, Task], task: Task, *, ordered: bool) -> Queue:
    """The queue with a new task at its end.

    Args:
        queue: as it was.
        tasks: all of them, the new one last.
        task: the new one.
        ordered: whether tasks on the same paths are kept in order.
    """
    if queue is UNMADE:
        return queue
    bit = 1 << tasks.place(task.id)
    dependents, claims = queue.dependents, queue.claims
    for other in task.plan.depends_on:
        dependents = dependents.put(other, dependents.get(other, 0) | bit)
    if ordered and task.state in UNFINISHED:
        claims = claims.put_all({claim: claims.get(claim, 0) | bit for claim in _claims(task)})
    return _stood(replace(queue, dependents=dependents, claims=claims), tasks, task)


def moved(queue: Queue, tasks: Table[str, Task], task: Task) -> Queue:
    """The queue after an unfinished task has moved to another state, or is finished.

    Args:
        queue: as it was.
        tasks: all of them, the one that moved among them as it is now.
        task: the one that moved.
    """
    if queue is UNMADE:
        return queue
    if task.state in UNFINISHED:
        return _stood(queue, tasks, task)
    bit = 1 << tasks.place(task.id)
    if len(queue.claims):
        claims = queue.claims
        left_over = {claim: claims[claim] & ~bit for claim in _claims(task)}
        queue = replace(queue, claims=claims.put_all(left_over))
    left = _stood(queue, tasks, task)
    behind = left.dependents.get(task.id, 0) & left.waiting
    if task.state is not TaskState.LANDED:
        left = replace(left, doomed=left.doomed | behind, ready=left.ready & ~behind)
        behind = 0
    for place in places((behind | _next_in_line(left, task)) & left.waiting & ~left.ready):
        left = _stood(left, tasks, tasks.at(place))
    return left


def rebuilt(tasks: Table[str, Task], *, ordered: bool) -> Queue:
    """The queue of all tasks, made anew."""
    queue = Queue()
    for task in tasks.values():
        if task.state in UNFINISHED or task.plan.depends_on:
            queue = entered(queue, tasks, task, ordered=ordered)
    return queue


def in_the_way(queue: Queue, tasks: Table[str, Task], task: Task) -> int:
    """The older unfinished tasks on a task's paths."""
    if not len(queue.claims):
        return 0
    found = 0
    for path in map(plain, task.plan.paths):
        found |= queue.claims.get(path, 0) | queue.claims.get(f"{path}/", 0)
        for folder in _folders(path):
            found |= queue.claims.get(folder, 0)
    return found & ((1 << tasks.place(task.id)) - 1)


def _stood(queue: Queue, tasks: Table[str, Task], task: Task) -> Queue:
    """The queue with one task where its state and what it waits for put it."""
    bit = 1 << tasks.place(task.id)
    waits = task.state is TaskState.WAITING
    others = [tasks[id_].state for id_ in task.plan.depends_on] if waits else []
    lost = any(state in (TaskState.FAILED, TaskState.DROPPED) for state in others)
    landed = all(state is TaskState.LANDED for state in others)
    free = waits and landed and not in_the_way(queue, tasks, task)
    return replace(
        queue,
        waiting=_with(queue.waiting, bit, waits),
        running=_with(queue.running, bit, task.state is TaskState.RUNNING),
        ready=_with(queue.ready, bit, free),
        doomed=_with(queue.doomed, bit, lost),
    )


def _with(tasks: int, bit: int, belongs: bool) -> int:
    return tasks | bit if belongs else tasks & ~bit


def _next_in_line(queue: Queue, task: Task) -> int:
    """The tasks that may have waited for one on their paths which is finished.

    Of those that name one path only the oldest can be free, since all others wait for that one;
    and of those that name something in a folder only what is older than who names the folder.
    """
    found = 0
    if not len(queue.claims):
        return 0
    for path in map(plain, task.plan.paths):
        first = 0
        for claim in (path, *_folders(path)):
            named = queue.claims.get(claim, 0)
            oldest = named & -named
            found |= oldest
            first = min(first, oldest) if first and oldest else first or oldest
        inside = queue.claims.get(f"{path}/", 0)
        found |= inside & (first - 1) if first else inside
    return found


def _claims(task: Task) -> Iterator[str]:
    for named in task.plan.paths:
        path = plain(named)
        yield path
        for folder in _folders(path):
            yield f"{folder}/"


@lru_cache(4096)
def plain(path: str) -> str:
    """A path in one spelling; a pattern as the folder that all its matches are in, "" the root."""
    parts = (part for part in path.split("/") if part not in ("", "."))
    return "/".join(takewhile(lambda part: not set("*?[") & set(part), parts))


@lru_cache(4096)  # a task's paths are asked for each time that it moves
def _folders(path: str) -> tuple[str, ...]:
    parts = path.split("/") if path else []
    return tuple("/".join(parts[:length]) for length in range(len(parts)))
