"""The tools as the wire shows them: the contract's names and arguments, in stable bytes."""

import json

import pytest

from longshift.crew.briefs import JudgeBrief, PlannerBrief, WorkerBrief
from longshift.crew.judge import judge
from longshift.crew.planner import plan
from longshift.crew.toolbox import Toolbox
from longshift.crew.tools.reading import reading_tools
from longshift.crew.worker import work
from tests.support.crew_desk import call

CONTRACT = {
    "list_files": {"path": ".", "glob": None},
    "read_file": {"path": ..., "start_line": 1, "end_line": None},
    "search": {"pattern": ..., "path": ".", "glob": None},
    "add_task": {
        "title": ...,
        "instructions": ...,
        "paths": [],
        "acceptance": [],
        "depends_on": [],
    },
    "delegate": {"scope": ..., "objective": ...},
    "ask_person": {"question": ..., "options": []},
    "note_design": {"topic": ..., "decision": ...},
    "finish": {"summary": ..., "evidence": ""},
    "edit_file": {"path": ..., "old_text": ..., "new_text": ..., "replace_all": False},
    "write_file": {"path": ..., "content": ...},
    "delete_file": {"path": ...},
    "move_file": {"path": ..., "new_path": ...},
    "run_command": {"command": ..., "timeout_s": 120},
    "submit": {"summary": ..., "concerns": "", "deviations": "", "findings": []},
    "give_up": {"reason": ...},
    "run_checks": {},
    "report_finding": {
        "path": ...,
        "line": ...,
        "end_line": None,
        "message": ...,
        "code": ...,
        "severity": ...,
        "suggestion": "",
        "evidence": "",
        "related": [],
    },
    "verdict": {"reason": ..., "decision": ..., "tasks": []},
}
"""Arguments in their order, with their defaults; `...`: required."""

LOOKING = {"list_files", "read_file", "search"}
PLANNING = LOOKING | {"add_task", "ask_person", "note_design", "finish"}
GRANTED = {
    "planner": PLANNING | {"delegate"},
    "sub_planner": PLANNING,
    "worker": LOOKING
    | {"edit_file", "write_file", "delete_file", "move_file", "run_command", "submit", "give_up"},
    "judge": LOOKING | {"run_checks", "run_command", "report_finding", "ask_person", "verdict"},
}
ENDS = {
    "planner": call("finish", summary="s", evidence="README.md:1"),
    "sub_planner": call("finish", summary="s", evidence="README.md:1"),
    "worker": call("give_up", reason="r"),
    "judge": call("verdict", reason="r", decision="done"),
}


@pytest.fixture
def tools_of(make_desk, goal, make_task):
    """What a role's model is offered."""

    async def offered(role):
        desk = make_desk([ENDS[role]])
        match role:
            case "planner":
                await plan(desk, PlannerBrief(goal, "P1", 1))
            case "sub_planner":
                await plan(desk, PlannerBrief(goal, "P2", 1, scope="app"))
            case "worker":
                await work(desk, WorkerBrief(goal, make_task()))
            case "judge":
                await judge(desk, JudgeBrief(goal, 1, [make_task()]))
        return desk.requests[0].tools

    return offered


@pytest.mark.parametrize("role", GRANTED)
async def test_each_role_has_the_contracts_tools(tools_of, role):
    functions = [tool["function"] for tool in await tools_of(role)]
    names = [function["name"] for function in functions]
    assert names == sorted(GRANTED[role])
    for function in functions:
        parameters = function["parameters"]
        arguments = CONTRACT[function["name"]]
        assert list(parameters["properties"]) == list(arguments)
        assert parameters["required"] == [k for k, default in arguments.items() if default is ...]
        defaults = {k: p["default"] for k, p in parameters["properties"].items() if "default" in p}
        assert defaults == {k: d for k, d in arguments.items() if d is not ...}
        assert all(p["description"] and p["type"] for p in parameters["properties"].values())
        assert function["description"]


@pytest.mark.parametrize("role", GRANTED)
async def test_two_conversations_of_a_role_start_with_the_same_bytes(tools_of, role):
    assert json.dumps(await tools_of(role)) == json.dumps(await tools_of(role))


def test_a_toolbox_takes_exactly_what_the_role_is_granted(make_desk):
    with pytest.raises(AssertionError, match="granted"):
        Toolbox("planner", reading_tools(make_desk()))
