"""The ledger: no budget is ever passed, whatever happens at once."""

import asyncio
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longshift.models.config import Price
from longshift.models.ledger import Budget, BudgetExceeded, Ledger, UsageTotals, estimate_tokens
from longshift.models.port import TokenUsage
from tests.support.examples import examples

PRICE = Price(Decimal(2), Decimal(8))
CALL = st.tuples(
    st.integers(0, 5_000),  # input tokens
    st.integers(1, 5_000),  # most output tokens
    st.floats(0, 1),  # share of them that the reply had
    st.integers(0, 3),  # turns of the loop that it takes
)


@settings(deadline=None, max_examples=examples(100))
@given(
    agents=st.lists(st.lists(CALL, max_size=8), max_size=8),
    calls=st.integers(0, 20),
    tokens=st.integers(0, 60_000),
    cents=st.integers(0, 20),
)
def test_no_budget_is_passed_at_any_moment(agents, calls, tokens, cents):
    budget = Budget(calls, tokens, Decimal(cents) / 100)
    seen: list[UsageTotals] = []
    ledger = Ledger(budget, on_change=seen.append)
    refused = asyncio.run(_work(ledger, agents))
    for totals in (*seen, ledger.totals):
        assert not calls or totals.calls <= calls
        assert not tokens or totals.tokens <= tokens
        assert not cents or totals.priced_usd <= budget.usd
    assert ledger.totals.calls == len(seen) == sum(map(len, agents)) - refused
    if not (calls or tokens or cents):
        assert refused == 0


async def _work(ledger, agents):
    """Let all agents make their calls at once; the number of calls that were refused."""

    async def agent(plan):
        refused = 0
        for input_tokens, most, share, turns in plan:
            try:
                room = await ledger.reserve(input_tokens, most, PRICE)
            except BudgetExceeded:
                refused += 1
                continue
            for _ in range(turns):
                await asyncio.sleep(0)
            ledger.settle(room, TokenUsage(input_tokens, int(room.max_output_tokens * share)))
        return refused

    return sum(await asyncio.gather(*map(agent, agents)))


async def test_a_call_waits_for_room_that_others_may_give_back():
    ledger = Ledger(Budget(tokens=10_000))
    first = await ledger.reserve(1_000, 8_000, None)
    second = asyncio.create_task(ledger.reserve(1_000, 8_000, None))
    await asyncio.sleep(0)
    assert not second.done()
    ledger.settle(first, TokenUsage(1_000, 10))
    assert (await second).max_output_tokens == 7_990  # shortened to what is left


async def test_a_cancelled_wait_takes_no_room():
    ledger = Ledger(Budget(tokens=4_000))
    first = await ledger.reserve(0, 4_000, None)
    waiting = asyncio.create_task(ledger.reserve(0, 4_000, None))
    await asyncio.sleep(0)
    waiting.cancel()
    ledger.settle(first, TokenUsage())
    assert (await ledger.reserve(0, 4_000, None)).max_output_tokens == 4_000


EXCEEDED = [
    (Budget(calls=3), UsageTotals(calls=3), "3 calls of 3 calls", "budget.calls"),
    (
        Budget(tokens=9_000),
        UsageTotals(input_tokens=8_000),
        "8,000 tokens of",
        "budget.tokens",
    ),
    (Budget(usd=Decimal(5)), UsageTotals(priced_usd=Decimal("4.999")), "$5.00 of", "budget.usd"),
]


@pytest.mark.parametrize(("budget", "earlier", "used", "setting"), EXCEEDED)
async def test_a_resumed_run_has_what_is_left(budget, earlier, used, setting):
    with pytest.raises(BudgetExceeded) as caught:
        await Ledger(budget, earlier).reserve(10, 10_000, PRICE)
    assert used in str(caught.value)
    assert setting in str(caught.value)


async def test_an_unknown_price_makes_the_cost_unknown_and_a_free_one_does_not():
    ledger = Ledger(Budget(usd=Decimal(1)))
    for price in (PRICE, Price(Decimal(0), Decimal(0))):
        ledger.settle(await ledger.reserve(10, 100, price), TokenUsage(1_000, 1_000))
    assert ledger.totals.cost_usd == Decimal("0.01")
    failed = await ledger.reserve(10, 100, None)
    ledger.settle(failed, TokenUsage())
    assert ledger.totals.cost_usd == Decimal("0.01")  # it used nothing
    ledger.settle(await ledger.reserve(10, 10**9, None), TokenUsage(1, 1))
    assert ledger.totals.cost_usd is None
    assert ledger.totals.priced_usd == Decimal("0.01")


@pytest.mark.parametrize(("size", "tokens"), [(0, 0), (1, 1), (4, 1), (5, 2), (400, 100)])
def test_a_token_is_four_bytes_until_an_endpoint_counts(size, tokens):
    assert estimate_tokens(size) == tokens
