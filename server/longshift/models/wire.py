"""The chat-completions wire: a request to bytes, and an answer to a `ModelReply`.

Owns the shapes of `/chat/completions` in both directions. Must never send anything and never
trust an answer: whatever is not understood becomes `MalformedAnswer` or a defined reply.
"""

import json
from collections.abc import Sequence
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import BaseModel, BeforeValidator, Field, NonNegativeInt, ValidationError

from longshift.models.ledger import estimate_tokens
from longshift.models.port import (
    FinishReason,
    Message,
    ModelReply,
    ModelRequest,
    TokenUsage,
    ToolCall,
)

LimitKey: TypeAlias = Literal["max_completion_tokens", "max_tokens"]
"""OpenAI renamed the limit and refuses the old name; others know only the old one."""

FINISH_REASONS: Final[dict[str | None, FinishReason]] = {
    "stop": "stop",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "length": "length",
    "content_filter": "content_filter",
}

CARRIED_OVER: Final = ("reasoning_content", "reasoning_details")
"""Fields beside the standard that some endpoints send and want back in the next request."""


class MalformedAnswer(Exception):
    """An answer that is no chat completion; the text says what is wrong with it."""


def encode_request(
    request: ModelRequest,
    model: str,
    effort: str | None,
    limit_key: LimitKey,
    max_output_tokens: int,
) -> bytes:
    """The request's body.

    Keys come in a fixed order, and what grows comes last: the prefix of a conversation's requests
    stays the same byte for byte, which is what an endpoint's prompt cache looks at.
    """
    body: dict[str, object] = {"model": model, limit_key: max_output_tokens}
    if effort is not None:
        body["reasoning_effort"] = effort
    if request.tools:
        body["tools"] = request.tools
    if request.required_tool is not None:
        body["tool_choice"] = {"type": "function", "function": {"name": request.required_tool}}
    body["messages"] = request.messages
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    # A lone surrogate can come from a file's name or a model's escape; UTF-8 has no place for it.
    return text.encode("utf-8", "replace")


def read_reply(answer: bytes, model: str, sent_bytes: int, turn: int) -> ModelReply:
    """Read an answer.

    Args:
        answer: as it came.
        model: the name asked for, where the endpoint does not say who answered.
        sent_bytes: size of the request, for an estimate where the endpoint sent no usage.
        turn: number of messages sent; makes ids for calls that came without one.

    Raises:
        MalformedAnswer: the answer has no usable message.
    """
    data = _parsed(answer)
    completion = _read_completion(data)
    if not completion.choices:
        raise MalformedAnswer("the answer has no choices" + _told_error(data))
    choice = completion.choices[0]
    calls = tuple(_tool_calls(choice.message.tool_calls, turn))
    text = choice.message.content or choice.message.refusal
    message = _wire_message(text, calls, choice.message)
    return ModelReply(
        text=text,
        tool_calls=calls,
        usage=_read_usage(completion.usage, sent_bytes, message),
        finish_reason=_finish_reason(choice, calls),
        message=message,
        model=completion.model or model,
    )


def _text_of(content: object) -> object:
    """Content as text: some endpoints send a list of parts, and null where nothing was said."""
    if content is None:
        return ""
    if isinstance(content, list):
        parts = [part.get("text") for part in content if isinstance(part, dict)]
        return "".join(part for part in parts if isinstance(part, str))
    return content


def _arguments_of(arguments: object) -> object:
    """Arguments as the text the standard asks for: some endpoints send the object itself."""
    if arguments is None:
        return "{}"
    return json.dumps(arguments) if isinstance(arguments, dict | list) else arguments


_Text: TypeAlias = Annotated[str, BeforeValidator(_text_of)]


class _Function(BaseModel):
    name: _Text = ""
    arguments: Annotated[str, BeforeValidator(_arguments_of)] = "{}"


class _ToolCall(BaseModel):
    id: _Text = ""
    function: _Function


class _Message(BaseModel, extra="allow"):
    content: _Text = ""
    refusal: _Text = ""
    tool_calls: list[_ToolCall] | None = None


class _Choice(BaseModel):
    message: _Message
    finish_reason: str | None = None


class _Completion(BaseModel):
    model: str | None = None
    choices: list[_Choice] | None = None
    usage: object = None


class _InputDetails(BaseModel):
    cached_tokens: NonNegativeInt | None = None


class _OutputDetails(BaseModel):
    reasoning_tokens: NonNegativeInt | None = None


class _Usage(BaseModel):
    prompt_tokens: NonNegativeInt
    completion_tokens: NonNegativeInt
    prompt_tokens_details: _InputDetails | None = Field(default=None)
    completion_tokens_details: _OutputDetails | None = Field(default=None)


def _parsed(answer: bytes) -> object:
    try:
        return json.loads(answer)
    except (ValueError, RecursionError):
        raise MalformedAnswer("the answer is not JSON") from None


def _read_completion(data: object) -> _Completion:
    try:
        return _Completion.model_validate(data)
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors()[0]["loc"]) or "the answer"
        raise MalformedAnswer(f"{where} is not what a chat completion has there") from None


def _told_error(data: object) -> str:
    """The words of an error that came with status 200."""
    error = data.get("error") if isinstance(data, dict) else None
    words = error.get("message") if isinstance(error, dict) else error
    return f", but an error: {words}" if isinstance(words, str) and words else ""


def _tool_calls(calls: Sequence[_ToolCall] | None, turn: int) -> Sequence[ToolCall]:
    """The calls, each with an id that no other call of the conversation has."""
    return [
        ToolCall(call.id or f"call_{turn}_{number}", call.function.name, call.function.arguments)
        for number, call in enumerate(calls or ())
    ]


def _finish_reason(choice: _Choice, calls: Sequence[ToolCall]) -> FinishReason:
    if choice.message.refusal and not choice.message.content:
        return "content_filter"
    reason = FINISH_REASONS.get(choice.finish_reason, "other")
    # Some servers say "stop" beside tool calls, or nothing at all.
    return "tool_calls" if calls and reason in {"stop", "other"} else reason


def _wire_message(text: str, calls: Sequence[ToolCall], received: _Message) -> Message:
    """The answer as it goes back in the next request.

    Arguments that are no JSON object go back as an empty one: many servers parse the history and
    would refuse the whole conversation. The tool's error result tells the model what was wrong.
    """
    message: Message = {"role": "assistant", "content": text or None}
    for name in CARRIED_OVER:
        if (received.model_extra or {}).get(name):
            message[name] = (received.model_extra or {})[name]
    if calls:
        message["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": _sendable(call.arguments)},
            }
            for call in calls
        ]
    elif not text:
        message["content"] = ""  # an assistant message must have one or the other
    return message


def _sendable(arguments: str) -> str:
    try:
        return arguments if isinstance(json.loads(arguments), dict) else "{}"
    except (ValueError, RecursionError):
        return "{}"


def _read_usage(usage: object, sent_bytes: int, message: Message) -> TokenUsage:
    try:
        read = _Usage.model_validate(usage)
    except ValidationError:
        written = len(json.dumps(message, ensure_ascii=False).encode("utf-8", "replace"))
        return TokenUsage(estimate_tokens(sent_bytes), estimate_tokens(written), estimated=True)
    inputs, outputs = read.prompt_tokens_details, read.completion_tokens_details
    return TokenUsage(
        input_tokens=read.prompt_tokens,
        output_tokens=read.completion_tokens,
        cached_tokens=(inputs.cached_tokens if inputs else None) or 0,
        reasoning_tokens=(outputs.reasoning_tokens if outputs else None) or 0,
    )
