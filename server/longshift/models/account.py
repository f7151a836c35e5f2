"""One budget, of a run or of a task: what it allows, what is used of it, what is reserved.

Owns the shapes of budgets and reservations, and the sums of one account. Must never wait: whether
a call waits for room, and which accounts it is booked on, is the ledger's.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Final, Literal, TypeAlias

from longshift.errors import NeedsPerson
from longshift.models.config import Price
from longshift.models.port import TokenUsage

BudgetKind: TypeAlias = Literal["calls", "tokens", "usd"]

SMALLEST_REPLY_TOKENS: Final = 1_024
"""Below this much room a call is not worth making: its reply would only be cut off."""
LEVELS_PERCENT: Final = (50, 80, 100)
"""The shares of a budget at which there is something to say."""


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


class Account:
    """One budget, what is used of it, and what is reserved for calls under way."""

    def __init__(self, budget: Budget, earlier: UsageTotals, task: str = "") -> None:
        """Go on from what was used before; `task` is whose account it is, "" the run's."""
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
        """What was used so far; calls under way count as calls, but with no tokens yet."""
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
        """Hold what follows to other limits, of which every share is news again."""
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
        """Reserve room for a call that is about to be made."""
        self.under_way += 1
        self._calls += 1
        self._open_tokens += wanted.tokens
        self._open_usd += wanted.usd

    def settle(self, reservation: Reservation, usage: TokenUsage, cost: Decimal | None) -> None:
        """Replace a reservation by what its call used, and cost (None: unknown)."""
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


def _amount(kind: BudgetKind, amount: Decimal) -> str:
    return f"${amount:,.2f}" if kind == "usd" else f"{amount:,} {kind}"
