"""A conversation as the simulated crew reads it, and its replies as they go on the wire.

Owns the two forms. Reads nothing but what any model is sent: what an agent does follows from its
conversation alone.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from longshift.models.port import Message, ModelReply, ModelRequest, ToolCall

NAME: Final = "simulated"
_BLOCK: Final = re.compile(r"^```json longshift\n(.*)\n```$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Use:
    """One tool call that was made, and what came of it."""

    name: str
    arguments: Mapping[str, Any]
    result: Mapping[str, Any]


class Talk:
    """One conversation, up to now."""

    def __init__(self, request: ModelRequest) -> None:
        """Read what the model is sent."""
        self._messages = request.messages
        self.tools: Final = frozenset(
            cast("dict[str, str]", tool["function"])["name"] for tool in request.tools
        )

    @property
    def turns(self) -> int:
        """How often the model has answered so far."""
        return sum(message["role"] == "assistant" for message in self._messages)

    def brief(self) -> dict[str, Any]:
        """What the first message says as data."""
        found = _BLOCK.search(str(self._messages[1]["content"]))
        assert found is not None, "every first message has its block"
        return cast("dict[str, Any]", json.loads(found[1]))

    def last(self) -> list[Use]:
        """What came of the calls of the last reply."""
        return self.uses(self.turns - 1)

    def uses(self, turn: int) -> list[Use]:
        """What came of the calls of a reply, counted from 0."""
        answers = {
            str(message["tool_call_id"]): str(message["content"])
            for message in self._messages
            if message["role"] == "tool"
        }
        replies = [message for message in self._messages if message["role"] == "assistant"]
        calls = cast("list[dict[str, Any]]", replies[turn].get("tool_calls", []))
        return [
            Use(
                call["function"]["name"],
                json.loads(call["function"]["arguments"]),
                json.loads(answers[call["id"]]),
            )
            for call in calls
            if call["id"] in answers
        ]


def call(tool: str, /, **arguments: object) -> tuple[str, Mapping[str, object]]:
    """One tool call to be made."""
    return tool, arguments


def reply(talk: Talk, calls: list[tuple[str, Mapping[str, object]]]) -> ModelReply:
    """What the model answers with so many calls."""
    made = tuple(
        ToolCall(f"call_{talk.turns}_{number}", name, json.dumps(arguments))
        for number, (name, arguments) in enumerate(calls)
    )
    tool_calls = [
        {
            "id": one.id,
            "type": "function",
            "function": {"name": one.name, "arguments": one.arguments},
        }
        for one in made
    ]
    message: Message = {"role": "assistant", "content": "", "tool_calls": tool_calls}
    return ModelReply("", made, finish_reason="tool_calls", message=message, model=NAME)
