"""Checks on real heads, in the cage: what is new is blamed, what stood or only flickers is not."""

import asyncio
from pathlib import Path

import pytest

from longshift.domain.state import Run
from longshift.sandbox.cage import open_cage
from longshift.sandbox.policy import Cage, Refusal, SandboxPolicy
from tests.scripted_model import ScriptedServer, running_server
from tests.support.engine_world import (
    Script,
    World,
    call,
    edit,
    flow,
    planner,
    said_to,
    task,
    turn,
    worker,
    write,
)
from tests.support.repository_git import GitRepository

LOUD = "! grep -nH LOUD *.txt | sed 's/\\(:[0-9]*\\):.*/\\1: error: shouts [no-loud]/' | grep ."
"""A check that names each line that says LOUD, as a linter does."""


@pytest.fixture(scope="session")
def server():
    with running_server() as running:
        yield running


@pytest.fixture(scope="session")
def cage() -> Cage:
    cage = asyncio.run(open_cage(SandboxPolicy()))
    if isinstance(cage, Refusal):
        pytest.skip(cage.reason)
    return cage


def world_of(server: ScriptedServer, folder: Path, files: dict[str, str]) -> World:
    person = GitRepository.create(folder / "repository")
    person.commit({path: text.encode() for path, text in files.items()})
    return World(person, server)


def shown(run: Run) -> list[tuple[str, int, str, str, str]]:
    return [(f.path, f.line, f.code, f.severity, f.origin) for f in run.findings.values()]


async def outcome_of(world: World, edits: list[Script], **settings: object) -> Run:
    """A run of one task; its judge runs the checks and says done, or has to give up."""
    world.play(
        planner(task("it", "."), times=1),
        worker("it", turn(*edits), turn(call("submit", summary="Held back once."))),
        flow("judge", turn(call("run_checks")),
             turn(call("verdict", reason="Fine.", decision="done")),
             turn(call("verdict", reason="It can't be.", decision="give_up"))),
    )  # fmt: skip
    async with world.opened() as it:
        return await it.work(gates="enforce", **settings)


COMPARED = {
    "what stood before is not blamed, though its line moved and its file was renamed": (
        {"a.txt": "one\nLOUD\n"},
        [call("move_file", path="a.txt", new_path="z.txt"), edit("one\n", "zero\none\n", "z.txt")],
        "done",
        [("z.txt", 3, "no-loud", "error", "base")],
    ),
    "what is new beside it is": (
        {"a.txt": "one\nLOUD\n", "b.txt": "two\nthree\n"},
        [edit("three", "LOUD 3", "b.txt"), edit("one", "zero\none")],
        "gave_up",
        [("b.txt", 2, "no-loud", "error", "run"), ("a.txt", 3, "no-loud", "error", "base")],
    ),
    "a line that shouted already may be written anew": (
        {"a.txt": "one\nLOUD\n"},
        [edit("LOUD", "LOUDER")],
        "done",
        [("a.txt", 2, "no-loud", "error", "base")],
    ),
    "and one that did not may not": (
        {"a.txt": "one\nLOUD\ntwo\n"},
        [edit("two", "LOUD")],
        "gave_up",
        [("a.txt", 3, "no-loud", "error", "run"), ("a.txt", 2, "no-loud", "error", "base")],
    ),
}


@pytest.mark.parametrize("what", COMPARED)
async def test_a_check_is_held_against_the_base(
    server: ScriptedServer, tmp_path: Path, cage: Cage, what: str
) -> None:
    files, edits, outcome, findings = COMPARED[what]
    run = await outcome_of(world_of(server, tmp_path, files), edits, checks=[LOUD])
    assert run.outcome == outcome
    assert sorted(shown(run)) == sorted(findings)


COUNTED = "echo >> {tmp}/n; n=$(wc -l < {tmp}/n)"
"""Which try it is: without a cage a check can keep count of them."""
UNCAGED = {"mode": "none"}
FLAKY = {
    "it fails once at the head, and at the base too": (
        f'{COUNTED}; [ "$n" != 1 ] && [ "$n" != 5 ]',
        "done",
    ),
    "it fails once at the head, and never at the base": (f'{COUNTED}; [ "$n" != 1 ]', "gave_up"),
    "it fails each time at the head": ("! grep -q NEW a.txt", "gave_up"),
    "it fails each time at the head, and once at the base": (
        f'{COUNTED}; ! grep -q NEW a.txt && [ "$n" != 2 ]',
        "gave_up",
    ),
    "it fails each time, before and after": ("false", "done"),
    "it fails in another way than before, and nothing can be read of it": (
        "if grep -q NEW a.txt; then exit 3; fi; echo 'a.txt:1: error: old'; exit 1",
        "gave_up",
    ),
}


@pytest.mark.parametrize("what", FLAKY)
async def test_a_flaky_check_is_told_from_a_broken_one(
    server: ScriptedServer, tmp_path: Path, what: str
) -> None:
    check, outcome = FLAKY[what]
    check = check.replace("{tmp}", str(tmp_path))
    world = world_of(server, tmp_path, {"a.txt": "one\ntwo\n"})
    run = await outcome_of(world, [edit("two", "NEW")], checks=[check], sandbox=UNCAGED)
    assert run.outcome == outcome
    flickers = '\\"flaky\\"' in said_to(world, "judge") or '"flaky"' in said_to(world, "judge")
    assert flickers == ("once at the head" in what)


TEST = """import pathlib

ANSWER = "one"


def test_other():
    assert ANSWER.strip()
    assert ANSWER == ANSWER.lower()


def test_answer():
    assert pathlib.Path("a.txt").read_text() == "one\\n"
"""


RUNNER = """echo >> {tmp}/n
ended=0
if [ $(($(wc -l < {tmp}/n) % 2)) = 1 ]; then
  echo 'FAILED test_it.py::test_flickers - assert 1 == 0'; ended=1
fi
if ! grep -q one a.txt; then
  echo "FAILED test_it.py::test_answer - assert 'two' == 'one'"; ended=1
fi
exit $ended
"""
"""Prints what pytest's summary says, and takes no second to start."""


@pytest.mark.parametrize("breaks", [True, False])
async def test_of_tests_those_that_always_fail_are_blamed(
    server: ScriptedServer, tmp_path: Path, breaks: bool
) -> None:
    runner = RUNNER.replace("{tmp}", str(tmp_path))
    world = world_of(server, tmp_path, {"a.txt": "one\n", "test_it.py": TEST, "run.sh": runner})
    changed = edit("one", "two") if breaks else write("b.txt", "new\n")
    run = await outcome_of(world, [changed], checks=["sh run.sh"], sandbox=UNCAGED)
    told = [(f.code, f.message, f.origin) for f in run.findings.values()]
    if breaks:
        assert run.outcome == "gave_up"
        assert told == [("test-failed", "test_answer: assert 'two' == 'one'", "run")]
    else:
        name = "test_it.py::test_flickers"
        flickers = f"{name} failed on 2 of 3 tries at the same head."
        assert run.outcome == "done"
        assert told == [("flaky-check", flickers, "base")]


async def test_a_check_whose_program_is_missing_is_left_out(
    server: ScriptedServer, tmp_path: Path, cage: Cage
) -> None:
    makefile = "lint:\n\ttest ! -e bad\n"
    files = {"a.txt": "one\n", "tox.ini": "[flake8]\n", "Makefile": makefile}
    files |= {"pyproject.toml": "[tool.basedpyright]\n"}
    world = world_of(server, tmp_path, files)
    run = await outcome_of(world, [edit("one", "two")])
    assert run.outcome == "done"
    told = said_to(world, "judge")
    assert "left_out" in told
    assert "make lint" in told


CHEATS = {
    "the test is deleted": (
        edit(TEST[TEST.index("def test_answer") :], "", "test_it.py"),
        "gave_up",
    ),
    "the test is skipped": (
        edit("def test_answer", "@pytest.mark.skip\ndef test_answer", "test_it.py"),
        "gave_up",
    ),
    "nothing is wrong": (edit("one", "two"), "done"),
}


@pytest.mark.parametrize("what", CHEATS)
async def test_a_test_that_asks_for_less_stands_in_the_way_of_done(
    server: ScriptedServer, tmp_path: Path, what: str
) -> None:
    cheat, outcome = CHEATS[what]
    world = world_of(server, tmp_path, {"a.txt": "one\n", "test_it.py": TEST})
    run = await outcome_of(world, [cheat], checks=[])
    assert run.outcome == outcome


SHADOWED = {
    "pytest.ini": "[pytest]\naddopts = --ignore=test_it.py\n",
    "sub/ruff.toml": "lint.ignore = ['ALL']\n",
    "mypy.ini": "[mypy]\nignore_errors = True\n",
}


@pytest.mark.parametrize("path", SHADOWED)
async def test_a_new_configuration_is_held_against_the_one_that_did_not_change(
    server: ScriptedServer, tmp_path: Path, path: str
) -> None:
    project = "[tool.ruff.lint]\nignore = ['E501']\n[tool.mypy]\npretty = true\n"
    files = {"test_it.py": TEST, "sub/b.py": "x = 1\n", "pyproject.toml": project}
    run = await outcome_of(
        world_of(server, tmp_path, files), [write(path, SHADOWED[path])], checks=[]
    )
    assert run.outcome == "gave_up"
    assert [(f.code, f.path, f.severity) for f in run.findings.values()] == [
        ("check-disabled", path, "error")
    ]


async def test_a_hack_goes_when_it_is_mended_or_dismissed(
    server: ScriptedServer, tmp_path: Path
) -> None:
    world = world_of(server, tmp_path, {"a.txt": "one\n", "test_it.py": TEST, "test_b.py": TEST})
    says = [call("verdict", reason="x", decision=one) for one in ("continue", "continue", "done")]
    skip = "@pytest.mark.skip\ndef test_answer"
    world.play(
        *(planner(task(name, "."), times=1) for name in ("first", "second", "third")),
        worker("first", turn(edit("def test_answer", skip, "test_it.py"),
                             call("delete_file", path="test_b.py"))),
        worker("second", turn(edit("one", "two"))),
        worker("third", turn(edit(skip, "def test_answer", "test_it.py"))),
        *(flow("judge", turn(one), times=1) for one in says),
    )  # fmt: skip
    async with world.opened() as it:
        await it.start()
        seen = await it.until(lambda run: run.cycle == 2)
        assert [(f.code, f.path, f.line, f.state) for f in seen.findings.values()] == [
            ("tests-deleted", "test_b.py", 6, "open"),
            ("test-skipped", "test_it.py", 12, "open"),
        ]
        described = await it.call("describeRun")
        assert {one["reportedBy"] for one in described["findings"]} == {"inspection"}
        await it.call("dismissFinding", findingId="F1", reason="It was a copy.")
        run = await it.ended()
        assert run.outcome == "done"
        states = [(f.code, f.state) for f in run.findings.values()]
        assert states == [("tests-deleted", "dismissed"), ("test-skipped", "resolved")]


async def test_what_the_person_asked_for_is_a_warning(
    server: ScriptedServer, tmp_path: Path
) -> None:
    world = world_of(server, tmp_path, {"a.txt": "one\n", "test_b.py": TEST})
    world.play(
        planner(task("it", ".")),
        worker("it", turn(call("delete_file", path="test_b.py")),
               turn(call("submit", summary="Held back once."))),
        flow("judge", turn(call("verdict", reason="x", decision="done"))),
    )  # fmt: skip
    async with world.opened() as it:
        run = await it.work("Delete the tests in test_b.py", gates="enforce")
        assert run.outcome == "done"
        assert shown(run) == [("test_b.py", 6, "tests-deleted", "warning", "run")]


async def test_a_finding_in_a_file_that_is_gone_can_be_shown_and_mended(
    server: ScriptedServer, tmp_path: Path
) -> None:
    world = world_of(server, tmp_path, {"a.txt": "one\n", "test_b.py": TEST})
    says = [call("verdict", reason="x", decision=one) for one in ("give_up", "done")]
    world.play(
        planner(task("it", "."), times=1),
        worker("it", turn(call("delete_file", path="test_b.py"))),
        *(flow("judge", turn(one), times=1) for one in says),
        flow("worker", turn(write("test_b.py", TEST)), turn(call("submit", summary="Put back.")),
             match="finding F1"),
    )  # fmt: skip
    async with world.opened() as it:
        await it.work()
        [told] = (await it.call("describeRun"))["findings"]
        assert (told["path"], told["standing"], told["range"]["start"]["line"]) == (
            "test_b.py",
            True,  # the person has the file until they accept that it goes
            5,
        )
        await it.call("fixFinding", findingIds=["F1"])
        run = await it.ended()
        assert run.outcome == "done"
        assert run.findings["F1"].state == "resolved"
        assert it.file("test_b.py") == TEST.encode()
