"""The terminal: consoles, and what may be printed on them.

Owns the guard that text of models and repositories can't steer a terminal. Everything of theirs
goes through `clean` or `one_line`, and is never read as rich's markup.
"""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from rich.console import Console
from rich.text import Text

from longshift.screening.hidden import visible
from longshift.screening.secrets import mask

PIPE_COLUMNS: Final = 120
"""The width of tables where the output is no terminal."""

_UNPRINTABLE: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # controls, escapes among them; tab and line end stay
    "\ud800-\udfff]"  # halves of characters: they can't be written
)


def clean(text: str) -> str:
    """A text without what could steer a terminal, with what hides in it shown, and no secret."""
    return clean_code(mask(text))


def clean_code(text: str) -> str:
    """The same for the person's own code: what looks like a secret in it stays."""
    return visible(_UNPRINTABLE.sub("", text))


def one_line(text: str, most: int = 200) -> str:
    """The same on one line, cut where it is longer than `most` characters."""
    words = " ".join(clean(text).split())
    return words if len(words) <= most else words[: most - 1] + "…"


def output() -> Console:
    """A console on the standard output."""
    width = None if sys.stdout.isatty() else PIPE_COLUMNS
    return Console(width=width, highlight=False, markup=False, emoji=False)


def can_be_drawn_on(console: Console) -> bool:
    """Whether what was printed can be changed again: on a terminal that moves its cursor."""
    return console.is_terminal and not console.is_dumb_terminal


def errors() -> Console:
    """A console on the standard error output."""
    return Console(stderr=True, highlight=False, markup=False, emoji=False)


def say(console: Console, text: str, style: str = "") -> None:
    """Print a text of any number of lines; a long line is left to the terminal to break."""
    console.print(Text(clean(text), style), soft_wrap=True)


def complain(message: str) -> None:
    """Tell what went wrong, in red, on the standard error output."""
    say(errors(), f"longshift: {message}", "red")


def notice(message: str) -> None:
    """Tell something in passing, on the standard error output."""
    say(errors(), f"longshift: {message}", "yellow")


@contextmanager
def raw_output() -> Iterator[None]:
    """Let what is printed inside keep its line ends, as a patch has to."""
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(encoding="utf-8", errors="surrogateescape", newline="")
    yield
    sys.stdout.flush()
