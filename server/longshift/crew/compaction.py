"""Shortening a conversation that comes near its model's window.

Owns what is dropped, what is kept, and the one message that stands for what was dropped. The
scratchpad is written anew each time, never appended to: an earlier one is part of what is dropped.
Goal, constraints, changed files and commands are the harness's own words, so none of them can be
lost in a summary.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from longshift.crew.desk import Desk
from longshift.crew.prompts import library, say
from longshift.crew.texts import head_and_tail
from longshift.domain.model import CommandRun, Constraint
from longshift.models.ledger import BudgetExceeded
from longshift.models.port import Message, ModelRequest, ModelUnavailable

DUE_AT: Final = 0.55
"""Share of the window that a conversation may fill before it is shortened."""
KEPT_SHARE: Final = 0.3
"""Share of the turns, the last ones, that stays as it is."""
OPENING_MESSAGES: Final = 2
"""The role's prompt and the first message: they stay as they are, so that they stay cached."""
NOTES: Final = "compaction/summary"
"""The prompt by which a role's own model notes what is dropped."""
NOTES_CHARACTERS: Final = 12_000
MOST_WORDS: Final = 800
SUMMARY_TOKENS: Final = 4_096
_CALL_CHARACTERS: Final = 160
_CHARACTERS_A_TOKEN: Final = 4


@dataclass(frozen=True, slots=True)
class Lasting:
    """What no shortening may lose, as the harness knows it."""

    goal: str
    constraints: Sequence[Constraint] = ()
    commands: Callable[[], Sequence[CommandRun]] = tuple


def is_due(used_tokens: int, window_tokens: int) -> bool:
    """Whether a conversation of so many tokens is to be shortened before it goes on."""
    return used_tokens > window_tokens * DUE_AT


async def shortened(
    desk: Desk, messages: Sequence[Message], lasting: Lasting
) -> list[Message] | None:
    """A conversation with a scratchpad in place of its older turns.

    Args:
        desk: whose model writes the notes, and whose workspace says what was changed.
        messages: the conversation; not changed.
        lasting: what is told word for word.

    Returns:
        The opening, the scratchpad and the last turns; None where nothing can be dropped.

    Raises:
        BudgetExceeded: there is no room for the call.
        CancelledError: the run was stopped.
    """
    first = first_kept(messages)
    if first <= OPENING_MESSAGES + 1:
        return None
    dropped = messages[OPENING_MESSAGES:first]
    scratchpad = say(
        "scratchpad",
        goal=lasting.goal,
        constraints=[{"id": one.id, "text": one.text} for one in lasting.constraints],
        changed=list(desk.workspace.changed_paths()),
        commands=[[one.command, one.exit_status] for one in lasting.commands()],
        notes=await _notes(desk, dropped),
    )
    told: Message = {"role": "user", "content": scratchpad}
    return [*messages[:OPENING_MESSAGES], told, *messages[first:]]


def first_kept(messages: Sequence[Message]) -> int:
    """Where the kept part begins: at a reply, so that no call is parted from its result.

    The last turn is kept however long it is.
    """
    sizes = [len(json.dumps(message)) for message in messages]
    room = sum(sizes[OPENING_MESSAGES:]) * KEPT_SHARE
    starts = [
        number
        for number in range(OPENING_MESSAGES, len(messages))
        if messages[number]["role"] == "assistant"
    ]
    fitting = (number for number in starts if sum(sizes[number:]) <= room)
    return next(fitting, starts[-1] if starts else len(messages))


async def _notes(desk: Desk, dropped: Sequence[Message]) -> str:
    """What the role's own model notes of the dropped turns; else what they plainly were."""
    most = desk.window_tokens * _CHARACTERS_A_TOKEN // 2
    history = head_and_tail(as_text(dropped), most, how_to_see="how_to_see_history")
    system = library().render(NOTES, {"most_words": MOST_WORDS})
    request = ModelRequest(
        [
            {"role": "system", "content": system},
            {"role": "user", "content": say("history", history=history)},
        ],
        effort="low",
        max_output_tokens=SUMMARY_TOKENS,
    )
    try:
        reply = await desk.complete(request, aside=library().versioned(NOTES))
    except BudgetExceeded:
        raise
    except ModelUnavailable:
        return plain_notes(dropped)
    notes = reply.text.strip()
    return notes[:NOTES_CHARACTERS] if notes else plain_notes(dropped)


def as_text(messages: Sequence[Message]) -> str:
    """Messages as lines that a reader can follow."""
    return "\n\n".join(part for message in messages for part in _parts(message))


def plain_notes(dropped: Sequence[Message]) -> str:
    """What was called and what was said, a line each: notes without understanding."""
    lines: list[str] = []
    for message in dropped:
        if message["role"] == "tool":
            lines.append(f"  → {_short(message.get('content'))}")
            continue
        lines += [_short(part) for part in _parts(message)]
    return head_and_tail("\n".join(lines), NOTES_CHARACTERS, how_to_see="how_to_see_history")


def _parts(message: Message) -> list[str]:
    role, content = message["role"], message.get("content")
    parts = [f"{role}: {content}"] if isinstance(content, str) and content else []
    calls = message.get("tool_calls")
    for call in calls if isinstance(calls, list) else ():
        function = call["function"]
        parts.append(f"{role} calls {function['name']} {function['arguments']}")
    return parts


def _short(text: object) -> str:
    words = " ".join(str(text).split())
    return words if len(words) <= _CALL_CHARACTERS else f"{words[:_CALL_CHARACTERS]}…"
