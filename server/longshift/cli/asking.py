"""One tiny call to each model that is configured, for `longshift doctor`.

Owns the words for what came of it. Must never wait long, spend more than that call, or let a key
into what it says.
"""

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal, TypeAlias

from longshift.crew.trial import Shortcoming, shortcoming, trial_request
from longshift.errors import LongshiftError
from longshift.models.account import Reservation
from longshift.models.config import ModelConfig
from longshift.models.ledger import Ledger
from longshift.models.port import CallOutcome, ModelUnknown, TokenUsage
from longshift.models.registry import Role, open_models
from longshift.screening.secrets import mask

WITHIN_S: Final = 25.0
CALL_WITHIN_S: Final = 20.0
TRIES: Final = 2
MOST_TOKENS: Final = 1_000

Endpoint: TypeAlias = tuple[str | None, ...]
"""What makes two roles' models the same one to ask."""

_NEEDS_TOOLS: Final = (
    "Agents work by tool calls alone. Start the server so that it makes them (vLLM: "
    "`--enable-auto-tool-choice --tool-call-parser …`, llama.cpp: `--jinja`), or choose a model "
    "that does; docs/models.md has what each server needs."
)
_FAULTS: Final[Mapping[Shortcoming, str]] = {
    "no_call": "it was asked for a tool call and made none",
    "other_tool": "it called a tool that it was not given",
    "no_json": "it called the tool with arguments that are no JSON object",
}
_OF_TOOLS: Final = re.compile(r"\btools?\b|tool.choice|function.call", re.IGNORECASE)
_OF_MODELS: Final = re.compile(r"\bmodels?\b|\bdeployment\b", re.IGNORECASE)
_SAID: Final = " It said: "
_SHOWN: Final = 80


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a call.

    Attributes:
        state: `bad` is in the way of a run, `warn` is not.
        text: what came.
        mend: what to do about it; empty where nothing has to be done.
    """

    state: Literal["ok", "warn", "bad"]
    text: str
    mend: str = ""


def endpoint_of(config: ModelConfig, environ: Mapping[str, str]) -> Endpoint:
    """What tells a model from others: one that two roles have is asked once."""
    address = config.base_url or environ.get("OPENAI_BASE_URL") or None
    return (address, config.key_source, config.model, config.api, config.reasoning_effort)


async def ask_each(
    configs: Sequence[ModelConfig], environ: Mapping[str, str], kept_out: Sequence[Path] = ()
) -> dict[Endpoint, Answer]:
    """Ask all of them at the same time, each once.

    Args:
        configs: models behind endpoints.
        environ: the environment, where keys may be.
        kept_out: folders in which no file may hold a key.
    """
    each = {endpoint_of(config, environ): config for config in configs}
    answers = await asyncio.gather(*(ask(config, environ, kept_out) for config in each.values()))
    return dict(zip(each, answers, strict=True))


async def ask(
    config: ModelConfig,
    environ: Mapping[str, str],
    kept_out: Sequence[Path] = (),
    within_s: float = WITHIN_S,
) -> Answer:
    """Ask one model for a tool call.

    Args:
        config: the model; its fallback is not asked.
        environ: the environment, where its key may be.
        kept_out: folders in which no file may hold a key.
        within_s: seconds after which no answer is an answer too.
    """
    ledger = _Outcomes()
    alone = replace(config, fallback=None, timeout_s=min(config.timeout_s, CALL_WITHIN_S))
    roles: dict[Role, ModelConfig] = {"planner": alone, "worker": alone, "judge": alone}
    most = min(MOST_TOKENS, config.max_output_tokens)
    try:
        async with await open_models(roles, ledger, environ, kept_out, tries=TRIES) as models:
            begun = asyncio.get_running_loop().time()
            async with asyncio.timeout(within_s):
                reply = await models.planner.complete(trial_request(most))
            took_s = asyncio.get_running_loop().time() - begun
    except TimeoutError:
        return _too_slow(ledger.last, within_s)
    except LongshiftError as error:
        return _failed(error)
    fault = shortcoming(reply)
    if fault is None:
        return Answer("ok", f"it called a tool after {took_s:.1f} s")
    if fault == "cut_off":
        text = f"it came to no tool call within the {most:,} tokens that it was given here"
        mend = (
            "It may think for longer than that; lower `reasoning_effort` under `[models]`, or see "
            f"whether the {config.max_output_tokens:,} of `max_output_tokens` are enough."
        )
        return Answer("warn", text, mend)
    said = " ".join(mask(reply.text).split())[:_SHOWN]
    return Answer("bad", _FAULTS[fault] + (f"; it said {said!r}" if said else ""), _NEEDS_TOOLS)


class _Outcomes(Ledger):
    """A ledger without limits that knows how the last call ended."""

    last: CallOutcome | None = None

    def settle(
        self,
        reservation: Reservation,
        usage: TokenUsage,
        outcome: CallOutcome = "answered",
        finish_reason: str = "",
    ) -> None:
        super().settle(reservation, usage, outcome, finish_reason)
        if outcome != "cancelled":
            self.last = outcome


def _too_slow(last: CallOutcome | None, within_s: float) -> Answer:
    if last == "rate_limited":
        text = f"its rate limit is reached (429), and stayed so for {within_s:g} s"
        return Answer("bad", text, "Wait, or set `max_concurrency` under `[models]`.")
    mend = (
        "A server of your own may still be loading the model: call this again then. Otherwise see "
        "whether the endpoint is well, or choose a faster model."
    )
    return Answer("bad", f"no answer within {within_s:g} s", mend)


def _failed(error: LongshiftError) -> Answer:
    """An error's own words, parted into what happened and what to do."""
    from longshift.models.failures import KEPT

    text, _, mend = mask(str(error)).partition(KEPT)
    text, mend = text.strip(), re.sub(r"[;,] then resume", "", mend).strip()
    said = text.partition(_SAID)[2]
    if "reasoning_effort" in said or "reasoning.effort" in said:
        mend = 'Leave `reasoning_effort` out under `[models]`, or set `api = "responses"`.'
        return Answer("bad", text, mend)
    if _OF_TOOLS.search(said):
        return Answer("bad", f"it refuses tools: {text}", _NEEDS_TOOLS)
    if isinstance(error, ModelUnknown) and _OF_MODELS.search(said):
        text = f"the endpoint does not know this model (404).{_SAID}{said}"
        return Answer("bad", text, "Correct `model` under `[models]`.")
    if isinstance(error, ModelUnknown):
        text = f"there is no such API at this address (404).{_SAID if said else ''}{said}"
        return Answer("bad", text, "Correct `base_url` under `[models]`; most end in /v1.")
    return Answer("bad", text, mend or "See whether the endpoint is well, then call this again.")
