"""Which hunks of a run are pending, against what the person has at this moment.

Never writes anything, and never decides: it says what stands where, and what accepting would do.
The landings' side of each file is computed once for each landing on it (`side`, `weave`), the
decisions' once for each decision (`reading`); a keystroke costs only the placing (`anchor`).
"""

import threading
from collections.abc import Container, Iterable
from dataclasses import dataclass
from typing import Final

from longshift.domain.state import Run
from longshift.repository.cache import Cache
from longshift.repository.hunks import LineHunk, line_hunks, split_lines
from longshift.repository.links import Links, links_of
from longshift.repository.store import ObjectStore
from longshift.review.assess import assess_text, undo_alone
from longshift.review.edits import apply_edits
from longshift.review.effects import effects_of
from longshift.review.lineage import Histories, Touch
from longshift.review.opaque import assess_opaque
from longshift.review.present import decodes
from longshift.review.reading import Readings
from longshift.review.shapes import (
    Edit,
    Effect,
    HunkKind,
    HunkState,
    PendingHunk,
    Present,
    PresentFile,
)
from longshift.review.side import Side, build_side
from longshift.review.texts import Encoding, common_encoding, is_text, present_text, style_of

__all__ = [
    "Edit",
    "Effect",
    "HunkKind",
    "HunkState",
    "PendingHunk",
    "Present",
    "PresentFile",
    "Proposals",
    "apply",
    "undo",
]


MOST_LATEST: Final = 32
"""Files whose weaves are kept to be grown by the next landing."""


@dataclass(frozen=True, slots=True)
class _Key:
    run: str
    head: str
    taken: str
    steps: int
    path: str
    encoding: Encoding | None


@dataclass(frozen=True, slots=True)
class _Content:
    """All that a side follows from: most landings of a run leave it as it is.

    Attributes:
        touches: the steps that touched the file.
        reused: its earlier names that are another file's now.
        last: the commit of the last of them, which tells the run from an earlier one of its name.
        takings: how often the person's text was taken.
        links: the number of the head's links.
    """

    run: str
    taken: str
    path: str
    encoding: Encoding | None
    touches: tuple[int, ...]
    reused: frozenset[str]
    last: str
    takings: int
    links: int


class Proposals:
    """The hunks of runs, placed in the person's present text at each call. Thread-safe."""

    def __init__(self, store: ObjectStore) -> None:
        self.store: Final = store
        self._histories = Histories(store)
        self._sides: Cache[_Key, Readings] = Cache(1_000_000, _lines_held)
        self._contents: Cache[_Content, Readings] = Cache(1_000_000, _lines_held)
        self._paths: Cache[tuple[str, str, int], tuple[str, ...]] = Cache(32)
        self._links: Cache[str, tuple[int, Links]] = Cache(32)
        self._last_links: tuple[int, Links] = (0, Links({}))
        self._latest: Cache[tuple[str, str], Side] = Cache(MOST_LATEST)
        self._numbering = threading.Lock()
        self._moves: Cache[tuple[str, str, str], list[LineHunk]] = Cache(256)
        self._differences: Cache[tuple[str, str, Encoding], list[LineHunk]] = Cache(256)

    def let_go(self, runs: Container[str]) -> None:
        """Forget what was computed of runs that nobody looks at; it can be computed again.

        Args:
            runs: their ids.
        """
        self._sides.drop(lambda key: key.run in runs)
        self._contents.drop(lambda key: key.run in runs)
        self._paths.drop(lambda key: key[0] in runs)
        self._latest.drop(lambda key: key[0] in runs)
        self._histories.let_go(runs)

    def paths(self, run: Run) -> tuple[str, ...]:
        """The paths at the head on which the run has hunks, sorted (deleted files: where were)."""
        key = (run.id, run.head, len(run.steps))
        return self._paths.get(key, lambda _: self._histories.paths(run))

    def of_path(self, run: Run, path: str, present: Present) -> tuple[PendingHunk, ...]:
        """Every hunk of every change on one file, in any state, ordered by place.

        Args:
            run: the run.
            path: the file's path at the head, one of `paths`; others have no hunks.
            present: asked for `path`, and for where the file was before a rename.
        """
        if path not in self.paths(run):
            return ()
        readings = self._readings(run, path, present)
        if readings.side.weave is None:
            return assess_opaque(readings.side, run, present)
        return assess_text(readings, run, present)

    def of_run(self, run: Run, present: Present) -> tuple[PendingHunk, ...]:
        """Every hunk of the run, ordered by path and place."""
        return tuple(hunk for path in self.paths(run) for hunk in self.of_path(run, path, present))

    def of_change(self, run: Run, change_id: str, present: Present) -> tuple[PendingHunk, ...]:
        """Every hunk of one change, ordered by path and place; none for an unknown change."""
        change = run.changes.get(change_id)
        touched = {*change.paths} if change is not None else set()
        found = [
            self.of_path(run, path, present)
            for path in self.paths(run)
            if path in touched or not touched.isdisjoint(self.every_name(run, path))
        ]
        return tuple(hunk for hunks in found for hunk in hunks if hunk.change_id == change_id)

    def file_effects(
        self, run: Run, hunks: Iterable[PendingHunk], present: Present
    ) -> tuple[Effect, ...]:
        """What to do to files, so that pending hunks are applied and accepted ones taken out.

        Args:
            run: the run.
            hunks: hunks that were computed against exactly this `present`; those that are neither
                pending nor accepted are passed over. Not both kinds at once for one file.
            present: the person's files.

        Returns:
            Effects in the order in which to perform them; a rename comes before a write.
        """
        by_file: dict[str, list[PendingHunk]] = {}
        for hunk in hunks:
            by_file.setdefault(hunk.file, []).append(hunk)
        return tuple(
            effect
            for path, mine in by_file.items()
            for effect in effects_of(self._readings(run, path, present).side, mine, present)
        )

    def names(self, run: Run, path: str) -> tuple[str, ...]:
        """The names that a file of `paths` had in the run and no other has since, oldest first."""
        # Nearly every file has one name only, and to read it again for that would cost far more.
        every = self.every_name(run, path)
        return every if len(every) == 1 else self.side(run, path).names

    def every_name(self, run: Run, path: str) -> tuple[str, ...]:
        """The same with those that another file has since; light, for looks at many files."""
        return self._histories.names(run, path)

    def is_ever_renamed(self, run: Run, path: str) -> bool:
        """Whether the run moved a file from a name or to it; light, for looks at many files."""
        return self._histories.is_ever_renamed(run, path)

    def undo_alone(self, run: Run, hunk: PendingHunk, present: Present) -> tuple[Edit, ...]:
        """What takes an accepted hunk out that an earlier cycle has settled; empty: nothing can."""
        readings = self._readings(run, hunk.file, present)
        return () if readings.side.weave is None else undo_alone(readings, run, hunk, present)

    def text_at(self, run: Run, hunk: PendingHunk, present: Present) -> str:
        """The person's text that a hunk's edits speak of; "" where there is none."""
        file = present.read(hunk.old_path or hunk.file) or present.read(hunk.file)
        encoding = self._readings(run, hunk.file, present).side.encoding
        return (present_text(file, encoding) if file is not None else None) or ""

    def line_in_present(
        self, commit: str, path: str, line: int, present: PresentFile | None
    ) -> int | None:
        """Find where a line of a commit's file stands in the present text.

        Args:
            commit: the commit that the line speaks of.
            path: the file's path there.
            line: the line, zero-based.
            present: the same file as the person has it.

        Returns:
            The zero-based line; the nearest one where the line itself is not in the text (yet, or
            any more); None where there is no text to point into.
        """
        version = self.store.read_file(commit, path)
        if version is None or present is None or not is_text(version):
            return None
        contents = [version.data, *([present.data] if present.data is not None else [])]
        encoding = common_encoding(contents)
        text = present_text(present, encoding)
        if text is None:
            return None
        stored = version.data.decode(encoding)
        style = style_of(text, live=present.text is not None, stored=stored)
        hunks = self._moves.get(
            (commit, path, text),
            lambda _: line_hunks("".join(style.of_all(split_lines(stored))), text),
        )
        return min(_moved_line(line, hunks), max(0, text.count("\n") - text.endswith("\n")))

    def difference(
        self, old: tuple[str, str], new: tuple[str, str], encoding: Encoding
    ) -> list[LineHunk] | None:
        """The hunks between two committed files, each a commit and a path there.

        Returns:
            The hunks; None where one of them is no text, or not there.
        """
        found = [self.store.find(*one) for one in (old, new)]
        entries = [one for one in found if one is not None and not one.is_tree]
        versions = [self.store.version(one) for one in entries]
        if len(entries) < len(found) or not all(map(is_text, versions)):
            return None
        return self._differences.get(
            (entries[0].oid, entries[1].oid, encoding),
            lambda _: line_hunks(*(one.data.decode(encoding, "replace") for one in versions)),
        )

    def touches(self, run: Run, path: str) -> tuple[Touch, ...]:
        """Every step that touched one file of `paths`, oldest first; for this room's modules."""
        return self._histories.of(run, path).touches

    def side(self, run: Run, path: str) -> Side:
        """The landings' side of one file of `paths`; for this room's own modules."""
        return self._sides_of(run, path, None).side

    def _readings(self, run: Run, path: str, present: Present) -> Readings:
        readings = self._sides_of(run, path, None)
        names = {path, *readings.side.names}
        if all(decodes(present.read(name), readings.side) for name in names):
            return readings
        return self._sides_of(run, path, "latin-1")

    def _sides_of(self, run: Run, path: str, encoding: Encoding | None) -> Readings:
        key = _Key(run.id, run.head, run.taken, len(run.steps), path, encoding)
        return self._sides.get(key, lambda _: self._content_of(run, path, encoding))

    def _content_of(self, run: Run, path: str, encoding: Encoding | None) -> Readings:
        lineage = self._histories.of(run, path)
        touches = tuple(touch.step for touch in lineage.touches)
        number, links = self._links_of(run)
        content = _Content(
            run.id,
            run.taken,
            path,
            encoding,
            touches,
            lineage.reused,
            run.steps[touches[-1]].commit if touches else "",
            len(self._histories.takings(run)),
            number,
        )
        return self._contents.get(content, lambda _: self._built(run, path, links, encoding))

    def _built(self, run: Run, path: str, links: Links, encoding: Encoding | None) -> Readings:
        earlier = self._latest.find((run.id, path))
        side = build_side(self.store, self._histories, run, path, links, encoding, earlier)
        self._latest.replace((run.id, path), side)
        return Readings(side)

    def _links_of(self, run: Run) -> tuple[int, Links]:
        """The links of a run's head, numbered: the same number, the same links."""
        return self._links.get(run.head, self._numbered_links)

    def _numbered_links(self, head: str) -> tuple[int, Links]:
        links, last = links_of(self.store, head), self._last_links
        if links.targets == last[1].targets:
            return last
        with self._numbering:
            self._last_links = (self._last_links[0] + 1, links)
            return self._last_links


def apply(present_text: str, hunks: Iterable[PendingHunk]) -> str:
    """Apply the edits of pending hunks that were computed against exactly this text."""
    return apply_edits(present_text, [edit for hunk in hunks for edit in hunk.edits])


def undo(present_text: str, hunks: Iterable[PendingHunk]) -> str:
    """Take accepted hunks out of the text that they were computed against."""
    return apply_edits(present_text, [edit for hunk in hunks for edit in hunk.undo])


def _moved_line(line: int, hunks: Iterable[LineHunk]) -> int:
    shift = 0
    for hunk in hunks:
        if hunk.old_start > line:
            break
        if line < hunk.old_start + len(hunk.old_lines):
            inside = min(line - hunk.old_start, max(0, len(hunk.new_lines) - 1))
            return hunk.new_start + inside
        shift += len(hunk.new_lines) - len(hunk.old_lines)
    return line + shift


def _lines_held(readings: Readings) -> int:
    weave = readings.side.weave
    return 1 + (len(weave.lines) if weave is not None else 0)
