"""Histories of one run in a few words, folded by the product's own state machine.

plan            a planner starts and finishes       planning      it starts only
under P1        a sub-planner starts                planned P1    one that was started finishes
add A a.py      a task; `after B` depends on B; more words are paths
agents 2        equal agents start                  claim A A1    one of them claims a task
note P1 TOPIC   a planner decides; `D2` before the topic: that note
leave A1        it ends; `failed`, `interrupted`    lock A1 / unlock A1 CAUSE
try A           an attempt starts                   land A        it lands
fail A          it fails for good                   retry A       it fails and may be tried again
interrupt A     it was interrupted                  judge         a judge starts
say WORD A B    the judge's verdict, with tasks     find / resolve / exceed calls
cycle MODE, begin, pause, resume, end, reopen
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from longshift.domain import events as e
from longshift.domain.decide import (
    BeginCycle,
    DropTask,
    FinishRun,
    Next,
    StartAgents,
    StartAttempt,
    StartJudge,
    StartPlanner,
)
from longshift.domain.fold import apply
from longshift.domain.model import Finding, Goal, TaskPlan, Usage
from longshift.domain.state import Run, State

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


class History:
    """A run that is told, step by step."""

    def __init__(self, **started: object) -> None:
        self.records: list[e.Recorded] = []
        self.state = State()
        self._ids: dict[str, str] = {}
        self._take(e.RunStarted(run="R1", goal=Goal(text="g"), repo="/r", base="b0", **started))

    @property
    def run(self) -> Run:
        return self.state.runs["R1"]

    def tell(self, history: str) -> "History":
        for step in filter(None, (part.strip() for part in re.split("[;\n]", history))):
            verb, *words = step.split()
            for event in getattr(self, f"_{verb}")(*words):
                self._take(event)
        return self

    def name(self, step: Next) -> str:
        """A decided step in words."""
        names = {id_: name for name, id_ in self._ids.items()}
        match step:
            case BeginCycle(cycle, mode):
                return f"cycle {cycle} {mode}"
            case StartPlanner():
                return "plan"
            case StartAgents(count):
                return f"agents {count}"
            case StartAttempt(task_id, number):
                return f"try {names[task_id]}{number}"
            case DropTask(task_id):
                return f"drop {names[task_id]}"
            case StartJudge(look):
                return "judge" if look == 1 else "second judge"
            case FinishRun(outcome):
                return f"end {outcome}"

    def _take(self, event: e.Event) -> None:
        seq = self.state.seq + 1
        record = e.Recorded(seq=seq, time=NOON + timedelta(seconds=seq), event=event)
        self.state = apply(self.state, record)
        self.records.append(record)

    def _number(self, name: str) -> int:
        return len(self.run.tasks[self._ids[name]].attempts)

    def _begin(self) -> Iterator[e.Event]:
        yield from self._cycle("plan")

    def _cycle(self, mode: str) -> Iterator[e.Event]:
        yield e.CycleStarted(run="R1", cycle=self.run.cycle + 1, mode=mode)

    def _planning(self) -> Iterator[e.Event]:
        yield e.PlannerStarted(run="R1", planner=self.run.next_planner_id)

    def _under(self, parent: str) -> Iterator[e.Event]:
        yield e.PlannerStarted(run="R1", planner=self.run.next_planner_id, parent=parent)

    def _planned(self, planner: str) -> Iterator[e.Event]:
        yield e.PlannerFinished(run="R1", planner=planner)

    def _note(self, planner: str, *topic: str) -> Iterator[e.Event]:
        note, words = self.state.next_id("D"), list(topic)
        if words[0].startswith("D"):
            note = words.pop(0)
        yield e.DesignNoted(
            run="R1", note=note, topic=" ".join(words), decision=f"{planner} says", planner=planner
        )

    def _plan(self, outcome: str = "finished") -> Iterator[e.Event]:
        planner = self.run.next_planner_id
        yield e.PlannerStarted(run="R1", planner=planner)
        yield e.PlannerFinished(run="R1", planner=planner, outcome=outcome)

    def _add(self, name: str, *words: str) -> Iterator[e.Event]:
        self._ids[name] = self.run.next_task_id
        before, _, after = " ".join(words).partition("after")
        plan = TaskPlan(
            title=name,
            instructions="",
            paths=tuple(before.split()),
            depends_on=tuple(self._ids[one] for one in after.split()),
        )
        yield e.TaskAdded(run="R1", task=self._ids[name], plan=plan)

    def _drop(self, name: str) -> Iterator[e.Event]:
        yield e.TaskDropped(run="R1", task=self._ids[name], reason="")

    def _try(self, name: str) -> Iterator[e.Event]:
        yield e.AttemptStarted(
            run="R1", task=self._ids[name], attempt=self._number(name) + 1, base=self.run.head
        )

    def _agents(self, count: str) -> Iterator[e.Event]:
        first = self.run.next_agent_number
        for number in range(first, first + int(count)):
            yield e.AgentStarted(run="R1", agent=f"A{number}")

    def _leave(self, agent: str, outcome: str = "finished") -> Iterator[e.Event]:
        yield e.AgentFinished(run="R1", agent=agent, outcome=outcome)

    def _claim(self, name: str, agent: str) -> Iterator[e.Event]:
        yield e.AttemptStarted(
            run="R1",
            task=self._ids[name],
            attempt=self._number(name) + 1,
            base=self.run.head,
            agent=agent,
        )

    def _lock(self, agent: str) -> Iterator[e.Event]:
        yield e.TasksLocked(run="R1", agent=agent)

    def _unlock(self, agent: str, cause: str = "released") -> Iterator[e.Event]:
        yield e.TasksUnlocked(run="R1", agent=agent, cause=cause)

    def _land(self, name: str) -> Iterator[e.Event]:
        change = f"C{len(self.run.changes) + 1}"
        fields = {
            "run": "R1",
            "task": self._ids[name],
            "attempt": self._number(name),
            "change": change,
            "commit": f"c{self.state.seq}",
            "parent": self.run.head,
            "paths": (f"{name}.py",),
        }
        yield e.LandingIntended(**fields)
        yield e.TaskLanded(**fields)

    def _fail(self, name: str, failure: str = "gave_up", again: str = "") -> Iterator[e.Event]:
        yield e.AttemptFailed(
            run="R1",
            task=self._ids[name],
            attempt=self._number(name),
            failure=failure,
            reason="",
            retry=bool(again),
        )

    def _retry(self, name: str) -> Iterator[e.Event]:
        yield from self._fail(name, "turn_limit", "again")

    def _interrupt(self, name: str) -> Iterator[e.Event]:
        yield from self._fail(name, "interrupted", "again")

    def _conflict(self, name: str) -> Iterator[e.Event]:
        yield e.LandingConflict(
            run="R1", task=self._ids[name], attempt=self._number(name), paths=("x",), head="h"
        )

    def _judge(self) -> Iterator[e.Event]:
        yield e.JudgeStarted(run="R1", cycle=self.run.cycle)

    def _say(self, decision: str, *names: str) -> Iterator[e.Event]:
        yield e.VerdictReached(
            run="R1",
            cycle=self.run.cycle,
            decision=decision,
            reason="r",
            tasks=tuple(self._ids[name] for name in names),
        )

    def _find(self) -> Iterator[e.Event]:
        id_ = f"F{len(self.run.findings) + 1}"
        found = Finding(
            id=id_, path="a", line=1, severity="error", code="X", message="m", commit="b0"
        )
        yield e.FindingReported(run="R1", finding=id_, detail=found)

    def _resolve(self) -> Iterator[e.Event]:
        yield e.FindingResolved(run="R1", finding=f"F{len(self.run.findings)}")

    def _exceed(self, kind: str) -> Iterator[e.Event]:
        yield e.BudgetExceeded(run="R1", kind=kind, used=1, limit=1)

    def _pause(self) -> Iterator[e.Event]:
        yield e.RunPaused(run="R1")

    def _resume(self) -> Iterator[e.Event]:
        yield e.RunResumed(run="R1")

    _reopen = _resume

    def _end(self) -> Iterator[e.Event]:
        yield e.RunFinished(
            run="R1",
            outcome="stopped",
            cycles=self.run.cycle,
            tasks=e.TaskCounts(landed=0, failed=0),
            conflicts=0,
            usage=Usage(),
            head=self.run.head,
        )

    def _move(self) -> Iterator[e.Event]:
        yield e.HeadMoved(run="R1", head=f"h{self.state.seq}", taken="t")
