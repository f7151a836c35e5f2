"""A model behind an OpenAI-compatible endpoint.

Owns one role's way to its endpoint: tries, waits between them, and what each is booked as. Must
never send a request that the ledger has no room for, and never raise anything but
`ModelUnavailable`, `BudgetExceeded` or a cancellation.

The only modules that import the openai package and its HTTP client are this one, `clients` and
`failures`; importing them takes half a second, so `registry` does when a role first needs one.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import openai

from longshift.models.clients import AnswerTooLarge, Client
from longshift.models.config import EFFORT_OF_THE_ROLE, ModelConfig
from longshift.models.failures import KNOWN, Address, BadStatus, Failure, read_failure, require_ok
from longshift.models.ledger import Ledger, Reservation, estimate_tokens
from longshift.models.port import (
    CallOutcome,
    EndpointUnreachable,
    ModelReply,
    ModelRequest,
    TokenUsage,
)
from longshift.models.wire import Asked, Habits, MalformedAnswer, wire_for

MAX_TRIES: Final = 6
MALFORMED_TRIES: Final = 3
"""Tries where what comes is no answer: a server that speaks another protocol won't learn ours."""
FIRST_WAIT_S: Final = 0.5
LONGEST_WAIT_S: Final = 60.0
CONNECT_TIMEOUT_S: Final = 10.0

_OF_THE_ENDPOINT: Final[frozenset[CallOutcome]] = frozenset({"failed", "unreachable"})
"""Outcomes that tell of the endpoint and not of the call."""


class EndpointModel:
    """One model of one endpoint."""

    def __init__(
        self,
        config: ModelConfig,
        client: Client,
        ledger: Ledger,
        *,
        holds: bool = False,
        tries: int = MAX_TRIES,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        """Speak to `config.model` through a client that others share.

        Args:
            config: the model, its limits and its price.
            client: never closed here.
            ledger: the run's.
            holds: whether a call waits, as long as it takes, while the endpoint is out of order;
                else it fails after a few tries.
            tries: how many those are, where another may help.
            sleep: waits that many seconds.
            jitter: a number in [0, 1), so that agents which failed together don't come back
                together.
        """
        self._config = config
        self._client = client
        self._ledger = ledger
        self._holds = holds
        self._tries = tries
        self._sleep = sleep
        self._jitter = jitter
        self._address = Address(client.host, config.model, config.key_source)
        self._timeout = openai.Timeout(
            config.timeout_s, connect=min(CONNECT_TIMEOUT_S, config.timeout_s)
        )
        self._wire = wire_for(config.api)
        self._habits = Habits("max_completion_tokens" if client.is_openai else "max_tokens")
        client.pace.allow_at_most(config.max_concurrency)

    @property
    def name(self) -> str:
        """The model's name as the person configured it."""
        return self._config.model

    @property
    def may_be_asked(self) -> bool:
        """Whether its endpoint is well, or may be tried again."""
        return self._client.breaker.may_be_asked

    async def until_askable(self) -> None:
        """Wait until its endpoint is well, or may be tried again."""
        await self._client.breaker.until_askable()

    async def complete(self, request: ModelRequest) -> ModelReply:
        """Answer a conversation; see `port.Model.complete`."""
        return await self.ask(request, holds=self._holds)

    async def ask(self, request: ModelRequest, *, holds: bool) -> ModelReply:
        """Answer a conversation.

        Args:
            request: the conversation.
            holds: whether to wait while the endpoint is out of order.

        Raises:
            ModelUnavailable, BudgetExceeded: as `port.Model.complete`.
        """
        number = 0
        while True:
            habits = self._habits
            outcome = await self._try(request, habits, holds=holds)
            if isinstance(outcome, ModelReply):
                return outcome
            number += 1
            learnt = habits.after(outcome.said) if outcome.outcome == "refused" else habits
            if learnt != habits and number < MAX_TRIES:
                # From the habits of this try: others may have learnt the same meanwhile.
                self._habits = learnt
                continue
            if holds and outcome.holds and self._client.breaker.is_open:
                number = 0  # an outage is nobody's fault: what comes after it counts anew
                continue
            most = MALFORMED_TRIES if outcome.outcome == "malformed" else MAX_TRIES
            if outcome.passing and number < min(most, self._tries):
                if outcome.outcome != "rate_limited":  # those wait together, at the pace
                    await self._sleep(self._wait_s(number - 1, outcome.retry_after_s))
                continue
            if outcome.outcome == "rate_limited" and outcome.holds:
                self._client.breaker.failed(str(outcome.error), at_once=True)
            if not holds or not outcome.holds:
                raise outcome.error
            if not self._client.breaker.is_open:
                raise outcome.error  # others get through: it is this call that can't be answered
            number = 0

    async def _try(
        self, request: ModelRequest, habits: Habits, *, holds: bool
    ) -> ModelReply | Failure:
        """One HTTP call, once its time has come."""
        breaker, pace = self._client.breaker, self._client.pace
        tries = await breaker.wait() if holds or breaker.may_be_asked else False
        told = False
        try:
            was_open = breaker.is_open
            place = await pace.enter()
            while breaker.is_open and not was_open and not tries:
                # It opened while this call waited for its place: the place is for the one that
                # tries, and for nobody else before that has an answer.
                pace.leave()
                if not holds:
                    raise EndpointUnreachable(breaker.reason)
                tries = await breaker.wait()
                place = await pace.enter()
            headers: Mapping[str, str] | None = None
            failure: Failure | None = None
            try:
                outcome, headers = await self._call(request, habits)
                failure = outcome if isinstance(outcome, Failure) else None
            finally:
                if failure is not None and failure.outcome == "rate_limited" and failure.passing:
                    pace.leave_refused(place, failure.retry_after_s)
                else:
                    pace.leave(headers)
            if failure is not None and failure.outcome in _OF_THE_ENDPOINT:
                breaker.failed(str(failure.error), tried=tries)
            else:
                breaker.answered()
            told = True
            return outcome
        finally:
            if tries and not told:
                breaker.gave_up()

    async def _call(
        self, request: ModelRequest, habits: Habits
    ) -> tuple[ModelReply | Failure, Mapping[str, str] | None]:
        """One HTTP call, reserved before and settled after, however it ends."""
        asked = request.max_output_tokens or self._config.max_output_tokens
        body = self._encode(request, habits, asked)
        estimate = estimate_tokens(len(body))
        price = self._config.price
        reservation = await self._ledger.reserve(estimate, asked, price, self.name)
        if reservation.max_output_tokens != asked:
            body = self._encode(request, habits, reservation.max_output_tokens)
        # What holds if we are cancelled: the prompt was sent, and may be billed.
        booked = _Booking(self._ledger, reservation, estimate)
        headers: Mapping[str, str] | None = None
        with booked:
            try:
                async with asyncio.timeout(self._config.timeout_s):
                    answer = await self._client.post(self._wire.path, body, self._timeout)
                headers = answer.headers
                reply = self._wire.read(
                    require_ok(answer), self.name, len(body), len(request.messages)
                )
            except (*KNOWN, MalformedAnswer, AnswerTooLarge, BadStatus) as error:
                failure = read_failure(error, self._address, self._config.timeout_s)
                booked.failed(failure)
                return failure, headers
            booked.answered(reply)
            return reply, headers

    def _encode(self, request: ModelRequest, habits: Habits, max_output_tokens: int) -> bytes:
        configured = self._config.reasoning_effort
        effort = request.effort if configured == EFFORT_OF_THE_ROLE else configured
        return self._wire.encode(request, Asked(self.name, effort, max_output_tokens, habits))

    def _wait_s(self, failed_tries: int, retry_after_s: float | None) -> float:
        """Seconds to wait: what the endpoint asked for, or twice as long each time, half random."""
        if retry_after_s is not None:
            return min(retry_after_s * (1 + self._jitter() / 10), LONGEST_WAIT_S)
        most = min(FIRST_WAIT_S * 2.0**failed_tries, LONGEST_WAIT_S)
        return most * (1 + self._jitter()) / 2


class _Booking:
    """Settles a reservation with what is known when the call is over, however it ends."""

    def __init__(self, ledger: Ledger, reservation: Reservation, estimate: int) -> None:
        self._ledger = ledger
        self._reservation = reservation
        self._usage = TokenUsage(input_tokens=estimate, estimated=True)
        self._outcome: CallOutcome = "cancelled"
        self._finish_reason = ""

    def answered(self, reply: ModelReply) -> None:
        self._usage, self._outcome = reply.usage, "answered"
        self._finish_reason = reply.finish_reason

    def failed(self, failure: Failure) -> None:
        self._outcome = failure.outcome
        if not failure.worked:
            self._usage = TokenUsage()

    def __enter__(self) -> None:
        """Nothing to do: the reservation is there."""

    def __exit__(self, *_: object) -> None:
        self._ledger.settle(self._reservation, self._usage, self._outcome, self._finish_reason)
