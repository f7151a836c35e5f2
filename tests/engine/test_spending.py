"""What is recorded of each call, whatever becomes of the question that it belongs to."""

import asyncio
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from longshift.domain import events as e
from longshift.domain.model import Budget, Usage
from longshift.engine.activities import Activities
from longshift.engine.spending import NAME_CHARACTERS, RunLedger, Spending
from longshift.models.port import EndpointFailed, ModelReply, ModelRequest, TokenUsage
from tests.support.domain_history import History
from tests.support.fake_keys import github_token

FAILED = (TokenUsage(), "failed", "")
ANSWERED = (TokenUsage(100, 5), "answered", "tool_calls")


class Tries:
    """A model whose calls end as they are told to, and the last of them as the question does."""

    name = "main"

    def __init__(self, ledger, tries, end):
        self._ledger, self._tries, self._end = ledger, tries, end

    async def complete(self, request):
        del request
        for usage, outcome, finish_reason in self._tries:
            room = await self._ledger.reserve(10, 10, None, "asked")
            self._ledger.settle(room, usage, outcome, finish_reason)
        if self._end is not None:
            raise self._end
        return ModelReply(text="x")


def opened(tries=(), end=None, budget=None):
    """A run's spending, and the list of what it records."""
    history, recorded = History(budget=budget or Budget()), []

    async def record(*facts):
        recorded.append([])
        for fact in facts:
            history._take(fact)  # as the chronicle does: before anything is awaited
            recorded[-1].append(fact)

    class Room(SimpleNamespace):
        run = property(lambda self: history.run)

    ledger = RunLedger(budget or Budget(), Usage(), {})
    model = Tries(ledger, tries, end)
    room = Room(run_id="R1", ledger=ledger, chronicle=SimpleNamespace(record=record),
                shop=SimpleNamespace(activities=Activities(lambda: datetime.now(UTC))),
                models=SimpleNamespace(worker=model, planner=model))  # fmt: skip
    return Spending(room), recorded


ENDS = [None, EndpointFailed("x"), asyncio.CancelledError(), RuntimeError("a defect")]


@pytest.mark.parametrize("end", ENDS, ids=repr)
async def test_every_try_is_on_record_before_the_question_ends(end):
    spending, recorded = opened([FAILED, FAILED, ANSWERED], end)
    if end is None:
        await spending.complete("worker", "T1.2", ModelRequest([]), "worker@1.1.0")
    else:
        with pytest.raises(type(end)):
            await spending.complete("worker", "T1.2", ModelRequest([]), "worker@1.1.0")
    # A failed try is durable before the next is made.
    assert [len(facts) for facts in recorded] == [1, 1, 1]
    calls = [fact for facts in recorded for fact in facts]
    assert [one.outcome for one in calls] == ["failed", "failed", "answered"]
    assert [one.usage.calls for one in calls] == [1, 1, 1]
    assert {(one.model, one.prompt, one.agent) for one in calls} == {
        ("asked", "worker@1.1.0", "T1.2")
    }
    assert calls[-1].usage.cost_usd is None


async def test_a_model_that_makes_no_call_is_on_record_without_one():
    spending, recorded = opened()
    await spending.complete("planner", "P1", ModelRequest([]))
    ((fact,),) = recorded
    assert (fact.usage, fact.model, fact.outcome) == (Usage(), "main", "answered")


async def test_an_endpoints_words_are_bounded_and_a_secret_in_a_name_is_masked():
    spending, recorded = opened([(TokenUsage(1, 1), "answered", "x" * 9_000)])
    await spending.complete("worker", "T1.1", ModelRequest([]))
    assert recorded[0][0].finish_reason == "other"
    assert github_token() not in spending.name_of(f"m {github_token()}")
    assert len(spending.name_of("m" * 9_000)) == NAME_CHARACTERS


async def test_a_warning_of_one_agent_stands_before_the_refusal_of_another():
    spending, recorded = opened(budget=Budget(calls=1))
    ledger = spending._room.ledger
    await ledger.reserve(1, 1, None)  # another agent's, still under way
    spending._room.models.worker._tries = [ANSWERED]
    for _ in range(2):
        with pytest.raises(Exception, match=r"budget\.calls"):
            await spending.complete("worker", "T1.1", ModelRequest([]))
    (facts,) = recorded  # the second refusal has nothing new to say
    assert [getattr(fact, "percent", "exceeded") for fact in facts] == [50, 80, 100, "exceeded"]
    assert isinstance(facts[-1], e.BudgetExceeded)
