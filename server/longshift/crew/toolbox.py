"""A toolbox: the tools of one conversation, from a model's raw call to a result.

Owns what a tool is, how its arguments are read and how its mistakes are worded. Must never know
what any tool does: those are in `tools`, one file for each kind.
"""

import functools
import hashlib
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from longshift import telemetry
from longshift.crew.fences import to_json
from longshift.crew.prompt_files import Role, ToolHead
from longshift.crew.prompts import library, say, words_of
from longshift.errors import NeedsPerson, OutOfBounds, TellModel
from longshift.models.port import ToolCall, ToolSchema

logger = logging.getLogger(__name__)

RESULT_CHARACTERS: Final = 10_000
"""Most characters of text in one result."""
ERROR_CHARACTERS: Final = 4_000
"""Most characters of one error: a mistake is repeated to the model, and may be of any length."""


class Arguments(BaseModel):
    """A tool's arguments: exactly the named ones, of exactly the right types."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


Outcome = TypeVar("Outcome")
Outcome_co = TypeVar("Outcome_co", covariant=True)
A = TypeVar("A", bound=Arguments)

Result: TypeAlias = Mapping[str, object]
"""A tool's answer: one JSON object."""


@dataclass(frozen=True, slots=True)
class End(Generic[Outcome_co]):
    """The answer of a terminal tool: the conversation has come to its end."""

    outcome: Outcome_co
    result: Result


class Misread(dict[str, object]):
    """The result of a call whose arguments could not be read."""


Answer: TypeAlias = Result | End[Outcome]


@dataclass(frozen=True, slots=True)
class Tool(Generic[Outcome_co]):
    """A tool, bound to what it works on."""

    name: str
    arguments: type[Arguments]
    call: Callable[[str], Awaitable[Answer[Outcome_co]]]
    """Takes the raw JSON text of the arguments."""
    ends: bool = False
    """Whether it may end the conversation."""


class ArgumentsWrong(TellModel):
    """A tool's arguments could not be read; nothing was done."""


def bind(
    name: str,
    arguments: type[A],
    run: Callable[[A], Awaitable[Answer[Outcome]]],
    *,
    ends: bool = False,
) -> Tool[Outcome]:
    """Make a tool of a function of checked arguments."""

    async def call(raw: str) -> Answer[Outcome]:
        return await run(_read_arguments(name, arguments, raw))

    return Tool(name, arguments, call, ends)


class Toolbox(Generic[Outcome]):
    """The tools of one conversation.

    Attributes:
        schemas: what the model is told of them, sorted by name; the same bytes for each
            conversation of a role.
        digest: SHA-256 of that, in hex.
        ending: names of the tools that may end the conversation, sorted.
    """

    def __init__(self, role: Role, tools: Sequence[Tool[Outcome]]) -> None:
        """Take the tools that the role has by `prompts/tools/`: all of them and no other."""
        self._tools: Final = {tool.name: tool for tool in tools}
        arguments = tuple(sorted((tool.name, tool.arguments) for tool in tools))
        self.schemas: Final = wire_schemas(role, arguments)
        self.digest: Final = _digest(role, arguments)
        self.ending: Final = tuple(sorted(tool.name for tool in tools if tool.ends))

    def has(self, name: str) -> bool:
        """Whether there is a tool of that name here."""
        return name in self._tools

    def may_end(self, name: str) -> bool:
        """Whether the named tool may end the conversation."""
        return name in self.ending

    async def call(self, call: ToolCall) -> Answer[Outcome]:
        """Do what the model asks for; a mistake, its own or ours, becomes an `error` result.

        Raises:
            OutOfBounds: it reaches for what is not its own; its words are for the model.
            NeedsPerson: a budget, a model, a disk: nothing that the model could mend.
            CancelledError: the run was stopped.
        """
        tool = self._tools.get(call.name)
        if tool is None:
            tools = sorted(self._tools)
            raise OutOfBounds("tool", "unknown_tool", name=call.name, tools=tools)
        try:
            with telemetry.tool(call.name):
                return await tool.call(call.arguments)
        except OutOfBounds:
            raise
        except ArgumentsWrong as mistake:
            return Misread(error(words_of(mistake)))
        except TellModel as mistake:
            return error(words_of(mistake))
        except NeedsPerson:
            raise
        except Exception:
            logger.exception("The tool %s failed", call.name)
            return error(say("tool_defect", name=call.name))


def error(sentence: str) -> Result:
    """The result of a call that did nothing."""
    cut = sentence if len(sentence) <= ERROR_CHARACTERS else f"{sentence[:ERROR_CHARACTERS]}…"
    return {"error": cut}


@functools.cache
def wire_schemas(
    role: Role, arguments: tuple[tuple[str, type[Arguments]], ...]
) -> tuple[ToolSchema, ...]:
    """What a role's model is told of its tools, for the wire.

    Raises:
        AssertionError: the tools are not those that `prompts/tools/` grants to the role.
    """
    prompts = library()
    heads = {name: prompts.head(f"tools/{name}", ToolHead) for name in prompts.names("tools")}
    granted = sorted(name for name, head in heads.items() if role in head.roles)
    assert granted == [name for name, _ in arguments], f"{role} is granted {granted}"
    return tuple(wire_schema(name, model) for name, model in arguments)


def wire_schema(name: str, arguments: type[Arguments]) -> ToolSchema:
    """What a model is told of one tool, for the wire."""
    prompts = library()
    head = prompts.head(f"tools/{name}", ToolHead)
    return _schema(name, prompts.render(f"tools/{name}", {}), arguments, head.parameters)


@functools.cache
def _digest(role: Role, arguments: tuple[tuple[str, type[Arguments]], ...]) -> str:
    return hashlib.sha256(to_json(wire_schemas(role, arguments)).encode()).hexdigest()


def _schema(
    name: str, description: str, arguments: type[Arguments], told: Mapping[str, str]
) -> ToolSchema:
    drawn = arguments.model_json_schema()
    assert set(told) == set(arguments.model_fields), f"{name} is told of {sorted(told)}"
    properties = {
        field: {"description": told[field], **_plain(_whole(schema, drawn.get("$defs", {})))}
        for field, schema in drawn.get("properties", {}).items()
    }
    parameters = {
        "type": "object",
        "properties": properties,
        "required": drawn.get("required", []),
        "additionalProperties": False,
    }
    function = {"name": name, "description": description, "parameters": parameters}
    return {"type": "function", "function": function}


def _whole(schema: Mapping[str, Any], named: Mapping[str, Any]) -> dict[str, Any]:
    """A field's schema with the objects in its lists written out, for models that follow no $ref.

    What they hold needs no description of its own: the field's says it.
    """
    reference = schema.get("items", {}).get("$ref")
    if reference is None:
        return dict(schema)
    item = named[reference.rpartition("/")[2]]
    properties = {name: _plain(one) for name, one in item["properties"].items()}
    kept = {key: item[key] for key in ("type", "required", "additionalProperties") if key in item}
    return {**schema, "items": {**kept, "properties": properties}}


def _plain(schema: Mapping[str, Any]) -> dict[str, object]:
    """A field's schema without what pydantic adds for people: titles, and null as an option.

    Leaving an argument out says the same as null, and small models read the plain form better.
    """
    options = [option for option in schema.get("anyOf", []) if option.get("type") != "null"]
    merged = {**schema, **(options[0] if options else {})}
    return {key: value for key, value in merged.items() if key not in ("anyOf", "title")}


def _read_arguments(name: str, arguments: type[A], raw: str) -> A:
    """Check what the model wrote.

    Raises:
        ArgumentsWrong: it is no JSON object, or a field is missing, unknown or of a wrong type.
    """
    try:
        return arguments.model_validate_json(raw.strip() or "{}")
    except ValidationError as wrong:
        problems = wrong.errors(include_url=False, include_context=False, include_input=False)
    if problems[0]["type"] == "json_invalid":
        raise ArgumentsWrong("arguments_not_json", name=name, problem=problems[0]["msg"])
    told = [{"field": ".".join(map(str, p["loc"])), "problem": p["msg"]} for p in problems[:8]]
    raise ArgumentsWrong(
        "arguments_wrong", name=name, problems=told, fields=list(arguments.model_fields)
    )


def as_text(result: Result) -> str:
    """A result as the content of a tool message: a stranger's text in it stays a JSON string."""
    return to_json(result, compact=True)
