"""The dialect of `/responses`: items in, items out, and reasoning carried over between turns.

Nothing is stored at the endpoint: a conversation is sent whole each time, and the reasoning comes
and goes in a form that only the endpoint can read.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, TypeAlias

from pydantic import BaseModel, ConfigDict, ValidationError

from longshift.models.port import (
    FinishReason,
    Message,
    ModelReply,
    ModelRequest,
    ToolCall,
    ToolSchema,
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

Item: TypeAlias = Mapping[str, object]

_CUT: Final[Mapping[str, FinishReason]] = {
    "max_output_tokens": "length",
    "content_filter": "content_filter",
}


def _tool(tool: ToolSchema) -> Item:
    function = tool["function"]
    assert isinstance(function, Mapping)
    return {"type": "function", **function, "strict": False}


_TOOLS: Final = EncodedTools(_tool)


class ResponsesWire:
    """The dialect."""

    path: Final = "/responses"

    def encode(self, request: ModelRequest, asked: Asked) -> bytes:
        """See `Wire.encode`."""
        body: dict[str, object] = {
            "model": asked.model,
            "max_output_tokens": asked.max_output_tokens,
            "store": False,
        }
        if asked.habits.carries_reasoning:
            body["include"] = ["reasoning.encrypted_content"]
        if asked.effort is not None:
            body["reasoning"] = {"effort": asked.effort}
        if request.tools:
            body["tools"] = _TOOLS(request.tools)
        if request.required_tool is not None:
            body["tool_choice"] = {"type": "function", "name": request.required_tool}
        if request.schema is not None and asked.habits.knows_schemas:
            schema = {"name": request.schema.name, "schema": request.schema.schema, "strict": True}
            body["text"] = {"format": {"type": "json_schema", **schema}}
        first, rest = _instructions(request.messages)
        if first is not None:
            body["instructions"] = first
        carries = asked.habits.carries_reasoning
        body["input"] = [item for message in rest for item in _items(message, carries=carries)]
        return encoded(body)

    def read(self, answer: bytes, model: str, sent_bytes: int, turn: int) -> ModelReply:
        """See `Wire.read`."""
        data = parsed(answer)
        read = _read(data)
        if read.output is None or read.status in ("failed", "cancelled"):
            raise MalformedAnswer("the answer has no output" + told_error(data))
        items = [_Item.model_validate(item) for item in read.output if isinstance(item, dict)]
        calls = tuple(
            ToolCall(item.call_id or item.id or f"call_{turn}_{number}", item.name, item.arguments)
            for number, item in enumerate(one for one in items if one.type == "function_call")
        )
        text, refused = _said(items)
        message = said_message(text or refused, calls)
        if reasoning := _reasoning(read.output):
            message[REASONING] = reasoning
        return ModelReply(
            text=text or refused,
            tool_calls=calls,
            usage=read_usage(_counted(read.usage), sent_bytes, message),
            finish_reason=_finish_reason(read, calls, refused=bool(refused and not text)),
            message=message,
            model=read.model or model,
        )


RESPONSES: Final = ResponsesWire()


class _Item(BaseModel):
    model_config = ConfigDict(extra="ignore")

    type: Text = ""
    id: Text = ""
    call_id: Text = ""
    name: Text = ""
    arguments: ArgumentsText = "{}"
    content: object = None


class _Incomplete(BaseModel):
    reason: Text = ""


class _Response(BaseModel):
    status: Text = ""
    model: str | None = None
    output: list[object] | None = None
    incomplete_details: _Incomplete | None = None
    usage: object = None


def _read(data: object) -> _Response:
    try:
        return _Response.model_validate(data)
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors()[0]["loc"]) or "the answer"
        raise MalformedAnswer(f"{where} is not what a response has there") from None


def _instructions(messages: Sequence[Message]) -> tuple[object, Sequence[Message]]:
    """The system prompt, if the conversation begins with one, and the rest."""
    if messages and messages[0]["role"] == "system":
        return messages[0]["content"], messages[1:]
    return None, messages


def _items(message: Message, *, carries: bool) -> Iterator[Item]:
    """One message of a conversation as the items that say the same."""
    role, content = message["role"], message.get("content")
    if role == "tool":
        yield {
            "type": "function_call_output",
            "call_id": message["tool_call_id"],
            "output": content,
        }
        return
    reasoning, calls = message.get(REASONING), message.get("tool_calls")
    if carries and isinstance(reasoning, list):
        yield from reasoning
    if content or not calls:
        yield {"role": role, "content": content or ""}
    for call in calls if isinstance(calls, list) else ():
        function = call["function"]
        yield {
            "type": "function_call",
            "call_id": call["id"],
            "name": function["name"],
            "arguments": function["arguments"],
        }


def _said(items: Sequence[_Item]) -> tuple[str, str]:
    """What was said, and what was said in refusing."""
    parts = [
        part
        for item in items
        if item.type == "message" and isinstance(item.content, list)
        for part in item.content
        if isinstance(part, dict)
    ]

    def joined(member: str) -> str:
        texts = (part.get(member) for part in parts)
        return "".join(text for text in texts if isinstance(text, str))

    return joined("text"), joined("refusal")


def _reasoning(output: Sequence[object]) -> list[Item]:
    """What the endpoint wants back of its thoughts, unreadable as they came."""
    return [
        {
            "type": "reasoning",
            "id": item.get("id"),
            "summary": item.get("summary") or [],
            "encrypted_content": item["encrypted_content"],
        }
        for item in output
        if isinstance(item, dict)
        and item.get("type") == "reasoning"
        and isinstance(item.get("encrypted_content"), str)
    ]


def _finish_reason(read: _Response, calls: Sequence[ToolCall], *, refused: bool) -> FinishReason:
    if refused:
        return "content_filter"
    if read.status == "incomplete":
        return _CUT.get(read.incomplete_details.reason if read.incomplete_details else "", "other")
    return "tool_calls" if calls else "stop"


def _counted(usage: object) -> object:
    if not isinstance(usage, dict):
        return None
    return {
        "inputs": usage.get("input_tokens"),
        "outputs": usage.get("output_tokens"),
        "of_inputs": usage.get("input_tokens_details"),
        "of_outputs": usage.get("output_tokens_details"),
    }
