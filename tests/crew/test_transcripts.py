"""Bad conversations as data: each limit of the loop with one that hits it and one that doesn't."""

import json
import re
import tomllib
from itertools import count
from pathlib import Path
from typing import get_args

import pytest

from longshift.crew.briefs import (
    CallLimits,
    Planned,
    PlannerBrief,
    UnfinishedCause,
    WorkerBrief,
    WorkGivenUp,
    WorkLanded,
    WorkUnfinished,
)
from longshift.crew.limits import LIMITS
from longshift.crew.planner import plan
from longshift.crew.prompts import library
from longshift.crew.worker import work
from tests.support.crew_desk import Reply, call, raw

DATA = Path(__file__).parent / "data" / "transcripts"
TRANSCRIPTS = tomllib.loads((DATA / "planner.toml").read_text())["transcript"]
OF_WORKERS = tomllib.loads((DATA / "worker.toml").read_text())["transcript"]
ARGUMENTS = {"finish": {"summary": "all", "evidence": "README.md:1"}}


def as_call(written):
    name, given = (written, None) if isinstance(written, str) else written
    if isinstance(given, str):
        return raw(name, given)
    return call(name, **(given or ARGUMENTS.get(name, {})))


def as_replies(written):
    match written:
        case str():
            return [Reply(text=written)]
        case list():
            return [Reply(calls=[as_call(one) for one in written])]
        case {"many": count}:
            return [Reply(calls=[call("search", pattern=f"{count}.{n}") for n in range(count)])]
    reply = Reply(
        calls=[as_call(one) for one in written.get("calls", ())],
        text=written.get("text", ""),
        finish_reason=written.get("finish", "stop"),
    )
    return [reply] * written.get("times", 1)


@pytest.mark.parametrize("given", TRANSCRIPTS, ids=lambda given: given["name"])
async def test_a_transcript_ends_as_it_should(make_desk, goal, given):
    desk = make_desk([reply for one in given["replies"] for reply in as_replies(one)])
    limits = CallLimits(planner=given.get("limit", 40))
    ended = await plan(desk, PlannerBrief(goal, "P1", 1, limits=limits))
    assert ("finish" if isinstance(ended, Planned) else ended.cause) == given["ends"]
    told = desk.told()
    assert len(told) == len(given["told"])
    assert [part for part, text in zip(given["told"], told, strict=True) if part not in text] == []
    results = [json.dumps(result) for result in desk.results()]
    for part, times in given.get("results", {}).items():
        assert sum(part in result for result in results) == times


def test_every_cause_has_a_limit_a_reason_and_a_transcript():
    causes = set(get_args(UnfinishedCause))
    assert set(LIMITS) == causes
    ends = {given["ends"] for given in (*TRANSCRIPTS, *OF_WORKERS)}
    assert ends == causes | {"finish", "landed", "given up"}


PAGE = (Path(__file__).parents[2] / "docs" / "gates.md").read_text()


def test_the_page_names_every_cause_and_no_message_that_there_is_not():
    assert [cause for cause in LIMITS if f"| `{cause}` |" not in PAGE] == []
    assert [one.message for one in LIMITS.values() if f"`{one.message}`" not in PAGE] == [""] * 3
    said = re.findall(r"`((?:acceptance|file|task|tasks|finish|edits|stubs|finding)_\w+)`", PAGE)
    known = set(library().names("messages"))
    assert len(said) > 8
    assert set(said) <= known


SEARCHES = count()


def as_turn(word):
    """A worker's reply, by a word: `look` is another search each time, `a1` writes 1 to file a."""
    match word:
        case "look":
            return call("search", pattern=f"nothing {next(SEARCHES)}")
        case "submit":
            return call("submit", summary="s", deviations="d")
        case "give_up":
            return call("give_up", reason="It can't be.")
    return call("write_file", path=word[0], content=word[1:])


@pytest.mark.parametrize("given", OF_WORKERS, ids=lambda given: given["name"])
async def test_a_workers_turns_are_borne_as_long_as_they_may_lead_somewhere(
    make_desk, goal, make_task, given
):
    words = [word for part in given["turns"] for word in part.split()]
    turns = [word.partition("*") for word in words]
    desk = make_desk([as_turn(word) for word, _, times in turns for _ in range(int(times or 1))])
    ended = await work(desk, WorkerBrief(goal, make_task()))
    match ended:
        case WorkLanded():
            assert given["ends"] == "landed"
        case WorkGivenUp():
            assert given["ends"] == "given up"
        case WorkUnfinished():
            assert ended.failure == "model"
            assert LIMITS[given["ends"]].reason.partition("{times}")[0] in ended.reason
    told = [text for text in desk.told() if "replies left" not in text]
    assert [part for part, text in zip(given["told"], told, strict=True) if part not in text] == []


EDIT = call("edit_file", path="app/main.py", old_text="return 1", new_text="return 2")
BACK = call("edit_file", path="app/main.py", old_text="return 2", new_text="return 1")
READ = call("read_file", path="README.md")
SUBMIT = call("submit", summary="s", deviations="d")


@pytest.mark.parametrize(
    ("script", "nudged"),
    [
        ([READ, EDIT, READ, BACK, READ, SUBMIT], False),
        ([[EDIT, READ], [call("write_file", path="a", content="1"), READ], SUBMIT], False),
        ([READ, READ, READ, EDIT, READ, READ, READ, SUBMIT], False),
        ([EDIT, BACK, EDIT, BACK, EDIT, BACK, SUBMIT], True),
    ],
    ids=["between edits", "in one reply", "again after an edit", "there and back again"],
)
async def test_what_is_run_again_after_an_edit_is_no_repetition(
    make_desk, goal, make_task, script, nudged
):
    desk = make_desk(script)
    await work(desk, WorkerBrief(goal, make_task()))
    assert bool(desk.told()) is nudged
