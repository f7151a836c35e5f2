r"""What review speaks in: hunks as a person sees them, the person's files, and effects on files.

Owns shapes only. Lines are counted from zero and end at "\n" alone, offsets are code points; what
an editor's protocol makes of that is the language server's business.
"""

from dataclasses import dataclass
from typing import Literal, Protocol

HunkKind = Literal["edit", "create", "delete", "rename", "mode", "binary"]
HunkState = Literal["pending", "accepted", "rejected", "rework", "superseded", "stale"]

DIRECTORY = 0o040000


@dataclass(frozen=True, slots=True)
class Edit:
    """A replacement of whole lines in the person's present text.

    The half-open lines [`start_line`, `end_line`) are the same text as the half-open code points
    [`start`, `end`). A last line without a line end is a line; `end` is then the end of the text.
    An insertion has both pairs equal. Invariant: no edit glues two lines together; edits of
    pending hunks never overlap, whichever of them are applied together.

    Attributes:
        start_line: the first replaced line, zero-based.
        end_line: the line after the last replaced one.
        new_text: what stands there afterwards; whole lines, with their line ends.
        start: offset of the first replaced code point in the present text.
        end: offset after the last one.
        order: of edits at the same place, the lower one's text comes first.
    """

    start_line: int
    end_line: int
    new_text: str
    start: int
    end: int
    order: int = 0


@dataclass(frozen=True, slots=True)
class PendingHunk:
    """One hunk of a change as it stands against what the person has now, in any state.

    Attributes:
        change_id: the change, `C1`.
        task_id: the task it was made for, `T1`.
        title: the task's title.
        path: the file's path at the landing: what decisions name.
        file: where the file is at the run's head (for a deletion: was); another than `path` only
            where a later landing renamed it.
        old_path: where the file still is for the person, while a rename is not applied.
        kind: what it does to the file; an `edit` alone has several hunks.
        hunk: its number in this change and path, from 1, forever.
        of: how many hunks the change has on this path.
        state: `pending` can be applied as it stands; `stale` cannot, `reason` says why.
        edits: for `pending` (and kinds `edit`, `create`, `rename`), what accepting does to the
            text; in ascending order, none overlapping. A rename's are edits of `old_path`'s text.
        undo: for `accepted`, what takes it out of the text again; empty where nothing can.
        start_line: where it stands in the present text, zero-based; for a `stale`, `rejected` or
            `rework` hunk as near as can be told.
        end_line: the line after it; for an insertion equal to `start_line`.
        added: lines that it adds, against the present text.
        removed: lines that it takes away.
        old_text: the lines before, one after the other where it has several edits.
        new_text: the lines after.
        reason: why it is stale or superseded, or what the person said when deciding.
        flag: why the file's change takes a word of the person's own, as in "CI runs it"; "": it
            does not. The same for all hunks of a change and path.
        settled: it has no place of its own any more: an accepted one went into the person's text
            before the last taking, and later cycles build on it; a rejected one is out of the head.
    """

    change_id: str
    task_id: str
    title: str
    path: str
    file: str
    old_path: str | None
    kind: HunkKind
    hunk: int
    of: int
    state: HunkState
    edits: tuple[Edit, ...]
    undo: tuple[Edit, ...]
    start_line: int
    end_line: int
    added: int
    removed: int
    old_text: str
    new_text: str
    reason: str
    flag: str = ""
    settled: bool = False

    @property
    def key(self) -> tuple[str, str, int]:
        """Change, path and number: what a decision names."""
        return (self.change_id, self.path, self.hunk)


@dataclass(frozen=True, slots=True)
class PresentFile:
    """A file as the person has it now: in an open buffer, else on disk.

    Attributes:
        text: the buffer's text where the file is open, else None.
        data: the bytes on disk (a symlink's target) where it is not open, else None.
        mode: git's mode; `DIRECTORY` where a folder stands at the path.
        version: the open buffer's version, as the client counts.
        unread: why the content of a file on disk was not read, in words; "": it was. `data` then
            stands for it, and equals nothing.
    """

    text: str | None = None
    data: bytes | None = None
    mode: int = 0o100644
    version: int | None = None
    unread: str = ""


class Present(Protocol):
    """Where the person's present files are read; the language server's buffers, or the disk."""

    def read(self, path: str) -> PresentFile | None:
        """Give the file at a path below the root; None where nothing stands there."""
        ...


@dataclass(frozen=True, slots=True)
class WriteFile:
    """Write a file's whole content, making its folders."""

    path: str
    data: bytes
    mode: int


@dataclass(frozen=True, slots=True)
class DeleteFile:
    """Delete a file, and the folders that it leaves empty."""

    path: str


@dataclass(frozen=True, slots=True)
class RenameFile:
    """Move a file, making its folders; a `WriteFile` of the new path may follow."""

    old_path: str
    path: str


Effect = WriteFile | DeleteFile | RenameFile
"""What happens to a file; closed."""
