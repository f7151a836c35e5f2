"""What each agent does at this moment: facts say what has ended, and this what is under way.

Owns the word for it and since when it holds. In memory alone: nothing follows from it, and whoever
takes the runs over begins with none. Must never hold an agent that has ended.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from longshift.domain.model import Role

Doing: TypeAlias = Literal[
    "model",  # a call is under way
    "tools",  # between two calls: it reads, edits, searches
    "command",
    "landing",
    "line",  # has submitted, and others land first, or the integrator lands for it
    "endpoint",  # waits for a place at the endpoint, or for its end of a pause
    "budget",  # waits for what others have reserved
    "turn",  # waits for its turn among those that compute
    "pause",  # waits for the run to go on
    "lock",  # waits for the list of tasks
]
Note: TypeAlias = Callable[[Doing], None]
"""Lets whoever watches know what one agent does from now on."""


@dataclass(frozen=True, slots=True)
class Activity:
    """What one agent does.

    Attributes:
        run: the run's id.
        agent: as in the journal: `P1`, `T1.2`, `judge`.
        role: what it is.
        doing: what it does, or what it waits for.
        since: when that began.
    """

    run: str
    agent: str
    role: Role
    doing: Doing
    since: datetime


class Activities:
    """The agents of one repository's runs that have a conversation, by run and agent."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        """Know of none yet.

        Args:
            now: the present moment.
        """
        self._now = now
        self._held: dict[tuple[str, str], Activity] = {}

    def begin(self, run: str, agent: str, role: Role) -> None:
        """An agent's conversation begins."""
        self._held[run, agent] = Activity(run, agent, role, "tools", self._now())

    def note(self, run: str, agent: str, doing: Doing) -> None:
        """An agent does something else; who has ended, or has not begun, is passed over."""
        held = self._held.get((run, agent))
        if held is not None and held.doing != doing:
            self._held[run, agent] = Activity(run, agent, held.role, doing, self._now())

    def end(self, run: str, agent: str) -> None:
        """An agent's conversation has ended."""
        self._held.pop((run, agent), None)

    def all(self) -> list[Activity]:
        """What they do now, those that began first first."""
        return list(self._held.values())
