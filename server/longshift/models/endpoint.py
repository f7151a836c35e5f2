"""A model behind an OpenAI-compatible chat-completions endpoint.

Owns one role's way to its endpoint: tries, waits between them, and what each is booked as. Must
never send a request that the ledger has no room for, and never raise anything but
`ModelUnavailable`, `BudgetExceeded` or a cancellation.

The only modules that import the openai package are this one, `clients` and `failures`; importing
it takes half a second, so `registry` imports them when a role first needs an endpoint.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Final

import openai

from longshift.models.config import ModelConfig
from longshift.models.failures import KNOWN, Address, Failure, read_failure
from longshift.models.ledger import Ledger, estimate_tokens
from longshift.models.port import ModelReply, ModelRequest, TokenUsage
from longshift.models.wire import LimitKey, MalformedAnswer, encode_request, read_reply

MAX_TRIES: Final = 6
FIRST_WAIT_S: Final = 0.5
LONGEST_WAIT_S: Final = 60.0
CONNECT_TIMEOUT_S: Final = 10.0

_OTHER_LIMIT_KEY: Final[dict[LimitKey, LimitKey]] = {
    "max_tokens": "max_completion_tokens",
    "max_completion_tokens": "max_tokens",
}


class EndpointModel:
    """One model of one endpoint."""

    def __init__(
        self,
        config: ModelConfig,
        client: openai.AsyncOpenAI,
        ledger: Ledger,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        """Speak to `config.model` through a client that others share.

        Args:
            config: the model, its limits and its price.
            client: never closed here.
            ledger: the run's.
            sleep: waits that many seconds.
            jitter: a number in [0, 1), so that agents which failed together don't come back
                together.
        """
        self._config = config
        self._client = client
        self._ledger = ledger
        self._sleep = sleep
        self._jitter = jitter
        host = client.base_url.host
        port = client.base_url.port
        self._address = Address(
            host if port is None else f"{host}:{port}", config.model, config.key_source
        )
        self._timeout = openai.Timeout(
            config.timeout_s, connect=min(CONNECT_TIMEOUT_S, config.timeout_s)
        )
        self._limit_key: LimitKey = (
            "max_completion_tokens" if host.endswith("openai.com") else "max_tokens"
        )

    @property
    def name(self) -> str:
        """The model's name as the person configured it."""
        return self._config.model

    async def complete(self, request: ModelRequest) -> ModelReply:
        """Answer a conversation; see `port.Model.complete`."""
        for number in range(MAX_TRIES):
            limit_key = self._limit_key
            outcome = await self._try(request, limit_key)
            if isinstance(outcome, ModelReply):
                return outcome
            if outcome.limit_name_refused and number < MAX_TRIES - 1:
                # Set from the name that this try used: others may have failed with it meanwhile.
                self._limit_key = _OTHER_LIMIT_KEY[limit_key]
                continue
            if not outcome.passing or number == MAX_TRIES - 1:
                raise outcome.error
            await self._sleep(self._wait_s(number, outcome.retry_after_s))
        raise AssertionError("the last try returns or raises")

    async def _try(self, request: ModelRequest, limit_key: LimitKey) -> ModelReply | Failure:
        """One HTTP call, reserved before and settled after, however it ends."""
        asked = request.max_output_tokens or self._config.max_output_tokens
        body = self._encode(request, limit_key, asked)
        estimate = estimate_tokens(len(body))
        reservation = await self._ledger.reserve(estimate, asked, self._config.price)
        if reservation.max_output_tokens != asked:
            body = self._encode(request, limit_key, reservation.max_output_tokens)
        # What holds if we are cancelled: the prompt was sent, and may be billed.
        usage = TokenUsage(input_tokens=estimate, estimated=True)
        try:
            reply = read_reply(await self._post(body), self.name, len(body), len(request.messages))
            usage = reply.usage
        except (*KNOWN, MalformedAnswer) as error:
            failure = read_failure(error, self._address, self._config.timeout_s)
            usage = usage if failure.worked else TokenUsage()
            return failure
        else:
            return reply
        finally:
            self._ledger.settle(reservation, usage)

    async def _post(self, body: bytes) -> object:
        async with asyncio.timeout(self._config.timeout_s):
            return await self._client.post(
                "/chat/completions",
                # Bytes, and a reply of our own shape: the client's request transform and typed
                # construction cost more than the call itself, and validate nothing.
                content=body,
                cast_to=object,
                options={"max_retries": 0, "timeout": self._timeout},
            )

    def _encode(self, request: ModelRequest, limit_key: LimitKey, max_output_tokens: int) -> bytes:
        effort = request.effort or self._config.reasoning_effort
        return encode_request(request, self.name, effort, limit_key, max_output_tokens)

    def _wait_s(self, failed_tries: int, retry_after_s: float | None) -> float:
        """Seconds to wait: what the endpoint asked for, or twice as long each time, half random."""
        if retry_after_s is not None:
            return min(retry_after_s * (1 + self._jitter() / 10), LONGEST_WAIT_S)
        most = min(FIRST_WAIT_S * 2.0**failed_tries, LONGEST_WAIT_S)
        return most * (1 + self._jitter()) / 2
