"""What findings become in an editor: diagnostics, in the person's text and in what is proposed.

Owns their ranges, words, tags and related places. Blocking, for a thread of its own: it is given
everything that it looks at, and changes nothing.
"""

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Final

from lsprotocol import types

from longshift.domain.model import Finding
from longshift.domain.state import Run
from longshift.lsp import protocol
from longshift.lsp.actions import wire
from longshift.lsp.client import Client
from longshift.lsp.positions import Lines
from longshift.lsp.present import EditorPresent
from longshift.lsp.reviewing import FileReview
from longshift.lsp.virtual import Virtual
from longshift.lsp.words import shown
from longshift.repository.cache import Cache
from longshift.review.placing import Standing, Written, path_at_head, place_findings
from longshift.review.proposals import Proposals
from longshift.review.shapes import PendingHunk

Json = dict[str, object]

SEVERITIES: Final = {
    "error": types.DiagnosticSeverity.Error,
    "warning": types.DiagnosticSeverity.Warning,
    "info": types.DiagnosticSeverity.Information,
    "hint": types.DiagnosticSeverity.Hint,
}
UNNECESSARY: Final = frozenset({"F401", "F811", "F841", "ERA001", "W0611", "W0612", "W0613"})
"""Codes of well-known linters for what nothing uses; others are known by `unused` in their name."""

Diagnostics = Mapping[str, Sequence[protocol.Written]]
"""By the URI of the document, each diagnostic written down."""
Files = Mapping[str, Set[str]]
"""By the path of a file, the files that its diagnostics depend on."""
Versions = Cache[tuple[str, str], Lines]
"""The lines of files at commits, by commit and path."""


@dataclass(frozen=True, slots=True)
class PlacedFinding:
    """An open finding with its run, where it stands now."""

    run: Run
    standing: Standing

    @property
    def finding(self) -> Finding:
        """The finding."""
        return self.standing.finding


@dataclass(frozen=True, slots=True)
class FileFindings:
    """The open findings of one file as it is at one moment.

    Attributes:
        path: the file's.
        lines: of its text; None: it is not open, and read when it is asked for.
        placed: those that stand anywhere.
    """

    path: str
    lines: Lines | None
    placed: tuple[PlacedFinding, ...]

    @property
    def is_alone(self) -> bool:
        """Whether their diagnostics speak of no other file that the person can edit."""
        return all(to.path == self.path for one in self.placed for to in one.finding.related)


@dataclass(frozen=True, slots=True)
class View:
    """What diagnostics are made from, as it was at one moment.

    Attributes:
        client: what it can show.
        root_uri: the repository's.
        proposals: its runs' hunks.
        present: the person's files.
        versions: what was read of commits before.
    """

    client: Client
    root_uri: str
    proposals: Proposals
    present: EditorPresent
    versions: Versions
    _lines: dict[str, Lines] = field(default_factory=dict)

    def uri(self, path: str) -> str:
        """The document of a file: as the client writes it where it has it open."""
        buffer = self.present.buffers.get(path)
        return (self.present.root / path).as_uri() if buffer is None else buffer.uri

    def know(self, path: str, lines: Lines) -> None:
        """Take the lines of a file as they were when its findings were placed."""
        self._lines[path] = lines

    def lines(self, path: str) -> Lines:
        """The lines of one of the person's files."""
        if path not in self._lines:
            file = self.present.read(path)
            text = "" if file is None else file.text
            if text is None:
                assert file is not None
                text = (file.data or b"").decode("utf-8", "replace")
            self._lines[path] = Lines(text, self.client.encoding)
        return self._lines[path]

    def lines_at(self, commit: str, path: str) -> Lines:
        """The lines of a file at a commit, as its virtual document shows them."""
        return self.versions.get((commit, path), lambda _: self._read(commit, path))

    def _read(self, commit: str, path: str) -> Lines:
        version = self.proposals.store.read_file(commit, path)
        text = "" if version is None else version.data.decode("utf-8", "replace")
        return Lines(text, self.client.encoding)


def files_of(proposals: Proposals, runs: Sequence[Run]) -> Files:
    """The person's files in which open findings may stand, under every name that they had.

    Args:
        proposals: the repository's.
        runs: the older ones first.

    Returns:
        By path, the files that have to do with what stands there: its own names, and the related
        places of its findings.
    """
    found: dict[str, set[str]] = {}
    for run, findings in unsettled(runs):
        names = {name: _names(proposals, run, name) for name in {one.path for one in findings}}
        for one in findings:
            mine = names[one.path]
            for path in sorted(mine):
                found.setdefault(path, set()).update(mine, (to.path for to in one.related))
    return found


def open_findings(
    proposals: Proposals, runs: Sequence[Run], present: EditorPresent, review: FileReview
) -> FileFindings:
    """The open findings of one file that stand anywhere; of those that say the same, the latest.

    Args:
        proposals: the repository's.
        runs: the older ones first.
        present: the person's files.
        review: the file's hunks against them.
    """
    path = review.path
    found: dict[tuple[object, ...], PlacedFinding] = {}
    for run, findings in unsettled(runs):
        names = {name: _names(proposals, run, name) for name in {one.path for one in findings}}
        mine = [one for one in findings if path in names[one.path]]
        hunks = [one.hunk for one in review.hunks if one.run_id == run.id]
        for one in place_findings(proposals, run, mine, present, hunks):
            if one.file == path:
                said = one.finding.fingerprint or (one.finding.code, one.finding.message)
                found[one.start_line, said] = PlacedFinding(run, one)
    lines = None if review.text is None else review.lines
    return FileFindings(path, lines, tuple(found.values()))


def diagnostics_of(view: View, findings: FileFindings) -> Diagnostics:
    """The diagnostics of findings: on the person's file, and on virtual documents."""
    if findings.lines is not None:
        view.know(findings.path, findings.lines)
    found: dict[str, list[protocol.Written]] = {}
    for one in findings.placed:
        if one.standing.exists:
            found.setdefault(view.uri(one.standing.file), []).append(_on_file(view, one))
        if one.standing.hunk is not None and one.standing.written is not None:
            document = after(view, one.run, one.standing.written)
            found.setdefault(document.uri, []).append(_on_version(view, one, one.standing.written))
    return found


def after(view: View, run: Run, written: Written) -> Virtual:
    """The virtual document of the version in which a line was written."""
    return Virtual(run.id, written.change_id, "after", written.path, view.root_uri)


def hunk_words(hunk: PendingHunk) -> str:
    """A hunk in a sentence: `hunk 1 of 2 of C3`."""
    return f"hunk {hunk.hunk} of {hunk.of} of {hunk.change_id}"


def unsettled(runs: Sequence[Run]) -> Iterator[tuple[Run, list[Finding]]]:
    """The open findings of each run, but for what another run has settled.

    What a person dismissed in one run is not shown because another reported it too, nor what a
    later run reported and saw mended.
    """
    dismissed: dict[str, str] = {}
    resolved: dict[str, int] = {}
    for number, run in enumerate(runs):
        for finding in run.findings.values():
            if finding.state == "dismissed" and finding.fingerprint:
                dismissed[finding.fingerprint] = run.id
            elif finding.state == "resolved" and finding.fingerprint:
                resolved[finding.fingerprint] = number
    for number, run in enumerate(runs):
        yield (
            run,
            [
                one
                for one in run.findings.values()
                if one.state == "open"
                and dismissed.get(one.fingerprint) in (None, run.id)
                and resolved.get(one.fingerprint, -1) <= number
            ],
        )


def _names(proposals: Proposals, run: Run, path: str) -> frozenset[str]:
    """Every name that the person may have a file of a run's under, this one included."""
    if not proposals.is_ever_renamed(run, path):
        return frozenset((path,))
    at_head = path_at_head(proposals, run, path)
    if at_head is None:
        return frozenset((path,))
    names = proposals.names(run, at_head) if at_head in proposals.paths(run) else ()
    return frozenset((path, at_head, *names))


def _on_file(view: View, one: PlacedFinding) -> protocol.Written:
    standing = one.standing
    lines = view.lines(standing.file)
    first, last = lines.line_range(standing.start_line), lines.line_range(standing.end_line)
    return _diagnostic(view, one, types.Range(first.start, last.end))


def _on_version(view: View, one: PlacedFinding, written: Written) -> protocol.Written:
    lines = view.lines_at(written.commit, written.path)
    length = (one.finding.end_line or one.finding.line) - one.finding.line
    first, last = lines.line_range(written.line), lines.line_range(written.line + length)
    return _diagnostic(view, one, types.Range(first.start, last.end))


def _diagnostic(view: View, one: PlacedFinding, range_: types.Range) -> protocol.Written:
    made: Json = {
        "range": wire(range_),
        "message": _words(one),
        "severity": SEVERITIES[one.finding.severity].value,
        "code": one.finding.code,
        "source": "longshift",
        "data": {"runId": one.run.id, "findingId": one.finding.id},
    }
    if tags := [tag.value for tag in _tags(one.finding.code) if tag in view.client.diagnostic_tags]:
        made["tags"] = tags
    if related := [*_related(view, one)] if view.client.related_information else []:
        made["relatedInformation"] = related
    return protocol.written(made)


def _words(one: PlacedFinding) -> str:
    hunk = one.standing.hunk
    parts = [one.finding.message, one.finding.suggestion]
    if hunk is not None:
        parts.append(f"In the proposed text of {hunk_words(hunk)}; yours does not have it.")
    elif one.standing.changed:
        parts.append("The line has changed since this was reported.")
    return shown("\n".join(part for part in parts if part))


def _tags(code: str) -> Iterator[types.DiagnosticTag]:
    name = code.casefold()
    if code.upper() in UNNECESSARY or "unused" in name or "unreachable" in name:
        yield types.DiagnosticTag.Unnecessary
    if "deprecat" in name:
        yield types.DiagnosticTag.Deprecated


def _related(view: View, one: PlacedFinding) -> Iterator[Json]:
    finding, proposals = one.finding, view.proposals
    for place in finding.related:
        file = view.present.read(place.path)
        line = proposals.line_in_present(finding.commit, place.path, place.line - 1, file)
        if line is not None:
            range_ = view.lines(place.path).line_range(line)
            yield _place(view.uri(place.path), range_, shown(place.message) or "See here too.")
    written = one.standing.written
    if written is not None:
        range_ = view.lines_at(written.commit, written.path).line_range(written.line)
        said = shown(f"{written.change_id} wrote this line for {written.task_id}: {written.title}")
        yield _place(after(view, one.run, written).uri, range_, said)


def _place(uri: str, range_: types.Range, said: str) -> Json:
    return {"location": {"uri": uri, "range": wire(range_)}, "message": said}
