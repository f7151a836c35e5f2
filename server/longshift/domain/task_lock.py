"""One lock for one list: who has it, for how long, and who is next.

Pure: the time comes in with each question, in seconds that the run has been running, so a pause
takes nothing off a lease; where the clock is set back, none passes until it has caught up. Whoever
asked first is served first; nobody who is in line is passed.
"""

from collections import deque
from dataclasses import dataclass
from typing import Final, Literal

LEASE_S: Final = 180.0
"""How long a lock holds that is not given back; then it is free, whatever became of its holder."""


@dataclass(frozen=True, slots=True)
class Locked:
    """An agent got the lock."""

    agent: str
    waited_s: float


@dataclass(frozen=True, slots=True)
class Unlocked:
    """An agent no longer has it."""

    agent: str
    held_s: float
    cause: Literal["released", "expired"]


@dataclass(frozen=True, slots=True)
class Held:
    """Who has the lock, and since when."""

    agent: str
    since_s: float


class TaskLock:
    """A lock with a lease and a line."""

    def __init__(self, lease_s: float = LEASE_S) -> None:
        """Begin free, with nobody in line."""
        self.lease_s: Final = lease_s
        self._held: Held | None = None
        self._line: deque[tuple[str, float]] = deque()
        self._latest_s = 0.0

    def holder(self, now_s: float) -> Held | None:
        """Who has it now; None: nobody, or somebody whose lease is over."""
        held = self._held
        return None if held is None or self._is_over(held, self._never_back(now_s)) else held

    def ask(self, agent: str, now_s: float) -> list[Locked | Unlocked]:
        """Take the lock, or stand in line for it; who has it or stands there keeps their place.

        Returns:
            What changed hands.
        """
        now_s = self._never_back(now_s)
        waits = any(one == agent for one, _ in self._line)
        held = self.holder(now_s)
        if not waits and (held is None or held.agent != agent):
            self._line.append((agent, now_s))
        return self.look(now_s)

    def look(self, now_s: float) -> list[Locked | Unlocked]:
        """End a lease that is over, and hand a free lock to whoever is next."""
        now_s = self._never_back(now_s)
        changes: list[Locked | Unlocked] = []
        held = self._held
        if held is not None and self._is_over(held, now_s):
            changes.append(Unlocked(held.agent, now_s - held.since_s, "expired"))
            self._held = None
        if self._held is None and self._line:
            agent, since_s = self._line.popleft()
            self._held = Held(agent, now_s)
            changes.append(Locked(agent, now_s - since_s))
        return changes

    def release(self, agent: str, now_s: float) -> list[Locked | Unlocked]:
        """Give the lock back, and hand it on; nothing where the agent does not have it."""
        now_s = self._never_back(now_s)
        held = self.holder(now_s)
        if held is None or held.agent != agent:
            return self.look(now_s)
        self._held = None
        return [Unlocked(agent, now_s - held.since_s, "released"), *self.look(now_s)]

    def leave(self, agent: str) -> None:
        """Stand in line no longer."""
        self._line = deque(one for one in self._line if one[0] != agent)

    def ends_in_s(self, now_s: float) -> float:
        """Seconds until the lease is over; 0 where nobody has the lock."""
        now_s = self._never_back(now_s)
        held = self.holder(now_s)
        return 0.0 if held is None else held.since_s + self.lease_s - now_s

    def _never_back(self, now_s: float) -> float:
        self._latest_s = max(self._latest_s, now_s)
        return self._latest_s

    def _is_over(self, held: Held, now_s: float) -> bool:
        return now_s >= held.since_s + self.lease_s
