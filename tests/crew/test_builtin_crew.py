"""The rule-based model through the real loops: it and the crew read each other's messages."""

from longshift.crew.briefs import JudgeBrief, Planned, PlannerBrief, WorkerBrief, WorkLanded
from longshift.crew.judge import judge
from longshift.crew.planner import plan
from longshift.crew.worker import work
from longshift.domain.model import Goal, Task
from longshift.models.builtin.model import BuiltinModel
from longshift.repository.workspace import Workspace

GOAL = Goal(text="Fix what the linter finds")


async def test_plan_work_judge(make_desk):
    model = BuiltinModel()
    desk = make_desk()
    desk.complete = model.complete
    assert isinstance(await plan(desk, PlannerBrief(GOAL, "P1", 1)), Planned)
    [planned] = desk.plans
    assert planned.paths == ("app/main.py",)

    task = Task(id="T1", cycle=1, planner="P1", plan=planned)
    landed = await work(desk, WorkerBrief(GOAL, task))
    assert isinstance(landed, WorkLanded)
    assert b"import os" not in desk.store.read_file(desk.head, "app/main.py").data

    desk.workspace = Workspace(desk.store, desk.head)
    verdict = await judge(desk, JudgeBrief(GOAL, 1, [task], changed_paths=["app/main.py"]))
    assert verdict.decision == "done"
