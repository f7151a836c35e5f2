"""A scripted run as facts alone: folded and decided, with no engine, git or model."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

from longshift.domain import events as e
from longshift.domain.decide import BeginCycle, FinishRun, Next, StartJudge, decide
from longshift.domain.fold import apply
from longshift.domain.model import Budget, Finding, Goal, StopRules, TaskPlan, Usage
from longshift.domain.state import Run, State
from longshift.engine.desks.measuring import measure
from longshift.engine.difference import path_stats
from longshift.repository.files import FileVersion
from tests.support.stopping_spec import BASE, Cycle, Spec, path_of, reason, seen, text

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
Files = Mapping[str, str]


@dataclass
class Trees:
    """Commits as they are to a measure: what stands at each, and what differs."""

    commits: dict[str, Files] = field(default_factory=dict)

    @property
    def objects(self) -> "Trees":
        return self

    def commit(self, files: Files) -> str:
        name = f"c{len(self.commits)}"
        self.commits[name] = dict(files)
        return name

    def tree_of(self, commit: str) -> str:
        return str(sorted(self.commits[commit].items()))

    def differences(self, old: str, new: str) -> Iterator[SimpleNamespace]:
        before, after = self.commits[old], self.commits[new]
        for path in sorted(before.keys() | after.keys()):
            if before.get(path) != after.get(path):
                versions = (_version(before.get(path)), _version(after.get(path)))
                yield SimpleNamespace(path=path, kind="edit", old=versions[0], new=versions[1])


def _version(content: str | None) -> FileVersion | None:
    return None if content is None else FileVersion(0o100644, content.encode(), "")


class Facts:
    """One scripted run, told cycle by cycle."""

    def __init__(self, spec: Spec, stop: StopRules | None = None) -> None:
        self.spec = spec
        self.trees = Trees()
        self.files = {path: text(words) for path, words in BASE.items()}
        self.state = State()
        self._tasks: dict[str, str] = {}
        """By path, the task that has it."""
        self._findings: dict[tuple[str, str, str], str] = {}
        goal = Goal(text="Make it better", paths=spec.paths)
        budget = Budget(cycles=spec.most_cycles)
        base = self.trees.commit(self.files)
        fields = {"goal": goal, "repo": "/r", "base": base, "budget": budget}
        self.take(e.RunStarted(run="R1", stop=stop or StopRules(), **fields))

    @property
    def run(self) -> Run:
        return self.state.runs["R1"]

    def take(self, *events: e.Event) -> None:
        for event in events:
            seq = self.state.seq + 1
            record = e.Recorded(seq=seq, time=NOON + timedelta(seconds=seq), event=event)
            self.state = apply(self.state, record)

    def play(self, begin: Next, cycle: Cycle) -> FinishRun | BeginCycle:
        """Play one cycle to its last verdict; what is decided then."""
        step = self.work(begin, cycle)
        asked = isinstance(step, StartJudge)
        assert asked is (cycle.second is not None), f"a second judge in {self.run.cycle}: {asked}"
        if isinstance(step, StartJudge):
            step = self.judge_again(step, cycle)
        assert isinstance(step, FinishRun | BeginCycle)
        return step

    def work(self, begin: Next, cycle: Cycle) -> Next:
        """Play one cycle to its first verdict; what is decided then."""
        assert isinstance(begin, BeginCycle), begin
        tree = self.trees.tree_of(self.run.head)
        self.take(e.CycleStarted(run="R1", cycle=begin.cycle, mode=begin.mode, tree=tree))
        if begin.mode != "retry":
            planner = self.run.next_planner_id
            self.take(e.PlannerStarted(run="R1", planner=planner))
            self._add_tasks(cycle)
            self.take(e.PlannerFinished(run="R1", planner=planner))
        for path in (*cycle.write, *cycle.give_up):
            self._work(path, cycle)
        self._call(cycle.cost)
        [step] = decide(self.run, judging=False)
        assert step == StartJudge(), step
        self._judge(step, cycle)
        [step] = decide(self.run, judging=False)
        return step

    def judge_again(self, step: StartJudge, cycle: Cycle) -> Next:
        """Let a second judge speak; what is decided then."""
        self._judge(step, cycle.model_copy(update={"says": cycle.second}))
        [step] = decide(self.run, judging=False)
        return step

    def _add_tasks(self, cycle: Cycle) -> None:
        for path in (*cycle.write, *cycle.give_up):
            self._tasks[path] = self.run.next_task_id
            plan = TaskPlan(title=path, instructions="", paths=(path_of(path),))
            self.take(e.TaskAdded(run="R1", task=self._tasks[path], plan=plan))

    def _work(self, path: str, cycle: Cycle) -> None:
        task = self.run.tasks[self._tasks[path]]
        number, head = len(task.attempts) + 1, self.run.head
        self.take(e.AttemptStarted(run="R1", task=task.id, attempt=number, base=head))
        if path in cycle.give_up:
            fields = {"failure": "gave_up", "reason": "It can't be.", "retry": False}
            self.take(e.AttemptFailed(run="R1", task=task.id, attempt=number, **fields))
            return
        if cycle.write[path]:
            self.files[path_of(path)] = text(cycle.write[path])
        else:
            del self.files[path_of(path)]
        changes = self.files != self.trees.commits[head]
        commit = self.trees.commit(self.files) if changes else head
        fields = {
            "run": "R1",
            "task": task.id,
            "attempt": number,
            "change": f"C{len(self.run.changes) + 1}" if changes else None,
            "commit": commit,
            "parent": head,
            "paths": (path_of(path),) if changes else (),
        }
        self.take(e.LandingIntended(**fields), e.TaskLanded(**fields))

    def _call(self, tokens: int) -> None:
        fields = {"role": "judge", "agent": "judge", "model": "m", "latency_s": 1}
        used = Usage(calls=1, input_tokens=tokens)
        self.take(e.ModelCalled(run="R1", usage=used, **fields))

    def _judge(self, step: StartJudge, cycle: Cycle) -> None:
        run, number = self.run, self.run.cycle
        self.take(e.JudgeStarted(run="R1", cycle=number, look=step.look, because=step.because))
        if cycle.steer and step.look == 1:
            self.take(e.RunSteered(run="R1", message=cycle.steer))
        reported = {self._report(words) for words in cycle.sees}
        for finding in self.run.findings.values():
            if finding.state == "open" and finding.id not in reported:
                self.take(e.FindingResolved(run="R1", finding=finding.id))
        again = tuple(self._tasks[path] for path in cycle.again) if cycle.says == "retry" else ()
        stats = path_stats(self.trees, run.taken, run.head)
        self.take(
            e.VerdictReached(
                run="R1",
                cycle=number,
                decision=cycle.says,
                reason=reason(number, cycle),
                tasks=again,
                head=run.head,
                checks="none",
                **asdict(measure(self.trees, self.run, run.head, stats)),
            )
        )

    def _report(self, words: str) -> str:
        one = seen(words)
        line = self.files[one.path].splitlines()[one.line - 1]
        key = (one.path, one.code, line)
        id_ = self._findings.setdefault(key, f"F{len(self._findings) + 1}")
        known = self.run.findings.get(id_)
        if known is None or known.state != "open":
            found = Finding(id=id_, message=f"It is {one.code}.", commit=self.run.head,
                            **one.model_dump())  # fmt: skip
            self.take(e.FindingReported(run="R1", finding=id_, detail=found))
        return id_
