"""The difference between two sets of files, cut into tasks: by file, by hunk, or from nothing.

Owns what each task's worker does, turn by turn, as tool calls, and what a file may look like while
only some of its tasks have landed. Pure.
"""

import codecs
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, Self

from benchmarks.replay.releases import File, Files
from longshift.repository.hunks import LineHunk, line_hunks, split_lines

CONTEXT: Final = 3
"""Lines about a hunk, as `git diff` shows them: changes with no more than twice as many between
them are one hunk."""
AROUND: Final = 20
"""Lines about its hunk that a worker reads."""
CALLS_A_REPLY: Final = 32
"""More of one reply are not run."""
NOTES: Final = ("docs/releases/5.1.txt", "docs/releases/5.2.txt")
"""New files that by hunk are not made in one piece but part by part, as they came to be: each
change of a release adds its own paragraph to the notes. So many workers write in one place at once,
and clash."""
NOTES_PARTS: Final = 16
"""Parts of each of them."""

Mode = Literal["by_file", "by_hunk", "from_nothing"]
Call = tuple[str, Mapping[str, object]]
Turn = Sequence[Call]


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a file before and after; the same text on both sides where nobody changes it."""

    old: str
    new: str

    @property
    def is_changed(self) -> bool:
        """Whether a task has it."""
        return self.old != self.new


@dataclass(frozen=True)
class Task:
    """One task and its worker's turns; the last one submits.

    Attributes:
        title: names the task, so that the server knows it again.
        paths: what it touches.
        turns: each a list of calls.
        path: the file whose text decides what is written; "": the turns say it all.
        piece: the number of the task's piece in that file.
    """

    title: str
    paths: Sequence[str]
    turns: Sequence[Turn] = ()
    path: str = ""
    piece: int = -1


@dataclass(frozen=True)
class Plan:
    """All tasks of a replay.

    Attributes:
        tasks: in the order of their paths.
        pieces: by path, the pieces of files that several tasks change.
    """

    tasks: Sequence[Task]
    pieces: Mapping[str, Sequence[Piece]] = field(default_factory=dict)

    def write(self, place: Path) -> None:
        """Keep it for another process."""
        tasks = [vars(task) for task in self.tasks]
        pieces = {
            path: [(one.old, one.new) for one in parts] for path, parts in self.pieces.items()
        }
        place.write_text(json.dumps({"tasks": tasks, "pieces": pieces}), encoding="utf-8")

    @classmethod
    def read(cls, place: Path) -> Self:
        """Take what another process kept."""
        kept: dict[str, Any] = json.loads(place.read_text(encoding="utf-8"))
        return cls(
            [Task(**task) for task in kept["tasks"]],
            {path: [Piece(*one) for one in parts] for path, parts in kept["pieces"].items()},
        )


@dataclass(frozen=True)
class Replay:
    """What is replayed: where it begins, where it ends, and by which tasks.

    Attributes:
        before: the files of the person.
        after: the files that the run is to make of them.
        plan: the tasks.
        left_out: how many files of the difference no tool that writes text could bring, by why.
    """

    before: Files
    after: Files
    plan: Plan
    left_out: Mapping[str, int]


def replay(mode: Mode, before: Files, after: Files) -> Replay:
    """Cut a difference into tasks.

    Text tools bring no file that is not UTF-8, and none of them sets a mode. What of that differs
    lies there before the run, so that the final tree is the whole release's; where all is made
    from nothing it is left out on both sides, or made without its executable bit.
    """
    if mode == "from_nothing":
        texts = {path: file for path, file in after.items() if file.text is not None}
        wanted = {path: File(file.data) for path, file in texts.items()}
        left_out = {
            "binary": len(after) - len(texts),
            "executable_bit": sum(file.is_executable for file in texts.values()),
        }
        return Replay({}, wanted, Plan(list(_tasks_by_file({}, wanted, {}))), left_out)
    start: dict[str, File] = dict(before)
    binary = modes = 0
    for path in before.keys() | after.keys():
        old, new = before.get(path), after.get(path)
        if old == new:
            continue
        if any(file is not None and file.text is None for file in (old, new)) or (
            old is not None and new is not None and _has_mark(old) != _has_mark(new)
        ):
            binary += 1
            start.pop(path, None)
            if new is not None:
                start[path] = new
        elif new is not None and new.is_executable != (old is not None and old.is_executable):
            modes += 1
            start[path] = File(old.data if old else b"", new.is_executable)
    moved = _moves(start, after)
    if mode == "by_file":
        plan = Plan(list(_tasks_by_file(start, after, moved)))
    else:
        pieces = dict(_pieces_of_files(start, after, moved))
        plan = Plan(list(_tasks_by_hunk(start, after, moved, pieces)), pieces)
    return Replay(start, after, plan, {"binary": binary, "executable_bit": modes})


def part_of(files: Files, folder: str) -> dict[str, File]:
    """The files below a folder."""
    return {path: file for path, file in files.items() if path.startswith(folder)}


# By file.


def _tasks_by_file(before: Files, after: Files, moved: Mapping[str, str]) -> Iterator[Task]:
    gone = set(moved.values())
    for path in sorted(before.keys() | after.keys()):
        old, new = before.get(path), after.get(path)
        if path in moved:
            old_path = moved[path]
            yield _task_of_move(old_path, path, _shown(before[old_path]), _shown(after[path]))
        elif old != new and path not in gone:
            yield _task_of_file(path, old, new)


def _task_of_move(old_path: str, path: str, old: str, new: str) -> Task:
    moving: Turn = [("move_file", {"path": old_path, "new_path": path})]
    edits = [] if old == new else list(_edits_one_after_the_other(path, old, new))
    return Task(f"Move {old_path} to {path}", (old_path, path), [moving, *edits, _SUBMIT])


def _task_of_file(path: str, old: File | None, new: File | None) -> Task:
    if new is None:
        return Task(f"Remove {path}", (path,), [[("delete_file", {"path": path})], _SUBMIT])
    text = _text(new)
    if old is None:
        writing: Call = ("write_file", {"path": path, "content": text})
        return Task(f"Make {path}", (path,), [[writing], _SUBMIT])
    read: Turn = [("read_file", {"path": path})]
    edits = list(_edits_one_after_the_other(path, _shown(old), _shown(new)))
    return Task(f"Change {path}", (path,), [read, *edits, _SUBMIT])


def _edits_one_after_the_other(path: str, old: str, new: str) -> Iterator[Turn]:
    """Edits of each hunk, each with as much about it as makes it the only one of its kind."""
    if not old:
        yield [("write_file", {"path": path, "content": new})]
        return
    calls: list[Call] = []
    pieces = _pieces(old, new)
    done, left = "", old
    for piece in pieces:
        assert left.startswith(piece.old)
        left = left.removeprefix(piece.old)
        if piece.is_changed:
            before, behind = _unique(done, piece.old, left)
            calls.append(_edit(path, before, piece, behind))
        done += piece.new
    for first in range(0, len(calls), CALLS_A_REPLY):
        yield calls[first : first + CALLS_A_REPLY]


# By hunk.


def _tasks_by_hunk(
    before: Files,
    after: Files,
    moved: Mapping[str, str],
    pieces: Mapping[str, Sequence[Piece]],
) -> Iterator[Task]:
    for task in _tasks_by_file(before, after, moved):
        path = task.paths[-1]
        if path not in pieces:
            yield task
            continue
        of_file = pieces[path]
        numbers = [number for number, piece in enumerate(of_file) if piece.is_changed]
        for count, number in enumerate(numbers, 1):
            line = 1 + sum(one.old.count("\n") for one in of_file[:number])
            title = f"Change {path}, {count} of {len(numbers)}"
            yield Task(title, (path,), _turns_of_hunk(path, of_file, number, line), path, number)


def _turns_of_hunk(path: str, pieces: Sequence[Piece], number: int, line: int) -> Sequence[Turn]:
    """The turns of one hunk; none where it has to be seen where it belongs."""
    piece = pieces[number]
    above = pieces[number - 1].old if number else ""
    below = pieces[number + 1].old if number + 1 < len(pieces) else ""
    if path in NOTES:
        return ()
    old = "".join(one.old for one in pieces)
    others = "".join(one.old if one is piece else one.new for one in pieces)
    for context in range(CONTEXT, 40):
        before, behind = _last_lines(above, context), _first_lines(below, context)
        text = before + piece.old + behind
        whole = before == above and behind == below
        if _is_once(old, text) and _is_once(others, text):
            last = line + piece.old.count("\n") + AROUND
            read: Call = (
                "read_file",
                {"path": path, "start_line": max(1, line - AROUND), "end_line": last},
            )
            return [[read], [_edit(path, before, piece, behind)], _SUBMIT]
        if whole:
            break
    return ()


def _pieces_of_files(
    before: Files, after: Files, moved: Mapping[str, str]
) -> Iterator[tuple[str, list[Piece]]]:
    for path in sorted(after):
        old, new = before.get(path), after[path]
        if old == new or path in moved:
            continue
        if old is not None:
            yield path, _pieces(_shown(old), _shown(new))
        elif path in NOTES:
            paragraphs = list(_paragraphs(_text(new)))
            size = -(-len(paragraphs) // NOTES_PARTS)
            parts = (paragraphs[n : n + size] for n in range(0, len(paragraphs), size))
            yield path, [Piece("", "".join(part)) for part in parts]


def _paragraphs(text: str) -> Iterator[str]:
    lines: list[str] = []
    for line in split_lines(text):
        if line.strip() and lines and not lines[-1].strip():
            yield "".join(lines)
            lines = []
        lines.append(line)
    yield "".join(lines)


# What a file holds while only some of its tasks have landed.


def with_piece(text: str, pieces: Sequence[Piece], number: int) -> str | None:
    """A file's text with one more piece changed; None where it can't be told what it holds.

    Args:
        text: the file as it is: of some pieces the old text, of the others the new.
        pieces: all of them, in order.
        number: that of the piece to be changed, of which it has the old text.
    """
    ways: dict[int, tuple[bool, ...]] = {0: ()}
    for which, piece in enumerate(pieces):
        further: dict[int, tuple[bool, ...]] = {}
        can_be_new = piece.is_changed and which != number
        for place, way in ways.items():
            for is_new in (False, True) if can_be_new else (False,):
                part = piece.new if is_new else piece.old
                if text.startswith(part, place):
                    further.setdefault(place + len(part), (*way, is_new))
        ways = further
    if len(text) not in ways:
        return None
    return "".join(
        piece.new if is_new or which == number else piece.old
        for which, (piece, is_new) in enumerate(zip(pieces, ways[len(text)], strict=True))
    )


def without_markers(text: str) -> str:
    """The head's side of a text with conflict markers."""
    kept: list[str] = []
    side = ""
    for line in split_lines(text):
        if line.startswith("<<<<<<< head"):
            side = "head"
        elif line.startswith("||||||| base") and side == "head":
            side = "base"
        elif line.startswith(">>>>>>> yours") and side:
            side = ""
        elif side in ("", "head"):
            kept.append(line)
    return "".join(kept)


# Beneath.

_SUBMIT: Final[Turn] = [("submit", {"summary": "As in the release."})]


def _text(file: File) -> str:
    text = file.text
    assert text is not None
    return text


def _shown(file: File) -> str:
    """A file's text as tools show it and take it: without the mark of its byte order."""
    return _text(file).removeprefix("\ufeff")


def _has_mark(file: File) -> bool:
    return file.data.startswith(codecs.BOM_UTF8)


def _edit(path: str, before: str, piece: Piece, behind: str) -> Call:
    old, new = (before + one + behind for one in (piece.old, piece.new))
    return "edit_file", {"path": path, "old_text": old, "new_text": new}


def _pieces(old: str, new: str) -> list[Piece]:
    """A text as pieces, each changed one a hunk with its context left off."""
    old_lines, new_lines = split_lines(old), split_lines(new)
    pieces: list[Piece] = []
    done_old = done_new = 0
    for first, last in _grouped(line_hunks(old, new)):
        same = "".join(old_lines[done_old : first.old_start])
        if same:
            pieces.append(Piece(same, same))
        done_old = last.old_start + len(last.old_lines)
        old_part = "".join(old_lines[first.old_start : done_old])
        done_new = last.new_start + len(last.new_lines)
        pieces.append(Piece(old_part, "".join(new_lines[first.new_start : done_new])))
    if rest := "".join(old_lines[done_old:]):
        pieces.append(Piece(rest, rest))
    return pieces


def _grouped(hunks: Iterable[LineHunk]) -> Iterator[tuple[LineHunk, LineHunk]]:
    """The first and the last of hunks that are so near to each other that they are shown as one."""
    first: LineHunk | None = None
    last: LineHunk | None = None
    for hunk in hunks:
        if first is None or last is None:
            first = hunk
        elif hunk.old_start - last.old_start - len(last.old_lines) > 2 * CONTEXT:
            yield first, last
            first = hunk
        last = hunk
    if first is not None and last is not None:
        yield first, last


def _unique(done: str, old: str, left: str) -> tuple[str, str]:
    """As few lines about a part as make it the only one of its kind in the text."""
    text = done + old + left
    context = CONTEXT
    while True:
        before, behind = _last_lines(done, context), _first_lines(left, context)
        if _is_once(text, before + old + behind):
            return before, behind
        context *= 2


def _is_once(text: str, part: str) -> bool:
    """Whether a text has a part at one place and, overlapping or not, at no other."""
    first = text.find(part) if part else -1
    return first >= 0 and text.find(part, first + 1) < 0


def _last_lines(text: str, count: int) -> str:
    return "".join(split_lines(text)[-count:]) if text else ""


def _first_lines(text: str, count: int) -> str:
    return "".join(split_lines(text)[:count]) if text else ""


def _moves(before: Files, after: Files) -> dict[str, str]:
    """New files that are old ones under another name: by the new path, the old one.

    Either nothing but the name has changed, or one of the folders and less than half of the lines.
    """
    moves: dict[str, str] = {}
    added = sorted(after.keys() - before.keys())
    for gone in sorted(before.keys() - after.keys()):
        data = before[gone].data
        same = [path for path in added if data and after[path].data == data]
        name = gone.rpartition("/")[2]
        alike = (path for path in added if path.rpartition("/")[2] == name)
        same += [path for path in alike if _are_alike(data, after[path].data)]
        if path := next((path for path in same if path not in moves), ""):
            moves[path] = gone
    return moves


def _are_alike(old: bytes, new: bytes) -> bool:
    lines = set(old.splitlines())
    return len(lines & set(new.splitlines())) * 2 > len(lines) > 1
