"""How one file came to be what it is at the run's head: the steps that touched it, under each name.

Owns the following of names through renames, and the numbering of hunks. Reads commits only; never
looks at a person's files. Everything here follows from the run's steps, so it can be thrown away.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from longshift.domain.model import HeadStep
from longshift.domain.state import Run
from longshift.repository.cache import Cache
from longshift.repository.files import DifferenceKind, FileVersion
from longshift.repository.hunks import LineHunk, line_hunks
from longshift.repository.store import ObjectStore
from longshift.review.texts import Encoding, is_text
from longshift.review.weave import Ref

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
    """

    step: int
    change_id: str | None
    path: str
    old_path: str | None
    kind: DifferenceKind
    before: FileVersion | None
    after: FileVersion | None

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
        return line_hunks(_decoded(self.before, encoding), _decoded(self.after, encoding))

    def refs(self, hunks: list[LineHunk]) -> list[Ref]:
        """The number that each of the line hunks goes by; whole-file kinds have one for all."""
        if self.kind in WHOLE_FILE:
            return [Ref(self.step, 1)] * len(hunks)
        return [Ref(self.step, number) for number in range(1, len(hunks) + 1)]


@dataclass(frozen=True, slots=True)
class Lineage:
    """The file that is at a path of the head, through all steps, oldest first."""

    path: str
    touches: tuple[Touch, ...]

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


class Histories:
    """Lineages of files, from the steps of runs."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._moved: Cache[tuple[str, str], Mapping[str, Moved]] = Cache(4096)

    def of(self, run: Run, path: str) -> Lineage:
        """Follow the file at one path of the head back to the run's base."""
        touches: list[Touch] = []
        name = path
        for number in range(len(run.steps) - 1, -1, -1):
            step = run.steps[number]
            moved = self._of_step(step).get(name)
            if moved is not None and moved.path == name:
                touches.append(self._touch(number, step, moved))
                name = moved.old_path or name
            elif moved is not None:
                break  # the file of that name before this step is another one: it moved away
        return Lineage(path, tuple(reversed(touches)))

    def paths(self, run: Run) -> tuple[str, ...]:
        """Where the files that landings touched are at the head (deleted ones: were), sorted."""
        paths: set[str] = set()
        for step in run.steps:
            for moved in {id(m): m for m in self._of_step(step).values()}.values():
                followed = moved.old_path in paths
                if moved.old_path is not None:
                    paths.discard(moved.old_path)
                if followed or step.change_id is not None:
                    paths.add(moved.path)
        return tuple(sorted(paths))

    def _of_step(self, step: HeadStep) -> Mapping[str, Moved]:
        return self._moved.get((step.parent, step.commit), self._compare)

    def _compare(self, commits: tuple[str, str]) -> Mapping[str, Moved]:
        """What the step did, by new path; a path that was only renamed away leads there as well."""
        found: dict[str, Moved] = {}
        renamed: list[Moved] = []
        for difference in self._store.differences(*commits):
            moved = Moved(difference.path, difference.old_path, difference.kind)
            found[moved.path] = moved
            if moved.old_path is not None:
                renamed.append(moved)
        for moved in renamed:
            found.setdefault(moved.old_path or moved.path, moved)
        return found

    def _touch(self, number: int, step: HeadStep, moved: Moved) -> Touch:
        before = self._store.read_file(step.parent, moved.old_path or moved.path)
        after = self._store.read_file(step.commit, moved.path)
        return Touch(number, step.change_id, moved.path, moved.old_path, moved.kind, before, after)


def _decoded(version: FileVersion | None, encoding: Encoding) -> str:
    return "" if version is None else version.data.decode(encoding)
