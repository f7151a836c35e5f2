"""What went wrong with a call, whether another try may help, and what to tell the person.

Owns the reading of an endpoint's errors. Must never let a key, a path or a query of an address
into a message: host and model are all that it names.
"""

import json
import re
from dataclasses import dataclass
from typing import Final

import aiohttp
import httpx2

from longshift.models.clients import LARGEST_ANSWER_BYTES, Answer, AnswerTooLarge
from longshift.models.pacing import retry_after
from longshift.models.port import (
    CallOutcome,
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

KNOWN: Final = (httpx2.HTTPError, aiohttp.ClientError, OSError, ValueError, RecursionError)
"""Everything that a call may raise for a reason outside this program, beside what is our own."""

KEPT: Final = "Everything landed so far is kept."

_TOO_LONG: Final = re.compile(
    r"context.?(length|window|size)|prompt is too long|too many (input )?tokens"
    r"|maximum.{0,20}tokens.{0,40}(prompt|messages|input)",
    re.IGNORECASE,
)
_WORDS_LIMIT: Final = 300
_PASSING: Final = frozenset({408, 409, 425})
_LONGEST_ERROR: Final = 65_536


class BadStatus(Exception):
    """An answer whose status is not 200."""

    def __init__(self, answer: Answer) -> None:
        """Hold it."""
        super().__init__(f"status {answer.status}")
        self.answer: Final = answer


def require_ok(answer: Answer) -> bytes:
    """The body of an answer that is none of an error.

    Raises:
        BadStatus: its status is not 200.
    """
    if answer.status != 200:
        raise BadStatus(answer)
    return answer.body


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
    outcome: CallOutcome
    passing: bool
    """True: the same request may succeed later."""
    holds: bool = False
    """True: it passes once the endpoint is well, so that a call may wait for it."""
    retry_after_s: float | None = None
    """The wait that the endpoint asked for."""
    worked: bool = False
    """True: the endpoint may have done (and billed) the work all the same."""
    said: str = ""
    """The endpoint's own words of a refused request: it may want something otherwise."""


def read_failure(error: Exception, address: Address, timeout_s: float) -> Failure:
    """Say what one of `KNOWN`, or of our own, means."""
    where = f"the endpoint {address.host} (model {address.model})"
    if isinstance(error, BadStatus):
        return _status_failure(error.answer, address, where)
    if isinstance(error, httpx2.HTTPError | aiohttp.ClientError | OSError):
        return _connection_failure(error, where, timeout_s)
    if isinstance(error, AnswerTooLarge):
        words = f"it is larger than {LARGEST_ANSWER_BYTES // 1_000_000} MB"
    else:
        words = str(error) if isinstance(error, MalformedAnswer) else "the answer is not JSON"
    text = (
        f"What came from {where} is no answer of a model: {words[:_WORDS_LIMIT]}. {KEPT} "
        "Check that `base_url` under `[models]` names an OpenAI-compatible API (most end in /v1)."
    )
    return Failure(ReplyMalformed(text), "malformed", passing=True, worked=True)


def _connection_failure(error: BaseException, where: str, timeout_s: float) -> Failure:
    """No whole answer came. The cause says why: the client calls a refusal a timeout too."""
    cause = _innermost(error)
    if isinstance(cause, TimeoutError):
        text = (
            f"No answer from {where} within {timeout_s:g} s. {KEPT} "
            "Raise `timeout_s` under `[models]`, or see whether the endpoint is well."
        )
        error = EndpointUnreachable(text)
        return Failure(error, "unreachable", passing=True, holds=True, worked=True)
    words = " ".join(str(cause).split())[:_WORDS_LIMIT].rstrip(".") or type(cause).__name__
    text = (
        f"Can't reach {where}: {words}. {KEPT} Check `base_url` under `[models]` and the network."
    )
    never_connected = isinstance(cause, aiohttp.ClientConnectorError | ConnectionRefusedError)
    return Failure(
        EndpointUnreachable(text),
        "unreachable",
        passing=True,
        holds=True,
        worked=not never_connected,
    )


def _status_failure(answer: Answer, address: Address, where: str) -> Failure:
    status, (said, code) = answer.status, _said(answer)
    match status:
        case 401 | 403:
            # Not its words: an endpoint may repeat the key in them.
            text = (
                f"{_capital(where)} refused the key ({status}). {KEPT} Put a valid key into "
                f"{address.key_source}, or name another source of it (`api_key_env`, "
                "`api_key_file`, `api_key_keyring`) under `[models]`; then resume."
            )
            return Failure(KeyRefused(text), "refused", passing=False)
        case 404:
            text = (
                f"{_capital(where)} answered 404: it knows no such model, or `base_url` is not the "
                f"root of its API.{said} {KEPT} Check `model` and `base_url` under `[models]`."
            )
            return Failure(ModelUnknown(text), "refused", passing=False)
        case 400 | 413 | 422 if status == 413 or _is_too_long(code, said):
            text = f"{_capital(where)} calls the conversation too long ({status}).{said} {KEPT}"
            return Failure(PromptTooLong(text), "too_long", passing=False)
        case 429:
            return _rate_failure(answer, where, said, code)
        case _ if status >= 500 or status in _PASSING:
            return _endpoint_failure(answer, where, said)
        case _ if 300 <= status < 400:
            text = (
                f"{_capital(where)} sends elsewhere ({status}), and no key is sent after it. "
                f"{KEPT} Name the address it leads to as `base_url` under `[models]`."
            )
            return Failure(RequestRefused(text), "refused", passing=False)
        case _ if status < 300:
            text = (
                f"What came from {where} is no answer of a model: it has status {status}. {KEPT} "
                "Check that `base_url` under `[models]` names an OpenAI-compatible API."
            )
            return Failure(ReplyMalformed(text), "malformed", passing=True, worked=True)
        case _:
            text = (
                f"{_capital(where)} refused the request ({status}).{said} {KEPT} "
                "Check the settings of this model under `[models]`."
            )
            error = RequestRefused(text)
            return Failure(error, "refused", passing=False, said=said)


def _endpoint_failure(answer: Answer, where: str, said: str) -> Failure:
    status = answer.status
    text = f"{_capital(where)} keeps failing ({status}).{said} {KEPT}"
    after_s = retry_after(answer.headers)
    failed = EndpointFailed(text)
    return Failure(failed, "failed", passing=True, holds=True, retry_after_s=after_s)


def _rate_failure(answer: Answer, where: str, said: str, code: object) -> Failure:
    if code == "insufficient_quota":
        text = (
            f"{_capital(where)} says that the account has no credit left (429).{said} {KEPT} "
            "Add credit or choose another model under `[models]`, then resume."
        )
        return Failure(RateLimited(text), "rate_limited", passing=False)
    text = (
        f"{_capital(where)} keeps answering that its rate limit is reached (429).{said} {KEPT} "
        "Lower `workers`, or set `max_concurrency` under `[models]`."
    )
    after_s = retry_after(answer.headers)
    limited = RateLimited(text)
    return Failure(limited, "rate_limited", passing=True, holds=True, retry_after_s=after_s)


def _is_too_long(code: object, said: str) -> bool:
    return code == "context_length_exceeded" or _TOO_LONG.search(said) is not None


def _said(answer: Answer) -> tuple[str, object]:
    """The endpoint's own words, short and on one line, as a sentence to append; and its code."""
    try:
        body = json.loads(answer.body[:_LONGEST_ERROR])
    except (ValueError, RecursionError):
        return "", None
    error = body.get("error", body) if isinstance(body, dict) else body
    words = error.get("message", error.get("detail")) if isinstance(error, dict) else error
    code = error.get("code") if isinstance(error, dict) else None
    if not isinstance(words, str) or not words.strip():
        return "", code
    return f" It said: {' '.join(words.split())[:_WORDS_LIMIT]!r}.", code


def _innermost(error: BaseException) -> BaseException:
    while error.__cause__ is not None:
        error = error.__cause__
    return error


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]
