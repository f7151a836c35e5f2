"""Play a script: which turn answers a request.

Owns the state of the play: conversations, used-up flows, faults given. Must never know HTTP.

A conversation is known by its first messages; one that begins again after its first turn was
answered is a new one, so a repeated attempt takes the next flow that matches.
"""

import asyncio
import hashlib
import json
import random
import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tests.scripted_model.script import (
    DEFAULTS,
    Call,
    Chaos,
    Fault,
    Flow,
    Role,
    Script,
    Turn,
)

_REFERENCE = re.compile(r"^\$\{(\w+)\.([\w.]+)\}$")
_BRIEF = re.compile(r"^```json longshift\n(.*?)^```", re.DOTALL | re.MULTILINE)


@dataclass
class _Conversation:
    flow: Flow | None
    answered: bool = False
    cut_off: int = 0
    """Replies that chance has cut off: they stand in the conversation and are none of its turns."""
    faults_given: Counter[int] = field(default_factory=Counter)


class Player:
    """The state of one script being played."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._used: Counter[int] = Counter()
        self._conversations: dict[str, _Conversation] = {}
        self.signals: dict[str, asyncio.Event] = defaultdict(asyncio.Event)
        """What turns have raised; see `Turn.signal`."""

    def next_answer(self, body: Mapping[str, object]) -> Turn | Fault:
        """The fault or the turn that answers this request."""
        messages: Sequence[Mapping[str, object]] = body["messages"]
        role = role_of(body)
        number = sum(message["role"] == "assistant" for message in messages)
        conversation = self._conversation(role, messages, is_first=number == 0)
        number -= conversation.cut_off
        turn = self._turn(role, conversation.flow, number)
        faults = [fault for fault in turn.faults for _ in range(fault.times)]
        given = conversation.faults_given[number]
        if given < len(faults):
            conversation.faults_given[number] += 1
            return faults[given]
        if self._script.chaos is not None and given < len(faults) + self._script.chaos.in_a_row:
            fault = _by_chance(self._script.chaos, role, messages, given)
            if fault is not None:
                conversation.faults_given[number] += 1
                conversation.cut_off += isinstance(fault, Turn)
                return fault
        conversation.answered = True
        return turn

    def _conversation(
        self, role: Role, messages: Sequence[Mapping[str, object]], *, is_first: bool
    ) -> _Conversation:
        opening = next((str(m["content"]) for m in messages if m["role"] == "user"), "")
        key = f"{role}\0{opening}"
        known = self._conversations.get(key)
        if known is None or (is_first and known.answered):
            known = self._conversations[key] = _Conversation(self._take_flow(role, opening))
        return known

    def _take_flow(self, role: Role, opening: str) -> Flow | None:
        for index, flow in enumerate(self._script.flows):
            used_up = flow.times is not None and self._used[index] >= flow.times
            if flow.role == role and not used_up and re.search(flow.match, opening):
                self._used[index] += 1
                return flow
        return None

    def _turn(self, role: Role, flow: Flow | None, number: int) -> Turn:
        if flow is not None and number < len(flow.turns):
            return flow.turns[number]
        if flow is not None and flow.then == "repeat":
            return flow.turns[-1]
        return self._script.defaults.get(role, DEFAULTS[role])


def _by_chance(
    chaos: Chaos, role: Role, messages: Sequence[Mapping[str, object]], given: int
) -> Turn | Fault | None:
    """What goes wrong with a request, if anything does."""
    said = json.dumps([chaos.seed, role, given, messages], sort_keys=True).encode()
    chance = random.Random(hashlib.sha256(said).digest())
    if chance.random() >= chaos.share:
        return None
    match chance.choice(chaos.kinds):
        case "429":
            return Fault(kind="status", status=429, headers={"retry-after-ms": "1"})
        case "500":
            return Fault(kind="status", status=500)
        case "length":
            cut = Call(name="read_file", arguments='{"path": "a.t')
            return Turn(calls=(cut,), finish_reason="length")
        case kind:
            return Fault(kind=kind)


def role_of(body: Mapping[str, object]) -> Role:
    """The role that asks, told by the tools that it offers."""
    names = {tool["function"]["name"] for tool in body.get("tools") or ()}
    marks: dict[str, Role] = {
        "claim_task": "agent",
        "send_back": "integrator",
        "add_task": "planner",
        "verdict": "judge",
        "submit": "worker",
    }
    return next((role for mark, role in marks.items() if mark in names), "other")


def filled(value: object, messages: Sequence[Mapping[str, object]]) -> object:
    """`value` with its references replaced by what they name."""
    if isinstance(value, dict):
        return {key: filled(each, messages) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [filled(each, messages) for each in value]
    if isinstance(value, str) and (reference := _REFERENCE.match(value)):
        source, path = reference.groups()
        found = _brief(messages) if source == "brief" else _results(source, messages)
        for step in path.split("."):
            found = found[int(step)] if isinstance(found, list) else found[step]
        return found
    return value


def _results(tool: str, messages: Sequence[Mapping[str, object]]) -> list[object]:
    names = {
        call["id"]: call["function"]["name"]
        for message in messages
        for call in message.get("tool_calls") or ()
    }
    return [
        json.loads(message["content"])
        for message in messages
        if message["role"] == "tool" and names.get(message["tool_call_id"]) == tool
    ]


def _brief(messages: Sequence[Mapping[str, object]]) -> object:
    opening = next(str(m["content"]) for m in messages if m["role"] == "user")
    return json.loads(_BRIEF.search(opening).group(1))
