"""Every tool that takes a path, with every way of spelling one that leaves the workspace."""

import pytest

from longshift.crew.briefs import JudgeBrief, PlannerBrief, WorkerBrief
from longshift.crew.judge import judge
from longshift.crew.planner import plan
from longshift.crew.worker import work
from tests.support.crew_desk import call

SPELLINGS = {
    "../secrets": "'..'",
    "app/../../secrets": "'..'",
    "/etc/passwd": "absolute",
    "C:\\Windows\\win.ini": "absolute",
    "\\\\server\\share": "absolute",
    "~/.ssh/id_rsa": "absolute",
    "app\\main.py": "backslash",
    "app/\0main.py": "NUL",
    ".git/hooks/pre-commit": "git's own",
    "app/.GIT/config": "git's own",
    ".g\u200cit/config": "git's own",
    "GIT~1/config": "git's own",
    ".git::$INDEX_ALLOCATION/config": "git's own",
    "CON": "device",
    "app/nul.txt": "device",
    "com\u00b9.log": "device",
    "new.txt:stream": "stream",
    "new.txt. ": "dot or a space",
}
IN_ANOTHER_CASE = {
    "APP/new.py": '"app"',
    "readme.MD": '"README.md"',
    "app/Main.py": '"app/main.py"',
}

EDIT = {"old_text": "a", "new_text": "b"}
FINDING = {"line": 1, "message": "m", "code": "c", "severity": "error"}
TOOLS = {
    "worker": [
        ("list_files", "path", {}),
        ("read_file", "path", {}),
        ("search", "path", {"pattern": "x"}),
        ("edit_file", "path", EDIT),
        ("write_file", "path", {"content": "x"}),
        ("delete_file", "path", {}),
        ("move_file", "path", {"new_path": "app/there.py"}),
        ("move_file", "new_path", {"path": "app/main.py"}),
    ],
    "judge": [("report_finding", "path", FINDING)],
    "planner": [("add_task", "paths", {"title": "t", "instructions": "i", "acceptance": ["a"]})],
}
ENDS = {
    "worker": call("give_up", reason="r"),
    "judge": call("verdict", reason="r", decision="give_up"),
    "planner": call("finish", summary="s", evidence="README.md:1"),
}
EVERY = [(role, *tool) for role, tools in TOOLS.items() for tool in tools]


@pytest.fixture
def tried(make_desk, goal, make_task):
    """The desk of a role whose model made some calls and ended."""

    async def after(role, calls):
        desk = make_desk([calls, ENDS[role]])
        match role:
            case "worker":
                await work(desk, WorkerBrief(goal, make_task()))
            case "judge":
                await judge(desk, JudgeBrief(goal, 1, [make_task()]))
            case "planner":
                await plan(desk, PlannerBrief(goal, "P1", 1))
        return desk

    return after


@pytest.mark.parametrize(("role", "tool", "argument", "more"), EVERY)
async def test_a_path_out_of_bounds_is_refused_and_recorded(tried, role, tool, argument, more):
    paths = [[path] if argument == "paths" else path for path in SPELLINGS]
    desk = await tried(role, [call(tool, **{**more, argument: path}) for path in paths])
    for answer, words in zip(desk.results(), SPELLINGS.values(), strict=True):
        assert words in answer["error"]
    assert [(guard, name) for guard, name, _ in desk.refused] == [("path", tool)] * len(SPELLINGS)
    assert not desk.workspace.is_changed
    assert (desk.plans, desk.reports) == ([], [])


@pytest.mark.parametrize(("path", "there"), IN_ANOTHER_CASE.items())
async def test_a_new_file_in_another_spelling_of_one_that_exists(tried, path, there):
    writes = [
        call("write_file", path=path, content="x"),
        call("move_file", path="app/util.py", new_path=path),
    ]
    desk = await tried("worker", writes)
    assert all(f"{there}, which exists" in answer["error"] for answer in desk.results())
    assert len(desk.refused) == 2
    assert not desk.workspace.is_changed


@pytest.mark.parametrize("path", ["app/", "app/missing.py", "", "app/main.py/x"])
async def test_a_mistake_is_told_and_not_recorded(tried, path):
    desk = await tried("worker", [call("read_file", path=path)])
    assert "error" in desk.results()[0]
    assert desk.refused == []
