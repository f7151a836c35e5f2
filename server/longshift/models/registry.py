"""Opening the models that a run's roles speak to.

Owns the choice between the built-in rules and an endpoint. Must never cost a process that needs
no endpoint the import of the openai package.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Self, TypeAlias

from longshift.errors import UsageError
from longshift.models.builtin.model import BuiltinModel
from longshift.models.config import BUILTIN, ModelConfig
from longshift.models.ledger import Ledger
from longshift.models.port import Model

if TYPE_CHECKING:
    from longshift.models.clients import Clients, Credentials

Role: TypeAlias = Literal["planner", "worker", "judge"]


@dataclass(frozen=True, slots=True)
class Models:
    """The open models of one run. Use it as an async context manager, or call `aclose`."""

    planner: Model
    worker: Model
    judge: Model
    _clients: "Clients | None" = None

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
) -> Models:
    """Open each role's model. Sends nothing.

    Args:
        configs: a configuration for each of the three roles.
        ledger: the run's, shared by all of them.
        environ: where variables are looked up.
        kept_out: folders in which no file may hold a key.

    Raises:
        KeyMissing: an endpoint needs a key, and there is none where it should be.
        UsageError: a setting asks for what does not exist.
    """
    for role, config in configs.items():
        if config.api != "chat" and config.model != BUILTIN:
            raise UsageError(
                f'`models.{role}.api = "{config.api}"` is not supported. Nothing was started. '
                'Use `api = "chat"`, which every OpenAI-compatible endpoint speaks.'
            )
    rules = BuiltinModel()
    if all(config.model == BUILTIN for config in configs.values()):
        return Models(rules, rules, rules)
    # Half a second of imports, and a keyring may wait for its owner: off the loop, which may be
    # serving an editor. Every key is looked up before the first client exists: a refusal leaves
    # nothing to close.
    credentials = await asyncio.to_thread(_all_credentials, configs, environ, kept_out)
    return _open_with_endpoints(configs, ledger, credentials, rules)


def _all_credentials(
    configs: Mapping[Role, ModelConfig], environ: Mapping[str, str], kept_out: Sequence[Path]
) -> "dict[Role, Credentials]":
    import longshift.models.endpoint  # noqa: F401 - only loaded here, used below
    from longshift.models.clients import find_credentials

    return {
        role: find_credentials(config, environ, kept_out)
        for role, config in configs.items()
        if config.model != BUILTIN
    }


def _open_with_endpoints(
    configs: Mapping[Role, ModelConfig],
    ledger: Ledger,
    credentials: "Mapping[Role, Credentials]",
    rules: BuiltinModel,
) -> Models:
    from longshift.models.clients import Clients
    from longshift.models.endpoint import EndpointModel

    clients = Clients()

    def model(role: Role) -> Model:
        if role not in credentials:
            return rules
        return EndpointModel(configs[role], clients.client(credentials[role]), ledger)

    return Models(model("planner"), model("worker"), model("judge"), clients)
