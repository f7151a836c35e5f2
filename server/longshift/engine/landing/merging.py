"""Merging what waits to land, in memory: each submission onto the one before it.

Owns what fits, what clashes and what is refused of the submissions that are ready at one moment.
Blocking, so it is called off the loop. Records nothing and moves no head: until the head is moved,
nobody can see what was merged here.
"""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from longshift.crew.desk import Conflict, Landed
from longshift.domain.model import Finding, Handoff, Task
from longshift.domain.state import Run
from longshift.engine.activities import Note
from longshift.engine.landing.admission import refuse_clashes
from longshift.engine.landing.fading import faded, told
from longshift.engine.landing.inspection import Defect, defects_of
from longshift.engine.room import is_text
from longshift.precedence import PRECEDENCE
from longshift.repository.landing import Conflict as Clashing
from longshift.repository.landing import (
    Merged,
    Submission,
    foreseen_conflict,
    merge_submission,
)
from longshift.repository.store import ObjectStore
from longshift.repository.workspace import Workspace

PACKED_FROM: Final = 3
"""Submissions that are worth a pack: fewer cost less as loose objects, which wait for no disk."""


@dataclass(eq=False)
class Waiting:
    """A submission on its way to the head, and the future that learns what became of it.

    Attributes:
        note: told when it leaves the line and lands.
        stood_by: for which tasks its files were reserved when it was last held against the head.
    """

    task: Task
    attempt: int
    workspace: Workspace
    handoff: Handoff
    submission: Submission
    note: Note
    answer: "asyncio.Future[Landed | Conflict]" = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )
    stood_by: frozenset[str] = frozenset()

    def fail(self, error: BaseException) -> None:
        """Tell of an error, unless an answer was given."""
        if not self.answer.done():
            self.answer.set_exception(error)


@dataclass(frozen=True, eq=False)
class Fit:
    """A submission that was merged onto the head, or onto the one before it.

    Attributes:
        waiting: it.
        parent: what it was merged onto.
        merged: the outcome.
        paths: those of the merge that a fact can name.
        defects: what the inspection finds in them.
        gone: ids of findings that stand on nothing any more.
    """

    waiting: Waiting
    parent: str
    merged: Merged
    paths: tuple[str, ...]
    defects: Sequence[Defect]
    gone: Sequence[str]

    @property
    def moves(self) -> bool:
        """Whether the head is another one with it."""
        return self.merged.commit != self.parent


@dataclass(frozen=True, eq=False)
class Clash:
    """A submission that goes back to its worker."""

    waiting: Waiting
    conflict: Clashing


@dataclass
class Group:
    """What became of some submissions, in their order.

    Attributes:
        head: the last that fits, or the head as it was.
        fits: to be put on the head together.
        clashes: to be sent back.
        refused: with what each is told.
        kept: marks of the packs, to be released once the head is moved.
    """

    head: str
    fits: list[Fit] = field(default_factory=list)
    clashes: list[Clash] = field(default_factory=list)
    refused: list[tuple[Waiting, Exception]] = field(default_factory=list)
    kept: Sequence[Path] = ()


@dataclass(frozen=True)
class _Ground:
    """What a group is merged onto, besides the head.

    Attributes:
        taken: the person's text as the run last took it.
        findings: those that may fade.
        when: the time of the commits in seconds since 1970.
    """

    taken: str
    findings: Collection[Finding]
    when: int


class Merging:
    """Merges the submissions of one run, one group at a time."""

    def __init__(self, store: ObjectStore) -> None:
        """Merge in a run's store."""
        self._store = store

    def merge(self, waiting: Sequence[Waiting], run: Run, when: int) -> Group:
        """Merge submissions onto a run's head, in order.

        Args:
            waiting: the submissions.
            run: as it stands; nothing else moves its head meanwhile.
            when: the time of the commits in seconds since 1970.
        """
        group, ground = Group(run.head), _Ground(run.taken, told(run), when)
        if len(waiting) < PACKED_FROM:
            self._merge_each(group, waiting, ground)
        else:
            with self._store.objects.gathering() as group.kept:
                self._merge_each(group, waiting, ground)
        return group

    def foresee(self, waiting: Sequence[Waiting], head: str) -> list[Clash]:
        """Those of submissions in line that clash with a head already; nothing is merged."""
        found: list[Clash] = []
        for one in waiting:
            PRECEDENCE.give_way()
            conflict = foreseen_conflict(self._store, head, one.submission)
            found += [Clash(one, conflict)] if conflict is not None else []
        return found

    def _merge_each(self, group: Group, waiting: Sequence[Waiting], ground: _Ground) -> None:
        for one in waiting:
            PRECEDENCE.give_way()
            try:
                merged = self._merge_one(one, group.head, ground)
            except Exception as error:  # noqa: BLE001 -- its worker raises it; the others go on
                group.refused.append((one, error))
                continue
            if isinstance(merged, Clash):
                group.clashes.append(merged)
            else:
                group.fits.append(merged)
                group.head = merged.merged.commit

    def _merge_one(self, one: Waiting, head: str, ground: _Ground) -> Fit | Clash:
        store = self._store
        merged = merge_submission(store, head, one.submission, when=ground.when)
        if isinstance(merged, Clashing):
            return Clash(one, merged)
        refuse_clashes(store, head, merged)
        # Before it lands, so that landing and findings are one record: the next agent sees both.
        paths = tuple(path for path in merged.paths if is_text(path))
        defects = defects_of(store, ground.taken, merged.commit, paths, head)
        gone = faded(store, ground.findings, merged.commit, paths)
        return Fit(one, head, merged, paths, defects, gone)
