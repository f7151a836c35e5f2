"""Words and pictures without processes: events told, frames drawn, text made harmless."""

import io
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import get_args

import click
import pytest
from rich.console import Console

from longshift.cli.app import COMMANDS, longshift_command
from longshift.cli.commands.diff import coloured
from longshift.cli.frame import Pulse, draw
from longshift.cli.terminal import clean, one_line
from longshift.cli.told import Told, budget_words, ordinal, told, usage_words
from longshift.cli.watching import recorded
from longshift.domain import events as e
from longshift.domain.fold import fold
from longshift.domain.model import Budget, Constraint, Finding, Goal, TaskPlan, Usage
from longshift.domain.state import State

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
HOSTILE = "\x1b[2J\x1b]0;owned\x07ev\u202eil\r[red]"
FINDING = Finding(
    id="F1", path="a.py", line=3, severity="error", code="E1", message=HOSTILE, commit="c"
)
LANDING = {"task": "T1", "attempt": 1, "change": "C1", "commit": "c", "parent": "b"}
EVENTS: list[e.Event] = [
    e.RunStarted(run="R1", goal=Goal(text=HOSTILE), repo="/r", base="b"),
    e.CycleStarted(run="R1", cycle=1),
    e.PlannerStarted(run="R1", planner="P1"),
    e.TaskAdded(run="R1", task="T1", plan=TaskPlan(title=HOSTILE, instructions="")),
    e.TaskAdded(
        run="R1", task="T2", plan=TaskPlan(title="Later", instructions="", depends_on=("T1",))
    ),
    e.DesignNoted(run="R1", note="D1", topic=HOSTILE, decision=HOSTILE, planner="P1"),
    e.PlannerFinished(run="R1", planner="P1", summary=HOSTILE),
    e.AgentStarted(run="R1", agent="A1"),
    e.TasksLocked(run="R1", agent="A1", waited_s=1.5),
    e.TasksUnlocked(run="R1", agent="A1", held_s=180, cause="expired"),
    e.AgentFinished(run="R1", agent="A1", outcome="failed", summary=HOSTILE),
    e.AttemptStarted(run="R1", task="T1", attempt=1, base="b"),
    e.ConversationOpened(run="R1", role="worker", agent="T1.1", model=HOSTILE),
    e.ModelCalled(
        run="R1", role="worker", agent="T1.1", model=HOSTILE, usage=Usage(calls=1), latency_s=1
    ),
    e.LandingConflict(run="R1", task="T1", attempt=1, paths=("a.py", "b.py", "c.py"), head="b"),
    e.FileReserved(run="R1", task="T1", paths=("a.py",)),
    e.ConflictPredicted(run="R1", path="a.py", tasks=("T1", "T2")),
    e.QuestionAsked(run="R1", question="Q1", text=HOSTILE, options=("a",), asked_by="P1"),
    e.SandboxOpened(run="R1", profile=HOSTILE, commands=True),
    e.CommandRan(run="R1", agent="T1.1", command=HOSTILE, exit_status=1, duration_s=0.1),
    e.CheckRan(run="R1", command=HOSTILE, commit="c", exit_status=0),
    e.CheckRan(run="R1", command=HOSTILE, commit="c", exit_status=1, new_failure=True),
    e.CheckRan(run="R1", command=HOSTILE, commit="c", exit_status=1, flaky=True, tries=3, passed=2),
    e.CheckRan(run="R1", command=HOSTILE, commit="c", exit_status=None),
    e.CheckRan(run="R1", command=HOSTILE, commit="c", exit_status=None, left_out=True),
    e.GuardRefused(run="R1", guard="path", agent="T1.1", tool="read_file", detail=HOSTILE),
    e.BudgetWarned(run="R1", kind="usd", used=Decimal(1), limit=Decimal(2), percent=50),
    e.BudgetWarned(run="R1", kind="calls", used=2, limit=4, percent=50, task="T1"),
    e.LandingIntended(run="R1", paths=("a.py",), **LANDING),
    e.TaskLanded(run="R1", paths=("a.py",), **LANDING),
    e.AttemptStarted(run="R1", task="T2", attempt=1, base="c"),
    e.AttemptFailed(run="R1", task="T2", attempt=1, failure="gave_up", reason=HOSTILE, retry=False),
    e.JudgeStarted(run="R1", cycle=1),
    e.FindingReported(run="R1", finding="F1", detail=FINDING),
    e.VerdictReached(run="R1", cycle=1, decision="retry", reason=HOSTILE, tasks=("T1",)),
    e.RunPaused(run="R1", reason=HOSTILE),
    e.RunRecovered(run="R1", done=(HOSTILE, "Landed T2.")),
    e.RunResumed(run="R1"),
]
OTHERS: list[e.Event] = [
    e.RunSteered(run="R1", message=HOSTILE),
    e.HeadMoved(run="R1", head="c", taken="b", paths=("a.py",)),
    e.HeadPublished(run="R1", head="c"),
    e.TaskDropped(run="R1", task="T1", reason=HOSTILE),
    e.FindingResolved(run="R1", finding="F1"),
    e.FindingDismissed(run="R1", finding="F1", reason=HOSTILE),
    e.DecisionIntended(
        run="R1",
        change="C1",
        path="a.py",
        hunks=(1,),
        decision="accepted",
        before_sha256=None,
        after_sha256=None,
    ),
    e.ChangeDecided(run="R1", change="C1", path="a.py", hunks=(1, 2), decision="rejected"),
    e.ChangeStale(run="R1", change="C1", path="a.py", hunks=(1,), reason=HOSTILE),
    e.ConstraintAdded(constraint="K1", detail=Constraint(id="K1", text=HOSTILE)),
    e.ConstraintLifted(constraint="K1"),
    e.QuestionAnswered(run="R1", question="Q1", answer=HOSTILE),
    e.BudgetExceeded(run="R1", kind="usd", used=Decimal(2), limit=Decimal(2)),
    e.JudgeStarted(run="R1", cycle=1, look=2, because=HOSTILE),
    e.RunFinished(
        run="R1",
        outcome="no_progress",
        reason=HOSTILE,
        rule="oscillation",
        figures={"returns": 2, "back_to_cycle": 1},
        cycles=1,
        tasks=e.TaskCounts(landed=1, failed=1),
        conflicts=1,
        usage=Usage(cost_usd=None),
        head="c",
    ),
]


def records(events: list[e.Event]) -> list[e.Recorded]:
    return [
        e.Recorded(seq=seq, time=NOW + timedelta(seconds=seq), event=event)
        for seq, event in enumerate(events, 1)
    ]


def test_every_event_is_told_in_one_harmless_line() -> None:
    kinds = get_args(get_args(e.Event)[0])
    assert {type(event) for event in EVENTS + OTHERS} == set(kinds)
    run = fold(records(EVENTS)).runs["R1"]
    for event in EVENTS + OTHERS:
        for known in (run, None):
            said = told(event, known).text
            assert said != event.event, "told by its name alone: words are missing"
            assert said.isprintable(), said


@pytest.mark.parametrize("record", records(EVENTS + OTHERS), ids=lambda r: r.event.event)
def test_a_line_of_json_is_read_back(record: e.Recorded) -> None:
    assert recorded(record.as_line()) == record


@pytest.mark.parametrize("columns", [20, 80, 160])
def test_every_moment_can_be_drawn(columns: int) -> None:
    state, pulse, frame = State(), Pulse(), ""
    for record in records(EVENTS):
        state, pulse = fold([record], state), pulse.after(record)
        console = Console(file=io.StringIO(), width=columns)
        said = (told(record.event, None), Told("said"))
        console.print(draw(state.runs["R1"], pulse, said, NOW + timedelta(seconds=90), 4))
        frame = console.file.getvalue()
        assert "\x1b" not in frame.replace("\x1b[", "")
        assert "\u202e" not in frame
        assert max(map(len, frame.splitlines())) <= columns
    if columns == 160:
        for part in ("0 of 2 landed", "1 failed", "1 conflict ", "1 open finding", "[red]"):
            assert part in frame, frame


@pytest.mark.parametrize(
    ("usage", "words"),
    [
        (Usage(), "0 calls, 0 tokens in, 0 out, $0.00"),
        (
            Usage(calls=1, input_tokens=1_200, output_tokens=30, cached_tokens=900, cost_usd=2),
            "1 call, 1,200 tokens in (900 cached), 30 out, $2.00",
        ),
        (
            Usage(calls=3, input_tokens=9, cost_usd=None, estimated_calls=2),
            "3 calls, 9 tokens in, 0 out (estimated for 2 calls), price unknown",
        ),
        (
            Usage(cost_usd=None, priced_usd=Decimal("0.5")),
            "0 calls, 0 tokens in, 0 out, price unknown, $0.50 beside",
        ),
    ],
)
def test_usage_is_told_with_what_is_estimated_and_unknown(usage: Usage, words: str) -> None:
    assert usage_words(usage) == words


def test_each_limit_is_told_with_its_share() -> None:
    budget = Budget(usd=5, calls=40, minutes=60, cycles=10)
    started = e.RunStarted(run="R1", goal=Goal(text="g"), repo="/r", base="b", budget=budget)
    used = Usage(calls=3, input_tokens=9, cost_usd=Decimal("1.255"))
    called = e.ModelCalled(
        run="R1", role="judge", agent="judge", model="m", usage=used, latency_s=1
    )
    run = fold(records([started, called])).runs["R1"]
    assert budget_words(run, NOW + timedelta(minutes=30, seconds=1)) == (
        "$1.26 of $5.00 (25 %), 3 of 40 calls (7 %), 30 of 60 minutes (50 %), 0 of 10 cycles (0 %)"
    )


CLEANED = [
    ("plain\ttext\n", "plain\ttext\n"),
    ("\x1b[31mred\x1b[0m", "[31mred[0m"),
    ("\x9b31mred", "31mred"),
    ("over\rwritten\x08", "overwritten"),
    ("a\u202eb\u2066c\u200f", "a[U+202E]b[U+2066]c[U+200F]"),
    ("half \ud83d", "half "),
    ("whole \U0001f600 é", "whole \U0001f600 é"),
]


@pytest.mark.parametrize(("text", "cleaned"), CLEANED, ids=ascii)
def test_text_of_others_is_made_harmless(text: str, cleaned: str) -> None:
    assert clean(text) == cleaned
    assert coloured(f"+{text}").plain == f"+{cleaned}".removesuffix("\n")


def test_one_line_is_cut() -> None:
    assert one_line("a\nb  c", 5) == "a b c"
    assert one_line("abcdef", 5) == "abcd…"


def test_ordinals() -> None:
    numbers = [1, 2, 3, 4, 11, 12, 13, 21, 102, 113]
    said = [ordinal(number) for number in numbers]
    assert " ".join(said) == "1st 2nd 3rd 4th 11th 12th 13th 21st 102nd 113th"


def options(command: click.Command, path: str) -> list[str]:
    if isinstance(command, click.Group):
        return [
            name
            for inner in command.commands.values()
            for name in options(inner, f"{path} {inner.name}")
        ]
    return [
        f"{path}: {option}"
        for parameter in command.params
        if isinstance(parameter, click.Option)
        for option in parameter.opts
    ]


def test_every_command_and_option_is_documented() -> None:
    text = (Path(__file__).parents[2] / "docs" / "cli.md").read_text(encoding="utf-8")
    sections = {part.split("\n", 1)[0].split("`")[1]: part for part in text.split("\n### ")[1:]}
    context = click.Context(longshift_command)
    missing = []
    for name in COMMANDS:
        command = longshift_command.get_command(context, name)
        assert command is not None
        section = sections.get(f"longshift {name}", "")
        missing += [o for o in options(command, name) if f"`{o.split(': ')[1]}" not in section]
        missing += [] if section else [name]
    assert not missing
