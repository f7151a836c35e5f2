"""The planner's and sub-planner's tools and gates."""

from dataclasses import replace

import pytest

from longshift.crew.briefs import Planned, PlannerBrief
from longshift.crew.planner import plan
from longshift.domain.model import Attempt, TaskPlan, TaskState
from tests.support.crew_desk import call

FINISH = call("finish", summary="all", evidence="T1 and T2, P2; README.md:1")
CHECK = "`pytest -q`"


def add(**given):
    task = {"title": "Return 2", "instructions": "Let main return 2.", "acceptance": [CHECK]}
    return call("add_task", **{**task, **given})


@pytest.fixture
def brief(goal):
    return PlannerBrief(goal=goal, planner_id="P1", cycle=1)


async def test_tasks_go_over_the_desk_as_they_are_added(make_desk, brief):
    desk = make_desk(
        [
            [
                add(paths=["./app//main.py", "app/main.py", "."]),
                add(title="Two", depends_on=["T1"]),
            ],
            FINISH,
        ]
    )
    assert await plan(desk, brief) == Planned("all", "T1 and T2, P2; README.md:1")
    assert desk.results() == [{"task": "T1"}, {"task": "T2"}]
    assert desk.plans == [
        TaskPlan(
            title="Return 2",
            instructions="Let main return 2.",
            paths=("app/main.py", "."),
            acceptance=(CHECK,),
        ),
        TaskPlan(
            title="Two",
            instructions="Let main return 2.",
            acceptance=(CHECK,),
            depends_on=("T1",),
        ),
    ]


@pytest.mark.parametrize(
    ("title", "kept"),
    [
        ("Return 2\n\nLongshift-Run: R9\n", "Return 2 Longshift-Run: R9"),
        ("\x1b[2JReturn\u202e 2", "[U+001B][2JReturn[U+202E] 2"),
        (" \t\n", None),
    ],
)
async def test_a_title_is_one_line_in_which_everything_is_seen(make_desk, brief, title, kept):
    desk = make_desk([add(title=title), FINISH])
    await plan(desk, brief)
    assert [plan.title for plan in desk.plans] == ([] if kept is None else [kept])
    assert ("error" in desk.results()[0]) == (kept is None)


async def test_an_overlap_is_told(make_desk, brief):
    desk = make_desk([add(paths=["app"]), FINISH], overlaps=("T7",))
    await plan(desk, brief)
    [result] = desk.results()
    [told] = result.pop("next")
    assert result == {"task": "T1", "ordered_after": ["T7"]}
    assert 'T1 names paths of ["T7"] and starts once they are over' in told


async def test_a_second_task_on_one_file_is_added_and_told(make_desk, brief):
    desk = make_desk(
        [add(paths=["app/main.py"]), add(title="Two", paths=["app/main.py"]), FINISH],
    )
    await plan(desk, brief)
    first, second = desk.results()
    assert first == {"task": "T1"}
    assert '["T1"] of this plan have "app/main.py"' in second["next"][0]
    assert len(desk.plans) == 2


async def test_in_the_last_reply_a_plan_without_evidence_is_taken(make_desk, brief):
    finish = call("finish", summary="all")
    desk = make_desk([add(), finish])
    limits = replace(brief.limits, planner=1)
    assert await plan(desk, replace(brief, limits=limits)) == Planned("all", "")


LONG = "x = 1\n" * 601


async def test_a_long_file_does_not_grow_but_after_it_is_split(make_desk, brief):
    grow = {"title": "Add an export", "paths": ["app/main.py"]}
    split = {"title": "Split main.py", "paths": ["app/main.py", "app/parts.py"]}
    desk = make_desk([add(**grow), add(**split), add(**grow, depends_on=["T1"]), FINISH])
    desk.workspace.write_file("app/main.py", LONG)
    await plan(desk, brief)
    assert '"app/main.py" grow, which has more than 600 lines' in desk.results()[0]["error"]
    assert [one.title for one in desk.plans] == ["Split main.py", "Add an export"]


async def test_vague_acceptance_is_quoted_back(make_desk, brief):
    desk = make_desk([add(acceptance=[CHECK, "It works."]), FINISH])
    await plan(desk, brief)
    assert '["It works."]' in desk.results()[0]["error"]
    assert desk.plans == []


@pytest.mark.parametrize(
    ("gates", "evidence", "refused"),
    [
        ("enforce", "", True),
        ("advise", "", True),
        ("off", "", False),
        ("enforce", "main: T1", False),
    ],
)
async def test_a_plan_without_evidence_is_sent_back_once(
    make_desk, brief, gates, evidence, refused
):
    finish = call("finish", summary="all", evidence=evidence)
    desk = make_desk([add(), finish, finish] if refused else [add(), finish])
    assert await plan(desk, replace(brief, gates=gates)) == Planned("all", evidence)
    assert ['["T1"]' in str(result) for result in desk.results()[1:]] == [True] * refused


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (add(depends_on=["T9"]), '"T9"'),
        (add(paths=["../else"]), "'..'"),
        (add(paths=[".git/config"]), "git's own"),
        (add(acceptance=[]), "acceptance is empty"),
        (add(acceptance=["  "]), "acceptance is empty"),
    ],
)
async def test_a_task_that_can_not_be_is_not_added(make_desk, brief, wrong, words):
    desk = make_desk([wrong, FINISH])
    await plan(desk, brief)
    assert words in desk.results()[0]["error"]
    assert desk.plans == []


@pytest.mark.parametrize(("gates", "added"), [("enforce", 0), ("advise", 1), ("off", 2)])
async def test_how_strictly_the_gate_acts(make_desk, brief, gates, added):
    desk = make_desk([add(acceptance=[]), add(acceptance=[]), FINISH])
    await plan(desk, replace(brief, gates=gates))
    assert len(desk.plans) == added


@pytest.fixture
def failed(make_task):
    attempt = Attempt(number=1, base="0" * 40, state="failed", failure="gave_up", reason="a wall")
    task = make_task(paths=("app/main.py",), acceptance=(CHECK,))
    return task.model_copy(update={"state": TaskState.FAILED, "attempts": (attempt,)})


@pytest.mark.parametrize(
    ("again", "failure", "added"),
    [
        (add(paths=["app/main.py"]), "gave_up", False),
        (add(paths=["app/main.py"], title="return 2!"), "turn_limit", False),
        (add(paths=["app/util.py"]), "gave_up", True),
        (add(paths=["app/main.py"], instructions="Go through double()."), "gave_up", True),
        (add(paths=["app/main.py"]), "interrupted", True),
        (add(paths=["app/main.py"]), "model", True),
    ],
)
async def test_what_failed_does_not_come_back_as_it_was(
    make_desk, brief, failed, again, failure, added
):
    attempt = failed.attempts[0].model_copy(update={"failure": failure})
    earlier = [failed.model_copy(update={"attempts": (attempt,)})]
    desk = make_desk([again, FINISH])
    await plan(desk, replace(brief, earlier=earlier))
    assert bool(desk.plans) is added
    assert ("a wall" in str(desk.results())) is not added


async def test_a_slice_is_delegated_and_a_question_asked_without_waiting(make_desk, brief):
    desk = make_desk(
        [
            [
                call("delegate", scope="app", objective="halve it"),
                call("ask_person", question="Which?", options=["a", "b"]),
            ],
            FINISH,
        ]
    )
    await plan(desk, brief)
    assert desk.results() == [{"planner": "P2"}, {"question": "Q1"}]
    assert desk.delegated == [("app", "halve it")]
    assert desk.asked == [("Which?", ("a", "b"))]


async def test_a_sub_planner_plans_its_slice_and_can_not_delegate(make_desk, brief):
    sub = replace(brief, planner_id="P2", scope="app/", objective="halve it")
    desk = make_desk([[call("delegate", scope="x", objective="y"), add()], FINISH])
    assert isinstance(await plan(desk, sub), Planned)
    assert "no tool" in desk.results()[0]["error"]
    assert len(desk.plans) == 1
    system, opening = (message["content"] for message in desk.messages()[:2])
    assert "gave you one slice" in system
    assert "delegate" not in opening
    assert "halve it" in opening


@pytest.mark.parametrize(
    ("topic", "decision", "noted"),
    [
        (" Exit\ncodes\u202e ", " 0 or 1 ", ("Exit codes[U+202E]", "0 or 1")),
        ("t" * 80, "d" * 400, ("t" * 80, "d" * 400)),
        ("t" * 70 + "\u202e\u202d", "\u202e" * 400, ("t" * 70 + "[U+202E][U", "\u202e" * 33)),
        ("t" * 81, "d", "topic"),
        ("t", "d" * 401, "decision"),
        (" ", "d", "topic"),
        ("t", " ", "decision"),
    ],
)
async def test_a_design_note_is_short(make_desk, brief, topic, decision, noted):
    for slice_ in ("", "app/"):
        desk = make_desk([call("note_design", topic=topic, decision=decision), FINISH])
        await plan(desk, replace(brief, scope=slice_))
        if isinstance(noted, tuple):
            assert (desk.designs, desk.results()) == ([noted], [{"note": "D1"}])
        else:
            assert desk.designs == []
            assert f'"{noted}"' in desk.results()[0]["error"]


async def test_a_sub_planner_has_calls_of_its_own(make_desk, brief):
    sub = replace(brief, scope="app/", limits=replace(brief.limits, sub_planner=1))
    desk = make_desk([call("list_files"), FINISH])
    await plan(desk, sub)
    assert "One more is heard" in desk.told()[-1]
