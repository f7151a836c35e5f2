"""One agent's requests on their way to an endpoint: no secret leaves with them.

Owns what an endpoint is sent of each message. A message is looked at once and sent alike ever
after, so that the prefix of a conversation stays the same byte for byte.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from longshift.models.port import Message, ModelRequest
from longshift.screening.secrets import mask_message

QUICK_CHARACTERS: Final = 10_000
"""What is looked through in about 0.2 ms: less than it costs to hand it to another thread."""


class Outgoing:
    """What one agent has sent so far."""

    def __init__(self) -> None:
        """Nothing was sent yet."""
        self._sent: list[tuple[Message, Message]] = []

    def is_quick(self, request: ModelRequest) -> bool:
        """Whether there is so little new in a request that `masked` takes a fraction of 1 ms."""
        new = request.messages[self._known(request.messages) :]
        return sum(map(_characters, new)) <= QUICK_CHARACTERS

    def masked(self, request: ModelRequest) -> tuple[ModelRequest, tuple[str, ...]]:
        """A request without secrets; blocking.

        Returns:
            What to send, the request itself where it holds none; and for each message that was
            changed, what was masked in it, as a sentence.
        """
        messages = request.messages
        del self._sent[self._known(messages) :]
        told: list[str] = []
        for number in range(len(self._sent), len(messages)):
            masked, kinds = mask_message(messages[number])
            self._sent.append((messages[number], masked))
            if kinds:
                place = _place(messages[number], messages[:number])
                told.append(f"Masked before it was sent: {', '.join(kinds)} in {place}.")
        if all(original is masked for original, masked in self._sent):
            return request, ()
        changed = replace(request, messages=tuple(masked for _, masked in self._sent))
        return changed, tuple(dict.fromkeys(told))

    @property
    def sent(self) -> Sequence[Message]:
        """The conversation as it was last looked at, without secrets."""
        return [masked for _, masked in self._sent]

    def _known(self, messages: Sequence[Message]) -> int:
        """How many messages at the start were sent before; a new conversation begins anew."""
        pairs = zip(self._sent, messages, strict=False)
        return next(
            (number for number, ((sent, _), now) in enumerate(pairs) if sent is not now),
            min(len(self._sent), len(messages)),
        )


def _characters(message: Message) -> int:
    content, calls = message.get("content"), message.get("tool_calls")
    written = len(content) if isinstance(content, str) else 0
    return written + (len(str(calls)) if calls else 0)


def _place(message: Message, earlier: Sequence[Message]) -> str:
    """Where in a conversation a message stands, in words."""
    match message.get("role"):
        case "tool":
            return f"the result of {_call(message.get('tool_call_id'), earlier)}"
        case "assistant":
            return "the model's own words"
        case "system":
            return "the role's prompt"
        case _:
            return "what the model was told"


def _call(id_: object, earlier: Sequence[Message]) -> str:
    """The tool call that has an id: its tool and, where it names one, its path."""
    for message in reversed(earlier):
        calls = message.get("tool_calls")
        for call in calls if isinstance(calls, list) else ():
            if isinstance(call, Mapping) and call.get("id") == id_:
                function = call.get("function")
                assert isinstance(function, Mapping)
                return f"{function.get('name')}{_path(function.get('arguments'))}"
    return "a tool"


def _path(arguments: object) -> str:
    try:
        given = json.loads(arguments) if isinstance(arguments, str) else None
    except (ValueError, RecursionError):
        return ""
    path = given.get("path") if isinstance(given, dict) else None
    return f" ({path})" if isinstance(path, str) else ""
