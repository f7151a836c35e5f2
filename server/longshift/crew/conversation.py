"""The loop of every role: ask the model, run what it calls, hand the results back, until an end.

Owns the course of one conversation: its notices and what is answered to replies that come to
nothing, are cut off or repeat themselves; how much of it is borne is in `limits`. Must never know
a role: what the tools do and how the end looks is the caller's. History is appended to and never
changed, so that each request's prefix stays the same byte for byte.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from longshift.crew.briefs import Unfinished, UnfinishedCause
from longshift.crew.compaction import Lasting, is_due, shortened
from longshift.crew.desk import Desk
from longshift.crew.effort import Effort
from longshift.crew.hearing import news_of_others, words_of_person
from longshift.crew.limits import LIMITS, MOST_CALLS, unfinished
from longshift.crew.prompts import say, words_of
from longshift.crew.repetition import Repetition, Word
from longshift.crew.roles import RolePrompt
from longshift.crew.toolbox import Answer, End, Misread, Result, Toolbox, as_text, error
from longshift.errors import OutOfBounds
from longshift.models.port import Message, ModelReply, ModelRequest, PromptTooLong, ToolCall

NOTICE_AT: Final = 0.7
"""Share of the calls after which the model is told how many are left."""

Outcome = TypeVar("Outcome")


@dataclass(slots=True)
class CallAllowance:
    """How many calls of the model a conversation may still take.

    A tool may hold it too and raise it, as `submit` does after a conflict.
    """

    limit: int
    used: int = 0
    circling: bool = False
    """Whether the next reply is the last for another reason than the limit."""
    _noticed_at: int = field(default=0, init=False)

    @property
    def left(self) -> int:
        """Calls that are left; the grace call makes it -1."""
        return self.limit - self.used

    @property
    def in_grace(self) -> bool:
        """Whether a tool that is called now is called in the last reply that is heard."""
        return self.left < 0 or self.circling

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
    system: RolePrompt,
    opening: str,
    allowance: CallAllowance,
    lasting: Lasting,
    effort: Effort | None = None,
) -> Outcome | Unfinished:
    """Lead one conversation to its end.

    Args:
        desk: where the model, pauses and a person's messages come from.
        toolbox: the role's tools; one of them ends the conversation.
        system: the role's prompt.
        opening: the first user message.
        allowance: the calls that it may take; then one grace call follows, in which only an
            ending tool is heard.
        lasting: what stays word for word where the conversation is shortened.
        effort: what its edits come to; None: it has none to make.

    Returns:
        What the ending tool made of it, or why it was ended from outside.

    Raises:
        NeedsPerson: a budget is spent or the model is out of reach.
        CancelledError: the run was stopped.
    """
    await desk.tell_opened(system, toolbox.digest)
    talk = _Talk(desk, toolbox, allowance, lasting, system.effort, effort)
    talk.tell("system", system.text)
    talk.tell("user", opening)
    try:
        while True:
            await desk.before_step()
            talk.hear([*words_of_person(desk), *news_of_others(desk)])
            ended = await talk.step()
            if ended is not None:
                return ended.outcome
    finally:
        desk.keep_end(talk.messages)


class _Talk(Generic[Outcome]):
    """One conversation under way."""

    def __init__(
        self,
        desk: Desk,
        toolbox: Toolbox[Outcome],
        allowance: CallAllowance,
        lasting: Lasting,
        effort: str,
        edits: Effort | None,
    ) -> None:
        self._desk = desk
        self._lasting = lasting
        self._used_tokens = 0
        """Tokens of the conversation when it was last sent, with the reply to it."""
        self._toolbox = toolbox
        self._allowance = allowance
        self._effort = effort
        self._edits = edits
        self._messages: list[Message] = []
        self._repetition = Repetition()
        self._sentence: End[Outcome | Unfinished] | None = None
        """How it ends unless by itself: it goes on as before in spite of a nudge, and the next
        reply is the last."""
        self._fruitless = 0
        self._unheard: list[str] = []
        self._was_held_for_news = False

    @property
    def messages(self) -> Sequence[Message]:
        """All that was said so far."""
        return self._messages

    def tell(self, role: str, content: str) -> None:
        self._messages.append({"role": role, "content": content})

    def hear(self, messages: Sequence[str]) -> None:
        for message in messages:
            self.tell("user", message)

    async def step(self) -> End[Outcome | Unfinished] | None:
        """One call of the model and all that follows from it; None: go on."""
        sentence, out_of_calls = self._sentence, self._allowance.left <= 0
        reply = await self._ask()
        trouble: UnfinishedCause | None = _trouble_of(reply)
        tool, limit = "", self._allowance.limit
        if reply.tool_calls:
            in_grace = out_of_calls or sentence is not None
            ran = await self._run(reply.tool_calls, in_grace=in_grace)
            if isinstance(ran, End):
                return ran
            trouble, tool = ran
        if out_of_calls and self._allowance.left <= 0:
            return _unfinished("turn_limit", times=self._allowance.limit)
        if self._allowance.limit > limit:
            # Its last word began something new, which it may bring to an end.
            self._sentence, self._allowance.circling = None, False
        elif sentence is not None:
            return sentence
        if (ended := self._answer(trouble, tool)) is not None:
            return ended
        if reply.tool_calls and reply.finish_reason == "length":
            self.tell("user", say("cut_off"))
        self._tell_what_is_left()
        return None

    async def _ask(self) -> ModelReply:
        if is_due(self._used_tokens, self._desk.window_tokens):
            await self._shorten()
        try:
            reply = await self._desk.complete(self._request())
        except PromptTooLong:
            if not await self._shorten():
                raise
            reply = await self._desk.complete(self._request())
        self._used_tokens = reply.usage.input_tokens + reply.usage.output_tokens
        self._allowance.used += 1
        self._messages.append(reply.message)
        return reply

    def _request(self) -> ModelRequest:
        return ModelRequest(tuple(self._messages), self._toolbox.schemas, effort=self._effort)

    async def _shorten(self) -> bool:
        """Put a scratchpad in place of the older turns; False: nothing can be dropped."""
        shorter = await shortened(self._desk, self._messages, self._lasting)
        if shorter is not None:
            self._messages = shorter
        self._used_tokens = 0
        return shorter is not None

    async def _run(
        self, calls: tuple[ToolCall, ...], *, in_grace: bool
    ) -> End[Outcome | Unfinished] | tuple[UnfinishedCause | None, str]:
        """Run calls in their order; what stands behind an ending one is not run.

        Returns:
            The end, or what was wrong with the calls as a whole and the tool it showed at.
        """
        troubles: list[UnfinishedCause | None] = []
        seen: set[tuple[str, str, int]] = set()
        word: Word = ""
        for call in calls[:MOST_CALLS]:
            key = (call.name, call.arguments, self._desk.workspace.state)
            if key in seen:
                answer: Answer[Outcome] = error(say("same_call_in_reply", name=call.name))
            else:
                seen.add(key)
                answer, trouble = await self._call(call, in_grace=in_grace)
                troubles.append(trouble)
            if isinstance(answer, End):
                self._append_result(call, as_text(answer.result))
                return End(answer.outcome, answer.result)
            # The first: a nudge must be heard before more of the same can be held against anyone.
            taken = self._take(call, answer)
            word = word or taken
        self._leave_out(calls[MOST_CALLS:])
        self.hear(self._unheard)
        self._unheard.clear()
        self._act_on(word, calls[-1].name)
        self._heed_edits()
        if len(calls) > MOST_CALLS:
            return "too_many_calls", ""
        return (troubles[-1] if all(troubles) else None), calls[-1].name

    async def _call(
        self, call: ToolCall, *, in_grace: bool
    ) -> tuple[Answer[Outcome], UnfinishedCause | None]:
        """One call's answer, and what kept it from being a call at all."""
        ends = self._toolbox.may_end(call.name)
        if in_grace and not ends and self._toolbox.has(call.name):
            told = say("only_ending_tools", name=call.name, ending=self._toolbox.ending)
            return error(told), None
        if ends and not in_grace and (first := self._to_be_heard()):
            return error(say(first)), None
        try:
            answer = await self._toolbox.call(call)
            return answer, "bad_arguments" if isinstance(answer, Misread) else None
        except OutOfBounds as refused:
            told = words_of(refused)
            tried = f"{told} Arguments: {call.arguments}"
            await self._desk.tell_refused(refused.guard, call.name, tried)
            unknown = not self._toolbox.has(call.name)
            return error(told), "unknown_tools" if unknown else None

    def _to_be_heard(self) -> str | None:
        """The message that keeps a conversation from ending on older news; None: there are none.

        They are told after the results of this reply, in messages of their own. A person is always
        heard; other agents once, for where hundreds are at work there is always one that comes.
        """
        self._unheard += words_of_person(self._desk)
        if self._unheard:
            return "person_spoke_first"
        if not self._was_held_for_news:
            self._unheard += news_of_others(self._desk)
            self._was_held_for_news = bool(self._unheard)
        return "news_first" if self._unheard else None

    def _take(self, call: ToolCall, result: Result) -> Word:
        text = as_text(result)
        self._append_result(call, text)
        state = self._desk.workspace.state
        failed = "error" in result
        return self._repetition.count(call.name, call.arguments, text, state, failed=failed)

    def _leave_out(self, calls: Sequence[ToolCall]) -> None:
        for call in calls:
            self._append_result(call, as_text(error(say("too_many_calls", most=MOST_CALLS))))

    def _append_result(self, call: ToolCall, text: str) -> None:
        self._messages.append({"role": "tool", "tool_call_id": call.id, "content": text})

    def _act_on(self, word: Word, tool: str) -> None:
        if word == "over":
            self._let_end(_unfinished("repetition", tool=tool))
            self.tell("user", say("repetition_grace", name=tool, ending=self._toolbox.ending))
        elif word == "nudge":
            self.tell("user", say("repetition", name=tool, times=self._repetition.times))

    def _heed_edits(self) -> None:
        """Say that its turns come to nothing, where it has edits to make and makes none that last.

        Whoever is told to end for another reason is not told of this, too.
        """
        heeded = self._edits and self._edits.count(self._desk.workspace.state)
        if not heeded or self._sentence is not None:
            return
        ending = self._toolbox.ending
        if heeded.is_over:
            self._let_end(_unfinished(heeded.cause, times=heeded.times))
            self.tell("user", say("fruitless_grace", ending=ending))
        else:
            self.tell("user", say(heeded.cause, times=heeded.times, ending=ending))

    def _let_end(self, sentence: End[Outcome | Unfinished]) -> None:
        self._sentence, self._allowance.circling = sentence, True

    def _answer(
        self, trouble: UnfinishedCause | None, tool: str
    ) -> End[Outcome | Unfinished] | None:
        """Count a reply that came to nothing, and say so; too many of them are the end."""
        if trouble is None:
            self._fruitless = 0
            return None
        self._fruitless += 1
        limit = LIMITS[trouble]
        if self._fruitless > limit.answered:
            return _unfinished(trouble, times=self._fruitless, tool=tool)
        if limit.message:
            inputs = {} if trouble == "cut_off" else {"ending": self._toolbox.ending}
            self.tell("user", say(limit.message, **inputs))
        return None

    def _tell_what_is_left(self) -> None:
        ending = self._toolbox.ending
        if self._allowance.left <= 0:
            self.tell("user", say("grace", ending=ending))
        elif self._allowance.notice_due():
            self.tell("user", say("calls_left", left=self._allowance.left, ending=ending))


def _trouble_of(reply: ModelReply) -> UnfinishedCause:
    """What is wrong with a reply that calls no tool."""
    match reply.finish_reason:
        case "content_filter":
            return "refused"
        case "length":
            return "cut_off"
    return "no_tool_calls" if reply.text.strip() else "empty_replies"


def _unfinished(
    cause: UnfinishedCause, *, times: int = 0, tool: str = ""
) -> End[Outcome | Unfinished]:
    return End(unfinished(cause, times=times, tool=tool), {})
