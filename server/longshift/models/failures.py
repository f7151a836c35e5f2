"""What went wrong with a call, whether another try may help, and what to tell the person.

Owns the reading of an endpoint's errors. Must never let a key, a path or a query of an address
into a message: host and model are all that it names.
"""

import re
from dataclasses import dataclass
from typing import Final

import aiohttp
import openai

from longshift.models.port import (
    EndpointFailed,
    EndpointUnreachable,
    KeyRefused,
    ModelUnavailable,
    ModelUnknown,
    PromptTooLong,
    RateLimited,
    ReplyMalformed,
    RequestRefused,
)
from longshift.models.wire import MalformedAnswer

KNOWN: Final = (openai.APIError, aiohttp.ClientError, TimeoutError, ValueError, RecursionError)
"""Everything that a call may raise for a reason outside this program, beside `MalformedAnswer`."""

KEPT: Final = "Everything landed so far is kept."

_TOO_LONG: Final = re.compile(
    r"context.?(length|window|size)|prompt is too long|too many (input )?tokens"
    r"|maximum.{0,20}tokens.{0,40}(prompt|messages|input)",
    re.IGNORECASE,
)
_WORDS_LIMIT: Final = 300


@dataclass(frozen=True, slots=True)
class Address:
    """What a message may name of an endpoint."""

    host: str
    model: str
    key_source: str
    """Where the key is, as `ModelConfig.key_source`."""


@dataclass(frozen=True, slots=True)
class Failure:
    """One failed try."""

    error: ModelUnavailable
    """What to raise when no further try is made."""
    passing: bool
    """True: the same request may succeed later."""
    retry_after_s: float | None = None
    """The wait that the endpoint asked for."""
    worked: bool = False
    """True: the endpoint may have done (and billed) the work all the same."""
    limit_name_refused: bool = False
    """True: the endpoint wants the limit on output under its other name."""


def read_failure(error: Exception, address: Address, timeout_s: float) -> Failure:
    """Say what one of `KNOWN`, or a `MalformedAnswer`, means."""
    where = f"the endpoint {address.host} (model {address.model})"
    if isinstance(error, openai.APIStatusError):
        return _status_failure(error, address, where)
    if isinstance(error, openai.APIConnectionError | aiohttp.ClientError | TimeoutError):
        return _connection_failure(_innermost(error), where, timeout_s)
    words = str(error) if isinstance(error, MalformedAnswer) else "the answer is not JSON"
    text = (
        f"What came from {where} is no chat completion: {words[:_WORDS_LIMIT]}. {KEPT} "
        "Check that `base_url` under `[models]` names an OpenAI-compatible API (most end in /v1)."
    )
    return Failure(ReplyMalformed(text), passing=True, worked=True)


def _connection_failure(cause: BaseException, where: str, timeout_s: float) -> Failure:
    """No whole answer came. The cause says why: the client calls a refusal a timeout too."""
    if isinstance(cause, TimeoutError):
        text = (
            f"No answer from {where} within {timeout_s:g} s. {KEPT} "
            "Raise `timeout_s` under `[models]`, or see whether the endpoint is well; then resume."
        )
        return Failure(EndpointUnreachable(text), passing=True, worked=True)
    words = " ".join(str(cause).split())[:_WORDS_LIMIT].rstrip(".") or type(cause).__name__
    text = (
        f"Can't reach {where}: {words}. {KEPT} "
        "Check `base_url` under `[models]` and the network, then resume."
    )
    never_connected = isinstance(cause, aiohttp.ClientConnectorError)
    return Failure(EndpointUnreachable(text), passing=True, worked=not never_connected)


def _status_failure(error: openai.APIStatusError, address: Address, where: str) -> Failure:
    status = error.status_code
    said = _said(error)
    limit_refused = status in {400, 422} and "max_tokens" in said and "max_completion" in said
    match status:
        case 401 | 403:
            # Not its words: an endpoint may repeat the key in them.
            text = (
                f"{_capital(where)} refused the key ({status}). {KEPT} Put a valid key into "
                f"{address.key_source}, or name another source of it (`api_key_env`, "
                "`api_key_file`, `api_key_keyring`) under `[models]`; then resume."
            )
            return Failure(KeyRefused(text), passing=False)
        case 404:
            text = (
                f"{_capital(where)} answered 404: it knows no such model, or `base_url` is not the "
                f"root of its API.{said} {KEPT} Check `model` and `base_url` under `[models]`."
            )
            return Failure(ModelUnknown(text), passing=False)
        case 400 | 413 | 422 if status == 413 or _is_too_long(error, said):
            text = f"{_capital(where)} calls the conversation too long ({status}).{said} {KEPT}"
            return Failure(PromptTooLong(text), passing=False)
        case 429:
            return _rate_failure(error, where, said)
        case 408 | 409 | 425:
            text = f"{_capital(where)} kept answering {status}.{said} {KEPT} Resume later."
            return Failure(EndpointFailed(text), passing=True, retry_after_s=_retry_after(error))
        case _ if status >= 500:
            text = f"{_capital(where)} keeps failing ({status}).{said} {KEPT} Resume later."
            return Failure(EndpointFailed(text), passing=True, retry_after_s=_retry_after(error))
        case _:
            text = (
                f"{_capital(where)} refused the request ({status}).{said} {KEPT} "
                "Check the settings of this model under `[models]`."
            )
            return Failure(RequestRefused(text), passing=False, limit_name_refused=limit_refused)


def _rate_failure(error: openai.APIStatusError, where: str, said: str) -> Failure:
    if error.code == "insufficient_quota":
        text = (
            f"{_capital(where)} says that the account has no credit left (429).{said} {KEPT} "
            "Add credit or choose another model under `[models]`, then resume."
        )
        return Failure(RateLimited(text), passing=False)
    text = (
        f"{_capital(where)} keeps answering that its rate limit is reached (429).{said} {KEPT} "
        "Lower `workers` or wait, then resume."
    )
    return Failure(RateLimited(text), passing=True, retry_after_s=_retry_after(error))


def _is_too_long(error: openai.APIStatusError, said: str) -> bool:
    return error.code == "context_length_exceeded" or _TOO_LONG.search(said) is not None


def _said(error: openai.APIStatusError) -> str:
    """The endpoint's own words, short and on one line, as a sentence to append."""
    body = error.body
    words = body.get("message") if isinstance(body, dict) else body
    if not isinstance(words, str) or not words.strip():
        return ""
    return f" It said: {' '.join(words.split())[:_WORDS_LIMIT]!r}."


def _retry_after(error: openai.APIStatusError) -> float | None:
    """The wait asked for in seconds; None where none is named in a form that we read."""
    for header, per_second in (("retry-after-ms", 1000), ("retry-after", 1)):
        try:
            return max(0.0, float(error.response.headers[header]) / per_second)
        except (KeyError, ValueError):
            continue
    return None


def _innermost(error: BaseException) -> BaseException:
    while error.__cause__ is not None:
        error = error.__cause__
    return error


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]
