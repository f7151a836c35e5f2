"""When a file goes to one task at a time.

Agents that all edit one file undo each other's chances: each landing sends all others back. Owns
the rule that breaks this. Pure; `engine.landing.lander` asks and keeps to it.
"""

from collections.abc import Iterable
from typing import Final

from longshift.domain.state import Run

HOT: Final = 3
"""Conflicts on a file that no clean landing has made up for, from which on it is reserved."""
PATIENCE: Final = 2
"""Conflicts of one attempt, at the last of which its files are reserved for it, hot or not: so no
attempt goes round for ever while the head moves on."""
EARLY: Final = 6
"""Conflicts of one attempt up to which it hears of a clash while the file is another task's, and
works on meanwhile: most often it then fits beside what that one lands. After so many it stands in
line, and its turn is sure. Of sixteen that make one new file together, with 3 most stood in line
one behind the other; with 6 all had landed after two thirds of the time, for a tenth more calls."""


def is_hot(run: Run, path: str) -> bool:
    """Whether a file goes to one task at a time."""
    if path in run.reserved:
        return True
    one = run.contention.get(path) if len(run.contention) else None
    return one is not None and one.heat >= HOT


def hears_early(run: Run, task_id: str) -> bool:
    """Whether a task hears that it clashes while the file is another's."""
    return run.tasks[task_id].attempts[-1].conflicts < EARLY


def files_to_reserve(run: Run, task_id: str, paths: Iterable[str]) -> list[str]:
    """Of the files that a submission has just clashed on, those to be reserved for its task.

    Args:
        run: as it was before this conflict.
        task_id: whose submission it was.
        paths: the files.
    """
    clashed = run.tasks[task_id].attempts[-1].conflicts + 1
    heats = {path: one.heat if (one := run.contention.get(path)) else 0 for path in paths}
    return [
        path
        for path, heat in heats.items()
        if path not in run.reserved and (clashed >= PATIENCE or heat + 1 >= HOT)
    ]
