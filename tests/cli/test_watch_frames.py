"""What `longshift watch` draws: recorded journals to frames, and who works, waits or hangs."""

import io
import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console

from longshift.cli.board.drawing import Board, default_run, draw, lasting
from longshift.cli.board.keys import names_of
from longshift.cli.board.known import Known
from longshift.cli.board.sparks import sparks
from longshift.cli.board.standing import Usual, standing, standings
from longshift.cli.board.vitals import MOST_STEPS, Heard, Lately, Series, Vitals
from longshift.domain import events as e
from longshift.domain.events import Recorded
from longshift.domain.model import Goal, TaskPlan, Usage
from longshift.engine.activities import Activity

JOURNALS = Path(__file__).parents[1] / "journals"
FRAMES = Path(__file__).parent / "frames"
NOW = datetime(2026, 1, 2, 12, 5, tzinfo=UTC)
HOSTILE = "\x1b[2J\x1b]0;owned\x07ev\u202eil\r[red]"


def journal(name: str, until: int | None = None) -> list[Recorded]:
    lines = (JOURNALS / f"{name}.jsonl").read_text("utf-8").splitlines()
    return [Recorded.model_validate_json(line) for line in lines[:until]]


def drawn(board: Board, columns: int = 100, rows: int = 40, **options: object) -> str:
    console = Console(
        width=columns, height=rows, file=io.StringIO(), legacy_windows=False, **options
    )
    console.print(draw(board, NOW, columns, rows))
    return console.file.getvalue()


# Frames of recorded journals.

CASES = [
    ("crowded", 45, 100, "agents"),
    ("crowded", 45, 60, "agents"),
    ("crowded", 45, 100, "tasks"),
    ("eventful", None, 100, "agents"),
    ("budgeted", None, 80, "tasks"),
]


@pytest.mark.parametrize(("name", "until", "columns", "page"), CASES)
def test_a_recorded_run_is_drawn_as_it_was(name, until, columns, page):
    known = Known(journal(name, until))
    board = Board(known, owner=4711, chosen=default_run(known.state), page=page, keys="q quit")
    text = "\n".join(line.rstrip() for line in drawn(board, columns).splitlines()) + "\n"
    golden = FRAMES / f"{name}-{page}-{columns}.txt"
    if os.environ.get("WRITE_FRAMES"):
        golden.write_text(text, "utf-8")  # to be looked at, then committed
    assert text == golden.read_text("utf-8")


@pytest.mark.parametrize("path", sorted(JOURNALS.glob("*.jsonl")), ids=lambda path: path.stem)
@pytest.mark.parametrize("columns", [20, 60, 200])
def test_every_journal_can_be_drawn_at_any_moment(path, columns):
    known = Known()
    for record in journal(path.stem):
        known.take(record)
        if record.seq % 6:
            continue
        for page in ("agents", "tasks"):
            board = Board(known, owner=1, chosen=default_run(known.state), page=page)
            for line in drawn(board, columns, 10).splitlines():
                assert cell_len(line) <= columns


def test_no_colour_says_the_same():
    known = Known(journal("crowded", 45))
    board = Board(known, owner=1, chosen="R1")
    coloured = drawn(board, force_terminal=True, color_system="truecolor")
    plain = drawn(board, force_terminal=True, no_color=True, color_system="truecolor")
    assert "\x1b[3" in coloured
    assert "\x1b[3" not in plain
    for word in ("working", "waiting", "hung", "landed"):
        assert word in plain


def started(*events: e.Event) -> list[Recorded]:
    first = e.RunStarted(run="R1", goal=Goal(text="Do it"), repo="/r", base="b")
    cycle = e.CycleStarted(run="R1", cycle=1)
    return [
        Recorded(seq=seq, time=NOW - timedelta(minutes=4), event=event)
        for seq, event in enumerate((first, cycle, *events), start=1)
    ]


def added(task: str, title: str) -> e.TaskAdded:
    return e.TaskAdded(run="R1", task=task, plan=TaskPlan(title=title, instructions=""))


def begun(task: str) -> e.AttemptStarted:
    return e.AttemptStarted(run="R1", task=task, attempt=1, base="b")


def test_hostile_and_wide_text_stays_in_its_place():
    known = Known(
        started(added("T1", HOSTILE), added("T2", "日本語" * 60), begun("T1"), begun("T2"))
    )
    for page in ("agents", "tasks"):
        text = drawn(Board(known, owner=1, chosen="R1", page=page, says=HOSTILE), 60)
        assert not set("\x1b\x07\r\u202e") & set(text)
        assert "日本語" in text
        assert "[red]" in text
        assert all(cell_len(line) <= 60 for line in text.splitlines())


def test_five_hundred_agents_fit_the_screen():
    ids = [f"T{n}" for n in range(1, 501)]
    known = Known(started(*(added(id_, "Part") for id_ in ids), *(begun(id_) for id_ in ids)))
    text = drawn(Board(known, owner=1, chosen="R1"), 100, 30)
    assert len(text.splitlines()) <= 30
    assert "500 agents: 0 working, 0 waiting, 500 hung" in text
    assert "+" in text


def test_without_an_owner_a_run_is_not_under_way():
    known = Known(started(added("T1", "Part"), begun("T1")))
    text = drawn(Board(known, chosen="R1"))
    assert "nobody drives it" in text
    assert "paused" in text
    assert "The process that drove it has ended" in text
    assert "0 working, 1 waiting, 0 hung" in text


def test_nothing_yet():
    assert "longshift run" in drawn(Board(Known()))


# Who works, waits or hangs.

STANDINGS = json.loads((Path(__file__).parent / "standings.json").read_text("utf-8"))


@pytest.mark.parametrize("case", STANDINGS, ids=lambda case: case["is"])
def test_who_works_waits_or_hangs(case: Mapping):
    extra = (
        [e.RunPaused(run="R1", reason="So.", cause=case["paused"])] if case.get("paused") else []
    )
    known = Known(started(added("T1", "Part"), begun("T1"), *extra))
    run, ago = known.state.runs["R1"], lambda seconds: NOW - timedelta(seconds=seconds)
    heard = Heard(
        "T1.1",
        case.get("role", "worker"),
        ago(1000),
        ago(case.get("silent", 1000)),
        talks=case.get("talks", True),
    )
    heard.conflict = case.get("conflict", False)
    doing = None
    if case.get("doing"):
        doing = Activity("R1", "T1.1", "worker", case["doing"], ago(case["for"]))
    vitals = Vitals(ago(1000))
    vitals.calls_s.extend(case.get("calls", []))
    vitals.commands_s.extend(case.get("commands", []))
    told = case.get("owner", True)
    found = standing(run, heard, doing, Usual.of(vitals), NOW, is_told=told)
    assert f"{found.kind}: {found.words}" == case["stands"]


def test_the_hung_come_first_and_the_longest_before_the_others():
    ids = ["T1", "T2", "T3", "T4"]
    known = Known(started(*(added(id_, "Part") for id_ in ids), *(begun(id_) for id_ in ids)))
    doings = {"T1": ("model", 5), "T2": ("endpoint", 9), "T3": ("model", 100), "T4": ("tools", 300)}
    live = {
        f"{id_}.1": Activity("R1", f"{id_}.1", "worker", doing, NOW - timedelta(seconds=seconds))
        for id_, (doing, seconds) in doings.items()
    }
    found = standings(known.state.runs["R1"], known.vitals["R1"], live, NOW)
    assert [one.agent for one in found] == ["T4.1", "T3.1", "T2.1", "T1.1"]


def test_who_has_left_or_works_under_another_name_is_not_called_hung():
    """An integrator that sent work back is gone; an equal agent does the task that it took."""
    came = e.AgentStarted(run="R1", agent="A1")
    opened = [
        e.ConversationOpened(run="R1", role=role, agent=agent, model="m", prompts={},
                             tools_digest="", prefix_digest="")
        for role, agent in (("agent", "A1"), ("integrator", "integrator.T1.1"))
    ]  # fmt: skip
    took = e.AttemptStarted(run="R1", task="T1", attempt=1, base="b" * 40, agent="A1")
    known = Known(started(came, added("T1", "Part"), took, *opened))
    later = NOW + timedelta(hours=1)
    live = {"T1.1": Activity("R1", "T1.1", "worker", "model", later)}
    found = standings(known.state.runs["R1"], known.vitals["R1"], live, later)
    assert {one.agent: f"{one.kind}: {one.words}" for one in found} == {
        "A1": "working: at T1",
        "T1.1": "working: thinking",
    }


def test_an_agent_is_forgotten_with_its_end():
    called = e.ModelCalled(
        run="R1", role="judge", agent="judge", model="m", usage=Usage(calls=1), latency_s=1
    )
    known = Known(
        started(
            added("T1", "Part"),
            begun("T1"),
            e.AttemptFailed(
                run="R1", task="T1", attempt=1, failure="gave_up", reason="So.", retry=False
            ),
            e.JudgeStarted(run="R1", cycle=1),
            called,
        )
    )
    assert list(known.vitals["R1"].agents) == ["judge"]
    assert known.vitals["R1"].agents["judge"].calls == 1


# Figures over time, times and keys.


def test_a_series_keeps_its_sum_and_its_size():
    series = Series(NOW)
    for second in range(0, 100_000, 7):
        series.add(NOW + timedelta(seconds=second), 1)
    later = NOW + timedelta(seconds=100_000)
    assert len(series.steps) <= MOST_STEPS
    columns = series.columns(later, 30)
    assert len(columns) <= 30
    assert sum(columns) == sum(series.steps) == len(range(0, 100_000, 7))


@pytest.mark.parametrize("hours", [0.2, 13, 54, 107])
def test_a_steady_rate_is_shown_as_it_is_after_days(hours):
    lately = Lately(NOW)
    for minute in range(int(hours * 60)):
        lately.add(NOW + timedelta(minutes=minute))
    end = NOW + timedelta(hours=hours)
    shown = [lately.a_minute(end + timedelta(seconds=second)) for second in range(0, 60, 7)]
    assert all(0.8 <= rate <= 1.2 for rate in shown), shown
    assert lately.a_minute(end + timedelta(minutes=7)) == 0
    lately.add(NOW)  # the clock went back
    assert lately.a_minute(end) >= 0.8


@pytest.mark.parametrize(
    ("values", "blocks"),
    [([], ""), ([0, 0], "▁▁"), ([0, 1, 1000], "▁▂█"), ([5], "█"), ([4, 8], "▅█")],
)
def test_sparks(values, blocks):
    assert sparks(values) == blocks


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "0 s"), (99, "99 s"), (100, "1 min"), (7200, "2 h")]
)
def test_times(seconds, words):
    assert lasting(seconds) == words


@pytest.mark.parametrize(
    ("typed", "names"),
    [
        (b"q", ["q"]),
        (b"\x1b[A\x1b[B\x1bOC\x1b[D", ["up", "down", "right", "left"]),
        (b"\x1b", ["escape"]),
        (b"\t\r1", ["right", "enter", "1"]),
        (b"\x1b[1;5Cs", ["s"]),
        (b"\xff\x00\x07\xc3\xa4", []),
    ],
)
def test_keys(typed, names):
    assert names_of(typed) == names
