"""What is known of a finding, in a few lines for a person.

Owns those words. Never decides anything; what a model wrote is shown as its words.
"""

from collections.abc import Iterator

from longshift.domain.model import WITHOUT_EVIDENCE, Finding
from longshift.domain.state import Run
from longshift.engine.describe import reporter
from longshift.lsp.findings import hunk_words
from longshift.lsp.words import shown
from longshift.review.placing import Standing


def explanation(run: Run, finding: Finding, standing: Standing | None) -> str:
    """All that there is to say of a finding.

    Args:
        run: its run.
        finding: the finding, in any state.
        standing: where it stands now; None: its line is in nobody's text.
    """
    return shown("\n".join(line for line in _lines(run, finding, standing) if line))


def _lines(run: Run, finding: Finding, standing: Standing | None) -> Iterator[str]:
    path = finding.path if standing is None else standing.file
    line = finding.line if standing is None else standing.start_line + 1
    yield f"{finding.id}, {finding.severity} {finding.code}, {path}:{line}"
    yield finding.message
    yield finding.suggestion and f"Suggestion: {finding.suggestion}"
    if finding.evidence not in ("", WITHOUT_EVIDENCE):
        yield f"Evidence: {finding.evidence}"
    yield f"Reported by {_who(finding)}{_when(finding)} of {run.id}."
    yield _writer(standing, finding)
    if standing is not None and standing.hunk is not None:
        yield f"It is in the proposed text of {hunk_words(standing.hunk)}; yours does not have it."
    if standing is not None and standing.changed:
        yield "The line has changed since it was reported."
    for place in finding.related:
        yield f"See also {place.path}:{place.line}{place.message and f': {place.message}'}"
    if finding.state != "open":
        yield f"It is {finding.state}{finding.reason and f': {finding.reason}'}"


def _who(finding: Finding) -> str:
    match reporter(finding):
        case "check":
            return f"the check `{finding.check}`"
        case "inspection":
            return "Longshift's inspection of what landed"
        case _:
            evidence = "" if finding.evidence != WITHOUT_EVIDENCE else ", without evidence,"
            return f"the judge{evidence}"


def _when(finding: Finding) -> str:
    return f" in cycle {finding.cycle}" if finding.cycle else ""


def _writer(standing: Standing | None, finding: Finding) -> str:
    if standing is None:
        return "Its line is in no text of yours, and in none that is proposed."
    written = standing.written
    if written is not None:
        return (
            f"{written.change_id} wrote the line (hunk {written.hunk}), for {written.task_id}: "
            f"{written.title}"
        )
    return "The line stood there before the run." if finding.origin == "base" else ""
