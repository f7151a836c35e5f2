"""How bytes and buffers are compared as lines: encoding, byte order mark, line ends.

Pure. Invariant: whatever an editor leaves out or makes uniform when it opens a file (the mark, the
kind of line end) is no difference, and never finds its way into what it is sent.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from longshift.repository.files import FileVersion, is_binary, is_plain_file
from longshift.repository.hunks import LARGEST_COMPARED
from longshift.review.shapes import PresentFile

Encoding = Literal["utf-8", "latin-1"]
BOM: Final = "\ufeff"


@dataclass(frozen=True, slots=True)
class Style:
    """How a stored line looks in the present text; maps lines one to one.

    Attributes:
        strips_mark: the present text has no byte order mark, because editors hide it.
        line_end: the line end of every line of the present text; None: lines stay as they are.
    """

    strips_mark: bool = False
    line_end: str | None = None

    def of(self, line: str) -> str:
        """Give a stored line as the present text would hold it."""
        if self.strips_mark and line.startswith(BOM):
            line = line[1:]
        if self.line_end and line.endswith("\n"):
            return line[: -2 if line.endswith("\r\n") else -1] + self.line_end
        return line

    def of_all(self, lines: Iterable[str]) -> tuple[str, ...]:
        """Give stored lines as the present text would hold them."""
        return tuple(map(self.of, lines)) if self.changes_lines else tuple(lines)

    @property
    def changes_lines(self) -> bool:
        """Whether any line can look different."""
        return self.strips_mark or self.line_end is not None


def style_of(present: str, *, live: bool, stored: str) -> Style:
    """Find how stored lines look beside the present ones.

    Line ends are translated where all of the present ones are of one kind and the stored ones all
    of the other; for a live buffer also where the stored ones are mixed, since an editor makes
    them uniform on opening. What a person converted and what their editor did read alike.
    """
    strips_mark = live and not present.startswith(BOM)
    have, had = _line_ends(present), _line_ends(stored)
    translates = have in ("\n", "\r\n") and had is not None and have != had
    return Style(strips_mark, have if translates and (live or had != "mixed") else None)


def _line_ends(text: str) -> str | None:
    """The one kind of line end, or "mixed"; None where there is none."""
    if "\r" not in text:  # told many times quicker than what is counted
        return "\n" if "\n" in text else None
    ends, with_return = text.count("\n"), text.count("\r\n")
    if not ends:
        return None
    if not with_return:
        return "\n"
    return "\r\n" if with_return == ends else "mixed"


def ended_text(text: str) -> str:
    """The text with an end to its last line."""
    return text if not text or text.endswith("\n") else f"{text}\n"


def is_text(version: FileVersion | None) -> bool:
    """Whether a version has lines to compare; an absent file counts as an empty text."""
    if version is None:
        return True
    return (
        is_plain_file(version.mode)
        and not is_binary(version.data)
        and len(version.data) <= LARGEST_COMPARED
    )


def common_encoding(contents: Iterable[bytes]) -> Encoding:
    """UTF-8 where every content is; else Latin-1 for all, which keeps every byte."""
    try:
        for content in contents:
            content.decode("utf-8")
    except UnicodeDecodeError:
        return "latin-1"
    return "utf-8"


def present_text(file: PresentFile, encoding: Encoding) -> str | None:
    """The text that a person has; None where it is binary, too large, a symlink or a folder."""
    if file.text is not None:
        return file.text if len(file.text) <= LARGEST_COMPARED else None
    if file.data is None or not is_plain_file(file.mode) or is_binary(file.data):
        return None
    return file.data.decode(encoding) if len(file.data) <= LARGEST_COMPARED else None


def size_named(n_bytes: int) -> str:
    """A limit in words."""
    return f"{n_bytes // (1024 * 1024)} MB"


def encode(text: str, encoding: Encoding, *, with_mark: bool = False) -> bytes:
    """Store a text; as UTF-8 where Latin-1 lacks a letter."""
    if with_mark and not text.startswith(BOM):
        text = BOM + text
    try:
        return text.encode(encoding)
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")
