"""An endpoint model over real HTTP, its waits recorded and not waited."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import pytest

from longshift.models.breaker import Breaker
from longshift.models.clients import Client, Credentials
from longshift.models.config import ModelConfig
from longshift.models.endpoint import EndpointModel
from longshift.models.ledger import Budget, Ledger
from longshift.models.pacing import Pace
from tests.scripted_model import Script, ScriptedServer, running_server


@dataclass
class Wired:
    """A model, the server that it speaks to, and what was booked."""

    model: EndpointModel
    server: ScriptedServer
    ledger: Ledger
    waits_s: list[float] = field(default_factory=list)
    pauses_s: list[float] = field(default_factory=list)
    """How long the endpoint was left alone, each time."""
    client: Client | None = None


Wire = Callable[..., Awaitable[Wired]]


@pytest.fixture(scope="session")
def server() -> Iterator[ScriptedServer]:
    """One server for all tests of this room: ending one takes a tenth of a second."""
    with running_server() as running:
        yield running


@pytest.fixture
async def wire(server: ScriptedServer) -> AsyncIterator[Wire]:
    """Give the server a script, and make a model that speaks to it."""
    async with AsyncExitStack() as stack:

        async def make(
            script: Script | Mapping[str, object],
            budget: Budget | None = None,
            key: str = "test-key",
            holds: bool = False,
            **config: object,
        ) -> Wired:
            server.play(script)
            waits: list[float] = []
            pauses: list[float] = []

            async def sleep(seconds: float) -> None:
                waits.append(seconds)

            def call_later(seconds: float, act: Callable[[], None]) -> asyncio.Handle:
                waits.append(seconds)
                return asyncio.get_running_loop().call_soon(act)

            def tried_later(seconds: float, act: Callable[[], None]) -> asyncio.Handle:
                pauses.append(seconds)
                return asyncio.get_running_loop().call_soon(act)

            client = Client(
                Credentials(server.base_url, key),
                Pace(clock=lambda: sum(waits), jitter=lambda: 0.0, call_later=call_later),
                Breaker(jitter=lambda: 0.0, call_later=tried_later),
            )
            stack.push_async_callback(client.aclose)
            ledger = Ledger(budget)

            model = EndpointModel(
                ModelConfig(**{"model": "scripted", "base_url": server.base_url, **config}),
                client,
                ledger,
                holds=holds,
                sleep=sleep,
                jitter=lambda: 0.0,
            )
            return Wired(model, server, ledger, waits, pauses, client)

        yield make
