"""What a run spends: every call accounted for, every budget kept.

Owns the way from a role to its model and the events of calls and budgets. Must never let a call
pass that the ledger has not reserved, nor go on from a call that is not on record.
"""

import asyncio
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Final, get_args

from longshift import telemetry
from longshift.domain import events
from longshift.domain.budgets import setting_of
from longshift.domain.model import Budget as RunBudget
from longshift.domain.model import Role, TaskBudget, Usage
from longshift.domain.state import Phase
from longshift.engine.activities import Doing
from longshift.engine.room import RunRoom
from longshift.models.config import ModelConfig, Price
from longshift.models.ledger import (
    Budget,
    BudgetExceeded,
    Ledger,
    Reservation,
    UsageTotals,
    cost_of,
    credible,
)
from longshift.models.port import (
    CallOutcome,
    FinishReason,
    Model,
    ModelReply,
    ModelRequest,
    TokenUsage,
)
from longshift.models.registry import Role as RoleOfModels
from longshift.screening.secrets import mask
from longshift.settings import RoleModel
from longshift.telemetry import Chat

MODEL_OF: Final[Mapping[Role, RoleOfModels]] = {
    "planner": "planner",
    "worker": "worker",
    "judge": "judge",
    "agent": "worker",
    "integrator": "worker",
}
"""Whose model serves a role: roles of a strategy that is only measured have none of their own."""
NAME_CHARACTERS: Final = 200
"""How much of a model's name an event keeps."""
FINISH_REASONS: Final = frozenset(get_args(FinishReason))


@dataclass
class _Exchange:
    """One question to a model: who asks, and what its tries are to be recorded as."""

    spending: "Spending"
    role: Role
    agent: str
    model: str
    prompt: str
    task: str
    """The task that is worked on; "": none."""
    calls: list[events.ModelCalled] = field(default_factory=list)
    """Ended, and not on record yet."""
    made: int = 0

    def book(
        self,
        reservation: Reservation,
        usage: TokenUsage,
        outcome: CallOutcome,
        finish_reason: str,
        latency_s: float,
    ) -> None:
        """Note a call that has ended; `Spending` records it before anything follows from it."""
        self.made += 1
        used = usage.input_tokens + usage.output_tokens > 0
        estimated = usage.estimated and used
        if finish_reason and finish_reason not in FINISH_REASONS:
            finish_reason = "other"  # an endpoint's own words, of any length
        self.calls.append(
            events.ModelCalled(
                run=self.spending.run_id,
                role=self.role,
                agent=self.agent,
                model=self.spending.name_of(reservation.model or self.model),
                prompt=self.prompt,
                usage=Usage(
                    calls=1,
                    input_tokens=usage.input_tokens,
                    output_tokens=usage.output_tokens,
                    cached_tokens=usage.cached_tokens,
                    reasoning_tokens=usage.reasoning_tokens,
                    cost_usd=cost_of(usage, reservation.price),
                    estimated_calls=int(estimated),
                ),
                estimated=estimated,
                prices=reservation.price.source if reservation.price else "",
                latency_s=round(latency_s, 3),
                finish_reason=finish_reason,
                outcome=outcome,
            )
        )


_EXCHANGE: ContextVar[_Exchange | None] = ContextVar("exchange", default=None)


class RunLedger(Ledger):
    """A run's ledger that also knows which exchange each call belongs to."""

    def __init__(
        self, budget: RunBudget, usage: Usage, usage_of_tasks: Mapping[str, Usage]
    ) -> None:
        """Go on from what the run and its tasks have used, and hold them to a run's budget."""
        super().__init__(
            ledger_budget(budget),
            earlier_totals(usage),
            task_budget=ledger_budget(budget.task),
            earlier_of_tasks={id_: earlier_totals(one) for id_, one in usage_of_tasks.items()},
        )
        self._begun: dict[Reservation, tuple[_Exchange, float, Chat | None]] = {}

    async def reserve(
        self,
        input_tokens: int,
        max_output_tokens: int,
        price: Price | None,
        model: str = "",
        task: str = "",
    ) -> Reservation:
        """Take room for one HTTP call, as the ledger does, once the tries before are on record."""
        exchange = _EXCHANGE.get()
        if exchange is None:
            return await super().reserve(input_tokens, max_output_tokens, price, model, task)
        if exchange.calls:
            await exchange.spending.record(exchange)
        exchange.spending.note(exchange.agent, "budget")
        reservation = await super().reserve(
            input_tokens, max_output_tokens, price, model, task or exchange.task
        )
        exchange.spending.note(exchange.agent, "model")
        chat = telemetry.chat(exchange.spending.name_of(model or exchange.model))
        self._begun[reservation] = (exchange, asyncio.get_running_loop().time(), chat)
        return reservation

    def settle(
        self,
        reservation: Reservation,
        usage: TokenUsage,
        outcome: CallOutcome = "answered",
        finish_reason: str = "",
    ) -> None:
        """Settle a call, as the ledger does, and hand it to its exchange."""
        usage = credible(usage)
        super().settle(reservation, usage, outcome, finish_reason)
        exchange, begun, chat = self._begun.pop(reservation, (None, 0.0, None))
        if chat is not None:
            chat.end(outcome, finish_reason, usage.input_tokens, usage.output_tokens)
        if exchange is not None:
            exchange.spending.note(exchange.agent, "endpoint")  # it may have to be tried again
            latency_s = asyncio.get_running_loop().time() - begun
            exchange.book(reservation, usage, outcome, finish_reason, latency_s)


class Spending:
    """One run's calls to its models."""

    def __init__(self, room: RunRoom) -> None:
        """Record what the room's run spends."""
        self._room = room
        self._names: dict[str, str] = {}

    @property
    def run_id(self) -> str:
        """The run's id."""
        return self._room.run_id

    async def complete(
        self, role: Role, agent: str, request: ModelRequest, prompt: str = ""
    ) -> ModelReply:
        """Ask a role's model; each HTTP call is on record when this ends, however it ends.

        Args:
            role: whose model.
            agent: who asks, as events have it.
            request: what is asked.
            prompt: the prompt and its version: the role's, such as `worker@1.1.0`, or that of a
                question beside its conversation.

        Raises:
            ModelUnavailable: no usable answer came.
            BudgetExceeded: a budget has no room for the call; recorded once.
        """
        model: Model = getattr(self._room.models, MODEL_OF[role])
        task = agent.partition(".")[0] if role == "worker" else ""
        exchange = _Exchange(self, role, agent, model.name, prompt, task)
        begun = asyncio.get_running_loop().time()
        token = _EXCHANGE.set(exchange)
        refused: BudgetExceeded | None = None
        try:
            reply = await model.complete(request)
            if not exchange.made:  # by rule, without any call over HTTP
                latency_s = asyncio.get_running_loop().time() - begun
                exchange.calls.append(_without_a_call(exchange, reply, latency_s))
        except BudgetExceeded as spent:
            refused = spent
            raise
        finally:
            _EXCHANGE.reset(token)
            await self.record(exchange, refused)
        return reply

    async def record(self, exchange: _Exchange, refused: BudgetExceeded | None = None) -> None:
        """Put what an exchange has used on record, with what that does to the budgets.

        A warning never stands behind the refusal that it should have announced, whichever agent
        was warned and whichever refused: they are taken and handed over without awaiting.
        """
        calls, exchange.calls = exchange.calls, []
        facts: list[events.Event] = [*calls, *self._warned(), *self._exceeded(refused)]
        if facts:
            await self._room.chronicle.record(*facts)

    def note(self, agent: str, doing: Doing) -> None:
        """Let whoever watches know how far an agent's question has come."""
        self._room.shop.activities.note(self.run_id, agent, doing)

    def refuse_when_spent(self) -> None:
        """Let no agent take a further step once a budget of the run is used up.

        Raises:
            BudgetExceeded: one is.
        """
        spent = self._room.run.exceeded
        if spent is not None and spent.kind in ("usd", "tokens", "calls"):
            raise BudgetExceeded(spent.kind, spent.limit, spent.used)
        if spent is not None:
            raise asyncio.CancelledError(f"{setting_of(spent.kind, None)} is used up")

    def name_of(self, model: str) -> str:
        """A model's name as it is recorded; looked at once, for events are not masked again."""
        if model not in self._names:
            self._names[model] = mask(model)[:NAME_CHARACTERS]
        return self._names[model]

    def _warned(self) -> list[events.BudgetWarned]:
        run = self._room.run
        return [
            events.BudgetWarned(
                run=run.id,
                kind=level.kind,
                used=level.used,
                limit=level.limit,
                percent=level.percent,
                task=level.task or None,
            )
            for level in self._room.ledger.take_levels()
            if (level.task or None, level.kind, level.percent) not in run.warned
        ]

    def _exceeded(self, refused: BudgetExceeded | None) -> list[events.Event]:
        """The fact that a budget is used up; a run that waits for its endpoint waits no more.

        Nobody would try whether the endpoint is well: what is tried is a call, and none is left.
        """
        run = self._room.run
        if refused is None or run.phase is Phase.ENDED:
            return []
        task = refused.task or None
        known = run.exceeded if task is None else run.spent_tasks.get(task)
        if known is not None:
            return []
        exceeded = events.BudgetExceeded(
            run=run.id, kind=refused.kind, used=refused.used, limit=refused.limit, task=task
        )
        if task is None and run.paused and run.pause_cause == "endpoint":
            reason = f"{setting_of(refused.kind, None)} is used up, so the endpoint is not asked."
            return [exceeded, events.RunResumed(run=run.id, reason=reason)]
        return [exceeded]


def _without_a_call(exchange: _Exchange, reply: ModelReply, latency_s: float) -> events.ModelCalled:
    return events.ModelCalled(
        run=exchange.spending.run_id,
        role=exchange.role,
        agent=exchange.agent,
        model=exchange.spending.name_of(exchange.model),
        prompt=exchange.prompt,
        usage=Usage(),
        latency_s=round(latency_s, 3),
        finish_reason=reply.finish_reason,
        outcome="answered",
    )


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
        price_source=role_model.price_source,
        timeout_s=role_model.timeout_s,
        max_output_tokens=role_model.max_output_tokens,
        context_tokens=role_model.context_tokens,
        max_concurrency=role_model.max_concurrency,
        fallback=None if role_model.fallback is None else model_config(role_model.fallback),
    )


def ledger_budget(budget: RunBudget | TaskBudget) -> Budget:
    """The part of a run's or a task's budget that calls to models are held to."""
    return Budget(calls=budget.calls, tokens=budget.tokens, usd=budget.usd)


def earlier_totals(usage: Usage) -> UsageTotals:
    """What a run or a task had spent before this process took it over."""
    return UsageTotals(
        calls=usage.calls,
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cached_tokens=usage.cached_tokens,
        reasoning_tokens=usage.reasoning_tokens,
        estimated_calls=usage.estimated_calls,
        unpriced_calls=int(usage.cost_usd is None),
        priced_usd=usage.known_usd,
    )
