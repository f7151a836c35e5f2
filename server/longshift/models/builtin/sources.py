"""Reading files through the tools, many at a time, each to its end.

Owns how a file's text is put together from what `read_file` gave. A text that may be incomplete is
never handed on as a file: an edit built on it would lose lines.
"""

import string
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from longshift.models.builtin.conversation import Ask, Done
from longshift.models.builtin.wording import counted, few

LONGEST_BEGINNING: Final = 12

_PYTHON: Final = "*.py*"
_LETTERS: Final = (*string.ascii_letters, *string.digits, "_", "[!a-zA-Z0-9_]")


@dataclass(frozen=True, slots=True)
class Reading:
    """How far the reading of some paths has come."""

    texts: dict[str, str]
    """Whole texts by path, in the order asked for."""
    unreadable: dict[str, str]
    """Why a path could not be read."""
    asks: tuple[Ask, ...]
    """What is still to be read; empty when all is."""


def read_on(done: Sequence[Done], paths: Iterable[str]) -> Reading:
    """Put together what was read of `paths`, and say what is still to be read."""
    reads: dict[str, list[Done]] = {}
    for each in done:
        if each.name == "read_file":
            reads.setdefault(str(each.arguments.get("path")), []).append(each)
    texts: dict[str, str] = {}
    unreadable: dict[str, str] = {}
    asks: list[Ask] = []
    for path in paths:
        match _put_together(path, reads.get(path, ())):
            case Ask() as ask:
                asks.append(ask)
            case str() as text:
                texts[path] = text
            case _Unreadable(reason):
                unreadable[path] = reason
    return Reading(texts, unreadable, tuple(asks))


def python_paths(done: Sequence[Done]) -> list[str]:
    """The Python files that `list_files` named, sorted."""
    return sorted(path for path in _listed(done) if path.endswith((".py", ".pyi")))


def list_on(done: Sequence[Done]) -> tuple[Ask, ...]:
    """What is still to be listed: a list that was cut, in parts by the names' beginnings."""
    lists = [each for each in done if each.name == "list_files"]
    asked = {(each.arguments.get("path"), each.arguments.get("glob")) for each in lists}
    return tuple(
        Ask("list_files", {"path": each.arguments.get("path"), "glob": glob})
        for each in lists
        if each.result.get("truncated")
        for glob in _parts(each.arguments.get("glob"))
        if (each.arguments.get("path"), glob) not in asked
    )


def overlooked(done: Sequence[Done], unreadable: Mapping[str, str]) -> str:
    """What of the files asked for could not be looked at, as a sentence to append; "": nothing."""
    words = [f"{path}: {reason}" for path, reason in unreadable.items()]
    text = f" Not looked at: {few(words, '; ')}." if words else ""
    lists = [each for each in done if each.name == "list_files" and each.result.get("truncated")]
    cut = sum(not _parts(each.arguments.get("glob")) for each in lists)
    if cut:
        text += f" {counted(cut, 'list')} of files came cut; what is left out was not looked at."
    return text


def first_party(paths: Iterable[str]) -> tuple[str, ...]:
    """Names of the top-level packages and modules among `paths`, for the order of imports."""
    names = set()
    for path in paths:
        parts = path.split("/")
        top = parts[1] if parts[0] == "src" and len(parts) > 1 else parts[0]
        names.add(top.removesuffix(".pyi").removesuffix(".py"))
    return tuple(sorted(name for name in names if name.isidentifier() and name.isascii()))


@dataclass(frozen=True, slots=True)
class _Unreadable:
    reason: str


def _put_together(path: str, reads: Sequence[Done]) -> str | Ask | _Unreadable:
    text, next_line = "", 1
    for read in reads:
        if read.error is not None:
            return _Unreadable(read.error)
        part, start = read.result.get("text"), read.result.get("start_line")
        end, total = read.result.get("end_line"), read.result.get("total_lines")
        if not (isinstance(part, str) and isinstance(end, int) and isinstance(total, int)):
            return _Unreadable("the result is not what `read_file` gives")
        if start != next_line and total:
            continue  # an earlier look at another place
        if part.count("\n") + bool(part and not part.endswith("\n")) != end - next_line + 1:
            return _Unreadable("lines were cut")
        text, next_line = text + part, end + 1
        if end >= total:
            return text
        if not part.endswith("\n"):
            return _Unreadable("a line was cut")
    return Ask("read_file", {"path": path, "start_line": next_line} if reads else {"path": path})


def _parts(glob: object) -> tuple[str, ...]:
    """Globs that together match the Python files which `glob` does; none where it is too fine."""
    if not isinstance(glob, str):
        return (_PYTHON,)
    beginning = glob.removesuffix(_PYTHON)
    if len(beginning) > LONGEST_BEGINNING or not glob.endswith(_PYTHON):
        return ()
    exact = f"{beginning}.py*"
    return (exact, *(f"{beginning}{letter}{_PYTHON}" for letter in _LETTERS))


def _listed(done: Sequence[Done]) -> set[str]:
    found: set[str] = set()
    for each in done:
        files = each.result.get("files")
        if each.name == "list_files" and isinstance(files, list):
            found.update(str(path) for path in files)
    return found
