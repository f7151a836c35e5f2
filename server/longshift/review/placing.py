"""Where findings stand in what a person has: in a line of theirs, or only in what is proposed.

A finding speaks of a line at the run's head. That line may be in the person's text, may come with
a hunk that they have not accepted, or may be in nobody's text any more: rejected, or deleted.
Never changes anything; blocking, since it reads files and objects.
"""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from longshift.domain.model import Finding
from longshift.domain.state import Run
from longshift.errors import LongshiftError
from longshift.repository.files import FileVersion
from longshift.repository.hunks import line_hunks, split_lines
from longshift.review.proposals import Proposals
from longshift.review.shapes import PendingHunk, Present, PresentFile
from longshift.review.side import Side
from longshift.review.texts import Encoding, common_encoding, is_text, present_text, style_of
from longshift.review.tracing import Place, moved, with_hunks

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Written:
    """The hunk that wrote a line of the head.

    Attributes:
        change_id: its change, `C1`.
        task_id: the task that the change was made for.
        title: that task's title.
        commit: the landing's.
        path: the file's path there.
        hunk: its number in this change and path.
        line: where the line stands at that commit, zero-based.
    """

    change_id: str
    task_id: str
    title: str
    commit: str
    path: str
    hunk: int
    line: int


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one finding stands.

    Attributes:
        finding: the finding.
        file: the person's path of the file.
        exists: whether they have the file; a file that a hunk would create has no lines yet.
        start_line: the first line, zero-based, in the person's text.
        end_line: the last line, included.
        hunk: the hunk, not applied yet, that would write the line; None: it is in their text.
        written: who wrote the line at the head; None: it is the person's own.
        changed: whether the line reads otherwise by now than where the finding was reported.
    """

    finding: Finding
    file: str
    exists: bool
    start_line: int
    end_line: int
    hunk: PendingHunk | None
    written: Written | None
    changed: bool = False


def place_findings(
    proposals: Proposals,
    run: Run,
    findings: Iterable[Finding],
    present: Present,
    hunks: Iterable[PendingHunk] | None = None,
) -> list[Standing]:
    """Place findings of a run; those whose line is in nobody's text are left out.

    Args:
        proposals: the repository's.
        run: the run.
        findings: some of its findings, in any state.
        present: the person's files.
        hunks: all hunks of these findings' files, where they are known already; None: they are
            computed.
    """
    known = None if hunks is None else tuple(hunks)
    files: dict[str, _File | None] = {}
    found: list[Standing] = []
    for finding in findings:
        path = path_at_head(proposals, run, finding.path)
        if path is None:
            gone = _of_gone_file(proposals, run, finding, present)
            found += [gone] if gone else []
            continue
        if path not in files:
            files[path] = _File.read(proposals, run, path, present, known)
        file = files[path]
        standing = None if file is None else file.place(finding)
        if standing is not None:
            found.append(standing)
    return found


def path_at_head(proposals: Proposals, run: Run, path: str) -> str | None:
    """What the run's head calls a file of one of its commits; None: it has it no more."""
    if proposals.store.find(run.head, path) is not None:
        return path
    if not proposals.is_ever_renamed(run, path):
        return None  # and not looked for under the names of all other files
    for other in proposals.paths(run):
        if path in proposals.names(run, other) and proposals.store.find(run.head, other):
            return other
    return None


def line_at_head(proposals: Proposals, run: Run, finding: Finding) -> tuple[str, int]:
    """The path and line, from 1, of a finding at the run's head; as recorded where it is gone."""
    path = path_at_head(proposals, run, finding.path)
    version = None if path is None else proposals.store.read_file(run.head, path)
    if path is None or version is None:
        return finding.path, finding.line
    head = PresentFile(data=version.data, mode=version.mode)
    line = proposals.line_in_present(finding.commit, finding.path, finding.line - 1, head)
    return path, finding.line if line is None else line + 1


def _of_gone_file(
    proposals: Proposals, run: Run, finding: Finding, present: Present
) -> Standing | None:
    """Where a finding stands that speaks of the person's own file, which the run takes away."""
    file = present.read(finding.path)
    if file is None or finding.commit not in (run.taken, run.started.base):
        return None
    line = proposals.line_in_present(finding.commit, finding.path, finding.line - 1, file)
    if line is None:
        return None
    return Standing(
        finding, finding.path, exists=True, start_line=line, end_line=line, hunk=None, written=None
    )


class _File:
    """One file of a run's head beside the person's text, and beside that text with all hunks."""

    def __init__(  # noqa: PLR0913 - what `read` found
        self,
        proposals: Proposals,
        run: Run,
        path: str,
        name: str,
        head: FileVersion,
        text: str | None,
        hunks: Sequence[PendingHunk],
        encoding: Encoding,
        *,
        live: bool,
    ) -> None:
        self._proposals = proposals
        self._run = run
        self._path = path
        self._name = name
        self._exists = text is not None
        self._hunks = hunks
        self._encoding = encoding
        self._head = head.data.decode(self._encoding)
        lines = split_lines(text or "")
        self._last = max(0, len(lines) - 1)
        self._origin, proposed = with_hunks(lines, hunks)
        style = style_of(text or "", live=live, stored=self._head)
        styled = style.of_all(split_lines(self._head))
        self._moves = line_hunks("".join(styled), "".join(proposed))

    @classmethod
    def read(
        cls,
        proposals: Proposals,
        run: Run,
        path: str,
        present: Present,
        known: Sequence[PendingHunk] | None,
    ) -> "_File | None":
        """Read what there is of a file; None where it has no lines."""
        head = proposals.store.read_file(run.head, path)
        if head is None or not is_text(head):
            return None
        if known is None:
            hunks = _hunks(proposals, run, path, present)
        else:
            hunks = tuple(one for one in known if one.file == path)
        old = next((one.old_path for one in hunks if one.old_path), None)
        name = path if present.read(path) is not None or old is None else old
        file = present.read(name)
        encoding = common_encoding([head.data, *([file.data] if file and file.data else [])])
        text = None if file is None else present_text(file, encoding)
        if text is None and not any(one.kind == "create" for one in hunks):
            return None
        live = file is not None and file.text is not None
        return cls(proposals, run, path, name, head, text, hunks, encoding, live=live)

    def place(self, finding: Finding) -> Standing | None:
        """Where one finding stands; None: nowhere."""
        at_head = self._at_head(finding)
        if at_head is None:
            return None
        written = self._written(at_head.line)
        there = moved(at_head._replace(exact=True), self._moves)
        hunk = self._unapplied(written)
        if there is None or not (there.exact or hunk is None):
            # In no text that the person may still get, but by a hunk that does not fit as it is.
            is_offered = hunk is not None and hunk.state in ("pending", "stale")
            return self._on(finding, hunk, written) if hunk and is_offered else None
        changed = not (at_head.exact and there.exact)
        if there.line >= len(self._origin):
            return self._standing(finding, self._last, written, changed=changed)
        origin = self._origin[there.line]
        if isinstance(origin, PendingHunk):
            return self._on(finding, origin, written)
        return self._standing(finding, origin, written, changed=changed)

    def _at_head(self, finding: Finding) -> Place | None:
        """The line at the head; the nearest where it was written anew; None: deleted."""
        place = Place(finding.line - 1, exact=True)
        if finding.commit == self._run.head:
            return place
        before, head = (finding.commit, finding.path), (self._run.head, self._path)
        hunks = self._proposals.difference(before, head, self._encoding)
        return None if hunks is None else moved(place, hunks)

    @cached_property
    def _side(self) -> Side | None:
        if self._path not in self._proposals.paths(self._run):
            return None
        return self._proposals.side(self._run, self._path)

    def _written(self, line: int) -> Written | None:
        side = self._side
        writers = () if side is None else side.head_writers
        writer = writers[line] if line < len(writers) else None
        if side is None or writer is None:
            return None
        change_id, path, number = side.key(writer)
        change = self._run.changes[change_id]
        head = (self._run.head, self._path)
        hunks = self._proposals.difference(head, (change.commit, path), self._encoding) or ()
        there = moved(Place(line, exact=True), hunks)
        return Written(
            change_id,
            change.task_id,
            change.title,
            change.commit,
            path,
            number,
            line if there is None else there.line,
        )

    def _unapplied(self, written: Written | None) -> PendingHunk | None:
        """The hunk that wrote a line, where the person has not accepted it."""
        if written is None:
            return None
        key = (written.change_id, written.path, written.hunk)
        hunk = next((one for one in self._hunks if one.key == key), None)
        return None if hunk is None or hunk.state == "accepted" else hunk

    def _on(self, finding: Finding, hunk: PendingHunk, written: Written | None) -> Standing:
        last = max(hunk.start_line, hunk.end_line - 1)
        start, end = min(hunk.start_line, self._last), min(last, self._last)
        return Standing(finding, self._name, self._exists, start, end, hunk, written)

    def _standing(
        self, finding: Finding, line: int, written: Written | None, *, changed: bool
    ) -> Standing | None:
        if not self._exists:
            return None
        length = (finding.end_line or finding.line) - finding.line
        start = min(line, self._last)
        end = min(start + length, self._last)
        return Standing(
            finding,
            self._name,
            exists=True,
            start_line=start,
            end_line=end,
            hunk=None,
            written=written,
            changed=changed,
        )


def _hunks(proposals: Proposals, run: Run, path: str, present: Present) -> tuple[PendingHunk, ...]:
    try:
        return proposals.of_path(run, path, present)
    except LongshiftError:
        logger.exception("The hunks of %s in %s can't be read.", path, run.id)
        return ()
