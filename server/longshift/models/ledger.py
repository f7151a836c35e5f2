"""The ledger: what a run's calls used, and the budget that none of them may pass.

Owns the only count of calls, tokens and cost of one run, for all its agents together. Every HTTP
call, retries included, is reserved here before it is sent and settled after. Must never send
anything and never know an endpoint.

Lives on one event loop. Reserving decides without awaiting, so between looking at what is left
and taking it no other agent can run.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final, Literal, TypeAlias

from longshift.errors import NeedsPerson
from longshift.models.config import Price
from longshift.models.port import CallOutcome, TokenUsage

BudgetKind: TypeAlias = Literal["calls", "tokens", "usd"]

SMALLEST_REPLY_TOKENS: Final = 1_024
"""Below this much room a call is not worth making: its reply would only be cut off."""


class BudgetExceeded(NeedsPerson):
    """The next call might pass a budget, so it was not made."""

    def __init__(self, kind: BudgetKind, limit: Decimal, used: Decimal) -> None:
        """Say which budget (`kind`) allows how much (`limit`), of which `used` is gone."""
        self.kind: Final = kind
        self.limit: Final = limit
        self.used: Final = used
        super().__init__(
            f"The run stands at its budget: {_amount(kind, used)} of {_amount(kind, limit)} used, "
            "and the next call might need more than is left, so it was not made. Everything landed "
            f"is kept. Raise `budget.{kind}`, then resume the run."
        )


@dataclass(frozen=True, slots=True)
class Budget:
    """The most that a run may use; 0 means no limit."""

    calls: int = 0
    tokens: int = 0
    """Input and output tokens together."""
    usd: Decimal = Decimal(0)
    """Holds for calls whose price is known; others are held by `tokens` alone."""


@dataclass(frozen=True, slots=True)
class UsageTotals:
    """What all calls of a run used so far."""

    calls: int = 0
    """HTTP calls sent, failed tries included."""
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    """Part of `input_tokens`."""
    reasoning_tokens: int = 0
    """Part of `output_tokens`."""
    estimated_calls: int = 0
    """Calls whose tokens are our estimate, because the endpoint named none."""
    unpriced_calls: int = 0
    """Calls that used tokens whose price is unknown."""
    priced_usd: Decimal = Decimal(0)
    """The cost of all other calls."""

    @property
    def tokens(self) -> int:
        """Input and output tokens together."""
        return self.input_tokens + self.output_tokens

    @property
    def cost_usd(self) -> Decimal | None:
        """The whole cost; None as soon as one call's price is unknown."""
        return None if self.unpriced_calls else self.priced_usd


@dataclass(frozen=True, slots=True, eq=False)
class Reservation:
    """Room for one HTTP call. Settle it exactly once."""

    input_tokens: int
    max_output_tokens: int
    """The most that the reply may have: at most what was asked for, less where little is left."""
    price: Price | None

    @property
    def tokens(self) -> int:
        """The most tokens that the call may use."""
        return self.input_tokens + self.max_output_tokens

    @property
    def usd(self) -> Decimal:
        """The most that the call may cost; 0 where its price is unknown."""
        return _cost(self.price, self.input_tokens, self.max_output_tokens)


class Ledger:
    """Counts and limits the calls of one run."""

    def __init__(
        self,
        budget: Budget | None = None,
        earlier: UsageTotals | None = None,
        on_change: Callable[[UsageTotals], None] | None = None,
    ) -> None:
        """Open a ledger.

        Args:
            budget: the run's limits, earlier usage included; None: none.
            earlier: what the run had used before it was interrupted.
            on_change: told the new totals after each settled call, on the loop's thread.
        """
        self._budget = budget or Budget()
        self._totals = earlier or UsageTotals()
        self._on_change = on_change
        self._open: set[Reservation] = set()
        # Sums over `_open`, kept beside it: with a thousand agents adding up anew would show.
        self._open_tokens = 0
        self._open_usd = Decimal(0)
        self._settled = asyncio.Event()

    @property
    def totals(self) -> UsageTotals:
        """What was used so far; calls under way count as calls, but with no tokens yet."""
        return self._totals

    async def reserve(
        self, input_tokens: int, max_output_tokens: int, price: Price | None
    ) -> Reservation:
        """Take room for one HTTP call, waiting while calls under way may still give some back.

        Args:
            input_tokens: the prompt's estimated tokens.
            max_output_tokens: the most that the reply should have.
            price: the model's price; None: unknown.

        Returns:
            The reservation. Send the call with its `max_output_tokens`, then `settle` it.

        Raises:
            BudgetExceeded: even with nothing under way there would be too little left.
        """
        wanted = Reservation(input_tokens, max_output_tokens, price)
        while (short := self._short_of(wanted)) is not None:
            if short == "calls" or not self._open:
                wanted = self._shrunk(wanted, short)
                break
            self._settled.clear()
            await self._settled.wait()
        self._open.add(wanted)
        self._open_tokens += wanted.tokens
        self._open_usd += wanted.usd
        self._totals = replace(self._totals, calls=self._totals.calls + 1)
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
        self._open.remove(reservation)
        self._open_tokens -= reservation.tokens
        self._open_usd -= reservation.usd
        self._totals = _added(self._totals, usage, reservation.price)
        self._settled.set()
        if self._on_change is not None:
            self._on_change(self._totals)

    def _short_of(self, wanted: Reservation) -> BudgetKind | None:
        """The first budget that `wanted` might pass, everything under way at its most."""
        budget = self._budget
        if budget.calls and self._totals.calls + 1 > budget.calls:
            return "calls"
        tokens = self._totals.tokens + self._open_tokens
        if budget.tokens and tokens + wanted.tokens > budget.tokens:
            return "tokens"
        usd = self._totals.priced_usd + self._open_usd
        if budget.usd and wanted.price is not None and usd + wanted.usd > budget.usd:
            return "usd"
        return None

    def _shrunk(self, wanted: Reservation, short: BudgetKind) -> Reservation:
        """The same call with a shorter reply, so that it fits what is left.

        Raises:
            BudgetExceeded: not even a short reply fits.
        """
        room = min(wanted.max_output_tokens, self._output_room(wanted))
        shorter = replace(wanted, max_output_tokens=room)
        smallest = min(wanted.max_output_tokens, SMALLEST_REPLY_TOKENS)
        if short == "calls" or room < smallest or self._short_of(shorter) is not None:
            raise self._exceeded(short)
        return shorter

    def _output_room(self, wanted: Reservation) -> int:
        """Output tokens that fit beside the prompt when nothing else is under way."""
        room = wanted.max_output_tokens
        if self._budget.tokens:
            room = min(room, self._budget.tokens - self._totals.tokens - wanted.input_tokens)
        price = wanted.price
        if self._budget.usd and price is not None and price.output_usd_per_mtok:
            left = self._budget.usd - self._totals.priced_usd
            usd = left - price.cost_usd(wanted.input_tokens, 0)
            room = min(room, int(usd * 1_000_000 / price.output_usd_per_mtok))
        return room

    def _exceeded(self, kind: BudgetKind) -> BudgetExceeded:
        budget, totals = self._budget, self._totals
        match kind:
            case "calls":
                return BudgetExceeded(kind, Decimal(budget.calls), Decimal(totals.calls))
            case "tokens":
                return BudgetExceeded(kind, Decimal(budget.tokens), Decimal(totals.tokens))
            case "usd":
                return BudgetExceeded(kind, budget.usd, totals.priced_usd)


def estimate_tokens(text_bytes: int) -> int:
    """Tokens of a text that no endpoint has counted yet: a quarter of its bytes, rounded up."""
    return -(-text_bytes // 4)


def _added(totals: UsageTotals, usage: TokenUsage, price: Price | None) -> UsageTotals:
    used_tokens = usage.input_tokens + usage.output_tokens > 0
    return replace(
        totals,
        input_tokens=totals.input_tokens + usage.input_tokens,
        output_tokens=totals.output_tokens + usage.output_tokens,
        cached_tokens=totals.cached_tokens + usage.cached_tokens,
        reasoning_tokens=totals.reasoning_tokens + usage.reasoning_tokens,
        estimated_calls=totals.estimated_calls + (usage.estimated and used_tokens),
        unpriced_calls=totals.unpriced_calls + (price is None and used_tokens),
        priced_usd=totals.priced_usd + _cost(price, usage.input_tokens, usage.output_tokens),
    )


def _cost(price: Price | None, input_tokens: int, output_tokens: int) -> Decimal:
    return Decimal(0) if price is None else price.cost_usd(input_tokens, output_tokens)


def _amount(kind: BudgetKind, amount: Decimal) -> str:
    return f"${amount:,.2f}" if kind == "usd" else f"{amount:,} {kind}"
