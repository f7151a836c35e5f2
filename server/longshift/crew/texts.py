"""Fitting text into a result.

Owns cutting, and says how much was left out. Pure. Text is cut once, when it is made, and never
again: what a model has read stays as it was.
"""

from collections.abc import Iterable
from itertools import accumulate

from longshift.crew.prompts import say


def head_and_tail(text: str, limit: int, *, how_to_see: str) -> str:
    """Keep the start and the end of a text, with a mark between them.

    Args:
        text: of any length.
        limit: most characters to keep; the mark comes on top.
        how_to_see: name of the message that says how to see the rest.
    """
    if len(text) <= limit:
        return text
    half = limit // 2
    mark = say("text_cut", omitted=len(text) - 2 * half, how=say(how_to_see))
    return f"{text[:half]}\n{mark}\n{text[-half:]}"


def count_that_fit(sizes: Iterable[int], limit: int) -> int:
    """How many of the first items fit into a limit, given the size of each."""
    return sum(total <= limit for total in accumulate(sizes))
