"""Full briefs for golden renders, and the goldens' own place.

`python -m tests.support.crew_briefs` writes the goldens anew; look at what git says of them then.
"""

from pathlib import Path

from longshift.crew.briefs import (
    AgentBrief,
    IntegratorBrief,
    JudgeBrief,
    PlannerBrief,
    ReworkNote,
    WorkerBrief,
)
from longshift.crew.opening import (
    agent_opening,
    integrator_opening,
    judge_opening,
    planner_opening,
    worker_opening,
)
from longshift.crew.prompts import library
from longshift.domain.model import (
    Attempt,
    Constraint,
    DesignNote,
    Diagnostic,
    Finding,
    Goal,
    Handoff,
    Selection,
    Task,
    TaskPlan,
    TaskState,
    Verdict,
)

GOLDENS = Path(__file__).parents[1] / "crew" / "data"

GOAL = Goal(
    text="Make `main` return 2.\nKeep the tests green.",
    paths=("app",),
    selection=Selection(path="app/main.py", start_line=4, end_line=5),
    diagnostics=(Diagnostic(path="app/main.py", line=1, message="unused import", code="F401"),),
)
CONSTRAINTS = (
    Constraint(id="K1", text="Must not touch README.md."),
    Constraint(id="K2", text="Was lifted.", lifted=True),
)
DESIGNS = (DesignNote(id="D1", topic="Exit codes", decision="0, 1 or 2.", planner="P1", cycle=1),)
LANDED = Task(
    id="T1",
    cycle=1,
    planner="P1",
    plan=TaskPlan(
        title="Return 2",
        instructions="Let `main` return 2.\nIts callers take any int.",
        paths=("app/main.py",),
        acceptance=("`pytest -q`", "F401 is gone from app/main.py"),
    ),
    state=TaskState.LANDED,
    attempts=(
        Attempt(number=1, base="a" * 40, state="failed", failure="gave_up", reason="a wall"),
        Attempt(
            number=2,
            base="b" * 40,
            state="landed",
            handoff=Handoff(summary="Returns 2.", concerns="Callers?", deviations="none"),
        ),
    ),
)
FINDING = Finding(
    id="F1",
    path="app/main.py",
    line=1,
    severity="warning",
    code="F401",
    message="os is unused",
    commit="b" * 40,
)
AGENTS_MD = "# For agents\n\nRun `pytest -q`.\n\n```sh\nmake test\n```\n"

PLANNER = PlannerBrief(
    goal=GOAL,
    planner_id="P2",
    cycle=2,
    mode="replan",
    constraints=CONSTRAINTS,
    designs=DESIGNS,
    earlier=(LANDED,),
    findings=(FINDING,),
    verdict=Verdict(cycle=1, decision="replan", reason="The plan misses the callers."),
    agents_md=AGENTS_MD,
)
SUB_PLANNER = PlannerBrief(
    goal=GOAL, planner_id="P3", cycle=1, scope="app/", objective="Halve what main returns."
)
AGENT = AgentBrief(
    goal=GOAL,
    agent_id="A2",
    cycle=2,
    mode="replan",
    constraints=CONSTRAINTS,
    earlier=(LANDED,),
    findings=(FINDING,),
    verdict=Verdict(cycle=1, decision="replan", reason="The tasks miss the callers."),
    agents_md=AGENTS_MD,
)
WORKER = WorkerBrief(
    goal=GOAL,
    task=LANDED,
    constraints=CONSTRAINTS,
    designs=DESIGNS,
    earlier_attempts=LANDED.attempts[:1],
    rework=ReworkNote(
        change="C1",
        path="app/main.py",
        hunk="@@ -5 +5 @@\n-    return 1\n+    return 2\n",
        words="Name the number.",
    ),
    agents_md=AGENTS_MD,
)
INTEGRATOR = IntegratorBrief(
    goal=GOAL,
    task=LANDED,
    handoff=LANDED.attempts[-1].handoff,
    constraints=CONSTRAINTS,
    designs=DESIGNS,
    clashes=("app/main.py",),
    notes=("app/main.py: both changed the same lines",),
    diff="--- a/app/main.py\n+++ b/app/main.py\n@@ -5 +5 @@\n-    return 1\n+    return 2\n",
)
JUDGE = JudgeBrief(
    goal=GOAL,
    cycle=2,
    tasks=(LANDED,),
    constraints=CONSTRAINTS,
    designs=DESIGNS,
    changed_paths=("app/main.py",),
    findings=(FINDING,),
    diff_stat="app/main.py | 2 +-",
    diff="--- a/app/main.py\n+++ b/app/main.py\n@@ -5 +5 @@\n-    return 1\n+    return 2\n",
)


def renders() -> dict[str, str]:
    """Every system prompt and first message, by the name of its golden."""
    prompts = library()
    return {
        "planner_system": prompts.render("planner", {"calls": 40, "sub_planner": False}),
        "sub_planner_system": prompts.render("planner", {"calls": 25, "sub_planner": True}),
        "worker_system": prompts.render("worker", {"calls": 80}),
        "judge_system": prompts.render("judge", {"calls": 25}),
        "integrator_system": prompts.render("integrator", {"calls": 40}),
        "integrator_opening": integrator_opening(INTEGRATOR),
        "agent_system": prompts.render("agent", {"calls": 40, "locking": False}),
        "locking_agent_system": prompts.render("agent", {"calls": 40, "locking": True}),
        "agent_opening": agent_opening(AGENT),
        "planner_opening": planner_opening(PLANNER),
        "sub_planner_opening": planner_opening(SUB_PLANNER),
        "worker_opening": worker_opening(WORKER),
        "judge_opening": judge_opening(JUDGE),
    }


if __name__ == "__main__":
    for name, text in renders().items():
        (GOLDENS / f"{name}.md").write_text(text + "\n")
