"""A conversation in full, as a person reads it.

Owns how messages look in a terminal. Must never print a stranger's characters as they are.
"""

import json
from collections.abc import Iterator, Mapping, Sequence

from rich.console import Console
from rich.rule import Rule
from rich.text import Text

from longshift.cli.terminal import clean_code, one_line
from longshift.domain import events as e
from longshift.domain.events import Recorded
from longshift.models.port import Message

STYLES = {"system": "dim", "user": "cyan", "assistant": "", "tool": "green"}
NAMES = {"system": "the role's prompt", "user": "told", "assistant": "said", "tool": "result"}


def show_conversation(
    console: Console, name: str, parts: Sequence[Sequence[Message]], calls: Sequence[e.ModelCalled]
) -> None:
    """Print a conversation.

    Args:
        console: where to.
        name: whose it is.
        parts: as they were kept; each begins with what it took over from the one before.
        calls: its calls that were answered, in order.
    """
    answered = iter(calls)
    for number, part in enumerate(parts):
        first = 0 if number == 0 else _taken_over(parts[number - 1], part)
        title = name if number == 0 else f"{name}, begun anew or shortened"
        console.print(Rule(one_line(title), style="bold"))
        for message in part[first:]:
            called = next(answered, None) if message.get("role") == "assistant" else None
            _show(console, message, called)


def calls_of(records: Sequence[Recorded], name: str) -> list[e.ModelCalled]:
    """The calls of a conversation that were answered, in order."""
    agent, _, cycle = name.partition(".")
    judge = agent == "judge"
    judged, found = 0, []
    for record in records:
        match record.event:
            case e.JudgeStarted(cycle=number):
                judged = number
            case e.ModelCalled(agent=who, outcome="answered" | "") as called if who == (
                "judge" if judge else name
            ) and (not judge or str(judged) == cycle):
                found.append(called)
    return found


def _taken_over(before: Sequence[Message], part: Sequence[Message]) -> int:
    pairs = zip(before, part, strict=False)
    return next((n for n, (was, now) in enumerate(pairs) if was != now), len(before))


def _show(console: Console, message: Message, called: e.ModelCalled | None) -> None:
    role = str(message.get("role"))
    head = Text(NAMES.get(role, role), f"bold {STYLES.get(role, '')}")
    if called is not None:
        head.append(f"  {_account(called)}", "dim")
    console.print(head)
    for text in _texts(message):
        console.print(Text(clean_code(text), STYLES.get(role, "")), soft_wrap=True)
    console.print()


def _texts(message: Message) -> Iterator[str]:
    """What a message says, as blocks of lines."""
    content = message.get("content")
    if isinstance(content, str) and content:
        yield _result(content) if message.get("role") == "tool" else content
    calls = message.get("tool_calls")
    for call in calls if isinstance(calls, list) else ():
        function = call["function"]
        yield f"calls {function['name']}\n{_indented(_result(function['arguments']))}"


def _result(content: str) -> str:
    """A JSON object as its members, texts of several lines as they are."""
    try:
        members = json.loads(content)
    except ValueError:
        return content
    if not isinstance(members, Mapping):
        return content
    return "\n".join(f"{name}: {_member(value)}" for name, value in members.items())


def _member(value: object) -> str:
    if isinstance(value, str):
        return f"\n{_indented(value)}" if "\n" in value.strip() else value
    return json.dumps(value, ensure_ascii=False)


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())


def _account(called: e.ModelCalled) -> str:
    used = called.usage
    cost = "price unknown" if used.cost_usd is None else f"${used.cost_usd:.4f}"
    about = "about " if called.estimated else ""
    tokens = f"{about}{used.input_tokens:,} + {used.output_tokens:,} tokens"
    return f"{one_line(called.model)}, {tokens}, {cost}, {called.latency_s:g} s"
