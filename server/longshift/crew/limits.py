"""How long a conversation may go wrong: each cause, its limit, and the words for both sides.

Owns the one table of what ends a conversation from outside. The words for a model are messages of
`prompts/messages/`, named here; those for a person stand here. Pure.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from longshift.crew.briefs import Unfinished, UnfinishedCause
from longshift.crew.effort import NO_EDITS_OVER, UNDONE_OVER

MOST_CALLS: Final = 32
"""Tool calls of one reply that are run; what stands behind them is not."""


@dataclass(frozen=True, slots=True)
class Limit:
    """How often one thing may go wrong before the conversation is ended for it."""

    answered: int
    """Replies in a row that are answered; one more is the end. Replies that go wrong in different
    ways count together, by the limit of the last one's cause."""
    message: str
    """What the model is told each time; "": the results of its calls say it."""
    reason: str
    """A sentence for a person, with `times` and `tool` to be filled in."""


LIMITS: Final[Mapping[UnfinishedCause, Limit]] = {
    "turn_limit": Limit(
        0,
        "grace",
        "It used its {times} calls of the model and one more without coming to an end.",
    ),
    "repetition": Limit(
        1,
        "repetition",
        "It went on calling {tool} in the same way, with the same result, and did not end when it "
        "was asked to.",
    ),
    "no_edits": Limit(
        NO_EDITS_OVER,
        "no_edits",
        "It made {times} replies in a row that changed no file, and did not end when it was asked "
        "to. The task may be too large or unclear: name the place and the change in it.",
    ),
    "undone_edits": Limit(
        UNDONE_OVER,
        "undone_edits",
        "It took {times} edits in a row back or made them again, so that the files were as "
        "before, and did not end when it was asked to. The task may ask for two things at once.",
    ),
    "no_tool_calls": Limit(
        2, "no_tool_call", "It answered {times} times in a row without calling a tool."
    ),
    "empty_replies": Limit(
        2, "empty_reply", "It answered nothing usable {times} times in a row; the last was empty."
    ),
    "cut_off": Limit(
        3,
        "cut_off",
        "Its replies came to nothing {times} times in a row; the last was cut off at its length "
        "limit.",
    ),
    "refused": Limit(
        1,
        "reply_refused",
        "Its replies came to nothing {times} times in a row; the last was withheld by the "
        "endpoint's content filter.",
    ),
    "bad_arguments": Limit(
        4,
        "",
        "It called tools {times} times in a row with nothing that could be run; the last time the "
        "arguments of {tool} could not be read.",
    ),
    "unknown_tools": Limit(
        4,
        "",
        "It called tools {times} times in a row with nothing that could be run; the last time "
        "{tool}, which does not exist.",
    ),
    "too_many_calls": Limit(
        2,
        "",
        "It asked for more than 32 tool calls in one reply, {times} replies in a row.",
    ),
}
"""Each cause with its limit. The first four are followed by a grace turn: one more reply, in which
only a tool that ends the conversation is heard. The next two are a worker's alone, and told of
before (`crew.effort`)."""


def unfinished(cause: UnfinishedCause, *, times: int = 0, tool: str = "") -> Unfinished:
    """A conversation that was ended from outside, in words for a person."""
    return Unfinished(cause, LIMITS[cause].reason.format(times=times, tool=tool))
