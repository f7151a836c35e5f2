"""The rules of `add_task` and `finish`: what a plan must say before it becomes work.

Owns how plans are compared with each other and with the files that they name. Pure.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from posixpath import basename, dirname
from typing import Final

from longshift.domain.model import Attempt, AttemptFailure, Task, TaskPlan, TaskState

MEGAFILE_LINES: Final = 600
"""A file of more lines does not grow; it is split first."""
SAME_WORDS: Final = 0.9
"""Share of common words from which on two tasks on the same paths count as the same."""

_OWN_FAILURES: Final[frozenset[AttemptFailure]] = frozenset({"gave_up", "turn_limit", "conflict"})
_GROWS: Final = re.compile(
    r"\b(?:add|append|build|create|extend|implement|insert|introduce|provide|support|write)"
    r"(?:s|ed|ing)?\b",
    re.IGNORECASE,
)
_SPLITS: Final = re.compile(
    r"\b(?:split|extract|factor(?: \w+)? out|pull(?: \w+)? out|carve|break(?: \w+)* up|shrink"
    r"|(?:move|take)s?\b.{0,80}\b(?:out|into|to)|do(?:es)? not grow|without growing"
    r"|no longer than)",
    re.IGNORECASE,
)
_ID: Final = re.compile(r"\b[TPKCF]\d+\b")
_PLACE: Final = re.compile(r"[\w.-]+\.\w{1,10}(?::\d+|\b)|\w+/[\w./-]+|\w+:\d+|`[^`]+`")
"""A place in the code: a file, perhaps with a line, or a name in backticks."""


def find_same_failed(plan: TaskPlan, earlier: Iterable[Task]) -> Task | None:
    """The earlier task that failed by its worker's own word and says almost the same."""
    for task in earlier:
        failed = task.state is TaskState.FAILED and any(map(_failed_itself, task.attempts))
        same_paths = set(task.plan.paths) == set(plan.paths)
        if failed and same_paths and _common_words(task.plan, plan) >= SAME_WORDS:
            return task
    return None


def _failed_itself(attempt: Attempt) -> bool:
    return attempt.failure in _OWN_FAILURES


def _common_words(one: TaskPlan, other: TaskPlan) -> float:
    words, others = _words(one), _words(other)
    return len(words & others) / max(1, len(words | others))


def _words(plan: TaskPlan) -> set[str]:
    return set(re.findall(r"\w+", f"{plan.title} {plan.instructions}".casefold()))


def may_not_grow(
    plan: TaskPlan, lines: Mapping[str, int], plans: Mapping[str, TaskPlan]
) -> str | None:
    """A long file that a task would let grow.

    A task grows what it names where its words say that something is added, and it neither speaks
    of splitting nor names a new file of the same folder that its words mention, nor depends on a
    task that splits the file.

    Args:
        plan: the task.
        lines: the lines of those of its paths that are files.
        plans: the run's tasks by id, as far as they are known.
    """
    long = [path for path in plan.paths if lines.get(path, 0) > MEGAFILE_LINES]
    if not long or not _GROWS.search(_text(plan)) or _splits(plan):
        return None
    for path in long:
        before = [plans[id_] for id_ in plan.depends_on if id_ in plans]
        if any(path in one.paths and _splits(one) for one in before):
            continue
        if not any(_goes_beside(path, other, plan) for other in plan.paths if other not in lines):
            return path
    return None


def tasks_on_one_file(plan: TaskPlan, own: Mapping[str, TaskPlan]) -> list[str]:
    """A planner's own tasks on the one file that this one is about, which it does not build on."""
    if len(plan.paths) != 1 or not basename(plan.paths[0]).count("."):
        return []
    return [
        id_
        for id_, other in own.items()
        if other.paths == plan.paths and id_ not in plan.depends_on
    ]


def not_in_evidence(evidence: str, added: Sequence[str]) -> list[str] | None:
    """Tasks that the evidence of a finished plan does not name.

    Returns:
        None: the evidence will do. Empty: nothing was added, and the evidence names no place in
        the code and no task, planner or constraint either.
    """
    if added:
        missing = [id_ for id_ in added if not re.search(rf"\b{re.escape(id_)}\b", evidence)]
        return missing or None
    return None if _ID.search(evidence) or _PLACE.search(evidence) else []


def _splits(plan: TaskPlan) -> bool:
    return bool(_SPLITS.search(_text(plan)))


def _goes_beside(path: str, other: str, plan: TaskPlan) -> bool:
    """Whether a task names a new path in a file's folder, or below, and its words mention it."""
    beside = dirname(other) == dirname(path) or dirname(other).startswith(dirname(path) + "/")
    return beside and basename(other) in _text(plan)


def _text(plan: TaskPlan) -> str:
    return f"{plan.title}\n{plan.instructions}"
