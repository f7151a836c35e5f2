"""Where in the repository a diagnostic stands, whatever its tool calls the file.

Owns making a printed path one of the commit's: from the checkout, from a folder of a monorepo, or
from a report's address. Must never take a path for one that the commit does not have. Blocking.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from posixpath import basename

from longshift.engine.checking.parsers.shape import Diagnostic
from longshift.errors import TellModel
from longshift.repository.files import is_binary
from longshift.repository.hunks import split_lines
from longshift.repository.paths import checked_file_path
from longshift.repository.store import ObjectStore
from longshift.sandbox.policy import CHECKOUT


@dataclass(frozen=True, slots=True)
class Located:
    """A diagnostic at a line that its commit has.

    Attributes:
        path: of the commit; "": it is of no file, or of none that the commit has.
        line: from 1.
        text: that line.
        said: as it was read.
    """

    path: str
    line: int
    text: str
    said: Diagnostic


def locate(
    store: ObjectStore, commit: str, diagnostics: Iterable[Diagnostic], checkouts: str
) -> list[Located]:
    """Find the places of what a tool printed of a commit; blocking.

    What is of no file is kept where it names a test or speaks for the whole check, and left out
    else: a log's line is no defect.

    Args:
        store: the run's.
        commit: whose files the tool saw.
        diagnostics: as they were read.
        checkouts: the folder that a command's files lie below, where it is not in a cage of its
            own file system.
    """
    finder = _Finder(store.list_files(commit), checkouts)
    texts: dict[str, Sequence[str] | None] = {}
    found: list[Located] = []
    for each in diagnostics:
        one = _steadily_named(each, finder.below_root(each.path))
        path = finder.find(one.path) if one.path else None
        if path and path not in texts:
            texts[path] = _lines(store, commit, path)
        lines = texts[path] if path else None
        if path and lines is not None and one.line <= len(lines) + 1:
            found.append(_at_line(path, lines, one))
        elif one.test or not one.path:
            found.append(Located("", 1, "", one))
    return found


def _steadily_named(one: Diagnostic, path: str) -> Diagnostic:
    """With a test's name that is the same wherever the commit's files lay."""
    if not one.test or path == one.path:
        return one
    return replace(one, test=one.test.replace(one.path, path))


def _at_line(path: str, lines: Sequence[str], one: Diagnostic) -> Located:
    """At the last line, where it stands behind that: there is what a file's end lacks."""
    line = min(one.line, max(1, len(lines)))
    said = one if line == one.line else replace(one, end_line=None)
    return Located(path, line, lines[line - 1] if lines else "", said)


class _Finder:
    """The paths of one commit, to be found by their ends."""

    def __init__(self, files: Mapping[str, object], checkouts: str) -> None:
        self._files = files
        self._checkouts = checkouts
        self._by_name: dict[str, list[str]] = defaultdict(list)
        self._known: dict[str, str | None] = {}

    def find(self, printed: str) -> str | None:
        if printed not in self._known:
            self._known[printed] = self._find(printed)
        return self._known[printed]

    def below_root(self, printed: str) -> str:
        """A path without the folder that the commit's files lay in."""
        path = printed.removeprefix("file://")
        if path.startswith(f"{CHECKOUT}/"):
            path = path.removeprefix(f"{CHECKOUT}/")
        elif self._checkouts and path.startswith(f"{self._checkouts}/"):
            path = path.removeprefix(f"{self._checkouts}/").partition("/")[2]
        return path.removeprefix("./")

    def _find(self, printed: str) -> str | None:
        path = self.below_root(printed)
        try:
            if checked_file_path(path) != path:
                return None
        except TellModel:
            return None  # absolute, out of the repository, or no path at all
        return path if path in self._files else self._ending_with(path)

    def _ending_with(self, path: str) -> str | None:
        """The one file whose path ends so: a tool ran in a folder below the root."""
        if not self._by_name:
            for file in self._files:
                self._by_name[basename(file)].append(file)
        alike = [one for one in self._by_name.get(basename(path), ()) if one.endswith(f"/{path}")]
        return alike[0] if len(alike) == 1 else None


def _lines(store: ObjectStore, commit: str, path: str) -> Sequence[str] | None:
    version = store.read_file(commit, path)
    if version is None or is_binary(version.data):
        return None
    return split_lines(version.data.decode("utf-8", "replace"))
