"""A map of a repository in few words: its weightiest files, each with its main definitions.

Owns which files are shown and in which order. What counts is who is spoken of: a file weighs as
much as other files mention what it defines. Deterministic; blocking, so that it is made off the
loop; made once for a commit, and each blob is parsed once for the life of a process.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from threading import Lock
from typing import Final, NamedTuple

from longshift.repository.aside import WORTH_IT_BYTES, aside
from longshift.repository.cache import Cache
from longshift.repository.files import is_plain_file
from longshift.repository.outline import LARGEST_BYTES, Definition, outline
from longshift.repository.store import ObjectStore
from longshift.repository.trees import TreeEntry
from longshift.repository.workspace import Withholds

MOST_PARSED: Final = 2_000
"""Files of a commit that are looked into: those nearest to the root come first."""
COMMITS_KEPT: Final = 4
_SHORTEST_NAME: Final = 4
"""Shorter names stand in every other file and tell nothing."""
_MOST_COUNTED: Final = 20
_WORD: Final = re.compile(rb"[A-Za-z_]\w{3,60}")
_LINES_OF_ONE: Final = 12
_LINES_OF_NEAR: Final = 40


class _Text(NamedTuple):
    path: str
    data: bytes


@dataclass(frozen=True, slots=True)
class _Look:
    """What was seen of one blob."""

    definitions: tuple[Definition, ...]
    words: frozenset[bytes]


@dataclass(frozen=True, slots=True)
class _File:
    path: str
    look: _Look
    weight: int


class Overview:
    """One commit's map."""

    def __init__(self, files: Sequence[_File]) -> None:
        """Hold the files, the weightiest first."""
        self._files = files
        self._definers: dict[bytes, list[int]] = {}
        self._speakers: dict[bytes, list[int]] = {}
        self._below: dict[str, list[int]] = {}
        self._beside: dict[str, list[int]] = {}
        for number, file in enumerate(files):
            self._beside.setdefault(_folder(file.path), []).append(number)
            for above in _itself_and_folders(file.path):
                self._below.setdefault(above, []).append(number)
            for name in _names(file.look):
                self._definers.setdefault(name, []).append(number)
        for number, file in enumerate(files):
            for name in file.look.words & self._definers.keys():
                self._speakers.setdefault(name, []).append(number)

    def text(self, near: Iterable[str], characters: int) -> str:
        """The map in so many characters; "" where there is nothing to show.

        Args:
            near: paths of a task: they come first, then what they speak of and what speaks of
                them, then their folders; empty: by weight alone.
            characters: most of them.
        """
        close = [path.rstrip("/") for path in near]
        lines: list[str] = []
        left = characters
        for number, most in self._ordered(close):
            block = list(_block(self._files[number], most))
            left -= sum(len(line) + 1 for line in block)
            if left < 0:
                break
            lines += block
        return "\n".join(lines)

    def _ordered(self, near: Sequence[str]) -> Iterator[tuple[int, int]]:
        """Numbers of files, the closest first and among equals the weightiest."""
        inside = sorted({n for path in near for n in self._below.get(path, ())})
        yield from ((number, _LINES_OF_NEAR) for number in inside)
        shown = set(inside)
        folders = {_folder(path) for path in near}
        for group in (
            sorted(self._tied(inside)),
            sorted({n for folder in folders for n in self._beside.get(folder, ())}),
            range(len(self._files)),
        ):
            for number in group:
                if number not in shown:
                    shown.add(number)
                    yield number, _LINES_OF_ONE

    def _tied(self, inside: Sequence[int]) -> set[int]:
        """The files that some files speak of, and those that speak of them."""
        tied: set[int] = set()
        for number in inside:
            look = self._files[number].look
            for name in _names(look):
                tied.update(self._speakers.get(name, ()))
            for word in look.words:
                tied.update(self._definers.get(word, ()))
        return tied


class Overviews:
    """The maps of one repository's commits. Thread-safe."""

    def __init__(self, store: ObjectStore) -> None:
        """Make maps from this store."""
        self._store = store
        self._making = Lock()
        self._looks: tuple[dict[str, _Look], dict[str, _Look]] = ({}, {})
        """By blob, those of the last map and of the one before: the next hardly differs from one
        of them, also where two runs have maps made by turns."""
        self._made: Cache[str, Overview] = Cache(COMMITS_KEPT)

    def at(self, commit: str, withholds: Withholds) -> Overview:
        """The map of a commit; blocking.

        Args:
            commit: which.
            withholds: which files no agent is shown; the same for each call.
        """
        with self._making:  # workers that start together wait for one, and do not each make it
            return self._made.get(commit, lambda _: self._make(commit, withholds))

    def _make(self, commit: str, withholds: Withholds) -> Overview:
        shown = {
            path: entry
            for path, entry in self._store.list_files(commit).items()
            if is_plain_file(entry.mode) and not withholds(path, partial(self._read, entry))
        }
        nearest = sorted(shown, key=lambda path: (path.count("/"), path))[:MOST_PARSED]
        looks = self._looks_at({path: shown[path] for path in nearest})
        weights = _weights(looks)
        files = [_File(path, look, weights[path]) for path, look in looks.items()]
        return Overview(sorted(files, key=lambda f: (-f.weight, f.path.count("/"), f.path)))

    def _looks_at(self, entries: Mapping[str, TreeEntry]) -> dict[str, _Look]:
        last, before = self._looks
        looks = {path: last.get(one.oid) or before.get(one.oid) for path, one in entries.items()}
        new = [_Text(path, self._read(entries[path])) for path, look in looks.items() if not look]
        is_much = sum(len(one.data) for one in new) >= WORTH_IT_BYTES
        for one, look in zip(new, (aside if is_much else map)(_look_at, new), strict=True):
            looks[one.path] = look
        found = {path: look for path, look in looks.items() if look is not None}
        self._looks = ({entries[path].oid: look for path, look in found.items()}, last)
        return found

    def _read(self, entry: TreeEntry) -> bytes:
        return self._store.objects.read_blob(entry.oid)


def _look_at(text: _Text) -> _Look:
    words = _WORD.findall(text.data) if len(text.data) <= LARGEST_BYTES else ()
    return _Look(outline(text.path, text.data), frozenset(words))


def _weights(looks: Mapping[str, _Look]) -> Counter[str]:
    """How often other files speak of what each file defines."""
    defined: dict[bytes, list[str]] = {}
    for path, look in looks.items():
        for name in set(_names(look)):
            defined.setdefault(name, []).append(path)
    spoken: Counter[bytes] = Counter()
    for look in looks.values():
        spoken.update(look.words & defined.keys())
    weights: Counter[str] = Counter(dict.fromkeys(looks, 0))
    for name, paths in defined.items():
        if len(paths) == 1:  # a name that many define belongs to none of them
            weights[paths[0]] += min(spoken[name] - 1, _MOST_COUNTED)
    return weights


def _names(look: _Look) -> Iterator[bytes]:
    for definition in look.definitions:
        name = definition.name.encode()
        if len(name) >= _SHORTEST_NAME:
            yield name


def _block(file: _File, most: int) -> Iterator[str]:
    yield file.path
    for definition in file.look.definitions[:most]:
        yield f"{'  ' * (definition.depth + 1)}{definition.line}"
    if len(file.look.definitions) > most:
        yield "  …"


def _itself_and_folders(path: str) -> Iterator[str]:
    while path:
        yield path
        path = _folder(path)


def _folder(path: str) -> str:
    return path.rpartition("/")[0]
