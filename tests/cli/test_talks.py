"""Which call brought which reply, through failed tries, shortening and a restart."""

from datetime import UTC, datetime
from decimal import Decimal

from longshift.cli.talks import Turn, as_line, ended, sittings, totals, turns
from longshift.domain import events as e
from longshift.domain.model import Usage
from tests.support.domain_history import History

NOTED = "compaction/summary@1.0.0"


def said(role: str, text: str) -> dict[str, object]:
    return {"role": role, "content": text}


def records(*facts: e.Event) -> list[e.Recorded]:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    return [e.Recorded(seq=n, time=now, event=fact) for n, fact in enumerate(facts, start=1)]


def opened(agent: str = "T1.1") -> e.ConversationOpened:
    return e.ConversationOpened(run="R1", role="worker", agent=agent, model="m")


def called(
    tokens: int, outcome: str = "answered", prompt: str = "worker@1.0.0", agent: str = "T1.1"
) -> e.ModelCalled:
    usage = Usage(calls=1, input_tokens=tokens, output_tokens=1, cost_usd=Decimal(tokens) / 1000)
    return e.ModelCalled(run="R1", role="worker", agent=agent, model="m", prompt=prompt,
                         usage=usage, latency_s=1, outcome=outcome)  # fmt: skip


OPENING = [said("system", "You work."), said("user", "Do it.")]
FIRST = [said("assistant", "one"), said("tool", "1")]
LATER = [said("assistant", "two"), said("tool", "2"), said("assistant", "three"), said("tool", "3")]


def paired(found: list[Turn]) -> list[tuple[object, int | None]]:
    return [
        (turn.message["content"], turn.called.usage.input_tokens if turn.called else None)
        for turn in found
        if turn.message["role"] == "assistant"
    ]


def test_a_shortened_conversation_keeps_each_reply_with_its_call_and_says_nothing_twice() -> None:
    parts = [
        [*OPENING, *FIRST, *LATER],
        [*OPENING, said("user", "Notes."), *LATER, said("assistant", "four")],
    ]
    sat = sittings(
        records(opened(), called(10, "rate_limited"), called(1), called(2), called(3),
                called(7, prompt=NOTED), opened("T2.1"), called(99, agent="T2.1"), called(4)),
        "T1.1",
    )  # fmt: skip
    found = list(turns(parts, sat))
    assert paired(found) == [("one", 1), ("two", 2), ("three", 3), ("four", 4)]
    assert [turn.message["content"] for turn in found if turn.part == 1] == ["Notes.", "four"]
    assert totals(sat) == (6, 27 + 6, Decimal("0.027"))
    line = as_line("T1.1", found[-1])
    assert (line["part"], line["call"]["usage"]["input_tokens"]) == (1, 4)


def test_a_conversation_that_begins_again_takes_its_calls_from_its_own_beginning() -> None:
    parts = [[*OPENING, *FIRST], [*OPENING, said("assistant", "anew")]]
    # The second reply of the first sitting was never kept: the process ended before.
    sat = sittings(records(opened(), called(1), called(2), opened(), called(3)), "T1.1")
    assert paired(list(turns(parts, sat))) == [("one", 1), ("anew", 3)]


def test_judges_of_several_cycles_are_told_apart() -> None:
    facts: list[e.Event] = []
    for cycle in (1, 2):
        facts += [
            e.JudgeStarted(run="R1", cycle=cycle),
            e.ConversationOpened(run="R1", role="judge", agent="judge", model="m"),
            called(cycle, agent="judge"),
        ]
    (sat,) = sittings(records(*facts), "judge.2")
    assert [call.usage.input_tokens for call in sat.replies] == [2]


def test_each_conversation_says_how_it_ended() -> None:
    history = History().tell("cycle plan; plan; add A a.py; try A; land A; judge; say continue")
    history.tell("cycle plan; plan; judge")
    assert [ended(history.run, name) for name in ("P1", "T1.1", "judge.1", "judge.2")] == [
        "finished", "landed", "continue", "running",
    ]  # fmt: skip
    history.tell("end")
    assert ended(history.run, "judge.2") == "interrupted"  # no verdict will come any more


def test_two_judges_of_one_cycle_are_told_apart() -> None:
    names = ("judge.1", "judge.1.2")
    history = History().tell("cycle plan; plan; judge; find; say done; judge")
    assert [ended(history.run, name) for name in names] == ["done", "running"]
    history.tell("say continue")
    assert [ended(history.run, name) for name in names] == ["done", "continue"]
    facts: list[e.Event] = []
    for look in (1, 2):
        facts += [
            e.JudgeStarted(run="R1", cycle=1, look=look),
            e.ConversationOpened(run="R1", role="judge", agent="judge", model="m"),
            called(look, agent="judge"),
        ]
    for look, name in enumerate(names, 1):
        (sat,) = sittings(records(*facts), name)
        assert [call.usage.input_tokens for call in sat.calls] == [look]
