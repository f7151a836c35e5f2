"""A conversation in full, as a person reads it.

Owns how messages look in a terminal, and which call brought which reply. Must never print a
stranger's characters as they are.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from rich.console import Console
from rich.rule import Rule
from rich.text import Text

from longshift.cli.terminal import clean_code, one_line
from longshift.crew.compaction import NOTES
from longshift.domain import events as e
from longshift.domain.events import Recorded
from longshift.domain.state import Run
from longshift.models.port import Message

STYLES = {"system": "dim", "user": "cyan", "assistant": "", "tool": "green"}
NAMES = {"system": "the role's prompt", "user": "told", "assistant": "said", "tool": "result"}


@dataclass(frozen=True)
class Sitting:
    """A conversation from one beginning on: after a restart it begins again."""

    opened: e.ConversationOpened
    calls: Sequence[e.ModelCalled]
    """All of them, in order: the tries that failed, and what was asked beside it, too."""

    @property
    def replies(self) -> list[e.ModelCalled]:
        """Those whose replies stand in the conversation."""
        answered = (call for call in self.calls if call.outcome in ("answered", ""))
        return [call for call in answered if call.prompt.partition("@")[0] != NOTES]


@dataclass(frozen=True)
class Turn:
    """One message, and what it took to get it."""

    part: int
    message: Message
    called: e.ModelCalled | None = None


def sittings(records: Sequence[Recorded], name: str) -> list[Sitting]:
    """What is on record of a conversation, named as it is kept: `P1`, `T3.2`, `A1.3`, `judge.1`.

    A cycle's second judge is `judge.1.2`.
    """
    agent, _, cycle = name.partition(".")
    who = agent if agent == "judge" else name
    judged = ""
    found: list[tuple[e.ConversationOpened, list[e.ModelCalled]]] = []
    for record in records:
        match record.event:
            case e.JudgeStarted(cycle=number, look=look):
                judged = str(number) if look == 1 else f"{number}.{look}"
            case e.ConversationOpened(agent=one) as opened if one == who:
                if who != "judge" or judged == cycle:
                    found.append((opened, []))
            case e.ModelCalled(agent=one) as called if one == who and found:
                if who != "judge" or judged == cycle:
                    found[-1][1].append(called)
    return [Sitting(opened, calls) for opened, calls in found]


def turns(parts: Sequence[Sequence[Message]], sat: Sequence[Sitting]) -> Iterator[Turn]:
    """A conversation's messages, each once, with the calls that brought its replies.

    Args:
        parts: as they were kept; each begins with what it took over from the one before.
        sat: what is on record of it.
    """
    begun = iter(sat)
    answered = iter(next(begun).replies if sat else ())
    for number, part in enumerate(parts):
        first, kept = 0, range(0)
        if number:
            first = _taken_over(parts[number - 1], part)
            kept = _kept(parts[number - 1], part, first + 1)
            if not kept:  # it was not shortened: it begins again, in another sitting
                answered = iter(next((one.replies for one in begun), ()))
        for place in range(first, len(part)):
            if place not in kept:
                called = next(answered, None) if part[place].get("role") == "assistant" else None
                yield Turn(number, part[place], called)


def totals(sat: Sequence[Sitting]) -> tuple[int, int, Decimal | None]:
    """Calls, tokens and cost of a conversation; the cost None where a price is not known."""
    calls = [call for sitting in sat for call in sitting.calls]
    costs = [call.usage.cost_usd for call in calls]
    known = [cost for cost in costs if cost is not None]
    cost = sum(known, Decimal(0)) if len(known) == len(costs) else None
    return len(calls), sum(call.usage.tokens for call in calls), cost


def ended(run: Run, name: str) -> str:
    """How a conversation ended, in a word; "running" while it goes on."""
    agent, _, number = name.partition(".")
    if agent == "judge":
        return _judged(run, number)
    if agent in run.planners:
        return run.planners[agent].state
    if agent in run.agents:
        return run.agents[agent].state
    if agent == "integrator":
        return ended(run, number)
    attempts = run.tasks[agent].attempts if agent in run.tasks else ()
    attempt = next((one for one in attempts if str(one.number) == number), None)
    if attempt is None:
        return "interrupted"
    return attempt.failure or attempt.state


def _judged(run: Run, name: str) -> str:
    """The verdict of a judge, by its cycle and, of a second one, its look: `1`, `1.2`."""
    number, _, look = name.partition(".")
    goes_on = run.outcome is None and str(run.cycle) == number
    otherwise = "running" if goes_on else "interrupted"
    cycle = next((one for one in run.cycles if str(one.number) == number), None)
    if cycle is None or cycle.verdict is None or cycle.looks < int(look or 1):
        return otherwise
    return cycle.verdict.decision if look or cycle.looks == 1 else "done"


def show_conversation(console: Console, name: str, told: Iterator[Turn]) -> None:
    """Print a conversation."""
    part = -1
    for turn in told:
        if turn.part != part:
            part = turn.part
            title = name if part == 0 else f"{name}, begun anew or shortened"
            console.print(Rule(one_line(title), style="bold"))
        _show(console, turn.message, turn.called)


def as_line(name: str, turn: Turn) -> dict[str, object]:
    """One message as `--json` prints it."""
    line: dict[str, object] = {"conversation": name, "part": turn.part, **turn.message}
    if turn.called is not None:
        line["call"] = turn.called.model_dump(
            mode="json", include={"model", "prompt", "usage", "estimated", "latency_s"}
        )
    return line


def price(cost: Decimal | None) -> str:
    """A cost in words."""
    return "price unknown" if cost is None else f"${cost:.4f}"


def _taken_over(before: Sequence[Message], part: Sequence[Message]) -> int:
    pairs = zip(before, part, strict=False)
    return next((n for n, (was, now) in enumerate(pairs) if was != now), len(before))


def _kept(before: Sequence[Message], part: Sequence[Message], first: int) -> range:
    """Where in a shortened conversation the last turns of the longer one stand again."""
    for length in range(min(len(before), len(part) - first), 0, -1):
        if before[-length:] == part[first : first + length]:
            return range(first, first + length)
    return range(0)


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
    about = "about " if called.estimated else ""
    tokens = f"{about}{used.input_tokens:,} + {used.output_tokens:,} tokens"
    return f"{one_line(called.model)}, {tokens}, {price(used.cost_usd)}, {called.latency_s:g} s"
