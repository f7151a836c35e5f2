"""The loop of every role: ask the model, run what it calls, hand the results back, until an end.

Owns the course of one conversation: its limits, its notices and what is said to replies that call
nothing, are cut off or repeat themselves. Must never know a role: what the tools do and how the
end looks is the caller's. History is appended to and never changed, so that each request's prefix
stays the same byte for byte.
"""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from longshift.crew.briefs import Unfinished, UnfinishedCause
from longshift.crew.desk import Desk
from longshift.crew.prompts import say
from longshift.crew.toolbox import Answer, End, Result, Toolbox, as_text, error
from longshift.domain.model import Said
from longshift.errors import OutOfBounds
from longshift.models.port import Message, ModelReply, ModelRequest, ToolCall

NOTICE_AT: Final = 0.7
"""Share of the calls after which the model is told how many are left."""
SAME_CALLS: Final = 4
"""The same call with the same result so often in a row brings a nudge; once more is the end."""
NUDGES: Final = 2
"""Replies in a row that call no tool and are answered by a nudge; one more is the end."""

Outcome = TypeVar("Outcome")


@dataclass(slots=True)
class CallAllowance:
    """How many calls of the model a conversation may still take.

    A tool may hold it too and raise it, as `submit` does after a conflict.
    """

    limit: int
    used: int = 0
    _noticed_at: int = field(default=0, init=False)

    @property
    def left(self) -> int:
        """Calls that are left; the grace call makes it -1."""
        return self.limit - self.used

    def leave_at_least(self, calls: int) -> None:
        """Raise the limit so that so many calls are left."""
        self.limit = max(self.limit, self.used + calls)

    def notice_due(self) -> bool:
        """Whether it is time to say how many calls are left; once for each limit."""
        due = self.used >= math.ceil(self.limit * NOTICE_AT) and self._noticed_at != self.limit
        if due:
            self._noticed_at = self.limit
        return due


async def converse(
    desk: Desk,
    toolbox: Toolbox[Outcome],
    *,
    system: str,
    opening: str,
    allowance: CallAllowance,
) -> Outcome | Unfinished:
    """Lead one conversation to its end.

    Args:
        desk: where the model, pauses and a person's messages come from.
        toolbox: the role's tools; one of them ends the conversation.
        system: the role's prompt.
        opening: the first user message.
        allowance: the calls that it may take; then one grace call follows, in which only an
            ending tool is heard.

    Returns:
        What the ending tool made of it, or why it was ended from outside.

    Raises:
        NeedsPerson: a budget is spent or the model is out of reach.
        CancelledError: the run was stopped.
    """
    talk = _Talk(desk, toolbox, allowance)
    talk.tell("system", system)
    talk.tell("user", opening)
    while True:
        await desk.before_step()
        talk.hear(desk.take_messages())
        ended = await talk.step()
        if ended is not None:
            return ended.outcome


class _Talk(Generic[Outcome]):
    """One conversation under way."""

    def __init__(self, desk: Desk, toolbox: Toolbox[Outcome], allowance: CallAllowance) -> None:
        self._desk = desk
        self._toolbox = toolbox
        self._allowance = allowance
        self._messages: list[Message] = []
        self._repetition = _Repetition()
        self._silent = 0
        self._unheard: list[Said] = []

    def tell(self, role: str, content: str) -> None:
        self._messages.append({"role": role, "content": content})

    def hear(self, messages: Sequence[Said]) -> None:
        for message in messages:
            self.tell("user", say("person_message", text=message.text, question=message.question))

    async def step(self) -> End[Outcome | Unfinished] | None:
        """One call of the model and all that follows from it; None: go on."""
        in_grace = self._allowance.left <= 0
        reply = await self._ask()
        if reply.tool_calls:
            self._silent = 0
            ended = await self._run(reply.tool_calls, in_grace=in_grace)
        else:
            ended = self._answer_silence(reply)
        if ended is not None:
            return ended
        if in_grace and self._allowance.left <= 0:
            return _unfinished("turn_limit", calls=self._allowance.limit)
        if reply.tool_calls and reply.finish_reason == "length":
            self.tell("user", say("cut_off"))
        self._tell_what_is_left()
        return None

    async def _ask(self) -> ModelReply:
        reply = await self._desk.complete(
            ModelRequest(messages=tuple(self._messages), tools=self._toolbox.schemas)
        )
        self._allowance.used += 1
        self._messages.append(reply.message)
        return reply

    async def _run(
        self, calls: tuple[ToolCall, ...], *, in_grace: bool
    ) -> End[Outcome | Unfinished] | None:
        """Run calls in their order; what stands behind an ending one is not run."""
        for call in calls:
            answer = await self._answer(call, in_grace=in_grace)
            if isinstance(answer, End):
                self._append_result(call, answer.result)
                return End(answer.outcome, answer.result)
            self._append_result(call, answer)
            if self._repetition.is_over(call, answer):
                return _unfinished("repetition", tool=call.name)
        self.hear(self._unheard)
        self._unheard.clear()
        if self._repetition.nudge_due():
            self.tell("user", say("repetition", name=calls[-1].name, times=SAME_CALLS))
        return None

    async def _answer(self, call: ToolCall, *, in_grace: bool) -> Answer[Outcome]:
        ends = self._toolbox.may_end(call.name)
        if in_grace and not ends and self._toolbox.has(call.name):
            return error(say("only_ending_tools", name=call.name, ending=self._toolbox.ending))
        if ends and not in_grace:
            # What a person said must be heard before the conversation may end on older news. It
            # is told after the results of this reply, in a message of its own.
            self._unheard += self._desk.take_messages()
            if self._unheard:
                return error(say("person_spoke_first"))
        try:
            return await self._toolbox.call(call)
        except OutOfBounds as refused:
            tried = f"{refused} Arguments: {call.arguments}"
            await self._desk.tell_refused(refused.guard, call.name, tried)
            return error(str(refused))

    def _append_result(self, call: ToolCall, result: Result) -> None:
        self._messages.append({"role": "tool", "tool_call_id": call.id, "content": as_text(result)})

    def _answer_silence(self, reply: ModelReply) -> End[Outcome | Unfinished] | None:
        self._silent += 1
        if self._silent > NUDGES:
            return _unfinished("no_tool_calls", replies=self._silent)
        nudge = "cut_off" if reply.finish_reason == "length" else "no_tool_call"
        inputs = {} if nudge == "cut_off" else {"ending": self._toolbox.ending}
        self.tell("user", say(nudge, **inputs))
        return None

    def _tell_what_is_left(self) -> None:
        ending = self._toolbox.ending
        if self._allowance.left <= 0:
            self.tell("user", say("grace", ending=ending))
        elif self._allowance.notice_due():
            self.tell("user", say("calls_left", left=self._allowance.left, ending=ending))


class _Repetition:
    """Counts how often in a row one call brought one result."""

    def __init__(self) -> None:
        self._last = b""
        self._times = 0
        self._nudged = False

    def is_over(self, call: ToolCall, result: Result) -> bool:
        """Count a call; True: it was repeated even after the nudge."""
        seen = "\0".join((call.name, call.arguments, as_text(result)))
        digest = hashlib.sha256(seen.encode("utf-8", "surrogatepass")).digest()
        if digest != self._last:
            self._last, self._times, self._nudged = digest, 0, False
        self._times += 1
        return self._nudged

    def nudge_due(self) -> bool:
        """Whether the model is to be told that it repeats itself; once for each repetition."""
        due = self._times >= SAME_CALLS and not self._nudged
        self._nudged = self._nudged or due
        return due


_REASONS: Final[dict[UnfinishedCause, str]] = {
    "turn_limit": "It used its {calls} calls of the model and one more without coming to an end.",
    "repetition": "It went on calling {tool} in the same way, with the same result.",
    "no_tool_calls": "It answered {replies} times in a row without calling a tool.",
}


def _unfinished(cause: UnfinishedCause, **facts: str | int) -> End[Outcome | Unfinished]:
    return End(Unfinished(cause, _REASONS[cause].format(**facts)), {})
