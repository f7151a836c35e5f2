"""The ledger: no budget is ever passed, whatever happens at once."""

import asyncio
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longshift.models.config import Price
from longshift.models.ledger import (
    MOST_TOKENS,
    Budget,
    BudgetExceeded,
    Ledger,
    UsageTotals,
    cost_of,
    estimate_tokens,
)
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
    task_tokens=st.integers(0, 20_000),
)
def test_no_budget_is_passed_at_any_moment(agents, calls, tokens, cents, task_tokens):
    budget = Budget(calls, tokens, Decimal(cents) / 100)
    seen: list[UsageTotals] = []
    ledger = Ledger(budget, on_change=seen.append, task_budget=Budget(tokens=task_tokens))
    refused = asyncio.run(_work(ledger, agents))
    for totals in (*seen, ledger.totals):
        assert not calls or totals.calls <= calls
        assert not tokens or totals.tokens <= tokens
        assert not cents or totals.priced_usd <= budget.usd
    assert ledger.totals.calls == len(seen) == sum(map(len, agents)) - refused
    if not (calls or tokens or cents or task_tokens):
        assert refused == 0
    of_tasks = [ledger.totals_of(f"T{number % 3}") for number in range(3)]
    assert sum(totals.tokens for totals in of_tasks) == ledger.totals.tokens
    for totals in of_tasks:
        assert not task_tokens or totals.tokens <= task_tokens
    told = [(one.task, one.kind, one.percent) for one in ledger.take_levels()]
    assert len(set(told)) == len(told)
    assert all(told.index((task, kind, 50)) <= told.index((task, kind, percent))
               for task, kind, percent in told)  # fmt: skip


async def _work(ledger, agents):
    """Let all agents make their calls at once; the number of calls that were refused."""

    async def agent(number, plan):
        refused = 0
        for input_tokens, most, share, turns in plan:
            try:
                room = await ledger.reserve(input_tokens, most, PRICE, task=f"T{number % 3}")
            except BudgetExceeded:
                refused += 1
                continue
            for _ in range(turns):
                await asyncio.sleep(0)
            ledger.settle(room, TokenUsage(input_tokens, int(room.max_output_tokens * share)))
        return refused

    return sum(await asyncio.gather(*(agent(*one) for one in enumerate(agents))))


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


# What is reserved (input, most output) or settled (the tokens that were used), and what is told.
LEVELS = {
    "calls, one by one": (
        Budget(calls=4),
        [(10, 10), 20, (10, 10), 20, (10, 10), 20, (10, 10), 20, (10, 10)],
        "calls 50, calls 80, calls 100, refused",
    ),
    "a small limit at once": (Budget(calls=1), [(1, 1), (1, 1)],
                              "calls 50, calls 80, calls 100, refused"),
    "what is reserved counts": (Budget(tokens=10_000), [(1_000, 4_000)], "tokens 50"),
    "and is told once": (Budget(tokens=10_000), [(1_000, 4_000), 10, (1_000, 4_500)], "tokens 50"),
    "a reply that is shortened to what is left": (
        Budget(tokens=10_000), [(1_000, 20_000)], "tokens 50, tokens 80, tokens 100"
    ),
    "a refusal never comes unannounced": (
        Budget(tokens=10_000), [(9_900, 20_000)], "tokens 50, tokens 80, tokens 100, refused"
    ),
    "more than was reserved": (
        Budget(tokens=10_000), [(10, 10), 90_000, (1, 1)],
        "tokens 50, tokens 80, tokens 100, refused",
    ),
    "dollars": (Budget(usd=Decimal("0.1")), [(10_000, 5_000)], "usd 50"),
    "nothing is limited": (Budget(), [(10**9, 10**9), 10**9], ""),
}  # fmt: skip


@pytest.mark.parametrize(("budget", "steps", "told"), LEVELS.values(), ids=LEVELS)
@pytest.mark.parametrize("task", ["", "T1"])
async def test_shares_are_told_in_their_order_and_before_a_refusal(task, budget, steps, told):
    ledger = Ledger(task_budget=budget) if task else Ledger(budget)
    said, room = [], None
    for step in steps:
        try:
            if isinstance(step, tuple):
                room = await ledger.reserve(*step, PRICE, task=task)
            else:
                ledger.settle(room, TokenUsage(step))
        except BudgetExceeded as spent:
            said += [*ledger.take_levels(), "refused" if spent.task == task else spent.task]
        said += ledger.take_levels()
    words = [one if isinstance(one, str) else f"{one.kind} {one.percent}" for one in said]
    assert ", ".join(words) == told
    assert {one.task for one in said if not isinstance(one, str)} <= {task}


@pytest.mark.parametrize(
    ("claimed", "booked"),
    [
        (TokenUsage(10, 5, 4, 3), TokenUsage(10, 5, 4, 3)),
        (TokenUsage(10, 5, 40, 30, estimated=True), TokenUsage(10, 5, 10, 5, estimated=True)),
        (TokenUsage(-10, -5, -4, -3), TokenUsage()),
        (TokenUsage(10**40, 10**13), TokenUsage(MOST_TOKENS, MOST_TOKENS)),
    ],
)
async def test_no_part_is_booked_above_its_whole(claimed, booked):
    ledger = Ledger()
    ledger.settle(await ledger.reserve(10, 100, PRICE), claimed)
    totals = ledger.totals
    assert (totals.input_tokens, totals.output_tokens) == (
        booked.input_tokens, booked.output_tokens
    )  # fmt: skip
    assert (totals.cached_tokens, totals.reasoning_tokens) == (
        booked.cached_tokens, booked.reasoning_tokens
    )  # fmt: skip
    assert totals.priced_usd >= 0


async def test_a_raised_budget_holds_for_those_who_wait():
    ledger = Ledger(Budget(calls=9, tokens=4_000))
    await ledger.reserve(0, 4_000, None)
    waiting = asyncio.create_task(ledger.reserve(0, 4_000, None, task="T1"))
    await asyncio.sleep(0)
    ledger.hold_to(Budget(calls=2, tokens=9_000), Budget(calls=1))
    assert (await waiting).max_output_tokens == 4_000
    for task, setting in (("T1", "budget.calls"), ("T2", "budget.calls")):
        with pytest.raises(BudgetExceeded, match=setting):
            await ledger.reserve(1, 1, None, task=task)
    ledger.hold_to(Budget(), Budget(calls=1))
    with pytest.raises(BudgetExceeded, match=r"Task T1 .*budget\.task\.calls"):
        await ledger.reserve(1, 1, None, task="T1")


@pytest.mark.parametrize(
    ("price", "usage", "usd"),
    [
        (Price(Decimal(2), Decimal(8)), TokenUsage(1_000, 100, 600), "0.0028"),
        (Price(Decimal(2), Decimal(8), Decimal("0.2")), TokenUsage(1_000, 100, 600), "0.00172"),
        (Price(Decimal(2), Decimal(8), Decimal(0)), TokenUsage(1_000, 0, 1_000), "0"),
        (Price(Decimal("0.1"), Decimal("0.3")), TokenUsage(3, 1), "6E-7"),
        (None, TokenUsage(1), None),
        (None, TokenUsage(), "0"),
    ],
)
def test_what_comes_from_a_cache_has_a_price_of_its_own(price, usage, usd):
    cost = cost_of(usage, price)
    assert cost == (None if usd is None else Decimal(usd))


async def test_a_reservation_reckons_with_no_cache():
    cheap, dear = (Price(Decimal(2), Decimal(8), Decimal(cached)) for cached in (0, 3))
    assert (await Ledger().reserve(1_000_000, 0, cheap)).usd == 2
    assert (await Ledger().reserve(1_000_000, 0, dear)).usd == 3


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
