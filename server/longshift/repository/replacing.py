"""Finding the text that a model wants replaced, and saying precisely why it was not found.

Owns what counts as the same text: line ends are the file's, everything else is taken to the letter.
"""

from collections.abc import Iterator
from itertools import islice
from typing import Final

from longshift.errors import TellModel
from longshift.repository.textfile import TextFile

_LINES_NAMED: Final = 5
"""Most lines that a mistake names."""


def find_to_replace(
    name: str, file: TextFile, old_text: str, new_text: str, *, replace_all: bool
) -> tuple[str, str, int]:
    """The two texts with the file's line ends, and how often the old one stands there.

    Args:
        name: the file's path, for what a mistake says.
        file: its text.
        old_text: what is to be found.
        new_text: what is to stand there.
        replace_all: whether it may stand there more than once.

    Raises:
        TellModel: no such text, more than one, or nothing to do.
    """
    old, new = _in_ends_of(file, old_text, new_text)
    if not old:
        raise TellModel("old_text_empty")
    count = file.text.count(old)
    if count == 0:
        raise TellModel("old_text_not_found", path=name, near=_lines_like(old, file.text))
    if not replace_all and (times := _occurrences(file.text, old)) > 1:
        lines = _line_numbers(file.text, old)
        raise TellModel("old_text_repeated", path=name, times=times, lines=lines)
    if old == new:
        raise TellModel("nothing_replaced")
    return old, new, count


def _in_ends_of(file: TextFile, old: str, new: str) -> tuple[str, str]:
    """Fit a model's line ends to the file's; in a mixed file, to those where the text is found."""
    if file.newline == "mixed" and old not in file.text:
        as_crlf = TextFile("", newline="\r\n")
        return as_crlf.adapt(old), as_crlf.adapt(new)
    return file.adapt(old), file.adapt(new)


def _occurrences(text: str, part: str) -> int:
    """How often a part occurs; of those that overlap it can't be told either which one is meant."""
    return sum(1 for _ in _starts(text, part))


def _line_numbers(text: str, part: str) -> list[int]:
    """The lines, counted from 1, in which the first occurrences of a part begin."""
    starts = islice(_starts(text, part), _LINES_NAMED)
    return [text.count("\n", 0, start) + 1 for start in starts]


def _starts(text: str, part: str) -> Iterator[int]:
    position = text.find(part)
    while position >= 0:
        yield position
        position = text.find(part, position + 1)


def _lines_like(old: str, text: str) -> list[int]:
    """Lines that are the first of a text that was not found, but for the white space around."""
    first = next((line.strip() for line in old.split("\n") if line.strip()), "")
    near = (n for n, line in enumerate(text.split("\n"), 1) if first and line.strip() == first)
    return list(islice(near, _LINES_NAMED))
