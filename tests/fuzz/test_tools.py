"""What a model may write as a tool's arguments: a result, always, and nothing on the disk.

The property: whatever raw text comes as arguments, each tool answers with one JSON object that
can go on the wire and is of bounded size; none fails by a defect of ours, no edit lies outside of
the workspace, and neither the repository nor its working tree changes. It matters because the
arguments are written by a model that has read a stranger's code, and one tool's failure or
endless search would stop every run of the process.
"""

import asyncio
import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longshift.crew.briefs import AgentBrief, JudgeBrief, PlannerBrief, WorkerBrief
from longshift.crew.commands_run import CommandsRun
from longshift.crew.conversation import CallAllowance
from longshift.crew.desk import CommandOutcome
from longshift.crew.prompt_files import ToolHead
from longshift.crew.prompts import library, words_of
from longshift.crew.toolbox import RESULT_CHARACTERS, End, Toolbox, as_text, error
from longshift.crew.tools.asking import asking_tool
from longshift.crew.tools.choosing import choosing_tools
from longshift.crew.tools.commands import command_tool
from longshift.crew.tools.editing import editing_tools
from longshift.crew.tools.handing_in import handing_in_tools, submit_tool
from longshift.crew.tools.integrating import sending_back_tool
from longshift.crew.tools.judging import judging_tools
from longshift.crew.tools.planning import planning_tools
from longshift.crew.tools.reading import reading_tools
from longshift.domain.model import Goal, Task, TaskPlan
from longshift.errors import OutOfBounds
from longshift.models.port import ToolCall
from longshift.repository import search
from longshift.repository.paths import names_git
from longshift.repository.store import ObjectStore
from longshift.repository.workspace import Workspace
from longshift.repository.worktree import Worktree
from tests.fuzz.replay import ODD_TEXTS, TREES, damaged, replayed, tries
from tests.support.crew_desk import ScriptedDesk, ScriptedLock
from tests.support.repository_git import GitRepository

MOST_CHARACTERS = 2 * RESULT_CHARACTERS
"""Of one result: its text, and what stands around it."""

FILES: dict[str, bytes | None] = {
    "app/main.py": b"import os\n\n\ndef main() -> int:\n    return 1\n",
    "app/crlf.txt": b"one\r\ntwo\r\nthree",
    "latin.txt": b"caf\xe9\nna\xefve\n",
    "binary": b"\0\1\2",
    "empty": b"",
    "a" * 250: b"a name of one letter\n",
    "a/" * 100 + "a": b"a path of one letter\n",
    "long line": b"a" * 30_000 + b"\n",
    "controls": bytes(range(1, 32)) * 900,
    "many lines": b"x = 1\n" * 9000,
    "ab": (b"ab" * 990 + b"\n") * 30,
    'odd \x01"\\\x7fname': b"odd\n",
    b"caf\xe9".decode("utf-8", "surrogateescape"): b"a name that is no UTF-8\n",
}


@pytest.fixture(scope="module")
def person(tmp_path_factory: pytest.TempPathFactory) -> GitRepository:
    repository = GitRepository.create(tmp_path_factory.mktemp("repository"))
    repository.write(FILES)
    (repository.root / "link").symlink_to("/etc/passwd")
    (repository.root / "folder link").symlink_to("..")
    repository.commit({f"many/{n:04}.txt": b"m\n" for n in range(1200)})
    return repository


@pytest.fixture(scope="module")
def store(person: GitRepository) -> Iterator[ObjectStore]:
    opened = ObjectStore.open(Worktree.discover(person.root))
    yield opened
    opened.close()


class Defects(logging.Handler):
    """Fails on what a toolbox logs: it logs only what is a defect of ours."""

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        raise AssertionError(f"{record.getMessage()}: {error!r}") from error


@pytest.fixture(scope="module", autouse=True)
def _short_searches() -> Iterator[None]:
    """A search that would take for ever is stopped as in the product, but sooner."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(search, "_TIME_LIMIT_S", 0.2)
        yield


@pytest.fixture(scope="module", autouse=True)
def _no_defects() -> Iterator[None]:
    logger = logging.getLogger("longshift.crew.toolbox")
    handler = Defects()
    logger.addHandler(handler)
    yield
    logger.removeHandler(handler)


class Bench:
    """One desk and the toolboxes of all roles over it."""

    def __init__(self, store: ObjectStore, commit: str) -> None:
        self.workspace = Workspace(store, commit)
        outcome = CommandOutcome(1, "o" * 50_000, changed_paths=tuple(f"p{n}" for n in range(5000)))
        desk = ScriptedDesk(store, self.workspace, (), commands={"make": outcome})
        locking = replace(desk, lock=ScriptedLock())
        goal, allowance = Goal(text="g"), CallAllowance(5)
        plan = TaskPlan(title="t", instructions="i", paths=("app",), acceptance=("`make`",))
        task = Task(id="T1", cycle=1, planner="P1", plan=plan)
        self.toolboxes: dict[str, Toolbox[Any]] = {
            "planner": Toolbox("planner", [
                *reading_tools(desk), *planning_tools(desk, PlannerBrief(goal, "P1", 1), allowance),
                asking_tool(desk.ask_person)]),
            "worker": Toolbox("worker", [
                *reading_tools(desk), *editing_tools(desk), command_tool(desk.run_command),
                *handing_in_tools(desk, WorkerBrief(goal, task), allowance, CommandsRun())]),
            "integrator": Toolbox("integrator", [
                *reading_tools(desk), *editing_tools(desk), command_tool(desk.run_command),
                submit_tool(desk, WorkerBrief(goal, task, gates="off"), allowance, CommandsRun()),
                sending_back_tool()]),
            "agent": Toolbox("agent", [
                *reading_tools(desk), *choosing_tools(desk, AgentBrief(goal, "A1", 1))]),
            "locking_agent": Toolbox("locking_agent", [
                *reading_tools(locking), *choosing_tools(locking, AgentBrief(goal, "A1", 1))]),
            "judge": Toolbox("judge", [
                *reading_tools(desk), *judging_tools(desk, JudgeBrief(goal, 1, [task])),
                command_tool(desk.run_command), asking_tool(desk.ask_person)]),
        }  # fmt: skip

    def call(self, role: str, name: str, arguments: str) -> dict[str, Any]:
        try:
            answer = asyncio.run(self.toolboxes[role].call(ToolCall("c", name, arguments)))
        except OutOfBounds as refused:  # as a conversation answers it, and puts it on record
            answer = error(words_of(refused))
        result = answer.result if isinstance(answer, End) else answer
        text = as_text(result)
        read = json.loads(text)
        assert isinstance(read, dict)
        text.encode("utf-8")
        assert sum(map(len, texts_of(read))) <= MOST_CHARACTERS
        for path in self.workspace.edits:
            assert not any(names_git(part) or part in ("", ".", "..") for part in path.split("/"))
        return read


def texts_of(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case list():
            for item in value:
                yield from texts_of(item)
        case dict():
            for name, item in value.items():
                yield name
                yield from texts_of(item)


@pytest.fixture(scope="module")
def bench(store: ObjectStore, person: GitRepository) -> Iterator[Bench]:
    commit = person.git("rev-parse", "HEAD").strip()
    refs = person.git("for-each-ref")
    yield Bench(store, commit)
    assert person.git("status", "--porcelain") == ""
    assert person.git("rev-parse", "HEAD").strip() == commit
    assert person.git("for-each-ref") == refs


TOOLS = {name: library().head(f"tools/{name}", ToolHead) for name in library().names("tools")}
CALLS = st.sampled_from([
    (role, name) for name, head in TOOLS.items() for role in head.roles if role != "sub_planner"
])  # fmt: skip

PATHS = st.sampled_from([
    *FILES, ".", "", "/", "/etc/passwd", "..", "../x", "app/../../x", "a/./b", "app//main.py",
    "app/", "app/main.py/x", ".git", ".git/config", "app/.GIT/hooks/post-commit", ".git.", ".git ",
    "git~1/config", ".git::$INDEX_ALLOCATION/config", ".g\u200cit/config", "C:\\x", "C:x",
    "a\\..\\b", "link", "link/x", "folder link/x", "\0", "a\0b", "\ud800", "\udce9", "caf\udce9",
    "\x1b[2J",
    "x" * 256, "x/" * 3000 + "y", "x" * 100_000, "~/.ssh/id_rsa", "$HOME", "file:///etc/passwd",
    "%2e%2e/x", "\u202egnp.exe", "nul", "many",
]) | st.text(max_size=8)  # fmt: skip
PATTERNS = st.sampled_from([
    "(a+)+$", "(a|b|ab)*[cd]", "(a{0,20}){0,20}[cd]", "a*a*[cd]", ".*(x|.*)[cd]", "(?:a?){30}[cd]",
    ".*a.*a.*a.*[cd]", "(ab|a|b)+(ab|a|b)+[cd]", "(?=(a+))(?:\\1)+[cd]", "(?<=a)b*b*[cd]",
    "a{9999999}", "(((((a*)*)*)*)*)*[cd]", "(" * 3000, "(" * 480 + ")" * 480, "[" * 300,
    "(?P<n>a)(?P=n)*", "(?i)" * 2, "\\", "*", "a**", "(?i)[\0-\U0010ffff]*",
    "(?(1)a|b)", "(?:" * 400 + ")" * 400, "\\N{BULLET}", "[\\ud800]", "\ud800", ".", "", "x" * 5000,
    "(?a)(?u)x", "[a-z]{1,2000}[cd]", "^(([a-z])+.)+[A-Z]([a-z])+$", "\\b(\\w+\\s?)+[;]",
]) | st.text(max_size=8) | st.text("ab.()|*+?{}\\09[]^$-", max_size=12)  # fmt: skip
GLOBS = st.none() | st.sampled_from(
    ["*", "**", "**/*.py", "!*", "[", "[!", "\\", "/", "**/" * 200, "*a" * 9 + "b",
     "**/a/" * 9 + "b", "*" * 2000 + "x", "\0",
     "\ud800", "[" + "a-" * 300, "?" * 500, "{a,b}", " ", "#x", "[z-a]", "***/***"]
) | st.text(max_size=6)  # fmt: skip
TEXTS = st.text(max_size=20) | ODD_TEXTS | st.sampled_from(
    ["import os\n", "x = 1\n", "a", "\r\n", "caf\xe9", "make", "`make`", "x" * 200_000, "T1"]
)  # fmt: skip


def value_for(name: str) -> st.SearchStrategy[Any]:
    match name:
        case "path" | "new_path":
            return PATHS
        case "pattern":
            return PATTERNS
        case "glob":
            return GLOBS
        case "paths":
            return st.lists(PATHS, max_size=3)
        case "acceptance" | "depends_on" | "options" | "findings" | "tasks":
            return st.lists(TEXTS, max_size=3)
        case "line" | "start_line" | "end_line" | "timeout_s":
            return st.integers(1, 5) | TREES
        case "severity":
            return st.sampled_from(["error", "hint", "fatal"])
        case "decision":
            return st.sampled_from(["done", "retry", "replan", "continue", "give_up", "x"])
        case "replace_all":
            return st.booleans()
        case _:
            return TEXTS


def arguments_of(name: str) -> st.SearchStrategy[str]:
    """Mostly arguments of the right shape, so that the tool itself is reached."""
    fields = {field: value_for(field) for field in TOOLS[name].parameters}
    whole = st.fixed_dictionaries({}, optional=fields) | st.fixed_dictionaries(fields)
    written = whole.map(json.dumps) | whole.map(
        lambda given_: json.dumps(given_, ensure_ascii=False)
    )
    noise = (
        st.text(max_size=30)
        | TREES.map(json.dumps)
        | whole.map(lambda given_: json.dumps({**given_, "x" * 9000: 1}))
        | whole.map(json.dumps).flatmap(
            lambda text: damaged(text.encode()).map(lambda data: data.decode("utf-8", "replace"))
        )
    )
    return written | written | written | noise


@tries(200)
@given(called=CALLS.flatmap(lambda call: st.tuples(st.just(call), arguments_of(call[1]))))
def test_every_call_is_answered(bench: Bench, called: tuple[tuple[str, str], str]) -> None:
    (role, name), arguments = called
    bench.call(role, name, arguments)


@tries(60)
@given(
    st.lists(
        st.sampled_from(["write_file", "edit_file", "delete_file", "move_file", "submit"]).flatmap(
            lambda name: st.tuples(st.just(name), arguments_of(name))
        ),
        max_size=6,
    )
)
def test_whatever_was_edited_can_be_shown_and_landed(
    bench: Bench, calls: list[tuple[str, str]]
) -> None:
    bench.workspace.rebase_onto(bench.workspace.commit, {})
    for name, arguments in calls:
        bench.call("worker", name, arguments)
    bench.workspace.diff().encode("utf-8", "surrogateescape")
    bench.call("worker", "submit", json.dumps({"summary": "s", "deviations": "d"}))


@tries(100)
@given(pattern=PATTERNS, path=st.sampled_from([".", "ab", "long line"]))
def test_every_search_ends(bench: Bench, pattern: str, path: str) -> None:
    bench.call("planner", "search", json.dumps({"pattern": pattern, "path": path}))


@replayed("tools")
def test_the_corpus_is_answered(bench: Bench, data: bytes) -> None:
    """Each file is a tool's name on the first line, and behind it the raw arguments.

    Called by one of those who have it: a search would run into its limit for each.
    """
    name, _, raw = data.partition(b"\n")
    arguments = raw.decode("utf-8", "surrogatepass")
    role = TOOLS[name.decode()].roles[0] if name.decode() in TOOLS else "worker"
    bench.call(role, name.decode(), arguments)


LARGE = {
    "a name of a megabyte": ("x" * 1_000_000, "{}"),
    "an unknown field of a megabyte": ("read_file", json.dumps({"x" * 1_000_000: 1})),
    "a path of a megabyte": ("read_file", json.dumps({"path": "x" * 1_000_000})),
    "a path of a megabyte with a NUL": ("read_file", json.dumps({"path": "\0" * 1_000_000})),
    "a glob of 100,000 characters": ("list_files", json.dumps({"glob": "[" * 100_000})),
    "many dependencies": ("add_task", json.dumps(
        {"title": "t", "instructions": "i", "depends_on": [f"T{n}" for n in range(50_000)]})),
    "nested arguments": ("submit", '{"findings":' + "[" * 100_000),
    "many tasks again": ("verdict", json.dumps(
        {"reason": "r", "decision": "retry", "tasks": [f"T{n}" for n in range(50_000)]})),
    "many changed paths": ("run_command", json.dumps({"command": "make"})),
    "a number without end": ("read_file", '{"path": "ab", "start_line": ' + "9" * 100_000 + "}"),
}  # fmt: skip


@pytest.mark.parametrize(("name", "arguments"), LARGE.values(), ids=LARGE.keys())
def test_what_is_too_much_is_answered_in_bounds(bench: Bench, name: str, arguments: str) -> None:
    for role in TOOLS[name].roles if name in TOOLS else ["worker"]:
        if role != "sub_planner":
            bench.call(role, name, arguments)
