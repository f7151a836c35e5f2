"""The worker's tools, the gate on submit, conflicts."""

from dataclasses import replace

import pytest

from longshift.crew.briefs import (
    CallLimits,
    WorkerBrief,
    WorkGivenUp,
    WorkLanded,
    WorkUnfinished,
)
from longshift.crew.desk import CommandOutcome
from longshift.crew.tools.handing_in import CONFLICTS
from longshift.crew.worker import work
from longshift.domain.model import Handoff
from tests.support.crew_desk import Reply, call

EDIT = call("edit_file", path="app/main.py", old_text="return 1", new_text="return 2")
SUBMIT = call("submit", summary="main returns 2")
DONE = CommandOutcome(0, "ok")


@pytest.fixture
def brief(goal, make_task):
    return WorkerBrief(goal=goal, task=make_task(paths=("app/",)))


async def test_an_edit_lands(make_desk, brief):
    desk = make_desk(
        [EDIT, call("submit", summary="s", concerns="c", deviations="d", findings=["f"])]
    )
    handoff = Handoff(summary="s", concerns="c", deviations="d", findings=("f",), evidence="read")
    assert await work(desk, brief) == WorkLanded(handoff, desk.head, "C1")
    assert desk.results() == [{"replacements": 1}]
    assert b"return 2" in desk.store.read_file(desk.head, "app/main.py").data


async def test_nothing_changed_lands_as_no_change(make_desk, brief):
    desk = make_desk([SUBMIT])
    ended = await work(desk, brief)
    assert isinstance(ended, WorkLanded)
    assert ended.change is None


async def test_giving_up_is_an_end(make_desk, brief):
    desk = make_desk([EDIT, call("give_up", reason="a wall")])
    assert await work(desk, brief) == WorkGivenUp("a wall")
    assert desk.handoffs == []


async def test_every_editing_tool_edits(make_desk, brief):
    desk = make_desk(
        [
            [
                call("write_file", path="app/new.py", content="x = 1\n"),
                call("move_file", path="app/util.py", new_path="app/tools.py"),
                call("delete_file", path="README.md"),
            ],
            call("submit", summary="s", deviations="README is stale"),
        ]
    )
    await work(desk, brief)
    assert desk.results() == [{"written": True}, {"moved": True}, {"deleted": True}]
    assert sorted(desk.store.list_files(desk.head)) == ["app/main.py", "app/new.py", "app/tools.py"]


async def test_a_command_runs_and_tells_what_it_changed(make_desk, brief):
    outcome = CommandOutcome(1, "x" * 20_000, truncated=True, changed_paths=("app/main.py",))
    desk = make_desk(
        [call("run_command", command="ruff format"), SUBMIT],
        can_run_commands=True,
        commands={"ruff format": outcome},
    )
    await work(desk, brief)
    [result] = desk.results()
    assert list(result) == ["exit_status", "output", "timed_out", "changed_paths"]
    assert result["changed_paths"] == ["app/main.py"]
    assert 10_000 < len(result["output"]) < 10_300
    assert "10000 characters are left out" in result["output"]


async def test_without_a_sandbox_the_refusal_is_told(make_desk, brief):
    desk = make_desk([call("run_command", command="ls"), SUBMIT])
    await work(desk, brief)
    ((told,),) = (one.values() for one in desk.results())
    assert "Commands can't be run here" in str(told)


OUTSIDE = call("write_file", path="README.md", content="# Better\n")


@pytest.mark.parametrize("gates", ["enforce", "advise"])
async def test_edits_outside_the_paths_are_held_back_once(make_desk, brief, gates):
    desk = make_desk([OUTSIDE, SUBMIT, SUBMIT])
    assert isinstance(await work(desk, replace(brief, gates=gates)), WorkLanded)
    not_yet = desk.results()[1]
    assert not_yet["status"] == "not_yet"
    assert '["README.md"]' in not_yet["reasons"][0]
    assert len(desk.handoffs) == 1


@pytest.mark.parametrize(
    ("acceptance", "ran", "named"),
    [
        (["`pytest -q tests`"], [], ["pytest -q tests"]),
        (["ruff check app"], [], ["ruff check app"]),
        (["`pytest  -q`"], ["cd app && pytest -q"], []),
        (["`pytest -q`", "`ruff check`"], ["pytest -q"], ["ruff check"]),
        (["main returns 2", "F401 is gone", "make it fast"], [], []),
    ],
)
async def test_acceptance_that_was_not_run_is_held_back_once(
    make_desk, brief, make_task, acceptance, ran, named
):
    runs = [call("run_command", command=command) for command in ran]
    submits = [SUBMIT, SUBMIT] if named else [SUBMIT]
    desk = make_desk([*runs, *submits], can_run_commands=True, commands=dict.fromkeys(ran, DONE))
    task = make_task(acceptance=acceptance)
    assert isinstance(await work(desk, replace(brief, task=task)), WorkLanded)
    reasons = [reason for r in desk.results() for reason in r.get("reasons", ())]
    assert [command for command in named if command not in str(reasons)] == []
    assert bool(reasons) is bool(named)


@pytest.mark.parametrize(
    ("script", "gates", "can_run", "limit"),
    [
        ([OUTSIDE, SUBMIT], "off", True, 80),
        ([OUTSIDE, call("submit", summary="s", deviations="asked for")], "enforce", False, 80),
        ([EDIT, SUBMIT], "enforce", False, 80),
        ([OUTSIDE, SUBMIT], "enforce", True, 1),
    ],
    ids=["gates off", "deviations named", "no sandbox", "grace call"],
)
async def test_the_gate_lets_through(make_desk, brief, make_task, script, gates, can_run, limit):
    task = make_task(paths=("app",), acceptance=["`pytest -q`"])
    limits = CallLimits(worker=limit)
    desk = make_desk(script, can_run_commands=can_run)
    ended = await work(desk, replace(brief, task=task, gates=gates, limits=limits))
    assert isinstance(ended, WorkLanded)


def writes(*lines, path="app/main.py"):
    return call("write_file", path=path, content="".join(f"{line}\n" for line in lines))


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (writes("def main():", "    pass"), "look like a stub"),
        (writes("import os  # noqa"), "silence a diagnostic"),
        (writes("@pytest.mark.skip", "def test(): x()", path="app/test_main.py"), "skip a test"),
    ],
)
@pytest.mark.parametrize("gates", ["enforce", "advise", "off"])
async def test_what_evades_the_work_is_held_back_once(make_desk, brief, edit, said, gates):
    held = gates != "off"
    desk = make_desk([edit, *[SUBMIT] * (1 + held)])
    assert isinstance(await work(desk, replace(brief, gates=gates)), WorkLanded)
    answers = desk.results()[1:]
    assert [said in str(answer["reasons"]) for answer in answers] == [True] * held
    assert len(desk.handoffs) == 1


async def test_what_evades_and_is_explained_is_taken(make_desk, brief):
    why = "app/main.py: the linter does not know os.EX_OK"
    desk = make_desk([writes("import os  # noqa"), call("submit", summary="s", deviations=why)])
    assert isinstance(await work(desk, brief), WorkLanded)


async def test_all_reasons_come_at_once_with_the_difference(make_desk, brief, make_task):
    task = make_task(paths=("app/util.py",), acceptance=["`pytest -q`"])
    edit = writes("def main():", "    pass")
    desk = make_desk([edit, SUBMIT, SUBMIT], can_run_commands=True)
    assert isinstance(await work(desk, replace(brief, task=task)), WorkLanded)
    not_yet = desk.results()[1]
    assert [
        any(word in reason for reason in not_yet["reasons"])
        for word in ("the task names", "look like a stub", "were not run")
    ] == [True] * 3
    assert "+    pass" in not_yet["diff"]


async def test_in_the_last_reply_of_a_circle_the_gate_is_silent(make_desk, brief):
    look = call("list_files")
    desk = make_desk([OUTSIDE, *[look] * 5, SUBMIT])
    assert isinstance(await work(desk, brief), WorkLanded)
    assert "only one of" in desk.told()[-1]


RUN = call("run_command", command="pytest -q")


@pytest.mark.parametrize(
    ("script", "status", "evidence"),
    [
        ([EDIT, RUN, SUBMIT], 0, "tested"),
        ([EDIT, RUN, SUBMIT], 1, "read"),
        ([RUN, EDIT, SUBMIT], 0, "read"),
        ([EDIT, SUBMIT], 0, "read"),
    ],
    ids=["passed", "failed", "before the last edit", "nothing run"],
)
async def test_a_handoff_says_what_was_measured(make_desk, brief, script, status, evidence):
    desk = make_desk(script, commands={"pytest -q": CommandOutcome(status, "")})
    ended = await work(desk, brief)
    ran = [(one.command, one.exit_status) for one in ended.handoff.commands]
    assert ran == ([("pytest -q", status)] if RUN in script else [])
    assert ended.handoff.evidence == evidence
    assert desk.handoffs == [ended.handoff]


# Conflicts.

THEIRS = "import os\n\n\ndef main() -> int:\n    return 3\n"
BOTH = call("write_file", path="app/main.py", content=THEIRS.replace("return 3", "return 2 + 3"))


async def test_the_same_worker_resolves_a_conflict(make_desk, brief):
    desk = make_desk([EDIT, SUBMIT, call("read_file", path="app/main.py"), SUBMIT, BOTH, SUBMIT])
    desk.land_meanwhile("app/main.py", THEIRS)
    theirs = desk.head
    ended = await work(desk, brief)
    assert isinstance(ended, WorkLanded)
    _, conflict, marked, left, _ = desk.results()
    assert conflict["status"] == "conflict"
    assert conflict["paths"] == ["app/main.py"]
    assert '["app/main.py"]' in conflict["next"]
    assert "return 2" in marked["text"]
    assert "return 3" in marked["text"]
    assert "conflict markers still stand" in left["error"]
    assert len(desk.handoffs) == 2
    assert desk.workspace.commit == theirs
    assert b"return 2 + 3" in desk.store.read_file(desk.head, "app/main.py").data


async def test_a_file_that_may_hold_markers_is_no_conflict(make_desk, brief):
    text = "<<<<<<< head\nan example\n>>>>>>> yours\n"
    desk = make_desk([call("write_file", path="app/example.md", content=text), SUBMIT])
    assert isinstance(await work(desk, brief), WorkLanded)


async def test_a_conflict_leaves_calls_to_resolve_it(make_desk, brief):
    desk = make_desk(
        [EDIT, SUBMIT, *[call("search", pattern=f"x{n}") for n in range(3)], BOTH, SUBMIT]
    )
    desk.land_meanwhile("app/main.py", THEIRS)
    limits = CallLimits(worker=2, after_conflict=5)
    assert isinstance(await work(desk, replace(brief, limits=limits)), WorkLanded)
    assert not any("used up" in told for told in desk.told())


async def test_too_many_conflicts_want_a_fresh_context(make_desk, brief):
    desk = make_desk()

    def round_(number):
        def land():
            desk.land_meanwhile("app/main.py", THEIRS.replace("3", str(number + 10)))

        mine = call("write_file", path="app/main.py", content=THEIRS.replace("3", str(number)))
        return Reply(calls=[mine, SUBMIT], before=land)

    desk.script = [round_(number) for number in range(CONFLICTS + 1)]
    ended = await work(desk, brief)
    assert ended == WorkUnfinished(
        "conflict", f"Its submission conflicted {CONFLICTS + 1} times with what others landed."
    )


@pytest.mark.parametrize(
    ("script", "failure"),
    [
        ([call("search", pattern="a"), call("search", pattern="b")], "turn_limit"),
        (["", "", ""], "model"),
    ],
)
async def test_an_attempt_that_comes_to_no_end(make_desk, brief, script, failure):
    limits = CallLimits(worker=1 if failure == "turn_limit" else 80)
    ended = await work(make_desk(script), replace(brief, limits=limits))
    assert isinstance(ended, WorkUnfinished)
    assert ended.failure == failure
