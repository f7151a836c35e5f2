"""How one file came to be what it is at the run's head: the steps that touched it, under each name.

Owns the following of names through renames, and the numbering of hunks. Reads commits only; never
looks at a person's files. Everything here follows from the run's steps, so it can be thrown away.
"""

import threading
from bisect import bisect_left
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from longshift.domain.model import HeadStep
from longshift.domain.state import Run
from longshift.repository.cache import Cache
from longshift.repository.files import DifferenceKind, FileVersion
from longshift.repository.hunks import LineHunk, line_hunks
from longshift.repository.store import ObjectStore
from longshift.review.texts import Encoding, is_text
from longshift.review.weave import Ref

_Versions = tuple[FileVersion | None, FileVersion | None]
Comparing = Callable[[FileVersion | None, FileVersion | None, Encoding], list[LineHunk]]
LINES_KEPT: Final = 500_000
"""Lines of hunks that are remembered."""
BYTES_KEPT: Final = 16_000_000
"""Of versions of files that are remembered by the step that made them."""
WHOLE_FILE = ("create", "delete", "rename", "binary")
"""Kinds of landing that are one hunk, whatever else they change."""


@dataclass(frozen=True, slots=True)
class Moved:
    """What one step did to one file, without the file's content."""

    path: str
    old_path: str | None
    kind: DifferenceKind


@dataclass(frozen=True)
class Touch:
    """One step's doing to the file.

    Attributes:
        step: the step's place in the run.
        change_id: the landing's change; None: the person's text or a rejection.
        path: the file's name afterwards; for a deletion, before.
        old_path: its name before, if another.
        kind: what was done.
        before: the file before the step; None: there was none.
        after: the file after the step; None: there is none.
        compared: gives the hunks between two versions; it remembers them, since a file that many
            landings touch is put together anew with each.
    """

    step: int
    change_id: str | None
    path: str
    old_path: str | None
    kind: DifferenceKind
    before: FileVersion | None
    after: FileVersion | None
    compared: "Comparing" = field(repr=False, compare=False)

    @property
    def path_before(self) -> str:
        """The file's name before the step."""
        return self.old_path or self.path

    @cached_property
    def is_text(self) -> bool:
        """Whether the file had lines before and after."""
        return is_text(self.before) and is_text(self.after)

    @property
    def changes_mode(self) -> bool:
        """Whether the executable bit changed in a file that stays."""
        return (
            self.kind not in WHOLE_FILE
            and self.before is not None
            and self.after is not None
            and self.before.mode != self.after.mode
        )

    def line_hunks(self, encoding: Encoding) -> list[LineHunk]:
        """The lines that changed; of a text."""
        return self.compared(self.before, self.after, encoding)

    def refs(self, hunks: list[LineHunk]) -> list[Ref]:
        """The number that each of the line hunks goes by; whole-file kinds have one for all."""
        if self.kind in WHOLE_FILE:
            return [Ref(self.step, 1)] * len(hunks)
        return [Ref(self.step, number) for number in range(1, len(hunks) + 1)]


@dataclass(frozen=True, slots=True)
class Lineage:
    """The file that is at a path of the head, through all steps, oldest first.

    Attributes:
        path: the file's path.
        touches: what the steps did to it.
        reused: those of its earlier names that later steps gave to another file.
    """

    path: str
    touches: tuple[Touch, ...]
    reused: frozenset[str] = frozenset()

    @property
    def names(self) -> list[str]:
        """Its names, oldest first."""
        if not self.touches:
            return [self.path]
        later = [touch.path for touch in self.touches if touch.old_path]
        return [self.touches[0].path_before, *later]

    def names_until(self, step: int) -> list[str]:
        """Its names up to the commit of a step, oldest first."""
        later = sum(touch.step > step and touch.old_path is not None for touch in self.touches)
        return self.names[: len(self.names) - later]


@dataclass
class _Known:
    """What the steps of a run have touched, as far as it is known; it grows with the run.

    Attributes:
        steps: those that were looked at.
        moved: what each of them did, by name.
        by_name: the numbers of the steps that touched each name, in their order.
        takings: the numbers of the steps that took the person's text.
        paths: where the files that landings touched are after them, sorted.
        shifts: how they came to be so: the number of a step, a path, and whether it was added.
        renamed: every name that a file was moved from or to.
        hunks: how versions of its files differ, by their ids.
        versions: a file before and after a step, by the step's number and the file's name after it.
    """

    steps: list[HeadStep] = field(default_factory=list)
    moved: list[Mapping[str, Moved]] = field(default_factory=list)
    by_name: dict[str, list[int]] = field(default_factory=dict)
    takings: list[int] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    shifts: list[tuple[int, str, bool]] = field(default_factory=list)
    renamed: set[str] = field(default_factory=set)
    hunks: Cache[tuple[str, str, Encoding], list[LineHunk]] = field(
        default_factory=lambda: Cache(LINES_KEPT, _held)
    )
    versions: Cache[tuple[int, str], _Versions] = field(
        default_factory=lambda: Cache(BYTES_KEPT, _bytes_held)
    )

    def take(self, step: HeadStep, by_name: Mapping[str, Moved]) -> None:
        """Take in what one more step did."""
        if step.change_id is None:
            by_name = self._with_moves(by_name)
        self.moved.append(by_name)
        for name in by_name:
            self.by_name.setdefault(name, []).append(len(self.steps))
        if step.change_id is None:
            self.takings.append(len(self.steps))
        for moved in {id(moved): moved for moved in by_name.values()}.values():
            if moved.old_path is not None:
                self.renamed |= {moved.path, moved.old_path}
            followed = moved.old_path is not None and self._drop(moved.old_path)
            if followed or step.change_id is not None:
                self._put(moved.path)
        self.steps.append(step)

    def names(self, path: str, end: int) -> Iterator[str]:
        """The earlier names of the file at a path before a step, the newest first."""
        while (number := _last_before(self.by_name.get(path, ()), end)) is not None:
            moved = self.moved[number][path]
            if moved.path != path:
                return
            if moved.old_path is not None:
                yield moved.old_path
            path, end = moved.old_path or path, number

    def _with_moves(self, by_name: Mapping[str, Moved]) -> Mapping[str, Moved]:
        """A taking with the files in it that it put back under a name of theirs.

        That is what a rejected renaming comes to, and what the person has may be so unlike the
        head's that a comparison of the two sees no renaming.
        """
        found = dict(by_name)
        for gone in [one for one in by_name.values() if one.kind == "delete"]:
            for name in self.names(gone.path, len(self.steps)):
                there = found.get(name)
                if there is not None and there.kind == "create":
                    found[name] = found[gone.path] = Moved(name, gone.path, "rename")
                    break
        return found

    def compared(
        self, before: FileVersion | None, after: FileVersion | None, encoding: Encoding
    ) -> list[LineHunk]:
        """How two versions of a file differ; remembered for as long as the run is."""
        return self.hunks.get(
            (before.oid if before else "", after.oid if after else "", encoding),
            lambda _: line_hunks(_decoded(before, encoding), _decoded(after, encoding)),
        )

    def paths_after(self, count: int) -> tuple[str, ...]:
        """What `paths` was after so many steps."""
        if count == len(self.steps):
            return tuple(self.paths)
        found = set(self.paths)
        for number, path, is_added in reversed(self.shifts):
            if number < count:
                break
            (found.discard if is_added else found.add)(path)
        return tuple(sorted(found))

    def _put(self, path: str) -> None:
        place = bisect_left(self.paths, path)
        if self.paths[place : place + 1] != [path]:
            self.paths.insert(place, path)
            self.shifts.append((len(self.steps), path, True))

    def _drop(self, path: str) -> bool:
        place = bisect_left(self.paths, path)
        found = self.paths[place : place + 1] == [path]
        if found:
            del self.paths[place]
            self.shifts.append((len(self.steps), path, False))
        return found


class Histories:
    """Lineages of files, from the steps of runs. Thread-safe."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._runs: Cache[str, _Known] = Cache(32)
        self._growing = threading.Lock()

    def let_go(self, runs: Container[str]) -> None:
        """Forget what is known of runs; it is looked up again where it is asked for."""
        self._runs.drop(lambda run: run in runs)

    def of(self, run: Run, path: str) -> Lineage:
        """Follow the file at one path of the head back to the run's base."""
        touches: list[Touch] = []
        reused: set[str] = set()
        own: set[tuple[int, str]] = set()
        name, end = path, len(run.steps)
        known = self._known(run)
        by_name = known.by_name
        while (number := _last_before(by_name.get(name, ()), end)) is not None:
            step = run.steps[number]
            moved = known.moved[number][name]
            if moved.path != name:
                break  # the file of that name before this step is another one: it moved away
            touches.append(self._touch(known, number, step, moved))
            own |= {(number, moved.path), (number, moved.old_path or moved.path)}
            name, end = moved.old_path or name, number
            if moved.old_path:
                # Where the file came back to this name, its own later steps are the last there.
                last = _last_before(by_name[name], len(run.steps))
                reused |= {name} - {path} if (last, name) not in own else set()
        return Lineage(path, tuple(reversed(touches)), frozenset(reused))

    def names(self, run: Run, path: str) -> tuple[str, ...]:
        """Every name that the file at one path of the head had in the run; reads no file."""
        return (path, *self._known(run).names(path, len(run.steps)))

    def paths(self, run: Run) -> tuple[str, ...]:
        """Where the files that landings touched are at the head (deleted ones: were), sorted."""
        known = self._known(run)
        with self._growing:
            return known.paths_after(len(run.steps))  # it may have gone on meanwhile

    def is_ever_renamed(self, run: Run, path: str) -> bool:
        """Whether a step moved a file from a name or to it; light, for looks at many files."""
        return path in self._known(run).renamed

    def takings(self, run: Run) -> tuple[int, ...]:
        """The numbers of a run's steps that took the person's text."""
        takings = self._known(run).takings
        return tuple(takings[: bisect_left(takings, len(run.steps))])

    def _known(self, run: Run) -> _Known:
        """What is known of at least the steps of a run: each is looked at once, as it comes."""
        known = self._runs.get(run.id, lambda _: _Known())
        with self._growing:
            shared = min(len(known.steps), len(run.steps))
            if shared and known.steps[shared - 1] != run.steps[shared - 1]:
                known = _Known()  # of a run of that name which was forgotten
                self._runs.replace(run.id, known)
            return self._looked_at(known, run)

    def _looked_at(self, known: _Known, run: Run) -> _Known:
        for step in run.steps[len(known.steps) :]:
            known.take(step, self._compare(step))
        return known

    def _compare(self, step: HeadStep) -> Mapping[str, Moved]:
        """What the step did, by new path; a path that was only renamed away leads there as well."""
        found: dict[str, Moved] = {}
        renamed: list[Moved] = []
        for difference in self._store.differences(step.parent, step.commit):
            moved = Moved(difference.path, difference.old_path, difference.kind)
            found[moved.path] = moved
            if moved.old_path is not None:
                renamed.append(moved)
        for moved in renamed:
            found.setdefault(moved.old_path or moved.path, moved)
        return found

    def _touch(self, known: _Known, number: int, step: HeadStep, moved: Moved) -> Touch:
        before, after = known.versions.get(
            (number, moved.path), lambda _: self._versions(step, moved)
        )
        return Touch(
            number,
            step.change_id,
            moved.path,
            moved.old_path,
            moved.kind,
            before,
            after,
            known.compared,
        )

    def _versions(self, step: HeadStep, moved: Moved) -> _Versions:
        before = self._store.read_file(step.parent, moved.old_path or moved.path)
        return before, self._store.read_file(step.commit, moved.path)


def _held(hunks: Sequence[LineHunk]) -> int:
    return 1 + sum(len(hunk.old_lines) + len(hunk.new_lines) for hunk in hunks)


def _bytes_held(versions: _Versions) -> int:
    return 1 + sum(len(one.data) for one in versions if one is not None)


def _last_before(numbers: Sequence[int], end: int) -> int | None:
    place = bisect_left(numbers, end)
    return numbers[place - 1] if place else None


def _decoded(version: FileVersion | None, encoding: Encoding) -> str:
    return "" if version is None else version.data.decode(encoding)
