"""The HTTP clients that all agents share.

Owns keys and connections: one client for each endpoint and key, made once, closed once. Must
never hand a key to anything but that client.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import openai

from longshift.models.config import ModelConfig
from longshift.models.keys import read_key
from longshift.models.port import KeyMissing

NO_KEY: Final = "no-key"
"""Sent where a server of the person's own wants no key: the client insists on one."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """Where a client connects, and with which key."""

    base_url: str | None
    key: str

    def __repr__(self) -> str:
        return f"Credentials(base_url={self.base_url!r})"


class Clients:
    """Clients by their credentials."""

    def __init__(self) -> None:
        """Start with none; each is made when first asked for."""
        self._clients: dict[Credentials, openai.AsyncOpenAI] = {}

    def client(self, credentials: Credentials) -> openai.AsyncOpenAI:
        """The client for an endpoint and key."""
        if credentials not in self._clients:
            self._clients[credentials] = openai.AsyncOpenAI(
                api_key=credentials.key,
                base_url=credentials.base_url,
                max_retries=0,
                http_client=openai.DefaultAioHttpClient(),
            )
        return self._clients[credentials]

    async def aclose(self) -> None:
        """Close every client; calls under way fail."""
        while self._clients:
            _, client = self._clients.popitem()
            await client.close()


def find_credentials(
    config: ModelConfig, environ: Mapping[str, str], kept_out: Sequence[Path] = ()
) -> Credentials:
    """Read the key of a model from where `config` says that it is.

    Args:
        config: the model's.
        environ: the environment.
        kept_out: folders in which no file may hold a key.

    Raises:
        KeyMissing: there is none, and the endpoint is not one of the person's own choosing; or
            what is there can't be read or sent.
        UsageError: the file that should hold it lies in one of the folders.
    """
    base_url = config.base_url or environ.get("OPENAI_BASE_URL") or None
    key = read_key(config, environ, kept_out)
    if not key and base_url is None:
        raise KeyMissing(
            f"There is no key for model {config.model}: the environment variable "
            f"{config.api_key_env} is empty, so nothing was started. Set it, or name another "
            "source in `api_key_env`, `api_key_file` or `api_key_keyring` under `[models]`, or "
            "give the `base_url` of an endpoint that needs no key, or use "
            '`model = "builtin"`, which needs neither key nor network.'
        )
    return Credentials(base_url, key or NO_KEY)
