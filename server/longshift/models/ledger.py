"""The ledger: what a run's calls used, and the budgets that none of them may pass.

Owns the only count of calls, tokens and cost of one run, for all its agents together and for each
task. Every HTTP call, retries included, is reserved here before it is sent and settled after. Must
never send anything and never know an endpoint.

Lives on one event loop. Reserving decides without awaiting, so between looking at what is left
and taking it no other agent can run.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Final

from longshift.models.account import (
    LEVELS_PERCENT,
    SMALLEST_REPLY_TOKENS,
    Account,
    Budget,
    BudgetExceeded,
    BudgetKind,
    Level,
    Reservation,
    UsageTotals,
)
from longshift.models.config import Price
from longshift.models.port import CallOutcome, TokenUsage

__all__ = [
    "LEVELS_PERCENT",
    "MOST_TOKENS",
    "SMALLEST_REPLY_TOKENS",
    "Budget",
    "BudgetExceeded",
    "BudgetKind",
    "Ledger",
    "Level",
    "Reservation",
    "UsageTotals",
    "cost_of",
    "credible",
    "estimate_tokens",
]

MOST_TOKENS: Final = 10**12
"""More than any call uses: an endpoint that claims more is booked with this much."""


class Ledger:
    """Counts and limits the calls of one run."""

    def __init__(
        self,
        budget: Budget | None = None,
        earlier: UsageTotals | None = None,
        on_change: Callable[[UsageTotals], None] | None = None,
        *,
        task_budget: Budget | None = None,
        earlier_of_tasks: Mapping[str, UsageTotals] | None = None,
    ) -> None:
        """Open a ledger.

        Args:
            budget: the run's limits, earlier usage included; None: none.
            earlier: what the run had used before it was interrupted.
            on_change: told the new totals after each settled call, on the loop's thread.
            task_budget: each task's own limits; None: none.
            earlier_of_tasks: what each task had used before, by its id.
        """
        self._run = Account(budget or Budget(), earlier or UsageTotals())
        self._task_budget = task_budget or Budget()
        self._tasks = {
            task: Account(self._task_budget, totals, task)
            for task, totals in (earlier_of_tasks or {}).items()
        }
        self._on_change = on_change
        self._levels: list[Level] = []
        self._settled = asyncio.Event()

    @property
    def totals(self) -> UsageTotals:
        """What was used so far; calls under way count as calls, but with no tokens yet."""
        return self._run.totals

    def totals_of(self, task: str) -> UsageTotals:
        """What a task has used so far, all its attempts together."""
        account = self._tasks.get(task)
        return UsageTotals() if account is None else account.totals

    def hold_to(self, budget: Budget, task_budget: Budget) -> None:
        """Hold the calls from here on to other limits."""
        self._task_budget = task_budget
        self._run.hold_to(budget)
        for account in self._tasks.values():
            account.hold_to(task_budget)
        self._settled.set()

    def take_levels(self) -> list[Level]:
        """Hand over the shares that were reached since this was last asked, each once."""
        levels, self._levels = self._levels, []
        return levels

    async def reserve(
        self,
        input_tokens: int,
        max_output_tokens: int,
        price: Price | None,
        model: str = "",
        task: str = "",
    ) -> Reservation:
        """Take room for one HTTP call, waiting while calls under way may still give some back.

        Args:
            input_tokens: the prompt's estimated tokens.
            max_output_tokens: the most that the reply should have.
            price: the model's price; None: unknown.
            model: the model that is asked.
            task: the task that the call is made for; "": none.

        Returns:
            The reservation. Send the call with its `max_output_tokens`, then `settle` it.

        Raises:
            BudgetExceeded: even with nothing under way there would be too little left.
        """
        wanted = Reservation(input_tokens, max_output_tokens, price, model, task)
        accounts = self._accounts_of(task)
        while short := next(_short_of(accounts, wanted), None):
            account, kind = short
            if kind == "calls" or not account.under_way:
                try:
                    wanted = account.shrunk(wanted, kind)
                except BudgetExceeded:
                    # What was asked for is taken as claimed: a refusal never comes unannounced.
                    self._levels += account.levels(claimed=kind)
                    raise
                continue
            self._settled.clear()
            await self._settled.wait()
        for account in accounts:
            account.take(wanted)
            self._levels += account.levels()
        return wanted

    def settle(
        self,
        reservation: Reservation,
        usage: TokenUsage,
        outcome: CallOutcome = "answered",
        finish_reason: str = "",
    ) -> None:
        """Replace a reservation by what its call really used.

        A call that failed before it used tokens is settled with `TokenUsage()`: it still was one.

        Args:
            reservation: of the call.
            usage: what it used.
            outcome: how it ended.
            finish_reason: why the model stopped, where it answered.
        """
        del outcome, finish_reason  # for whoever keeps a record of each call
        usage = credible(usage)
        cost = cost_of(usage, reservation.price)
        for account in self._accounts_of(reservation.task):
            account.settle(reservation, usage, cost)
            self._levels += account.levels()
        self._settled.set()
        if self._on_change is not None:
            self._on_change(self._run.totals)

    def _accounts_of(self, task: str) -> tuple[Account, ...]:
        if not task:
            return (self._run,)
        account = self._tasks.get(task)
        if account is None:
            account = self._tasks[task] = Account(self._task_budget, UsageTotals(), task)
        return (self._run, account)


def credible(usage: TokenUsage) -> TokenUsage:
    """What is booked of what an endpoint claims: no part above its whole, nothing beyond belief."""
    inputs = min(max(usage.input_tokens, 0), MOST_TOKENS)
    outputs = min(max(usage.output_tokens, 0), MOST_TOKENS)
    cached = min(max(usage.cached_tokens, 0), inputs)
    reasoning = min(max(usage.reasoning_tokens, 0), outputs)
    claimed = (usage.input_tokens, usage.output_tokens, usage.cached_tokens, usage.reasoning_tokens)
    if (inputs, outputs, cached, reasoning) == claimed:
        return usage
    return TokenUsage(inputs, outputs, cached, reasoning, usage.estimated)


def estimate_tokens(text_bytes: int) -> int:
    """Tokens of a text that no endpoint has counted yet: a quarter of its bytes, rounded up."""
    return -(-text_bytes // 4)


def cost_of(usage: TokenUsage, price: Price | None) -> Decimal | None:
    """What a call cost; None: it used tokens at an unknown price."""
    if not usage.input_tokens and not usage.output_tokens:
        return Decimal(0)
    if price is None:
        return None
    return price.cost_usd(usage.input_tokens, usage.output_tokens, usage.cached_tokens)


def _short_of(
    accounts: tuple[Account, ...], wanted: Reservation
) -> Iterator[tuple[Account, BudgetKind]]:
    for account in accounts:
        kind = account.short_of(wanted)
        if kind is not None:
            yield account, kind
