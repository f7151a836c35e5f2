r"""Which lines differ between two texts, and texts made from such differences.

Pure: knows no repository. Hunks are git's own (xdiff with its indent heuristic), with no context.
A line ends at "\n" and nowhere else: a lone carriage return, a form feed or U+2028 is content.
"""

import io
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import AnyStr, Final

import pygit2
from pygit2.enums import DiffOption

from longshift.repository.files import REGULAR, FileEdit, is_binary, path_to_bytes

NULL_NAME: Final = b"/dev/null"

LARGEST_COMPARED: Final = 4 * 1024 * 1024
"""Bytes or characters of a text that is compared line by line. The comparison holds Python's one
lock, 12 ms for each megabyte, and with it whoever types in an editor."""
_AROUND: Final = 8_000
"""Characters about what differs that are compared with it: some two hundred lines."""


@dataclass(frozen=True, slots=True)
class LineHunk:
    """One run of lines that differs.

    Attributes:
        old_start: zero-based index into the old lines; with no old lines, the line before which
            the new ones go.
        old_lines: the old lines, each with its line end.
        new_start: as `old_start`, in the new lines.
        new_lines: the new lines, each with its line end.
    """

    old_start: int
    old_lines: tuple[str, ...]
    new_start: int
    new_lines: tuple[str, ...]


def line_hunks(old: str, new: str) -> list[LineHunk]:
    """Find the hunks that turn one text into another, in order, as `git diff -U0` would.

    Of texts above `LARGEST_COMPARED` only what stands between the first and the last line that
    differ is compared, and is one hunk where that is still too much.
    Invariant: `apply_hunks(old, line_hunks(old, new)) == new`.
    """
    if old == new:
        return []
    if max(len(old), len(new)) > LARGEST_COMPARED:
        return _coarse_hunks(split_lines(old), split_lines(new))
    start, end = alike(old, new)
    before = old.count("\n", 0, start)
    old, new = old[start : len(old) - end], new[start : len(new) - end]
    old_lines, new_lines = split_lines(old), split_lines(new)
    patch = _patch(_encode(old), _encode(new), context=0)
    hunks = []
    for found in patch.hunks:
        old_start = found.old_start - (1 if found.old_lines else 0)
        new_start = found.new_start - (1 if found.new_lines else 0)
        hunks.append(
            LineHunk(
                before + old_start,
                tuple(old_lines[old_start : old_start + found.old_lines]),
                before + new_start,
                tuple(new_lines[new_start : new_start + found.new_lines]),
            )
        )
    return hunks


def alike(old: str, new: str) -> tuple[int, int]:
    """How many characters two texts share at their beginning and at their end, in whole lines.

    Less `_AROUND` of each, within which a hunk finds the place that git gives it. Most often one
    place of a large text has changed, and to compare all of it would cost many times as much.
    """
    start, end = shared(old, new)
    start = old.rfind("\n", 0, max(0, start - _AROUND)) + 1
    behind = old.find("\n", len(old) - end + _AROUND) + 1
    return start, len(old) - behind if behind else 0


def shared(old: AnyStr, new: AnyStr) -> tuple[int, int]:
    """How much two texts have in common at their beginning, and of what is left at their end."""
    most = min(len(old), len(new))
    start = _most(most, lambda count: old.startswith(new[:count]))
    return start, _most(most - start, lambda count: old.endswith(new[len(new) - count :]))


def _most(limit: int, holds: Callable[[int], bool]) -> int:
    """The largest number up to a limit for which something holds, as it does for all below."""
    return bisect_left(range(1, limit + 1), True, key=lambda count: not holds(count))


def _coarse_hunks(old: Sequence[str], new: Sequence[str]) -> list[LineHunk]:
    most = min(len(old), len(new))
    start = next((n for n in range(most) if old[n] != new[n]), most)
    most -= start
    kept = next((n for n in range(most) if old[-1 - n] != new[-1 - n]), most)
    gone, come = old[start : len(old) - kept], new[start : len(new) - kept]
    between = "".join(gone), "".join(come)
    if max(map(len, between)) > LARGEST_COMPARED:
        return [LineHunk(start, tuple(gone), start, tuple(come))]
    return [
        LineHunk(start + one.old_start, one.old_lines, start + one.new_start, one.new_lines)
        for one in line_hunks(*between)
    ]


def apply_hunks(old: str, hunks: Iterable[LineHunk]) -> str:
    """Apply hunks of `line_hunks(old, …)`, all or a choice of them, in order.

    Raises:
        ValueError: a hunk's old lines do not stand where it says.
    """
    old_lines = split_lines(old)
    parts: list[str] = []
    position = 0
    for hunk in hunks:
        end = hunk.old_start + len(hunk.old_lines)
        if hunk.old_start < position or tuple(old_lines[hunk.old_start : end]) != hunk.old_lines:
            raise ValueError(f"hunk at old line {hunk.old_start} does not fit this text")
        parts.extend(old_lines[position : hunk.old_start])
        parts.extend(hunk.new_lines)
        position = end
    parts.extend(old_lines[position:])
    return "".join(parts)


def split_lines(text: str) -> list[str]:
    r"""Split at "\n" only, keeping line ends; the last line may have none."""
    return io.StringIO(text, newline="\n").readlines()  # the quickest way there is, by far


def unified(
    old: FileEdit | None,
    new: FileEdit | None,
    path: str,
    old_path: str | None = None,
    *,
    exact: bool = False,
) -> str:
    """Write a difference as git does, with three lines of context.

    Args:
        old: the old file, None where there was none.
        new: the new file, None where there is none.
        path: its path.
        old_path: its earlier path, for a rename.
        exact: keep bytes that are no UTF-8, as surrogates for "surrogateescape" to write again;
            otherwise they are replaced, and the text can go anywhere.

    Returns:
        Text that `git apply` takes, save that binary content, and a text above
        `LARGEST_COMPARED`, is only named; empty where nothing differs.
    """
    if old == new and old_path is None:
        return ""
    before, after = _name(b"a/", old_path or path), _name(b"b/", path)
    lines = [b"diff --git " + before + b" " + after, *_mode_lines(old, new)]
    if old_path is not None:
        lines += [b"rename from " + _name(b"", old_path), b"rename to " + _name(b"", path)]
    old_data, new_data = old.data if old else b"", new.data if new else b""
    if old_data != new_data:
        old_name, new_name = before if old else NULL_NAME, after if new else NULL_NAME
        lines += _body(old_data, new_data, old_name, new_name)
    return (b"\n".join(lines) + b"\n").decode("utf-8", "surrogateescape" if exact else "replace")


def _body(old: bytes, new: bytes, old_name: bytes, new_name: bytes) -> Sequence[bytes]:
    if is_binary(old) or is_binary(new):
        return [b"Binary files " + old_name + b" and " + new_name + b" differ"]
    if max(len(old), len(new)) > LARGEST_COMPARED:
        return [b"Files " + old_name + b" and " + new_name + b" differ, and are too large to show"]
    data = _patch(old, new, context=3).data
    text = data[data.index(b"\n@@ ") + 1 :].removesuffix(b"\n")
    return [b"--- " + old_name, b"+++ " + new_name, text]


def _mode_lines(old: FileEdit | None, new: FileEdit | None) -> list[bytes]:
    match old, new:
        case None, FileEdit(mode=mode):
            return [b"new file mode %o" % mode]
        case FileEdit(mode=mode), None:
            return [b"deleted file mode %o" % mode]
        case FileEdit(mode=before), FileEdit(mode=after) if before != after:
            return [b"old mode %o" % before, b"new mode %o" % after]
        case _:
            return []


def _patch(old: bytes, new: bytes, context: int) -> pygit2.Patch:
    flags = DiffOption.FORCE_TEXT | DiffOption.INDENT_HEURISTIC
    return pygit2.Patch.create_from(old, new, flag=flags, context_lines=context)


def _encode(text: str) -> bytes:
    # Lone surrogates can reach us from a client; they must differ and compare like any letter.
    return text.encode("utf-8", "surrogatepass")


_ESCAPES: Final = {
    0x07: b"\\a", 0x08: b"\\b", 0x09: b"\\t", 0x0A: b"\\n", 0x0B: b"\\v", 0x0C: b"\\f",
    0x0D: b"\\r", 0x22: b'\\"', 0x5C: b"\\\\",
}  # fmt: skip


def _name(prefix: bytes, path: str) -> bytes:
    """Quote a name as git does where it would break the line."""
    raw = prefix + path_to_bytes(path)
    if not any(byte < 0x20 or byte in (0x22, 0x5C, 0x7F) for byte in raw):
        return raw
    quoted = (
        _ESCAPES.get(byte) or (b"\\%03o" % byte if byte < 0x20 or byte == 0x7F else bytes([byte]))
        for byte in raw
    )
    return b'"' + b"".join(quoted) + b'"'


def as_file(text: str) -> FileEdit:
    """Give a text as a regular file in UTF-8, for `unified`."""
    return FileEdit(_encode(text), REGULAR)
