"""An endpoint model over real HTTP, its waits recorded and not waited."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import pytest

from longshift.models.clients import Clients, Credentials
from longshift.models.config import ModelConfig
from longshift.models.endpoint import EndpointModel
from longshift.models.ledger import Budget, Ledger
from tests.scripted_model import Script, ScriptedServer, running_server


@dataclass
class Wired:
    """A model, the server that it speaks to, and what was booked."""

    model: EndpointModel
    server: ScriptedServer
    ledger: Ledger
    waits_s: list[float] = field(default_factory=list)


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
            **config: object,
        ) -> Wired:
            server.play(script)
            clients = Clients()
            stack.push_async_callback(clients.aclose)
            ledger = Ledger(budget)
            waits: list[float] = []

            async def sleep(seconds: float) -> None:
                waits.append(seconds)

            model = EndpointModel(
                ModelConfig(**{"model": "scripted", "base_url": server.base_url, **config}),
                clients.client(Credentials(server.base_url, key)),
                ledger,
                sleep=sleep,
                jitter=lambda: 0.0,
            )
            return Wired(model, server, ledger, waits)

        yield make
