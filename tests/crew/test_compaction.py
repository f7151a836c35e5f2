"""A conversation near its model's window: what is dropped, what stays, what stands for the rest."""

import json
from dataclasses import replace

import pytest

from longshift.crew.briefs import CallLimits, WorkerBrief, WorkLanded
from longshift.crew.compaction import first_kept, is_due, plain_notes
from longshift.crew.desk import CommandOutcome
from longshift.crew.worker import work
from longshift.domain.model import Constraint
from longshift.models.port import EndpointFailed, PromptTooLong
from tests.support.crew_desk import Reply, call

EDIT = call("edit_file", path="app/main.py", old_text="return 1", new_text="return 2")
SUBMIT = call("submit", summary="s")
WINDOW = 1_000


@pytest.fixture
def brief(goal, make_task):
    rules = [Constraint(id="K7", text="Keep the names."), Constraint(id="K8", text="No lambda.")]
    return WorkerBrief(goal=goal, task=make_task(paths=("app/",)), constraints=rules, gates="off")


def reads(times: int, used: int = 0) -> list[Reply]:
    """So many different looks at files; the last says how large the conversation is."""
    looks = [Reply([call("search", pattern=f"return {number}")]) for number in range(times)]
    return [*looks[:-1], Reply(looks[-1].calls, input_tokens=used)]


def shape(desk, number: int) -> list[str]:
    return [message["role"] for message in desk.requests[number].messages]


async def test_the_older_turns_become_one_scratchpad(make_desk, brief):
    script = [EDIT, call("run_command", command="pytest"), *reads(6, used=700)]
    desk = make_desk([*script, "Decisions: the first.", SUBMIT], window_tokens=WINDOW)
    desk.can_run_commands = True
    desk.commands = {"pytest": CommandOutcome(1, "no")}
    assert isinstance(await work(desk, brief), WorkLanded)
    before, summary, after = desk.requests[-3:]
    assert summary.tools == ()
    assert "return 2" in summary.messages[1]["content"]  # what is dropped is there to be noted
    assert after.messages[:2] == before.messages[:2]
    scratchpad = after.messages[2]["content"]
    for words in ("Make main return 2", "K7", "Keep the names.", "K8", "app/main.py", "pytest",
                  "Decisions: the first."):  # fmt: skip
        assert words in scratchpad
    # What stays begins with a reply, and each call still has its result.
    assert [message["role"] for message in after.messages[3:]] == ["assistant", "tool"] * (
        (len(after.messages) - 3) // 2
    )
    assert 1 < len(after.messages) - 3 < len(before.messages) - 2


async def test_a_second_scratchpad_replaces_the_first(make_desk, brief):
    script = [*reads(6, used=700), "The first notes.", *reads(9, used=800), "The second.", SUBMIT]
    desk = make_desk(script, window_tokens=WINDOW)
    await work(desk, brief)
    assert "The first notes." in desk.requests[-2].messages[1]["content"]
    told = json.dumps(list(desk.requests[-1].messages))
    assert "The second." in told
    assert "The first notes." not in told
    assert shape(desk, -1).count("user") == 2


def refuse():
    raise PromptTooLong("too long")


def fail():
    raise EndpointFailed("away")


async def test_a_refused_conversation_is_shortened_and_asked_again(make_desk, brief):
    desk = make_desk([*reads(6), Reply(before=refuse), "Notes.", SUBMIT])
    assert isinstance(await work(desk, brief), WorkLanded)
    assert len(desk.requests[-1].messages) < len(desk.requests[-3].messages)


@pytest.mark.parametrize("summary", [Reply(before=fail), Reply(text="  ")])
async def test_without_a_summary_what_happened_is_noted_plainly(make_desk, brief, summary):
    desk = make_desk([EDIT, *reads(6, used=700), summary, SUBMIT], window_tokens=WINDOW)
    assert isinstance(await work(desk, brief), WorkLanded)
    scratchpad = desk.requests[-1].messages[2]["content"]
    assert "calls edit_file" in scratchpad
    assert "replacements" in scratchpad


async def test_what_can_not_be_shortened_ends_as_it_did(make_desk, brief):
    desk = make_desk([Reply(before=refuse)])
    with pytest.raises(PromptTooLong):
        await work(desk, brief)


async def test_notes_do_not_count_as_turns(make_desk, brief):
    brief = replace(brief, limits=CallLimits(worker=7))
    desk = make_desk([*reads(6, used=700), "Notes.", SUBMIT], window_tokens=WINDOW)
    assert isinstance(await work(desk, brief), WorkLanded)


@pytest.mark.parametrize(
    ("used", "window", "due"), [(550, 1_000, False), (551, 1_000, True), (0, 1, False)]
)
def test_it_is_due_well_before_the_window_is_full(used, window, due):
    assert is_due(used, window) is due


TURN = [{"role": "assistant", "content": "x" * 50}, {"role": "tool", "content": "y" * 50}]
OPENING = [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}]


@pytest.mark.parametrize(
    ("messages", "kept"),
    [
        (OPENING, 2),
        (OPENING + TURN, 2),
        (OPENING + TURN * 10, 16),
        (OPENING + TURN * 9 + [TURN[0], {"role": "tool", "content": "z" * 9_000}], 20),
    ],
    ids=["nothing yet", "one turn", "the last third", "a long last turn"],
)
def test_the_kept_part_begins_with_a_reply(messages, kept):
    assert first_kept(messages) == kept


def test_plain_notes_are_bounded():
    assert len(plain_notes(TURN * 5_000)) < 13_000
