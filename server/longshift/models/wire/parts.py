"""What both dialects share: what is asked for, what an endpoint was found to refuse, usage.

Must never trust an answer: whatever is not understood becomes `MalformedAnswer`, an estimate, or a
reply with a defined meaning.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Final, Literal, Protocol, TypeAlias

from pydantic import BaseModel, BeforeValidator, NonNegativeInt, ValidationError
from pydantic_core import PydanticSerializationError, to_json

from longshift.models.ledger import estimate_tokens
from longshift.models.port import (
    Message,
    ModelReply,
    ModelRequest,
    TokenUsage,
    ToolCall,
    ToolSchema,
)

LimitKey: TypeAlias = Literal["max_completion_tokens", "max_tokens"]
"""OpenAI renamed the limit and refuses the old name; others know only the old one."""

REASONING: Final = "reasoning_items"
"""The member of an assistant's message that holds what one dialect wants back and no other knows:
its reasoning, as it came, unreadable."""
_MOST_WRITTEN: Final = 10_000_000
_BYTES_A_TOKEN: Final = 4
_MOST_LISTS_OF_TOOLS: Final = 64


@dataclass(frozen=True, slots=True)
class Habits:
    """What an endpoint was found to want otherwise than is asked at first."""

    limit_key: LimitKey = "max_tokens"
    carries_reasoning: bool = True
    """Whether it hands reasoning over, to be sent back."""
    knows_schemas: bool = True
    """Whether a reply can be held to a JSON schema."""

    def after(self, refusal: str) -> "Habits":
        """The habits that follow from the words of a refused request; the same: none."""
        said = refusal.casefold()
        if "max_tokens" in said and "max_completion" in said:
            other: dict[LimitKey, LimitKey] = {
                "max_tokens": "max_completion_tokens",
                "max_completion_tokens": "max_tokens",
            }
            return replace(self, limit_key=other[self.limit_key])
        if self.carries_reasoning and ("encrypted" in said or "include" in said):
            return replace(self, carries_reasoning=False)
        if self.knows_schemas and any(w in said for w in ("response_format", "json_schema")):
            return replace(self, knows_schemas=False)
        return self


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for beside the conversation."""

    model: str
    effort: str | None
    max_output_tokens: int
    habits: Habits


class MalformedAnswer(Exception):
    """An answer that is none of a model's; the text says what is wrong with it."""


class Wire(Protocol):
    """One dialect."""

    @property
    def path(self) -> str:
        """Where it is spoken, below the endpoint's base."""

    def encode(self, request: ModelRequest, asked: Asked) -> bytes:
        """The request's body.

        Keys come in a fixed order, and what grows comes last: the prefix of a conversation's
        requests stays the same byte for byte, which is what an endpoint's prompt cache looks at.
        """

    def read(self, answer: bytes, model: str, sent_bytes: int, turn: int) -> ModelReply:
        """Read an answer.

        Args:
            answer: as it came.
            model: the name asked for, where the endpoint does not say who answered.
            sent_bytes: size of the request, for an estimate where the endpoint sent no usage.
            turn: number of messages sent; makes ids for calls that came without one.

        Raises:
            MalformedAnswer: the answer has no usable message.
        """


class EncodedTools:
    """Tools as JSON, made once for each list of them: all agents of a role share theirs."""

    def __init__(self, shape: Callable[[ToolSchema], object]) -> None:
        """Tell each tool in a dialect's shape."""
        self._shape = shape
        self._made: dict[int, tuple[Sequence[ToolSchema], bytes]] = {}

    def __call__(self, tools: Sequence[ToolSchema]) -> bytes:
        """A list of tools, which nobody changes."""
        made = self._made.get(id(tools))
        if made is None:
            if len(self._made) >= _MOST_LISTS_OF_TOOLS:
                self._made.clear()
            # The list is kept with it, so that its id can't become another's.
            made = self._made[id(tools)] = (tools, _json([self._shape(tool) for tool in tools]))
        return made[1]


def encoded(body: Mapping[str, object]) -> bytes:
    """A body as JSON; a member that is bytes is JSON already."""
    members = (
        _json(name) + b":" + (value if isinstance(value, bytes) else _json(value))
        for name, value in body.items()
    )
    return b"{" + b",".join(members) + b"}"


def _json(value: object) -> bytes:
    try:
        return to_json(value)
    except PydanticSerializationError:
        # A lone surrogate can come from a file's name or a model's escape; UTF-8 has no place
        # for it. All else is written alike, so that the prefix of a conversation stays the same.
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        return text.encode("utf-8", "replace")


def parsed(answer: bytes) -> object:
    """The JSON of an answer.

    Raises:
        MalformedAnswer: it is none.
    """
    try:
        return json.loads(answer)
    except (ValueError, RecursionError):
        raise MalformedAnswer("the answer is not JSON") from None


def told_error(data: object) -> str:
    """The words of an error that came with status 200."""
    error = data.get("error") if isinstance(data, dict) else None
    words = error.get("message") if isinstance(error, dict) else error
    return f", but an error: {words}" if isinstance(words, str) and words else ""


def arguments_of(arguments: object) -> object:
    """Arguments as the text the standard asks for: some endpoints send the object itself."""
    if arguments is None:
        return "{}"
    return json.dumps(arguments) if isinstance(arguments, dict | list) else arguments


def sendable(arguments: str) -> str:
    """Arguments fit to be sent again.

    What is no JSON object goes back as an empty one: many servers parse the history and would
    refuse the whole conversation. The tool's error result tells the model what was wrong.
    """
    try:
        return arguments if isinstance(json.loads(arguments), dict) else "{}"
    except (ValueError, RecursionError):
        return "{}"


def said_message(text: str, calls: Sequence[ToolCall]) -> Message:
    """An answer as it goes back in the next request."""
    message: Message = {"role": "assistant", "content": text or None}
    if calls:
        message["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": sendable(call.arguments)},
            }
            for call in calls
        ]
    elif not text:
        message["content"] = ""  # an assistant message must have one or the other
    return message


def text_of(content: object) -> object:
    """Content as text: some endpoints send a list of parts, and null where nothing was said."""
    if content is None:
        return ""
    if isinstance(content, list):
        parts = [part.get("text") for part in content if isinstance(part, dict)]
        return "".join(part for part in parts if isinstance(part, str))
    return content


Text: TypeAlias = Annotated[str, BeforeValidator(text_of)]
ArgumentsText: TypeAlias = Annotated[str, BeforeValidator(arguments_of)]


class _InputDetails(BaseModel):
    cached_tokens: NonNegativeInt | None = None


class _OutputDetails(BaseModel):
    reasoning_tokens: NonNegativeInt | None = None


class Counted(BaseModel):
    """Usage in the names of either dialect, made one by `read_usage`."""

    inputs: NonNegativeInt
    outputs: NonNegativeInt
    of_inputs: _InputDetails | None = None
    of_outputs: _OutputDetails | None = None


def read_usage(counted: object, sent_bytes: int, message: Message) -> TokenUsage:
    """What the endpoint says was used; an estimate where it says nothing that can be.

    Args:
        counted: with the members of `Counted`.
        sent_bytes: size of the request: no prompt has many more tokens than bytes.
        message: the answer, for an estimate of what was written.
    """
    try:
        read = Counted.model_validate(counted)
    except ValidationError:
        return _estimated(sent_bytes, message)
    cached = (read.of_inputs.cached_tokens if read.of_inputs else None) or 0
    thought = (read.of_outputs.reasoning_tokens if read.of_outputs else None) or 0
    if read.inputs > sent_bytes * _BYTES_A_TOKEN + 10_000 or read.outputs > _MOST_WRITTEN:
        return _estimated(sent_bytes, message)
    return TokenUsage(
        input_tokens=read.inputs,
        output_tokens=read.outputs,
        cached_tokens=min(cached, read.inputs),
        reasoning_tokens=min(thought, read.outputs),
    )


def _estimated(sent_bytes: int, message: Message) -> TokenUsage:
    written = len(json.dumps(message, ensure_ascii=False).encode("utf-8", "replace"))
    return TokenUsage(estimate_tokens(sent_bytes), estimate_tokens(written), estimated=True)
