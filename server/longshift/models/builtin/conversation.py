"""What the built-in model knows: the conversation, and nothing beside it.

Owns the reading of messages: the brief that opens them, and each tool call with its result. Must
never keep anything between two calls: where the work stands is derived from the messages anew.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import BaseModel, BeforeValidator, ValidationError

from longshift.models.port import Message, ModelRequest, ToolSchema

MOST_ASKS: Final = 32
"""Calls in one answer: a crew runs no more of one reply, and says of the others that it did not."""

_BLOCK: Final = re.compile(r"^```json longshift[ \t]*\r?\n(.*?)^```", re.DOTALL | re.MULTILINE)

_SOURCES_OF_CODES: Final = frozenset({"ruff", "flake8", "pyflakes", "pycodestyle", "longshift"})


def _text_of_constraint(value: object) -> object:
    return value.get("text", "") if isinstance(value, dict) else value


def _paths_of_scope(value: object) -> object:
    """Paths; a slice described in words names none that a rule could follow."""
    return value if isinstance(value, list) else ()


class TaskBrief(BaseModel):
    """What a brief says of one task."""

    id: str = ""
    title: str = ""
    instructions: str = ""
    paths: tuple[str, ...] = ()
    state: str = ""


class EarlierTask(BaseModel):
    """What a planner's brief says of a task of an earlier cycle."""

    title: str = ""
    state: str = ""


class Selection(BaseModel):
    """The lines of one file that a goal speaks of, both ends included."""

    path: str
    start_line: int
    end_line: int


class DiagnosticBrief(BaseModel):
    """A diagnostic that a goal asks to be dealt with."""

    code: str = ""
    source: str = ""


class Brief(BaseModel):
    """The JSON block that opens a conversation; only what rules can use of it."""

    goal: str = ""
    mode: str = ""
    scope: Annotated[tuple[str, ...], BeforeValidator(_paths_of_scope)] = ()
    selection: Selection | None = None
    diagnostics: tuple[DiagnosticBrief, ...] = ()
    constraints: tuple[Annotated[str, BeforeValidator(_text_of_constraint)], ...] = ()
    task: TaskBrief = TaskBrief()
    tasks: tuple[TaskBrief, ...] = ()
    earlier: tuple[EarlierTask, ...] = ()
    clashes: tuple[str, ...] = ()
    changed_paths: tuple[str, ...] = ()

    @property
    def paths(self) -> tuple[str, ...]:
        """Files and folders that the goal is about; empty: the whole repository."""
        return self.scope if self.selection is None else (self.selection.path,)

    @property
    def codes(self) -> tuple[str, ...]:
        """Codes of the diagnostics that come from a tool whose rules are ruff's too."""
        return tuple(
            each.code for each in self.diagnostics if each.source.casefold() in _SOURCES_OF_CODES
        )


@dataclass(frozen=True, slots=True)
class Ask:
    """A tool call to make."""

    name: str
    arguments: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Step:
    """One answer: what to say, and what to call."""

    text: str
    asks: tuple[Ask, ...] = ()
    """At most `MOST_ASKS` are made; each role goes on from what was, with what was not."""


@dataclass(frozen=True, slots=True)
class Done:
    """A tool call that was made, and what came back."""

    turn: int
    """Number of the reply that made it, from 0."""
    name: str
    arguments: Mapping[str, object]
    result: Mapping[str, object]

    @property
    def error(self) -> str | None:
        """The error's sentence, where the call failed."""
        error = self.result.get("error")
        return None if error is None else str(error)


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation as rules see it."""

    brief: Brief
    done: tuple[Done, ...]
    texts: tuple[str, ...]
    """What was said in each of our replies."""

    def named(self, name: str) -> list[Done]:
        """All calls of one tool, oldest first."""
        return [done for done in self.done if done.name == name]

    def last_turn(self) -> list[Done]:
        """The calls of the last reply."""
        return [done for done in self.done if done.turn == len(self.texts) - 1]


def read_conversation(request: ModelRequest) -> Conversation:
    """Read a request's messages."""
    assistant = [message for message in request.messages if message.get("role") == "assistant"]
    return Conversation(
        _brief(request.messages),
        tuple(_calls(request.messages, assistant)),
        tuple(str(message.get("content") or "") for message in assistant),
    )


def tool_names(tools: Sequence[ToolSchema]) -> frozenset[str]:
    """Names of the tools that a request offers."""
    functions = (tool.get("function") for tool in tools)
    return frozenset(str(each.get("name")) for each in functions if isinstance(each, dict))


def _brief(messages: Sequence[Message]) -> Brief:
    """The last block of a user message that reads as a brief; an empty one where there is none."""
    for message in reversed(messages):
        if message.get("role") != "user":
            continue
        for block in reversed(_BLOCK.findall(str(message.get("content")))):
            try:
                return Brief.model_validate_json(block)
            except ValidationError:
                continue
    return Brief()


def _calls(messages: Sequence[Message], assistant: Sequence[Message]) -> Iterator[Done]:
    results = {
        str(message.get("tool_call_id")): _object(message.get("content"))
        for message in messages
        if message.get("role") == "tool"
    }
    for turn, message in enumerate(assistant):
        calls = message.get("tool_calls")
        for call in calls if isinstance(calls, list) else ():
            function = call["function"]
            result = results.get(call["id"], {"error": "no result"})
            yield Done(turn, function["name"], _object(function["arguments"]), result)


def _object(text: object) -> dict[str, object]:
    try:
        value = json.loads(text) if isinstance(text, str) else text
    except (ValueError, RecursionError):
        value = None
    return value if isinstance(value, dict) else {"error": "the result is no JSON object"}
