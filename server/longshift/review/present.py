"""Where a person has the file that a lineage is about, and what of it can be read as text."""

import stat
from collections.abc import Set
from dataclasses import dataclass
from typing import Literal

from longshift.repository.hunks import LARGEST_COMPARED
from longshift.review.shapes import DIRECTORY, Present, PresentFile
from longshift.review.side import Side
from longshift.review.texts import present_text, size_named
from longshift.review.weave import Ref


@dataclass(frozen=True, slots=True)
class Located:
    """The person's file.

    Attributes:
        where: `here` at its path at the head; `old` where it was before a rename that they have
            not applied; `absent` at neither; `blocked` where no edit can be placed.
        file: what stands there.
        text: its text; None where there is none.
        old_path: for `old`, its path.
        reason: for `blocked`, why, in words.
    """

    where: Literal["here", "old", "absent", "blocked"]
    file: PresentFile | None = None
    text: str | None = None
    old_path: str | None = None
    reason: str = ""


def locate(side: Side, present: Present, accepted: Set[Ref]) -> Located:
    """Find the person's file for one side.

    Args:
        side: the file.
        present: the person's files.
        accepted: the hunks that the person accepted: a rename among them was applied.
    """
    here = present.read(side.path)
    olds = ((name, present.read(name)) for name in side.earlier_names(accepted))
    old_path, old = next(((name, file) for name, file in olds if file is not None), ("", None))
    if here is not None and old is not None and old_path not in side.left_names(accepted):
        return Located(
            "blocked", here, reason=f"both {old_path} and {side.path} exist in your files"
        )
    file = old if here is None else here
    if file is None:
        return Located("absent")
    text = present_text(file, side.encoding)
    if text is None:
        return Located("blocked", file, reason=f"{_what(file)} stands at {side.path} now")
    return Located("here", file, text) if file is here else Located("old", file, text, old_path)


def decodes(file: PresentFile | None, side: Side) -> bool:
    """Whether a file on disk can be read in the encoding of a side."""
    if file is None or file.data is None or side.encoding == "latin-1":
        return True
    try:
        present_text(file, side.encoding)
    except UnicodeDecodeError:
        return False
    return True


def _what(file: PresentFile) -> str:
    if file.mode == DIRECTORY:
        return "a folder"
    if file.unread:
        return f"a file that is not compared, because {file.unread},"
    if len(file.text or file.data or "") > LARGEST_COMPARED:
        return f"a text of more than {size_named(LARGEST_COMPARED)}"
    return "a symbolic link" if stat.S_ISLNK(file.mode) else "a binary file"
