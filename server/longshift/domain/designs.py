"""Design notes: what planners decide once for all tasks of a run.

Two sub-planners that decide one thing in two ways make work that does not fit together; so each
topic is decided once, and only by whom it may be decided anew is owned here. Pure.
"""

import re
from typing import Final

from longshift.domain.model import DesignNote
from longshift.domain.state import Run

MOST_NOTES: Final = 30
"""Notes of one run: every later prompt shows them all."""
TOPIC_CHARACTERS: Final = 80
DECISION_CHARACTERS: Final = 400


def standing_note(run: Run, topic: str) -> DesignNote | None:
    """The note on a topic, however it is spelled: in which case, with which marks and spaces."""
    key = _key(topic)
    return next((note for note in run.designs.values() if _key(note.topic) == key), None)


def may_revise(run: Run, planner_id: str, note: DesignNote) -> bool:
    """Whether a planner may decide a note's topic anew.

    Who made it may, every planner above that one, and the planner of the whole goal, be it of a
    later cycle.
    """
    if run.planners[planner_id].parent is None:
        return True
    above: str | None = note.planner
    while above is not None and above != planner_id:
        above = run.planners[above].parent
    return above is not None


def _key(topic: str) -> str:
    return " ".join(re.findall(r"\w+", topic.casefold())) or topic
