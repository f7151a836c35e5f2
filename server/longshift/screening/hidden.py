"""Characters that a reader does not see, or that change what they see.

Owns which those are, and how they are made visible. Pure. What belongs to ordinary writing is left
alone: a byte-order mark at the start, joiners between letters that need them, selectors after an
emoji. The rest has no place in a program's text, and every reason to be there in an attack.

Source: Unicode Technical Standard 55 (source code handling), and the general categories Cc and Cf.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

_BIDI: Final = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_JOINERS: Final = "\u200c\u200d"
_SELECTORS: Final = "\ufe00-\ufe0f\U000e0100-\U000e01ef"
_INVISIBLE: Final = (
    "\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u2028\u2029\u2060-\u2065\u206a-\u206f"
    "\u3164\ufeff\uffa0\ufff9-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e007f"
)
_CONTROLS: Final = "\x00-\x08\x0b\x0e-\x1f\x7f-\x84\x86-\x9f"  # tab, line ends, form feed stay

_SUSPECT: Final = re.compile(f"[{_BIDI}{_JOINERS}{_SELECTORS}{_INVISIBLE}{_CONTROLS}]")
_PLAIN_ASCII: Final = bytes(n for n in range(128) if not _SUSPECT.match(chr(n)))
_TAGS: Final = range(0xE0020, 0xE0080)
_BLACK_FLAG: Final = "\U0001f3f4"


@dataclass(frozen=True, slots=True)
class HiddenCharacter:
    """One character that a reader does not see."""

    line: int
    """Counted from 1; lines end at "\\n" alone."""
    column: int
    """Counted from 1, in code points."""
    character: str

    @property
    def name(self) -> str:
        """Its number and, where it has one, its name."""
        named = unicodedata.name(self.character, "")
        return f"U+{ord(self.character):04X} {named}".rstrip()


def find_hidden(text: str) -> Iterator[HiddenCharacter]:
    """Every hidden character of a text, in order."""
    if _is_plain(text):
        return
    line, start, seen = 1, 0, 0
    for found in _SUSPECT.finditer(text):
        place = found.start()
        if not _is_hidden(text, place):
            continue
        line += text.count("\n", seen, place)
        start = text.rfind("\n", 0, place) + 1
        seen = place
        yield HiddenCharacter(line, place - start + 1, found[0])


def visible(text: str) -> str:
    """The text with each hidden character written as its number, as in `[U+202E]`."""
    return rewrite_hidden(text, lambda character: f"[U+{ord(character):04X}]")


def rewrite_hidden(text: str, write: Callable[[str], str]) -> str:
    """The text with each hidden character written in another way."""
    if _is_plain(text):
        return text
    return _SUSPECT.sub(
        lambda found: write(found[0]) if _is_hidden(text, found.start()) else found[0], text
    )


def _is_plain(text: str) -> bool:
    """Whether a text is of ASCII's visible characters alone, as most programs are: seen at once."""
    return text.isascii() and not text.encode("ascii").translate(None, _PLAIN_ASCII)


def _is_hidden(text: str, place: int) -> bool:
    """Whether a suspect character is out of place where it stands."""
    character, before, after = (
        text[place],
        text[max(0, place - 1) : place],
        text[place + 1 : place + 2],
    )
    if character == "\ufeff":
        return place != 0
    if re.match(f"[{_JOINERS}]", character):
        return before.isascii() or after.isascii()
    if re.match(f"[{_SELECTORS}]", character):
        return (
            not before
            or before.isspace()
            or (before.isalpha() and before.isascii())
            or (_SUSPECT.match(before) is not None)
        )
    if ord(character) in _TAGS:
        return not _ends_in_flag(text, place)
    return True


def _ends_in_flag(text: str, place: int) -> bool:
    """Whether what stands before a tag character is a flag, or tags that belong to one.

    A region's flag has at most five tags and their end; a longer row is a message, not a flag.
    """
    row = text[max(0, place - 6) : place]
    flag = row.rfind(_BLACK_FLAG)
    return flag >= 0 and all(ord(one) in _TAGS for one in row[flag + 1 :])
