"""The gates' rules, as tables of what they catch and what they let through."""

import tomllib
from pathlib import Path

import pytest

from longshift.crew.gates.acceptance import vague_items
from longshift.crew.gates.tasks import may_not_grow, not_in_evidence, tasks_on_one_file
from longshift.domain.model import TaskPlan

DATA = Path(__file__).parent / "data"
ACCEPTANCE = tomllib.loads((DATA / "acceptance.toml").read_text())
PLANS = tomllib.loads((DATA / "plans.toml").read_text())["plan"]


def test_what_can_be_checked_passes():
    assert vague_items(ACCEPTANCE["good"]) == []


def test_what_can_not_be_checked_is_vague():
    assert vague_items(ACCEPTANCE["vague"]) == ACCEPTANCE["vague"]


def a_plan(**given):
    return TaskPlan(**{"title": "t", "instructions": "i", **given})


BEFORE = {
    "T1": a_plan(title="Split big.py", paths=("big.py", "parts.py")),
    "T2": a_plan(title="Fix big.py", paths=("big.py",)),
}


@pytest.mark.parametrize("given", PLANS, ids=lambda given: given["name"])
def test_a_long_file_does_not_grow(given):
    told = {key: value for key, value in given.items() if key not in ("name", "held")}
    lines = {"big.py": 700, "small.py": 10}
    assert may_not_grow(a_plan(**told), lines, BEFORE) == given.get("held")


@pytest.mark.parametrize(
    ("paths", "depends_on", "told"),
    [
        (("a.py",), (), ["T1", "T3"]),
        (("a.py",), ("T1",), ["T3"]),
        (("a.py", "b.py"), (), []),
        (("app",), (), []),
        (("b.py",), (), []),
    ],
)
def test_several_tasks_on_one_file_are_seen(paths, depends_on, told):
    own = {
        "T1": a_plan(paths=("a.py",)),
        "T2": a_plan(paths=("app",)),
        "T3": a_plan(paths=("a.py",)),
    }
    assert tasks_on_one_file(a_plan(paths=paths, depends_on=depends_on), own) == told


@pytest.mark.parametrize(
    ("evidence", "added", "missing"),
    [
        ("export: T1; tests: T2", ["T1", "T2"], None),
        ("export: T1", ["T1", "T2"], ["T2"]),
        ("T12 does it", ["T1"], ["T1"]),
        ("", ["T1"], ["T1"]),
        ("", [], []),
        ("It is all there.", [], []),
        ("app/main.py:5 returns 2", [], None),
        ("K1 and K3 contradict each other", [], None),
        ("T4 failed twice", [], None),
        ("`double` has it", [], None),
    ],
)
def test_evidence_names_what_it_rests_on(evidence, added, missing):
    assert not_in_evidence(evidence, added) == missing
