"""The HTTP clients that all agents share.

Owns keys and connections: one client for each endpoint and key, made once, closed once, with the
pace and the breaker that all its callers keep. Must never hand a key to anything but that client,
follow a redirect with it, or read an answer without end.
"""

import functools
import ssl
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx2
import openai

from longshift.models.breaker import Breaker
from longshift.models.config import ModelConfig
from longshift.models.keys import read_key
from longshift.models.pacing import Pace
from longshift.models.port import KeyMissing

NO_KEY: Final = "no-key"
"""Sent where a server of the person's own wants no key: the client insists on one."""
LARGEST_ANSWER_BYTES: Final = 8_000_000
"""What is longer is no answer of a model's: reading stops here."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """Where a client connects, and with which key."""

    base_url: str | None
    key: str

    def __repr__(self) -> str:
        return f"Credentials(base_url={self.base_url!r})"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, whatever it is."""

    status: int
    headers: Mapping[str, str]
    """Names in any letters."""
    body: bytes


class AnswerTooLarge(Exception):
    """An answer of more than `LARGEST_ANSWER_BYTES`, of which the rest was not read."""


@functools.cache
def tls() -> ssl.SSLContext:
    """What all clients trust.

    Reads every certificate of the system: 50 ms, so call it off a loop before a client is made.
    """
    return httpx2.create_ssl_context()


class Client:
    """One endpoint, with one key."""

    def __init__(
        self, credentials: Credentials, pace: Pace | None = None, breaker: Breaker | None = None
    ) -> None:
        """Make the client. Sends nothing."""
        self._http = openai.DefaultAioHttpClient(verify=tls())
        self._openai = openai.AsyncOpenAI(
            api_key=credentials.key,
            base_url=credentials.base_url,
            max_retries=0,
            http_client=self._http,
        )
        self.pace: Final = pace or Pace()
        self.breaker: Final = breaker or Breaker()
        base = self._openai.base_url
        self.host: Final = base.host if base.port is None else f"{base.host}:{base.port}"
        self.is_openai: Final = base.host == "api.openai.com"
        """Whether this is OpenAI's own."""
        self._headers: Final = httpx2.Headers(
            {
                "authorization": f"Bearer {credentials.key}",
                "content-type": "application/json",
                "accept": "application/json",
                "accept-encoding": "identity",  # nothing that swells as it is unpacked
                "user-agent": f"longshift openai/{openai.__version__}",
            }
        )
        self._urls: Final[dict[str, httpx2.URL]] = {}

    async def post(self, path: str, body: bytes, limits: httpx2.Timeout) -> Answer:
        """Send a body and read the whole answer, within these limits of time for each wait.

        The client's own `post` spends more on merging options and headers, which never change
        here, than all the rest of a call takes; this sends through the same connections.

        Raises:
            AnswerTooLarge: there is no end to it.
            httpx2.HTTPError, aiohttp.ClientError, TimeoutError: no whole answer came.
        """
        url = self._urls.get(path)
        if url is None:
            base = str(self._openai.base_url).rstrip("/")
            url = self._urls[path] = httpx2.URL(f"{base}{path}")
        request = httpx2.Request(
            "POST",
            url,
            headers=self._headers,
            content=body,
            extensions={"timeout": limits.as_dict()},
        )
        response = await self._http.send(request, stream=True, follow_redirects=False)
        try:
            return Answer(response.status_code, response.headers, await _read(response))
        finally:
            await response.aclose()

    async def aclose(self) -> None:
        """Close the connections; calls under way fail."""
        self.pace.close()
        self.breaker.close()
        await self._openai.close()


class Clients:
    """Clients by their credentials."""

    def __init__(self) -> None:
        """Start with none; each is made when first asked for."""
        self._clients: dict[Credentials, Client] = {}

    def client(self, credentials: Credentials) -> Client:
        """The client for an endpoint and key."""
        if credentials not in self._clients:
            self._clients[credentials] = Client(credentials)
        return self._clients[credentials]

    def __iter__(self) -> Iterator[Client]:
        return iter(self._clients.values())

    async def aclose(self) -> None:
        """Close every client; calls under way fail."""
        while self._clients:
            _, client = self._clients.popitem()
            await client.aclose()


async def _read(response: httpx2.Response) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in response.aiter_raw():
        parts.append(part)
        size += len(part)
        if size > LARGEST_ANSWER_BYTES:
            raise AnswerTooLarge
    return b"".join(parts)


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
