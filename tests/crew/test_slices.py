"""Slices: which paths a planner's words name, and what lies outside of them."""

import pytest

from longshift.crew.briefs import PlannerBrief
from longshift.crew.gates.slices import outside, paths_of_slice, shared
from longshift.crew.planner import plan
from tests.support.crew_desk import call

FILES = ["src/api/a.py", "src/web/b.py", "tests/api/t.py", "README.md"]


@pytest.mark.parametrize(
    ("scope", "paths"),
    [
        ("src/api", ["src/api"]),
        ("src/api/, tests/api", ["src/api", "tests/api"]),
        ("The web client (`src/web`) and its tests.", ["src/web", "tests"]),
        ("src/api/**/*.py", ["src/api"]),
        ("./src/api/a.py.", ["src/api/a.py"]),
        ("src/new and fresh/", ["src/new", "fresh"]),
        ("README.md", ["README.md"]),
        (".", [""]),
        ("the reading and/or writing of files", []),
        ("the api subsystem", []),
        ("", []),
        ("..", []),
        ("*/a", []),
    ],
)
def test_the_paths_that_a_slice_names(scope: str, paths: list[str]) -> None:
    assert list(paths_of_slice(scope, FILES)) == paths


@pytest.mark.parametrize(
    ("paths", "slice_", "outer"),
    [
        (["src/api/a.py", "src/api"], ["src/api"], []),
        (["src/apis/a.py", "src"], ["src/api"], ["src/apis/a.py", "src"]),
        (["."], ["src"], ["."]),
        ([".", "x"], [""], []),
        (["x"], [], []),
        ([], ["src"], []),
    ],
)
def test_what_lies_outside(paths: list[str], slice_: list[str], outer: list[str]) -> None:
    assert outside(paths, slice_) == outer


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        (["src"], ["src/api"], ["src"]),
        (["src/api"], ["src"], ["src/api"]),
        (["src/api", "docs"], ["src/web", "docs"], ["docs"]),
        ([""], ["x"], [""]),
        (["x"], [], []),
        ([], ["x"], []),
    ],
)
def test_what_two_slices_share(one: list[str], other: list[str], both: list[str]) -> None:
    assert shared(one, other) == both


# As the tools' answers: held back once where gates are enforced, told beside it, or nothing said.

ADD = call(
    "add_task",
    title="Halve it",
    instructions="Halve it.",
    paths=["app/main.py", "README.md"],
    acceptance=["`pytest -q`"],
)
FINISH = call("finish", summary="all", evidence="T1, P2, P3; README.md:1")


@pytest.mark.parametrize(
    ("gates", "scope", "held", "told"),
    [
        ("enforce", "app/", True, True),
        ("advise", "app/", False, True),
        ("off", "app/", False, False),
        ("enforce", "app/ and README.md", False, False),
        ("enforce", "the numbers", False, False),
    ],
)
async def test_a_task_outside_of_its_slice(make_desk, goal, gates, scope, held, told):
    brief = PlannerBrief(goal, "P2", 1, scope=scope, objective="Halve.", gates=gates)
    desk = make_desk([ADD, ADD, FINISH] if held else [ADD, FINISH])
    await plan(desk, brief)
    answers = desk.results()
    if held:
        error = answers.pop(0)["error"]
        assert '"Halve it" names ["README.md"], outside of your slice "app/"' in error
        assert "make the same call again" in error
    assert answers[0]["task"] == "T1"
    assert ("outside of your slice" in str(answers[0].get("next"))) is told
    assert "make the same call again" not in str(answers[0])
    assert len(desk.plans) == 1


SLICES = [
    call("delegate", scope=scope, objective="x") for scope in ("app", "app/main.py, README.md")
]


@pytest.mark.parametrize(
    ("gates", "held", "told"),
    [("enforce", True, True), ("advise", False, True), ("off", False, False)],
)
async def test_slices_that_meet(make_desk, goal, gates, held, told):
    desk = make_desk([SLICES[0], SLICES[1], *[SLICES[1]] * held, FINISH])
    await plan(desk, PlannerBrief(goal, "P1", 1, gates=gates))
    first, *answers = desk.results()
    assert first == {"planner": "P2"}
    if held:
        error = answers.pop(0)["error"]
        assert 'takes in ["app/main.py"], which is in the hands of ["P2"] already' in error
    assert answers[0]["planner"] == "P3"
    assert ("Each path has one owner" in str(answers[0].get("next"))) is told
    assert [scope for scope, _ in desk.delegated] == ["app", "app/main.py, README.md"]


async def test_a_slice_with_a_task_of_the_planners_own_in_it(make_desk, goal):
    desk = make_desk([ADD, SLICES[0], FINISH, FINISH])
    await plan(desk, PlannerBrief(goal, "P1", 1))
    assert 'in the hands of ["T1"]' in desk.results()[1]["error"]
    assert desk.delegated == []
