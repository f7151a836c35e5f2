"""Fitting text into a result.

Owns cutting, and says how much was left out. Pure. Text is cut once, when it is made, and never
again: what a model has read stays as it was. What counts is the room that a text takes once its
hidden characters are written out, or a small file of them would fill a whole conversation.
"""

from collections.abc import Iterable
from itertools import accumulate, takewhile

from longshift.crew.prompts import say
from longshift.screening.hidden import rewrite_hidden

WIDEST = 12
"""Most characters that a hidden one takes where it is written out (see `fences`)."""


def head_and_tail(text: str, limit: int, *, how_to_see: str) -> str:
    """Keep the start and the end of a text, with a mark between them.

    Args:
        text: of any length.
        limit: most characters to keep; the mark comes on top.
        how_to_see: name of the message that says how to see the rest.
    """
    if len(text) <= limit and room_of(text) <= limit:
        return text
    head = start_that_fits(text, limit // 2)
    rest = text[len(head) :]
    tail = start_that_fits(rest[::-1], limit // 2)[::-1]
    omitted = len(rest) - len(tail)
    mark = say("text_cut", omitted=omitted, how=say(how_to_see))
    return f"{head}\n{mark}\n{tail}"


def room_of(text: str) -> int:
    """How many characters a text takes in a message, at most."""
    return len(rewrite_hidden(text, lambda _: " " * WIDEST))


def start_that_fits(text: str, limit: int) -> str:
    """The start of a text, short enough for a room of so many characters."""
    start = text[:limit]
    return start if room_of(start) <= limit else start[: limit // WIDEST]


def count_that_fit(sizes: Iterable[int], limit: int) -> int:
    """How many of the first items fit into a limit, given the size of each."""
    return sum(1 for _ in takewhile(lambda total: total <= limit, accumulate(sizes)))
