"""The ledger: what a run's calls used, and the budgets that none of them may pass.

Owns the only count of calls, tokens and cost of one run, for all its agents together and for each
task. Every HTTP call, retries included, is reserved here before it is sent and settled after. Must
never send anything and never know an endpoint.

Lives on one event loop. Reserving decides without awaiting, so between looking at what is left
and taking it no other agent can run.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Final, Literal, TypeAlias

from longshift.errors import NeedsPerson
from longshift.models.config import Price
from longshift.models.port import CallOutcome, TokenUsage

BudgetKind: TypeAlias = Literal["calls", "tokens", "usd"]

SMALLEST_REPLY_TOKENS: Final = 1_024
"""Below this much room a call is not worth making: its reply would only be cut off."""
LEVELS_PERCENT: Final = (50, 80, 100)
"""The shares of a budget at which there is something to say."""
MOST_TOKENS: Final = 10**12
"""More than any call uses: an endpoint that claims more is booked with this much."""


class BudgetExceeded(NeedsPerson):
    """The next call might pass a budget, so it was not made."""

    def __init__(self, kind: BudgetKind, limit: Decimal, used: Decimal, task: str = "") -> None:
        """Say which budget (`kind`) allows how much (`limit`), of which `used` is gone.

        Args:
            kind: of the budget.
            limit: what it allows.
            used: what is used of it.
            task: the task whose own budget it is; "": the run's.
        """
        self.kind: Final = kind
        self.limit: Final = limit
        self.used: Final = used
        self.task: Final = task
        stands = f"{_amount(kind, used)} of {_amount(kind, limit)} used"
        if task:
            super().__init__(
                f"Task {task} stands at its own budget: {stands}, and its next call might need "
                "more than is left, so it was not made. The run goes on without it. Raise "
                f"`budget.task.{kind}` to let each task use more."
            )
        else:
            super().__init__(
                f"The run stands at its budget: {stands}, and the next call might need more than "
                "is left, so it was not made. Everything landed is kept. Raise "
                f"`budget.{kind}`, then resume the run."
            )


@dataclass(frozen=True, slots=True)
class Budget:
    """The most that a run, or a task, may use; 0 means no limit."""

    calls: int = 0
    tokens: int = 0
    """Input and output tokens together."""
    usd: Decimal = Decimal(0)
    """Holds for calls whose price is known; others are held by `tokens` alone."""


@dataclass(frozen=True, slots=True)
class UsageTotals:
    """What all calls of a run, or a task, used so far."""

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


@dataclass(frozen=True, slots=True)
class Level:
    """A share of a budget that is used, or reserved for calls under way."""

    kind: BudgetKind
    percent: int
    used: Decimal
    """Used and reserved, together."""
    limit: Decimal
    task: str
    """The task whose own budget it is; "": the run's."""


@dataclass(frozen=True, slots=True, eq=False)
class Reservation:
    """Room for one HTTP call. Settle it exactly once."""

    input_tokens: int
    max_output_tokens: int
    """The most that the reply may have: at most what was asked for, less where little is left."""
    price: Price | None
    model: str = ""
    """The model that is asked."""
    task: str = ""
    """The task that the call is made for; "": none."""
    tokens: int = field(init=False)
    """The most tokens that the call may use."""
    usd: Decimal = field(init=False)
    """The most that the call may cost; 0 where its price is unknown. It reckons with no cache."""

    def __post_init__(self) -> None:
        """Work the most out once: it is asked for several times."""
        object.__setattr__(self, "tokens", self.input_tokens + self.max_output_tokens)
        object.__setattr__(self, "usd", self._most_usd())

    def _most_usd(self) -> Decimal:
        if self.price is None:
            return Decimal(0)
        cached = self.price.cached_input_usd_per_mtok
        dearer = cached is not None and cached > self.price.input_usd_per_mtok
        from_cache = self.input_tokens if dearer else 0
        return self.price.cost_usd(self.input_tokens, self.max_output_tokens, from_cache)


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
        self._run = _Account(budget or Budget(), earlier or UsageTotals())
        self._task_budget = task_budget or Budget()
        self._tasks = {
            task: _Account(self._task_budget, totals, task)
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

    def _accounts_of(self, task: str) -> "tuple[_Account, ...]":
        if not task:
            return (self._run,)
        account = self._tasks.get(task)
        if account is None:
            account = self._tasks[task] = _Account(self._task_budget, UsageTotals(), task)
        return (self._run, account)


class _Account:
    """One budget, what is used of it, and what is reserved for calls under way."""

    def __init__(self, budget: Budget, earlier: UsageTotals, task: str = "") -> None:
        self.under_way = 0
        self._task = task
        # Plain counters: they change twice with each call of each of a thousand agents.
        self._calls = earlier.calls
        self._input_tokens = earlier.input_tokens
        self._output_tokens = earlier.output_tokens
        self._cached_tokens = earlier.cached_tokens
        self._reasoning_tokens = earlier.reasoning_tokens
        self._estimated_calls = earlier.estimated_calls
        self._unpriced_calls = earlier.unpriced_calls
        self._usd = earlier.priced_usd
        # Sums over the calls under way.
        self._open_tokens = 0
        self._open_usd = Decimal(0)
        self.hold_to(budget)

    @property
    def totals(self) -> UsageTotals:
        return UsageTotals(
            calls=self._calls,
            input_tokens=self._input_tokens,
            output_tokens=self._output_tokens,
            cached_tokens=self._cached_tokens,
            reasoning_tokens=self._reasoning_tokens,
            estimated_calls=self._estimated_calls,
            unpriced_calls=self._unpriced_calls,
            priced_usd=self._usd,
        )

    def hold_to(self, budget: Budget) -> None:
        self._budget = budget
        limits: dict[BudgetKind, Decimal] = {
            "calls": Decimal(budget.calls),
            "tokens": Decimal(budget.tokens),
            "usd": budget.usd,
        }
        self._limits = {kind: limit for kind, limit in limits.items() if limit}
        self._ahead = {kind: list(LEVELS_PERCENT) for kind in self._limits}
        self._next = {
            kind: _share(limit, LEVELS_PERCENT[0]) for kind, limit in self._limits.items()
        }

    def take(self, wanted: Reservation) -> None:
        self.under_way += 1
        self._calls += 1
        self._open_tokens += wanted.tokens
        self._open_usd += wanted.usd

    def settle(self, reservation: Reservation, usage: TokenUsage, cost: Decimal | None) -> None:
        self.under_way -= 1
        self._open_tokens -= reservation.tokens
        self._open_usd -= reservation.usd
        self._input_tokens += usage.input_tokens
        self._output_tokens += usage.output_tokens
        self._cached_tokens += usage.cached_tokens
        self._reasoning_tokens += usage.reasoning_tokens
        if usage.estimated and usage.input_tokens + usage.output_tokens:
            self._estimated_calls += 1
        if cost is None:
            self._unpriced_calls += 1
        else:
            self._usd += cost

    def levels(self, claimed: BudgetKind | None = None) -> Iterator[Level]:
        """The shares reached and not told yet; of the budget that is `claimed`, all."""
        for kind, bound in tuple(self._next.items()):
            used = self._limits[kind] if kind == claimed else self._committed(kind)
            if used >= bound:
                yield from self._told(kind, used)

    def _told(self, kind: BudgetKind, used: Decimal) -> Iterator[Level]:
        limit, ahead = self._limits[kind], self._ahead[kind]
        while ahead and used >= _share(limit, ahead[0]):
            yield Level(kind, ahead.pop(0), used, limit, self._task)
        if ahead:
            self._next[kind] = _share(limit, ahead[0])
        else:
            del self._next[kind]

    def short_of(self, wanted: Reservation) -> BudgetKind | None:
        """The first budget that `wanted` might pass, everything under way at its most."""
        budget = self._budget
        if budget.calls and self._calls + 1 > budget.calls:
            return "calls"
        tokens = self._input_tokens + self._output_tokens + self._open_tokens
        if budget.tokens and tokens + wanted.tokens > budget.tokens:
            return "tokens"
        usd = self._usd + self._open_usd
        if budget.usd and wanted.price is not None and usd + wanted.usd > budget.usd:
            return "usd"
        return None

    def shrunk(self, wanted: Reservation, short: BudgetKind) -> Reservation:
        """The same call with a shorter reply, so that it fits what is left.

        Raises:
            BudgetExceeded: not even a short reply fits.
        """
        room = min(wanted.max_output_tokens, self._output_room(wanted))
        shorter = replace(wanted, max_output_tokens=room)
        smallest = min(wanted.max_output_tokens, SMALLEST_REPLY_TOKENS)
        if short == "calls" or room < smallest or self.short_of(shorter) is not None:
            limit = self._limits[short]
            raise BudgetExceeded(short, limit, self._used(short), self._task)
        return shorter

    def _output_room(self, wanted: Reservation) -> int:
        """Output tokens that fit beside the prompt when nothing else is under way."""
        room = wanted.max_output_tokens
        if self._budget.tokens:
            used = self._input_tokens + self._output_tokens
            room = min(room, self._budget.tokens - used - wanted.input_tokens)
        price = wanted.price
        if self._budget.usd and price is not None and price.output_usd_per_mtok:
            left = self._budget.usd - self._usd
            usd = left - replace(wanted, max_output_tokens=0).usd
            room = min(room, int(usd * 1_000_000 / price.output_usd_per_mtok))
        return room

    def _used(self, kind: BudgetKind) -> Decimal:
        match kind:
            case "calls":
                return Decimal(self._calls)
            case "tokens":
                return Decimal(self._input_tokens + self._output_tokens)
            case "usd":
                return self._usd

    def _committed(self, kind: BudgetKind) -> Decimal:
        """What is used, everything under way at its most."""
        match kind:
            case "calls":
                return Decimal(self._calls)
            case "tokens":
                return Decimal(self._input_tokens + self._output_tokens + self._open_tokens)
            case "usd":
                return self._usd + self._open_usd


def _share(limit: Decimal, percent: int) -> Decimal:
    return limit * percent / 100


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
    accounts: tuple[_Account, ...], wanted: Reservation
) -> Iterator[tuple[_Account, BudgetKind]]:
    for account in accounts:
        kind = account.short_of(wanted)
        if kind is not None:
            yield account, kind


def _amount(kind: BudgetKind, amount: Decimal) -> str:
    return f"${amount:,.2f}" if kind == "usd" else f"{amount:,} {kind}"
