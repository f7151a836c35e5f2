"""Numbers and lists in sentences. Owns nothing but grammar."""

from collections.abc import Sequence
from typing import Final

FEW: Final = 5


def counted(number: int, noun: str) -> str:
    """A number with its noun: `1 file`, `2 files`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def few(items: Sequence[str], separator: str = ", ") -> str:
    """The first of `items`, and how many more there are."""
    more = f" and {len(items) - FEW} more" if len(items) > FEW else ""
    return separator.join(items[:FEW]) + more
