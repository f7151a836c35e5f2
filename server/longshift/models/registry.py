"""Opening the models that a run's roles speak to.

Owns the choice between the built-in rules and an endpoint. Must never cost a process that needs
no endpoint the import of the openai package.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Self, TypeAlias

from longshift.models.builtin.model import BuiltinModel
from longshift.models.config import BUILTIN, ModelConfig
from longshift.models.ledger import Ledger
from longshift.models.port import Model

if TYPE_CHECKING:
    from longshift.models.clients import Client, Clients, Credentials

Role: TypeAlias = Literal["planner", "worker", "judge"]


@dataclass(frozen=True, slots=True)
class Models:
    """The open models of one run. Use it as an async context manager, or call `aclose`."""

    planner: Model
    worker: Model
    judge: Model
    _clients: "Clients | None" = None
    _chains: "tuple[tuple[Client, ...], ...]" = ()
    """For each role its endpoint and its fallback's. A role is out only when all of them are:
    a run that paused while a fallback answers would never hear that the first is well again."""

    def on_outage(self, listener: Callable[[str | None], None] | None) -> None:
        """Name who is told why calls have to wait for an endpoint, and (None) that none has.

        Args:
            listener: None: nobody is any more. Whoever listened would else live as long as this.
        """
        tell = None if listener is None else partial(self._tell, listener)
        for client in {client for chain in self._chains for client in chain}:
            client.breaker.on_change(tell)

    def try_now(self) -> None:
        """Try endpoints that are out of order at once, as after a person asked for it."""
        for client in self._clients or ():
            client.breaker.try_now()

    def _tell(self, listener: Callable[[str | None], None], reason: str | None) -> None:
        out = any(all(client.breaker.is_open for client in chain) for chain in self._chains)
        if not out:
            listener(None)
        elif reason is not None:
            listener(reason)

    async def aclose(self) -> None:
        """Close the connections. Calls under way fail."""
        if self._clients is not None:
            await self._clients.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()


async def open_models(
    configs: Mapping[Role, ModelConfig],
    ledger: Ledger,
    environ: Mapping[str, str],
    kept_out: Sequence[Path] = (),
    *,
    holds: bool = False,
    tries: int = 0,
) -> Models:
    """Open each role's model. Sends nothing.

    Args:
        configs: a configuration for each of the three roles.
        ledger: the run's, shared by all of them.
        environ: where variables are looked up.
        kept_out: folders in which no file may hold a key.
        holds: whether calls wait while an endpoint is out of order; whoever says so listens with
            `Models.on_outage`.
        tries: tries of one question where another may help; 0: as many as a run makes.

    Raises:
        KeyMissing: an endpoint needs a key, and there is none where it should be.
        UsageError: the file of a key lies where none may.
    """
    rules = BuiltinModel()
    if all(one.model == BUILTIN for config in configs.values() for one in _chain(config)):
        return Models(rules, rules, rules)
    # Half a second of imports, all certificates of the system, and a keyring that may wait for its
    # owner: off the loop, which may be serving an editor. Every key is looked up before the first
    # client exists: a refusal leaves nothing to close.
    credentials = await asyncio.to_thread(_all_credentials, configs, environ, kept_out)
    return _open_with_endpoints(configs, ledger, credentials, rules, holds=holds, tries=tries)


def _chain(config: ModelConfig) -> "Iterator[ModelConfig]":
    """A role's model and its fallback, if it has one."""
    yield config
    if config.fallback is not None:
        yield config.fallback


def _all_credentials(
    configs: Mapping[Role, ModelConfig], environ: Mapping[str, str], kept_out: Sequence[Path]
) -> "dict[ModelConfig, Credentials]":
    import longshift.models.endpoint  # noqa: F401 - only loaded here, used below
    from longshift.models.clients import find_credentials, tls

    tls()
    return {
        one: find_credentials(one, environ, kept_out)
        for config in configs.values()
        for one in _chain(config)
        if one.model != BUILTIN
    }


def _open_with_endpoints(
    configs: Mapping[Role, ModelConfig],
    ledger: Ledger,
    credentials: "Mapping[ModelConfig, Credentials]",
    rules: BuiltinModel,
    *,
    holds: bool,
    tries: int,
) -> Models:
    from longshift.models.clients import Clients
    from longshift.models.endpoint import MAX_TRIES, EndpointModel
    from longshift.models.fallback import FallbackModel

    clients = Clients()

    def opened(config: ModelConfig) -> Model:
        if config.model == BUILTIN:
            return rules
        client = clients.client(credentials[config])
        model = EndpointModel(config, client, ledger, holds=holds, tries=tries or MAX_TRIES)
        if config.fallback is None:
            return model
        return FallbackModel(model, opened(config.fallback), holds=holds)

    planner, worker, judge = (opened(configs[role]) for role in ("planner", "worker", "judge"))
    chains = (
        tuple(clients.client(credentials[one]) for one in chain)
        for chain in (list(_chain(config)) for config in configs.values())
        if all(one.model != BUILTIN for one in chain)
    )
    return Models(planner, worker, judge, clients, tuple(dict.fromkeys(chains)))
