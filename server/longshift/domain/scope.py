"""What a goal is to stay within, and whether a landing does.

Pure. A landing beyond it is no mistake by itself: what a change needs may lie elsewhere. Tests and
documents of what is in scope always do, so they are neither within nor beyond.
"""

import re
from collections.abc import Sequence
from typing import Final

from longshift.domain.model import Goal
from longshift.domain.queue import plain


def scope(goal: Goal) -> tuple[str, ...]:
    """The paths that a goal is to stay within; empty: the whole repository."""
    return goal.paths or ((goal.selection.path,) if goal.selection else ())


_COMPANION: Final = re.compile(
    r"(^|/)(tests?|specs?|__tests__|docs?)/|(^|/)test_[^/]*$|[._](test|spec)\.[^/]*$|\.(md|rst)$",
    re.IGNORECASE,
)
"""A test or a document, by its path."""


def strays(goal: Goal, paths: Sequence[str]) -> bool:
    """Whether a landing lies beyond a goal's scope, and is not about tests and documents alone."""
    return not touches(goal, paths) and not all(map(_COMPANION.search, paths))


def touches(goal: Goal, paths: Sequence[str]) -> bool:
    """Whether any of some paths lies within a goal's scope."""
    folders = [plain(one) for one in scope(goal)]
    if not folders or "" in folders:
        return True
    return any(path == one or path.startswith(f"{one}/") for path in paths for one in folders)
