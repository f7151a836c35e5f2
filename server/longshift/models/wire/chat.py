"""The dialect of `/chat/completions`, which every OpenAI-compatible endpoint speaks."""

from collections.abc import Sequence
from typing import Final

from pydantic import BaseModel, ValidationError

from longshift.models.port import (
    FinishReason,
    Message,
    ModelReply,
    ModelRequest,
    ToolCall,
)
from longshift.models.wire.parts import (
    REASONING,
    ArgumentsText,
    Asked,
    EncodedTools,
    MalformedAnswer,
    Text,
    encoded,
    parsed,
    read_usage,
    said_message,
    told_error,
)

FINISH_REASONS: Final[dict[str | None, FinishReason]] = {
    "stop": "stop",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "length": "length",
    "content_filter": "content_filter",
}

CARRIED_OVER: Final = ("reasoning_content", "reasoning_details")
"""Fields beside the standard that some endpoints send and want back in the next request."""
CARRIED_OVER_WITH_CALLS: Final = "extra_content"
"""The same of a single tool call: Gemini's signature of a thought, without which it refuses."""


_TOOLS: Final = EncodedTools(lambda tool: tool)


class ChatWire:
    """The dialect."""

    path: Final = "/chat/completions"

    def encode(self, request: ModelRequest, asked: Asked) -> bytes:
        """See `Wire.encode`."""
        body: dict[str, object] = {
            "model": asked.model,
            asked.habits.limit_key: asked.max_output_tokens,
        }
        if asked.effort is not None:
            body["reasoning_effort"] = asked.effort
        if request.tools:
            body["tools"] = _TOOLS(request.tools)
        if request.required_tool is not None:
            body["tool_choice"] = {"type": "function", "function": {"name": request.required_tool}}
        if request.schema is not None and asked.habits.knows_schemas:
            schema = {"name": request.schema.name, "strict": True, "schema": request.schema.schema}
            body["response_format"] = {"type": "json_schema", "json_schema": schema}
        body["messages"] = [_plain(m) if REASONING in m else m for m in request.messages]
        return encoded(body)

    def read(self, answer: bytes, model: str, sent_bytes: int, turn: int) -> ModelReply:
        """See `Wire.read`."""
        data = parsed(answer)
        completion = _read_completion(data)
        if not completion.choices:
            raise MalformedAnswer("the answer has no choices" + told_error(data))
        choice = completion.choices[0]
        calls = tuple(_tool_calls(choice.message.tool_calls, turn))
        text = choice.message.content or choice.message.refusal
        message = _wire_message(text, calls, choice.message)
        return ModelReply(
            text=text,
            tool_calls=calls,
            usage=read_usage(_counted(completion.usage), sent_bytes, message),
            finish_reason=_finish_reason(choice, calls),
            message=message,
            model=completion.model or model,
        )


CHAT: Final = ChatWire()


def _plain(message: Message) -> Message:
    """A message without what only the other dialect knows."""
    return {name: value for name, value in message.items() if name != REASONING}


class _Function(BaseModel):
    name: Text = ""
    arguments: ArgumentsText = "{}"


class _ToolCall(BaseModel):
    id: Text = ""
    function: _Function
    extra_content: object = None


class _Message(BaseModel, extra="allow"):
    content: Text = ""
    refusal: Text = ""
    tool_calls: list[_ToolCall] | None = None


class _Choice(BaseModel):
    message: _Message
    finish_reason: str | None = None


class _Completion(BaseModel):
    model: str | None = None
    choices: list[_Choice] | None = None
    usage: object = None


def _read_completion(data: object) -> _Completion:
    try:
        return _Completion.model_validate(data)
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors()[0]["loc"]) or "the answer"
        raise MalformedAnswer(f"{where} is not what a chat completion has there") from None


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
    """The answer as it goes back, with what this endpoint wants to see again."""
    message = said_message(text, calls)
    for name in CARRIED_OVER:
        if (received.model_extra or {}).get(name):
            message[name] = (received.model_extra or {})[name]
    back = message.get("tool_calls")
    pairs = zip(back, received.tool_calls or (), strict=True) if isinstance(back, list) else ()
    for call, came in pairs:
        if came.extra_content:
            call[CARRIED_OVER_WITH_CALLS] = came.extra_content
    return message


def _counted(usage: object) -> object:
    if not isinstance(usage, dict):
        return None
    of_inputs = usage.get("prompt_tokens_details")
    if of_inputs is None and "prompt_cache_hit_tokens" in usage:  # DeepSeek's name
        of_inputs = {"cached_tokens": usage["prompt_cache_hit_tokens"]}
    return {
        "inputs": usage.get("prompt_tokens"),
        "outputs": usage.get("completion_tokens"),
        "of_inputs": of_inputs,
        "of_outputs": usage.get("completion_tokens_details"),
    }
