"""The judge's tools, and the gate on its verdict."""

from dataclasses import replace

import pytest

from longshift.crew.briefs import JudgeBrief, VerdictGiven
from longshift.crew.desk import CheckOutcome, CommandOutcome, FindingReport
from longshift.crew.judge import judge
from longshift.domain.model import WITHOUT_EVIDENCE, Attempt, CommandRun, Handoff, TaskState
from tests.support.crew_desk import call


def verdict(decision, reason="seen", **more):
    return call("verdict", reason=reason, decision=decision, **more)


DONE = verdict("done")


@pytest.fixture
def brief(goal, make_task):
    return JudgeBrief(goal=goal, cycle=1, tasks=[make_task()])


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (verdict("done"), VerdictGiven("done", "seen")),
        (verdict("continue", " why "), VerdictGiven("continue", "why")),
        (verdict("replan", tasks=["T1"]), VerdictGiven("replan", "seen")),
        (verdict("give_up"), VerdictGiven("give_up", "seen")),
        (verdict("retry", tasks=["T1", "T1"]), VerdictGiven("retry", "seen", ("T1",))),
    ],
)
async def test_a_verdict_ends_it(make_desk, brief, given, expected):
    assert await judge(make_desk([given]), brief) == expected


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (verdict("retry"), "needs the ids"),
        (verdict("retry", tasks=["T1", "T9"]), '["T1"]'),
        (verdict("done", " "), "reason is empty"),
        (verdict("accept"), "'done' or 'give_up'"),
        (call("verdict", decision="done"), '"reason"'),
    ],
)
async def test_a_verdict_that_is_none_is_told_why(make_desk, brief, wrong, words):
    desk = make_desk([wrong, verdict("give_up")])
    assert (await judge(desk, brief)).decision == "give_up"
    assert words in desk.results()[0]["error"]


@pytest.mark.parametrize(
    ("gates", "refusals", "calls"),
    [
        ("enforce", ["red", "red", "red"], 4),
        ("enforce", [None], 1),
        ("advise", ["red", "red"], 2),
        ("advise", ["red", "still red", "still red"], 3),
        ("off", ["red"], 1),
    ],
)
async def test_done_waits_for_what_was_measured(make_desk, brief, gates, refusals, calls):
    desk = make_desk([verdict("done", f"try {n}") for n in range(calls)], refusals=refusals)
    assert (await judge(desk, replace(brief, gates=gates))).decision == "done"
    assert [('"red"' in r["error"]) or ('"still red"' in r["error"]) for r in desk.results()] == [
        True
    ] * (calls - 1)


async def test_only_done_is_refused(make_desk, brief):
    desk = make_desk([verdict("continue")], refusals=["red"])
    assert (await judge(desk, brief)).decision == "continue"


async def test_checks_come_with_what_they_found(make_desk, brief):
    found = FindingReport("app/main.py", 1, "os is unused", "F401", "warning")
    checks = [
        CheckOutcome("ruff check", 1, "y" * 9_000, new_failure=True, findings=(found,) * 200),
        CheckOutcome("pytest -q", 0, "2 passed", new_failure=False),
    ]
    desk = make_desk([call("run_checks"), DONE], checks=checks)
    await judge(desk, brief)
    ruff, pytest_ = desk.results()[0]["checks"]
    assert pytest_ == {
        "command": "pytest -q",
        "exit_status": 0,
        "new_failure": False,
        "findings": [],
        "findings_total": 0,
        "output": "2 passed",
    }
    assert ruff["new_failure"]
    assert ruff["findings_total"] == 200
    assert ruff["findings"][0] == {
        "path": "app/main.py",
        "line": 1,
        "code": "F401",
        "message": "os is unused",
    }
    assert len(str(ruff)) < 6_000


async def test_what_was_measured_of_a_check_is_told(make_desk, brief):
    stood = FindingReport("app/main.py", 1, "os is unused", "F401", "error", origin="base")
    checks = [
        CheckOutcome("a", 1, "", new_failure=False, flaky=True, tries=3, passed=2),
        CheckOutcome("b", 1, "", new_failure=False, findings=(stood,), stood_before=7),
        CheckOutcome("c", None, "", new_failure=False, left_out=True),
    ]
    desk = make_desk([call("run_checks"), DONE], checks=checks)
    await judge(desk, brief)
    flaky, old, missing = desk.results()[0]["checks"]
    assert flaky["flaky"] == {"tries": 3, "passed": 2}
    assert old["stood_before"] == 7
    assert old["findings"][0]["origin"] == "base"
    assert "not there" in missing["left_out"]
    assert not {"flaky", "left_out"} & old.keys()


async def test_no_checks_is_an_empty_list(make_desk, brief):
    desk = make_desk([call("run_checks"), DONE])
    await judge(desk, brief)
    assert desk.results() == [{"checks": [], "handoffs": []}]


async def test_what_workers_say_comes_after_the_checks(make_desk, brief, make_task):
    ran = CommandRun(command="pytest -q", exit_status=0)
    handoff = Handoff(
        summary="It is perfect.", concerns="x" * 5_000, commands=(ran,), evidence="tested"
    )
    attempt = Attempt(number=1, base="0" * 40, state="landed", handoff=handoff)
    task = make_task().model_copy(update={"attempts": (attempt,)})
    desk = make_desk([call("run_checks"), DONE])
    await judge(desk, replace(brief, tasks=[task]))
    assert "It is perfect." not in desk.requests[0].messages[1]["content"]
    [told] = desk.results()[0]["handoffs"]
    assert len(told.pop("concerns")) < 1_500
    assert told == {
        "task": "T1",
        "summary": "It is perfect.",
        "commands": ["pytest -q -> 0"],
        "evidence": "tested",
    }


def report(**given):
    finding = {"path": "app/main.py", "line": 1, "message": "m", "code": "c", "severity": "error"}
    return call("report_finding", **{**finding, **given})


async def test_a_finding_goes_over_the_desk(make_desk, brief):
    desk = make_desk([report(path="./app/main.py", end_line=2, evidence="e"), DONE])
    await judge(desk, brief)
    assert desk.results() == [{"finding": "F1", "origin": "run"}]
    assert desk.reports == [
        FindingReport("app/main.py", 1, "m", "c", "error", end_line=2, evidence="e")
    ]


@pytest.mark.parametrize(
    ("gates", "given", "severity", "said"),
    [
        ("enforce", report(), "warning", "Recorded as a warning"),
        ("enforce", report(evidence=" "), "warning", "Recorded as a warning"),
        ("enforce", report(evidence="pytest fails"), "error", ""),
        ("enforce", report(message="It breaks K2."), "error", ""),
        ("enforce", report(severity="info"), "info", "without evidence"),
        ("advise", report(), "error", "without evidence"),
        ("off", report(), "error", ""),
    ],
)
async def test_an_error_shows_what_it_rests_on(make_desk, brief, gates, given, severity, said):
    desk = make_desk([given, DONE])
    await judge(desk, replace(brief, gates=gates))
    assert [one.severity for one in desk.reports] == [severity]
    assert (desk.reports[0].evidence == WITHOUT_EVIDENCE) is bool(said)
    [result] = desk.results()
    assert said in str(result.get("next", ""))
    assert ("next" in result) is bool(said)


@pytest.mark.parametrize(
    ("failures", "state", "gates", "held"),
    [
        (("gave_up", "turn_limit"), "failed", "enforce", True),
        (("gave_up", "turn_limit"), "failed", "off", False),
        (("gave_up", "interrupted"), "failed", "enforce", False),
        (("gave_up", "model"), "landed", "enforce", False),
        (("gave_up",), "failed", "enforce", False),
    ],
)
async def test_what_failed_twice_is_not_tried_a_third_time(
    make_desk, brief, make_task, failures, state, gates, held
):
    attempts = tuple(
        Attempt(number=number, base="0" * 40, state="failed", failure=failure)
        for number, failure in enumerate(failures, 1)
    )
    task = make_task().model_copy(update={"state": TaskState(state), "attempts": attempts})
    desk = make_desk([verdict("retry", tasks=["T1"]), verdict("replan")])
    ended = await judge(desk, replace(brief, tasks=[task], gates=gates))
    assert ended.decision == ("replan" if held else "retry")
    assert ['["T1"] failed twice' in r["error"] for r in desk.results()] == [True] * held


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (report(path="gone.py"), "no file"),
        (report(line=99), "5 lines"),
        (report(line=3, end_line=2), "5 lines"),
        (report(severity="fatal"), '"severity"'),
        (report(message=""), '"message"'),
    ],
)
async def test_a_finding_that_points_nowhere_is_refused(make_desk, brief, wrong, words):
    desk = make_desk([wrong, DONE])
    await judge(desk, brief)
    assert words in desk.results()[0]["error"]
    assert desk.reports == []


async def test_it_runs_commands_and_asks(make_desk, brief):
    desk = make_desk(
        [[call("run_command", command="true"), call("ask_person", question="Fine?")], DONE],
        commands={"true": CommandOutcome(0, "")},
    )
    await judge(desk, brief)
    assert [list(result) for result in desk.results()] == [
        ["exit_status", "output", "timed_out", "changed_paths"],
        ["question"],
    ]
