"""What a watcher remembers of a run beside its state: how fast, how dear, and who was heard when.

Owns figures that are made of facts as they pass. A fact costs the same whether a run has had ten or
a hundred thousand; must never hold more than a bounded lot of them.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from longshift.domain import events as e
from longshift.domain.events import Recorded

LATENCIES_KEPT: Final = 200
"""Of the last calls, to know what is usual."""
STEP_S: Final = 10.0
"""Figures over time are counted by steps of so many seconds, longer ones once there are many."""
MOST_STEPS: Final = 600
LATELY_S: Final = 300
"""Seconds that count as lately."""


@dataclass(slots=True)
class Heard:
    """One agent, as far as facts tell of it.

    Attributes:
        agent: as in the journal: `P1`, `T1.2`, `judge`.
        role: what it is.
        begun: when it came.
        last: when a fact last told of it.
        calls: how often its model has answered.
        talks: whether its conversation has begun.
        conflict: whether it met a conflict, which it resolves.
    """

    agent: str
    role: str
    begun: datetime
    last: datetime
    calls: int = 0
    talks: bool = False
    conflict: bool = False


@dataclass(slots=True)
class Series:
    """Something that is added up over time, from the first moment on."""

    began: datetime
    step_s: float = STEP_S
    steps: list[float] = field(default_factory=list)

    def add(self, time: datetime, amount: float) -> None:
        """Add an amount at a moment."""
        at = max(0, int((time - self.began).total_seconds() / self.step_s))
        while at >= MOST_STEPS:
            pairs = range(0, len(self.steps), 2)
            self.steps = [sum(self.steps[n : n + 2]) for n in pairs]
            self.step_s *= 2
            at //= 2
        self.steps += [0.0] * (at + 1 - len(self.steps))
        self.steps[at] += amount

    def columns(self, now: datetime, most: int) -> Sequence[float]:
        """The amounts from the beginning until now, in at most so many columns."""
        n_steps = max(1, int((now - self.began).total_seconds() / self.step_s) + 1, len(self.steps))
        width = -(-n_steps // most)
        return [sum(self.steps[n : n + width]) for n in range(0, n_steps, width)]


class Lately:
    """How often something happened in the last five minutes: as exact after days as at first.

    Counted by whole seconds, so that it holds no more of a run that lands a thousand at once.
    """

    def __init__(self, began: datetime) -> None:
        """Begin with nothing."""
        self._began = began
        self._counts: deque[tuple[int, int]] = deque(maxlen=LATELY_S)
        """How many in which second since the beginning, as they came."""

    def add(self, time: datetime) -> None:
        """It happened at a moment."""
        second = self._second(time)
        same = self._counts.pop()[1] if self._counts and self._counts[-1][0] == second else 0
        self._counts.append((second, same + 1))

    def a_minute(self, now: datetime) -> float:
        """The rate over the five minutes until now, or since the beginning where that is less."""
        last = self._second(now)
        # What seems to be yet to come was written before the clock was put back.
        found = (count for at, count in self._counts if last - LATELY_S < at <= last)
        seconds = min(LATELY_S, max(STEP_S, (now - self._began).total_seconds()))
        return sum(found) * 60 / seconds

    def _second(self, time: datetime) -> int:
        return int((time - self._began).total_seconds())


class Vitals:
    """One run's figures. Changed by `take` alone."""

    def __init__(self, began: datetime) -> None:
        """Begin with nothing heard."""
        self.began = began
        self.ended: datetime | None = None
        """When the run last ended; None: it has not ended so far."""
        self.agents: dict[str, Heard] = {}
        """Those that are at work, as far as facts tell."""
        self.landings = Series(began)
        self.landings_lately = Lately(began)
        self.cost = Series(began)
        self.calls_s: deque[float] = deque(maxlen=LATENCIES_KEPT)
        """How long the last calls of models took."""
        self.commands_s: deque[float] = deque(maxlen=LATENCIES_KEPT)

    def take(self, record: Recorded) -> None:  # noqa: C901, PLR0912 - a table of cases
        """Take one more fact of the run in, in order."""
        time = record.time
        match record.event:
            case e.AttemptStarted(task=task, attempt=number):
                self._begin(f"{task}.{number}", "worker", time)
            case e.PlannerStarted(planner=planner):
                self._begin(planner, "planner", time)
            case e.JudgeStarted():
                self._begin("judge", "judge", time)
            case e.AgentStarted(agent=agent):
                self._begin(agent, "agent", time)
            case e.ConversationOpened(agent=agent, role=role):
                self._hear(agent, role, time).talks = True
            case e.ModelCalled():
                self._call(record.event, time)
            case e.CommandRan(agent=agent, duration_s=took):
                self.commands_s.append(took)
                self._touch(agent, time)
            case e.LandingConflict(task=task, attempt=number):
                if (heard := self._touch(f"{task}.{number}", time)) is not None:
                    heard.conflict = True
            case e.GuardRefused(agent=agent) | e.TasksLocked(agent=agent):
                self._touch(agent, time)
            case e.TaskLanded(task=task, attempt=number):
                self.landings.add(time, 1)
                self.landings_lately.add(time)
                self._end(f"{task}.{number}")
            case e.AttemptFailed(task=task, attempt=number):
                self._end(f"{task}.{number}")
            case e.PlannerFinished(planner=planner):
                self._end(planner)
            case e.AgentFinished(agent=agent):
                self._end(agent)
            case e.VerdictReached():
                self._end("judge")
            case e.RunFinished():
                self.ended = time
                self.agents.clear()
            case e.RunResumed():
                for heard in self.agents.values():
                    heard.last = time  # nobody could be heard while it was paused
            case _:
                pass

    def _begin(self, agent: str, role: str, time: datetime) -> None:
        self.agents[agent] = Heard(agent, role, time, time)

    def _hear(self, agent: str, role: str, time: datetime) -> Heard:
        name = name_of(agent)
        if name not in self.agents:
            self._begin(name, role, time)
        self.agents[name].last = time
        return self.agents[name]

    def _touch(self, agent: str, time: datetime) -> Heard | None:
        heard = self.agents.get(name_of(agent))
        if heard is not None:
            heard.last = time
        return heard

    def _end(self, agent: str) -> None:
        self.agents.pop(agent, None)
        self.agents.pop(f"integrator.{agent}", None)

    def _call(self, event: e.ModelCalled, time: datetime) -> None:
        self.cost.add(time, float(event.usage.known_usd))
        if event.usage.calls:
            self.calls_s.append(event.latency_s)
        if (heard := self._touch(event.agent, time)) is not None and event.outcome in _ANSWERED:
            heard.calls += 1


_ANSWERED: Final = ("", "answered")


def name_of(agent: str) -> str:
    """The agent under which a choice of an equal one (`A1.3`), or the third judge, is heard."""
    first, _, _ = agent.partition(".")
    return first if first.startswith("A") or first == "judge" else agent


def p95(values: Sequence[float]) -> float:
    """What 95 of 100 values do not pass; 0.0 where there are none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))] if ordered else 0.0
