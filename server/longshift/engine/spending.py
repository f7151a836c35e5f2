"""What a run spends: every call accounted for, every budget kept.

Owns the way from a role to its model and the events of calls and budgets. Must never let a call
pass that the ledger has not reserved.
"""

import asyncio
from contextvars import ContextVar
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, Literal

from longshift.domain import events
from longshift.domain.model import Budget as RunBudget
from longshift.domain.model import BudgetKind, Usage
from longshift.domain.state import Phase, Run
from longshift.engine.room import RunRoom
from longshift.models.config import ModelConfig, Price
from longshift.models.ledger import Budget, BudgetExceeded, Ledger, Reservation, UsageTotals
from longshift.models.port import CallOutcome, Model, ModelReply, ModelRequest, TokenUsage
from longshift.settings import RoleModel

Role = Literal["planner", "worker", "judge"]
WARNINGS_PERCENT: Final = (50, 80)


@dataclass
class _Exchange:
    """What one question to a model has used so far, all its tries together."""

    usage: Usage = field(default_factory=Usage)


_EXCHANGE: ContextVar[_Exchange | None] = ContextVar("exchange", default=None)


class RunLedger(Ledger):
    """A run's ledger that also knows which exchange each call belongs to."""

    async def reserve(
        self, input_tokens: int, max_output_tokens: int, price: Price | None
    ) -> Reservation:
        """Take room for one HTTP call, as the ledger does, and count it."""
        reservation = await super().reserve(input_tokens, max_output_tokens, price)
        _count(Usage(calls=1))
        return reservation

    def settle(
        self,
        reservation: Reservation,
        usage: TokenUsage,
        outcome: CallOutcome = "answered",
        finish_reason: str = "",
    ) -> None:
        """Settle a call, as the ledger does, and count what it used."""
        super().settle(reservation, usage, outcome, finish_reason)
        price, used = reservation.price, usage.input_tokens + usage.output_tokens > 0
        known = price.cost_usd(usage.input_tokens, usage.output_tokens) if price else None
        _count(
            Usage(
                input_tokens=usage.input_tokens,
                output_tokens=usage.output_tokens,
                cached_tokens=usage.cached_tokens,
                reasoning_tokens=usage.reasoning_tokens,
                cost_usd=known if used else Decimal(0),
            )
        )


class Spending:
    """One run's calls to its models."""

    def __init__(self, room: RunRoom) -> None:
        """Record what the room's run spends."""
        self._room = room

    async def complete(self, role: Role, agent: str, request: ModelRequest) -> ModelReply:
        """Ask a role's model, and record the call and what it did to the budgets.

        Raises:
            ModelUnavailable: no usable answer came.
            BudgetExceeded: the budget has no room for the call; recorded once.
        """
        model: Model = getattr(self._room.models, role)
        loop = asyncio.get_running_loop()
        start = loop.time()
        exchange, ended = _Exchange(), ""
        token = _EXCHANGE.set(exchange)
        try:
            reply = await model.complete(request)
            ended = reply.finish_reason
        except BudgetExceeded as spent:
            await self.exceed(spent.kind, spent.used, spent.limit)
            raise
        finally:
            _EXCHANGE.reset(token)
            # A question that failed before its first call has cost nothing and is no exchange.
            if ended or exchange.usage.calls:
                latency_s = round(loop.time() - start, 3)
                await self._told(
                    events.ModelCalled(
                        run=self._room.run_id,
                        role=role,
                        agent=agent,
                        model=model.name,
                        usage=exchange.usage,
                        latency_s=latency_s,
                        finish_reason=ended or "error",
                    )
                )
        return reply

    async def exceed(self, kind: BudgetKind, used: Decimal, limit: Decimal) -> None:
        """Record, once, that a budget is used up."""
        run = self._room.run
        if run.exceeded is None and run.phase is not Phase.ENDED:
            await self._room.chronicle.record(
                events.BudgetExceeded(run=run.id, kind=kind, used=used, limit=limit)
            )

    def refuse_when_spent(self) -> None:
        """Let no agent take a further step once a budget is used up.

        Raises:
            BudgetExceeded: one is.
        """
        spent = self._room.run.exceeded
        if spent is not None and spent.kind in ("usd", "tokens", "calls"):
            raise BudgetExceeded(spent.kind, spent.limit, spent.used)
        if spent is not None:
            raise asyncio.CancelledError(f"budget.{spent.kind} is used up")

    async def _told(self, called: events.ModelCalled) -> None:
        run = self._room.run
        await self._room.chronicle.record(called, *_warnings(run, run.usage.plus(called.usage)))


def model_config(role_model: RoleModel) -> ModelConfig:
    """A role's settings as the models' own shape."""
    return ModelConfig(
        model=role_model.model,
        base_url=role_model.base_url,
        api_key_env=role_model.api_key_env,
        api_key_file=role_model.api_key_file,
        api_key_keyring=role_model.api_key_keyring,
        api=role_model.api,
        reasoning_effort=role_model.reasoning_effort,
        input_usd_per_mtok=role_model.input_usd_per_mtok,
        output_usd_per_mtok=role_model.output_usd_per_mtok,
        cached_input_usd_per_mtok=role_model.cached_input_usd_per_mtok,
        timeout_s=role_model.timeout_s,
        max_output_tokens=role_model.max_output_tokens,
        context_tokens=role_model.context_tokens,
        max_concurrency=role_model.max_concurrency,
        fallback=None if role_model.fallback is None else model_config(role_model.fallback),
    )


def ledger_budget(budget: RunBudget) -> Budget:
    """The part of a run's budget that calls to models are held to."""
    return Budget(calls=budget.calls, tokens=budget.tokens, usd=budget.usd)


def earlier_totals(usage: Usage) -> UsageTotals:
    """What a run had spent before this process took it over."""
    return UsageTotals(
        calls=usage.calls,
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cached_tokens=usage.cached_tokens,
        reasoning_tokens=usage.reasoning_tokens,
        unpriced_calls=int(usage.cost_usd is None),
        priced_usd=usage.cost_usd or Decimal(0),
    )


def _count(usage: Usage) -> None:
    exchange = _EXCHANGE.get()
    if exchange is not None:
        exchange.usage = exchange.usage.plus(usage)


def _warnings(run: Run, usage: Usage) -> list[events.BudgetWarned]:
    budget = run.started.budget
    spent: tuple[tuple[BudgetKind, Decimal, Decimal], ...] = (
        ("calls", Decimal(usage.calls), Decimal(budget.calls)),
        ("tokens", Decimal(usage.input_tokens + usage.output_tokens), Decimal(budget.tokens)),
        ("usd", usage.cost_usd or Decimal(0), budget.usd),
    )
    return [
        events.BudgetWarned(run=run.id, kind=kind, used=used, limit=limit, percent=percent)
        for kind, used, limit in spent
        for percent in WARNINGS_PERCENT
        if limit and used * 100 >= limit * percent and (kind, percent) not in run.warned
    ]
