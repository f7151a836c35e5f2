"""The built-in model at work, through the tools that any model has."""

import ast
import asyncio
import re

import pytest

from longshift.crew.limits import MOST_CALLS
from longshift.models.builtin.conversation import MOST_ASKS
from longshift.models.builtin.edits import MOST_EDITS
from longshift.models.builtin.model import BuiltinModel
from longshift.models.port import ModelRequest
from tests.support.models_toolbox import Toolbox, converse

GOAL = "Modernise the code to Python 3.11 and fix what the linter finds"
OLD = "import sys\nimport os\nfrom typing import List\n\n\ndef f(x: List[int]):\n    return os\n"
NEW = "import os\n\n\ndef f(x: list[int]):\n    return os\n"
CLEAN = '"""Clean."""\n'
BROKEN = "def f(:\n"


@pytest.fixture
def model():
    return BuiltinModel()


async def run(model, goal, toolbox, cycles=3, **brief):
    """A small engine: plan, work, judge, until a verdict ends it; the verdict and its cycle."""
    tasks, changed = [], set()
    for cycle in range(1, cycles + 1):
        known = {"goal": goal, "cycle": cycle, **brief}
        before = len(toolbox.named("add_task"))
        await converse(model, "planner", known, toolbox)
        for task in toolbox.named("add_task")[before:]:
            old = dict(toolbox.files)
            name, _ = await converse(model, "worker", {**known, "task": task}, toolbox)
            state = "landed" if name == "submit" else "failed"
            tasks.append({"id": f"T{len(tasks) + 1}", "state": state, **task})
            changed |= {path for path in old if toolbox.files[path] != old[path]}
        known |= {"tasks": tasks, "changed_paths": sorted(changed)}
        _, verdict = await converse(model, "judge", known, toolbox)
        if verdict["decision"] in {"done", "give_up"}:
            return verdict, cycle
    raise AssertionError("no end")


async def test_a_goal_within_reach_is_met_in_one_cycle(model):
    files = {
        "pkg/__init__.py": "",
        "pkg/a.py": OLD,
        "pkg/b.py": "import zlib\nimport pkg\nx = 'a%s' % zlib\ntry:\n    pkg\nexcept:\n    pass\n",
        "pkg/clean.py": CLEAN,
        "pkg/broken.py": BROKEN,
        "README.md": "import sys\n",
    }
    toolbox = Toolbox(dict(files), checks=[{"command": "pytest -q", "exit_status": 0}])
    verdict, cycle = await run(model, GOAL, toolbox)
    assert (verdict["decision"], cycle) == ("done", 1)
    assert "All 1 checks pass" in verdict["reason"]
    assert toolbox.files["pkg/a.py"] == NEW
    assert toolbox.files["pkg/b.py"].startswith("import zlib\n\nimport pkg\n\nx = ")
    untouched = ("pkg/__init__.py", "pkg/clean.py", "pkg/broken.py", "README.md")
    assert all(toolbox.files[path] == files[path] for path in untouched)
    first, second = toolbox.named("add_task")
    assert first["paths"] == ["pkg/a.py"]
    assert first["title"] == "Modernise and lint pkg/a.py"
    assert "--select UP,E4,E7,E9,F,W,B,I --target-version py311" in first["acceptance"][0]
    assert "first-party=pkg" in second["instructions"]
    reported = [(f["path"], f["line"], f["code"]) for f in toolbox.named("report_finding")]
    assert reported[0][::2] == ("pkg/broken.py", "invalid-syntax")
    assert ("pkg/b.py", 8, "E722") in reported


NO_PYTHON = "x = 1  \n\ty = 'é\U0001f600'"
UNSAFE = "def f(x):\n    return True if x else False\n"
GOALS = [
    ("Sort the imports", OLD, OLD.replace("import sys\nimport os", "import os\nimport sys")),
    ("Remove unused imports", OLD, OLD.removeprefix("import sys\n")),
    ("Format the code", "x = {'a':1}\r\ny=2", 'x = {"a": 1}\r\ny = 2\r\n'),
    ("Tidy whitespace", "x = 1  \ny = 'é\U0001f600'", "x = 1\ny = 'é\U0001f600'\n"),
    ("Clean up whitespace", NO_PYTHON, NO_PYTHON),
    ("Simplify the code", UNSAFE, UNSAFE),
    ("Use modern syntax", "\ufeffclass A(object):\n    pass", "\ufeffclass A:\n    pass"),
]


@pytest.mark.parametrize(("goal", "old", "new"), GOALS)
async def test_each_kind_of_goal_changes_what_it_names_and_no_other_byte(model, goal, old, new):
    toolbox = Toolbox({"a.py": old})
    verdict, _ = await run(model, goal, toolbox)
    assert toolbox.files["a.py"] == new
    assert verdict["decision"] == "done"


BEYOND = [
    ("Add a retry to fetch", [], "No rule can do"),
    ("Fix the login bug", [], "No rule can do"),
    ("Import the CSV file and format the dates", [], "No rule can do"),
    ("", [], "No rule can do"),
    ("Sort the imports", ["Never touch imports."], "No rule can do"),
    ("Sort the imports and write tests for a.py", [], "Beyond them: write tests for a.py"),
]


@pytest.mark.parametrize(("goal", "constraints", "words"), BEYOND)
async def test_what_is_out_of_reach_is_given_up_with_words_on_models(
    model, goal, constraints, words
):
    toolbox = Toolbox({"a.py": OLD})
    verdict, _ = await run(
        model, goal, toolbox, constraints=[{"id": "K1", "text": c} for c in constraints]
    )
    assert verdict["decision"] == "give_up"
    assert words in verdict["reason"]
    assert "[models.default]" in verdict["reason"]
    assert "OPENAI_API_KEY" in verdict["reason"]


READY = {"task": "T1", "title": "Any", "paths": ["a.py"], "ready": True}
TAKEN = {**READY, "ready": False}
CHOICES = {
    "what is ready is taken": ({"tasks": [READY]}, {}, "start_task", 0, ""),
    "what is missing is added": ({}, {}, "start_task", 2, ""),
    "but for what others have added": ({"tasks": [TAKEN]}, {}, "start_task", 1, ""),
    "of files in whatever task": (
        {"tasks": [{**TAKEN, "paths": ["b.py", "a.py"]}]}, {}, "leave", 0, "on the list already",
    ),
    "nothing is left": ({"files": {"a.py": CLEAN}}, {}, "leave", 0, "Nothing is left"),
    "no rule can": ({}, {"goal": "Fix the login bug"}, "leave", 0, "No rule can do"),
    "none but retries": ({}, {"mode": "retry"}, "leave", 0, "done again"),
    "a claim that fails": (
        {"tasks": [READY], "refuse": frozenset({"claim_task", "start_task"})}, {},
        "leave", 0, "brought no task",
    ),
    "tasks that are refused": ({"refuse": frozenset({"add_task"})}, {}, "leave", None, "no task"),
}  # fmt: skip


@pytest.mark.parametrize("role", ["agent", "locking_agent"])
@pytest.mark.parametrize("case", CHOICES)
async def test_an_equal_agent_adds_what_is_missing_and_takes_one_task(model, case, role):
    given, brief, last, added, words = CHOICES[case]
    tasks = [dict(one) for one in given.get("tasks", ())]
    toolbox = Toolbox(**{"files": {"a.py": OLD, "b.py": OLD}, **given, "tasks": tasks})
    name, arguments = await converse(model, role, {"goal": GOAL, **brief}, toolbox)
    assert name == last
    assert words in str(arguments)
    if added is not None:
        assert len(toolbox.named("add_task")) == added
    assert_locked_where_it_writes_and_never_while_it_reads(toolbox, locking=role != "agent")


def assert_locked_where_it_writes_and_never_while_it_reads(toolbox, *, locking):
    locked = False
    for name, _ in toolbox.calls:
        locked = name == "lock_tasks" or (locked and name != "unlock_tasks")
        assert not (locked and name in {"list_files", "read_file"})
        assert locked or not locking or name not in {"add_task", "claim_task"}
    assert not locked


async def test_a_lock_that_is_not_to_be_had_is_waited_for_and_then_left(model):
    toolbox = Toolbox({"a.py": OLD}, refuse=frozenset({"lock_tasks"}))
    name, arguments = await converse(model, "locking_agent", {"goal": GOAL}, toolbox)
    assert (name, "brought no task" in str(arguments)) == ("leave", True)
    assert not toolbox.named("add_task")


@pytest.mark.parametrize(
    ("brief", "refuse", "last", "words"),
    [
        ({}, (), "submit", "It fits"),
        (
            {"clashes": ["a.py", "b.py"]},
            (),
            "send_back",
            "what landed meanwhile: a.py",
        ),
        ({}, ("submit",), "send_back", "submit is refused"),
    ],
)
async def test_an_integrator_lands_what_fits_and_sends_back_the_rest(
    model, brief, refuse, last, words
):
    toolbox = Toolbox({"a.py": OLD}, refuse=frozenset(refuse))
    name, arguments = await converse(model, "integrator", brief, toolbox)
    assert name == last
    assert words in str(arguments)


async def test_constraints_are_obeyed(model):
    files = {
        "a.py": OLD,
        "b.py": OLD,
        "c.py": "from typing import Optional\nx: Optional[int] = 1\n",
    }
    toolbox = Toolbox(dict(files))
    rejected = "Rejected in C1 (b.py, hunk 2): keep it."
    constraints = [rejected, "Don't sort imports.", "It must run on Python 3.8."]
    verdict, cycle = await run(
        model, "Modernise and lint, sort imports", toolbox, constraints=constraints
    )
    assert toolbox.files["b.py"] == OLD
    assert toolbox.files["c.py"] == files["c.py"]  # `int | None` needs a newer Python
    assert "import sys" not in toolbox.files["a.py"]
    assert (verdict["decision"], cycle) == ("done", 1)
    assert toolbox.named("finish")[0]["summary"].endswith(f"{rejected}.")


async def test_a_large_repository_is_read_whole_and_planned_in_groups(model):
    big = OLD + "".join(f"def g{n}(x: List[int]): return {n}\n" for n in range(600))
    files = {f"pkg/m{n:03}.py": OLD for n in range(59)} | {"pkg/big.py": big}
    toolbox = Toolbox(files | {f"data/{n}.csv": "" for n in range(80)}, list_cap=80)
    await converse(model, "planner", {"goal": "Modernise"}, toolbox)
    tasks = toolbox.named("add_task")
    assert len(tasks) == 20
    assert sorted(path for task in tasks for path in task["paths"]) == sorted(files)
    assert len({task["title"] for task in tasks}) == 20
    assert toolbox.turns <= 9
    name, _ = await converse(model, "worker", {"goal": "Modernise", "task": tasks[0]}, toolbox)
    assert name == "submit"
    assert "List[" not in toolbox.files["pkg/big.py"]
    ast.parse(toolbox.files["pkg/big.py"])


def test_no_answer_holds_more_calls_than_a_crew_makes():
    assert MOST_ASKS == MOST_CALLS
    assert MOST_EDITS <= MOST_ASKS  # a file's edits hold only together


async def test_a_goal_over_many_files_leaves_none_out(model):
    files = {f"p{n % 40}/m{n}.py": OLD for n in range(70)}
    toolbox = Toolbox(dict(files))
    folders = [f"p{n}" for n in range(40)]
    verdict, cycle = await run(model, GOAL, toolbox, scope=folders)
    assert (verdict["decision"], cycle) == ("done", 1)
    assert set(toolbox.files.values()) == {NEW}
    assert "70 files hold" in verdict["reason"]


async def test_more_tasks_than_one_answer_holds_are_all_added(model):
    files = {f"m{n:03}.py": OLD for n in range(6 * MOST_CALLS + 6)}
    toolbox = Toolbox(dict(files))
    await converse(model, "planner", {"goal": GOAL}, toolbox)
    planned = [path for task in toolbox.named("add_task") for path in task["paths"]]
    assert planned == [*files]
    assert "33 tasks added" in toolbox.named("finish")[0]["summary"]


async def test_a_large_file_of_lines_that_repeat_holds_nobody_up(model):
    """Comparing line by line with what equals each would take hours; a test has a minute."""
    many = "".join(f"def f{n}(x: List[int]):\n    return {n}\n\n\n\n\n\n" for n in range(3_000))
    toolbox = Toolbox({"big.py": f"from typing import List\n\n\n{many}"})
    task = {"title": "Modernise", "instructions": "Modernise.", "paths": ["big.py"]}
    name, _ = await converse(model, "worker", {"task": task}, toolbox)
    assert name == "submit"
    assert "List[" not in toolbox.files["big.py"]


async def test_edits_beyond_one_answer_are_made_in_the_next_ones(model):
    gaps = "".join(f"def g{n}(x: List[int]):\n    return {n}\n\n\n# gap\n\n\n" for n in range(10))
    files = {f"{name}.py": f"from typing import List\n\n\n{gaps}" for name in "abcdef"}
    toolbox = Toolbox(dict(files))
    task = {"title": "Modernise", "instructions": "Modernise.", "paths": [*files]}
    name, arguments = await converse(model, "worker", {"task": task}, toolbox)
    assert name == "submit"
    assert not [path for path, text in toolbox.files.items() if "List[" in text]
    assert len(toolbox.named("edit_file")) == 60
    assert arguments["summary"].count("Fixed by rule in 3 files") == 2


UNSEEN = [
    ({"a.py": OLD, "b.py": OLD}, "b.py", "done", "1 file holds to the rules of the goal."),
    ({"b.py": OLD}, "b.py", "give_up", "No Python file could be looked at."),
]


@pytest.mark.parametrize(("files", "path", "decision", "words"), UNSEEN)
async def test_what_can_not_be_read_is_named_by_planner_and_judge(
    model, files, path, decision, words
):
    toolbox = Toolbox(dict(files))
    read = toolbox._read_file

    def reading(**given):
        return {"error": "It is no text."} if given["path"] == path else read(**given)

    toolbox._read_file = reading
    verdict, _ = await run(model, "Lint", toolbox)
    assert verdict["decision"] == decision
    assert verdict["reason"].startswith(f"{words} Not looked at: {path}: It is no text.")
    finish = toolbox.named("finish")[0]
    assert f"Not looked at: {path}: It is no text." in finish["summary"] + finish["evidence"]


async def test_a_scope_is_not_left(model):
    toolbox = Toolbox({"a.py": OLD, "pkg/b.py": OLD, "other/c.py": OLD})
    await run(model, GOAL, toolbox, scope=["a.py", "pkg"])
    assert toolbox.files == {"a.py": NEW, "pkg/b.py": NEW, "other/c.py": OLD}


WIDE = 'x = f("aaaaaaaaaa", "bbbbbbbbbb")\n'
NARROW = 'x = f(\n    "aaaaaaaaaa", "bbbbbbbbbb"\n)\n'
SETTINGS = [
    ({"pyproject.toml": "[tool.ruff]\nline-length = 32\n"}, NARROW),
    ({"pyproject.toml": "[tool.black]\nline-length = 32\n"}, NARROW),
    ({"ruff.toml": '[format]\nquote-style = "single"\n'}, WIDE.replace('"', "'")),
    ({"ruff.toml": 'line-length = "x; rm"\n[format]\nquote-style = 7\n'}, WIDE),
    ({"pyproject.toml": "not toml ["}, WIDE),
]


@pytest.mark.parametrize(("settings", "expected"), SETTINGS)
async def test_a_projects_own_style_is_followed_where_it_is_valid(model, settings, expected):
    toolbox = Toolbox({"a.py": "x = f('aaaaaaaaaa', \"bbbbbbbbbb\")\n", **settings})
    await run(model, "Format all files", toolbox)
    assert toolbox.files["a.py"] == expected


@pytest.mark.parametrize(
    ("requires", "expected"), [(">=3.8", "Optional[int]"), (">=3.10,<4", "int | None")]
)
async def test_the_oldest_python_that_a_project_supports_bounds_the_syntax(
    model, requires, expected
):
    source = "from typing import Optional\nx: Optional[int] = 1\n"
    project = f'[project]\nrequires-python = "{requires}"\n'
    toolbox = Toolbox({"a.py": source, "pyproject.toml": project})
    await run(model, "Modernise", toolbox)
    assert expected in toolbox.files["a.py"]


TASK = {"id": "T1", "title": "Lint a.py", "instructions": "Lint.", "paths": ["a.py"]}


async def test_a_conflict_is_resolved_on_the_heads_side_and_fixed_anew(model):
    def conflict_once(toolbox):
        if len(toolbox.named("submit")) > 1:
            return {"status": "landed"}
        toolbox.files["a.py"] = (
            "<<<<<<< head\nimport sys\nimport json\n||||||| base\nimport sys\nimport os\n"
            "=======\nimport os\n>>>>>>> yours\nprint(json, 'theirs')\n"
        )
        return {"status": "conflict", "paths": ["a.py"]}

    toolbox = Toolbox({"a.py": "import sys\nimport os\nprint(os)\n"}, conflict_once)
    name, _ = await converse(model, "worker", {"task": TASK}, toolbox)
    assert name == "submit"
    assert toolbox.files["a.py"] == "import json\n\nprint(json, 'theirs')\n"


def ever(status):
    return lambda toolbox: {"status": status, "paths": ["a.py"], "reasons": ["No."]}


POEM = {**TASK, "title": "Write a poem", "instructions": ""}
ENDS = [
    ({"a.py": CLEAN}, {}, TASK, "give_up", "already clean"),
    ({"a.py": BROKEN}, {}, TASK, "give_up", "a.py:1 is no valid Python"),
    ({}, {}, TASK, "give_up", "There is no file a.py"),
    (
        {"a.py": OLD},
        {},
        {**TASK, "title": "Write a poem", "instructions": ""},
        "give_up",
        "No rule",
    ),
    ({"a.py": OLD}, {"refuse": frozenset({"edit_file"})}, TASK, "give_up", "refused"),
    ({"a.py": OLD}, {"refuse": frozenset({"submit"})}, TASK, "give_up", "submission was"),
    ({"a.py": OLD}, {"on_submit": ever("not_yet")}, TASK, "give_up", "landed nothing"),
    ({"a.py": OLD}, {"on_submit": ever("conflict")}, TASK, "give_up", "landed nothing"),
    ({"a.py": OLD, "b.py": BROKEN}, {}, {**TASK, "paths": ["a.py", "b.py"]}, "submit", "b.py:1"),
]


@pytest.mark.parametrize(("files", "box", "task", "name", "words"), ENDS)
async def test_a_worker_always_ends_and_says_why(model, files, box, task, name, words):
    toolbox = Toolbox(dict(files), **box)
    ended, arguments = await converse(model, "worker", {"task": task}, toolbox)
    assert ended == name
    assert re.search(words, str(arguments))


VERDICTS = [
    ({"a.py": OLD}, [], {}, "continue", "can still be fixed"),
    ({"a.py": OLD}, [], {"tasks": [{"id": n, "paths": ["a.py"]} for n in "12"]}, "done", "left as"),
    (
        {"a.py": BROKEN},
        [],
        {"changed_paths": ["a.py"], "tasks": [{"id": "T7", "paths": ["a.py"]}]},
        "retry",
        "T7",
    ),
    ({"a.py": BROKEN}, [], {"changed_paths": ["a.py"]}, "give_up", "don't parse"),
    ({"a.py": BROKEN}, [], {}, "done", "rules"),
    ({"a.py": CLEAN}, [{"command": "x", "exit_status": 1}], {}, "done", "fail: x"),
    (
        {"a.py": CLEAN},
        [{"command": "x", "exit_status": 1, "new_failure": True}],
        {},
        "give_up",
        "fails now: x",
    ),
    ({}, [], {"changed_paths": ["gone.py"]}, "done", "0 files"),
    (
        {"a.py": CLEAN},
        [{"command": "x", "exit_status": 0}, {"command": "y", "left_out": "not there"}],
        {},
        "done",
        "All 1 checks pass",
    ),
]


@pytest.mark.parametrize(("files", "checks", "brief", "decision", "words"), VERDICTS)
async def test_a_verdict_follows_from_what_the_head_holds(
    model, files, checks, brief, decision, words
):
    toolbox = Toolbox(dict(files), checks=checks)
    _, verdict = await converse(model, "judge", {"goal": "Lint", **brief}, toolbox)
    assert verdict["decision"] == decision
    assert words in str(verdict)


async def test_findings_are_capped_and_the_rest_is_counted(model):
    toolbox = Toolbox(
        {"a.py": "try:\n    pass\nexcept:\n    pass\n" * 60 + "print(nowhere)\n" * 60}
    )
    _, verdict = await converse(model, "judge", {"goal": "Lint"}, toolbox)
    findings = toolbox.named("report_finding")
    assert len(findings) == 100
    assert [f["code"] for f in findings[:60]] == ["F821"] * 60  # the gravest first
    assert "20 more findings" in verdict["reason"]


@pytest.mark.parametrize("refused", ["verdict", "run_checks", "report_finding", "list_files"])
async def test_a_judge_ends_whatever_is_refused(model, refused):
    toolbox = Toolbox({"a.py": "l = 1\n"}, refuse=frozenset({refused}))
    if refused == "verdict":
        with pytest.raises(AssertionError, match="no end after 6"):
            await converse(model, "judge", {"goal": "Lint"}, toolbox, most_turns=6)
        assert toolbox.named("verdict")[-1]["decision"] == "give_up"
        assert len(toolbox.named("report_finding")) == 1
    else:
        name, _ = await converse(model, "judge", {"goal": "Lint"}, toolbox)
        assert name == "verdict"


async def test_without_tools_it_says_what_it_is(model):
    reply = await model.complete(ModelRequest([{"role": "user", "content": "Hello"}]))
    assert (reply.tool_calls, reply.finish_reason) == ((), "stop")
    assert "planner, worker or judge" in reply.text


async def test_cancelling_leaves_no_process_behind(model):
    work = asyncio.create_task(
        converse(model, "planner", {"goal": GOAL}, Toolbox({f"{n}.py": OLD for n in range(30)}))
    )
    await asyncio.sleep(0.05)  # anywhere in the work: each place must be clean
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work


async def test_a_list_that_is_cut_is_taken_in_parts(model):
    names = ["a", "ab", "abc", "ab1", "_x", "A", "z-9", "é", *(f"test_{n}" for n in range(12))]
    files = {f"pkg/{name}.py": OLD for name in names} | {"pkg/b.pyi": OLD}
    same = {f"p{number}/__init__.py": OLD for number in range(6)}
    toolbox = Toolbox(files | same | {f"z{number}.txt": "" for number in range(9)}, list_cap=4)
    await converse(model, "planner", {"goal": "Modernise"}, toolbox)
    planned = {path for task in toolbox.named("add_task") for path in task["paths"]}
    assert files.keys() <= planned
    assert len(planned & same.keys()) == 4  # no beginning tells them apart, and it is said
    assert toolbox.turns < 40


async def test_a_line_that_was_cut_is_never_taken_for_the_file(model):
    toolbox = Toolbox({"a.py": OLD})
    read = toolbox._read_file
    toolbox._read_file = lambda **given: {
        **read(**given),
        "end_line": 1,
        "text": "import sys [cut]",
    }
    name, arguments = await converse(model, "worker", {"task": TASK}, toolbox)
    assert (name, toolbox.files["a.py"]) == ("give_up", OLD)
    assert "a line was cut" in arguments["reason"]


PARTS = (
    "import sys\nfrom typing import List\n\n\ndef f(x: List[int]): ...\ndef g(x: List[int]): ...\n"
)
SELECTIONS = [
    ((5, 5), "Modernise", PARTS.replace("f(x: List", "f(x: list"), "done"),
    ((6, 99), "Modernise", PARTS.replace("g(x: List", "g(x: list"), "done"),
    ((1, 1), "Lint", PARTS.removeprefix("import sys\n"), "done"),
    ((3, 4), "Modernise and lint", PARTS, "done"),
    ((1, 6), "Write a poem", PARTS, "give_up"),
]


@pytest.mark.parametrize(("lines", "goal", "expected", "decision"), SELECTIONS)
async def test_nothing_changes_outside_a_selection(model, lines, goal, expected, decision):
    toolbox = Toolbox({"a.py": PARTS, "b.py": OLD})
    selection = {"path": "a.py", "start_line": lines[0], "end_line": lines[1]}
    verdict, cycle = await run(model, goal, toolbox, selection=selection, scope=["b.py"])
    assert toolbox.files == {"a.py": expected, "b.py": OLD}
    assert (verdict["decision"], cycle) == (decision, 1)


async def test_a_diagnostic_of_a_linter_is_fixed_by_its_code(model):
    toolbox = Toolbox({"a.py": PARTS})
    diagnostic = {"path": "a.py", "line": 1, "message": "", "code": "F401", "source": "Ruff"}
    goal = "Mend the cause of a diagnostic and write no suppression."
    verdict, _ = await run(model, goal, toolbox, diagnostics=[diagnostic], scope=["a.py"])
    assert toolbox.files["a.py"] == PARTS.removeprefix("import sys\n")
    assert verdict["decision"] == "done"


async def test_part_of_a_fix_that_needs_the_rest_is_not_made(model):
    source = "from typing import List, Set\nx: List = [1]\ny: Set = {1}\n"
    toolbox = Toolbox({"a.py": source})
    selection = {"path": "a.py", "start_line": 1, "end_line": 1}
    await run(model, "Modernise and lint", toolbox, selection=selection)
    assert toolbox.files["a.py"] == source  # the import goes only where its uses go
