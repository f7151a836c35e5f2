"""`textDocument/codeLens`: accept, reject, diff and why over each pending hunk.

Owns nothing that a code action does not offer too: not every client shows lenses.
"""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from lsprotocol import types

from longshift.lsp import actions
from longshift.lsp.host import Host
from longshift.lsp.protocol import NOTHING, Throttle, Written, written
from longshift.lsp.words import shown

if TYPE_CHECKING:
    from longshift.domain.events import Recorded
    from longshift.lsp.findings import PlacedFinding
    from longshift.lsp.reviewing import FileReview, ReviewHunk
    from longshift.lsp.session import Session

Json = dict[str, object]
Findings = Mapping[tuple[str, object], Sequence[str]]
"""Ids of the findings that only a hunk's text has, by its run and key."""

INTERVAL_S: Final = 0.5
"""Between two questions to ask anew: with hundreds of workers there are many landings a second."""
MOVING: Final = frozenset(
    {
        "task.landed",
        "head.moved",
        "change.decided",
        "finding.reported",
        "finding.resolved",
        "finding.dismissed",
    }
)


def register(host: Host) -> None:
    """Answer with lenses, and have them asked for again when hunks come, go or move."""

    @host.server.feature(types.TEXT_DOCUMENT_CODE_LENS)
    async def code_lens(params: types.CodeLensParams) -> Written:
        uri = params.text_document.uri
        session = await host.sessions.holding(uri)
        path = host.buffers.path(uri, session.root) if session is not None else None
        if session is None or path is None:
            return NOTHING
        review = await session.review(path)
        if not review.pending:
            return NOTHING
        placed = await session.findings.of(path) if session.has_findings else ()
        return await session.off_loop(_lenses, review, _by_hunk(placed))

    throttle: Throttle[None] | None = None

    def refresh() -> None:
        nonlocal throttle
        if host.client.refreshes_lenses and not host.closing:
            throttle = throttle or Throttle(INTERVAL_S, ask_anew, asyncio.get_running_loop())
            throttle.put(None)

    def ask_anew(_: None) -> None:
        if not host.closing:
            host.server.workspace_code_lens_refresh(None)

    def on_fact(_: "Session", recorded: "Recorded") -> None:
        if recorded.event.event in MOVING:
            refresh()

    host.listen(on_fact)
    host.listen_opened(lambda _: refresh())


def _by_hunk(placed: Iterable["PlacedFinding"]) -> Findings:
    found: dict[tuple[str, object], list[str]] = {}
    for one in placed:
        if one.standing.hunk is not None:
            found.setdefault((one.run.id, one.standing.hunk.key), []).append(one.finding.id)
    return found


def _lenses(review: "FileReview", findings: Findings) -> Written:
    lenses: list[bytes] = []
    for one in review.pending:
        of_hunk = findings.get((one.run_id, one.hunk.key), ())
        place = actions.wire(review.lines.lines_range(one.hunk.start_line, one.hunk.start_line))
        # Each by itself: all at once keep the loop waiting, on whatever thread.
        lenses += [
            written(
                {
                    "range": place,
                    "command": {"title": title, "command": command, "arguments": [argument]},
                }
            ).data
            for title, command, argument in _commands(review.repo, one, of_hunk)
        ]
    return Written(b"[%b]" % b",".join(lenses))


def _commands(
    repo: str | None, one: "ReviewHunk", findings: Sequence[str]
) -> Iterator[tuple[str, str, Json]]:
    """Each with its title and its argument."""
    hunk, argument = one.hunk, actions.target(repo, one)
    change: Json = {**actions.named(repo), "runId": one.run_id, "changeId": hunk.change_id}
    if hunk.state == "pending":
        counts = f"+{hunk.added} \N{MINUS SIGN}{hunk.removed}{actions.protected(hunk.flag)}"
        yield f"Accept ({counts})", "longshift.acceptChange", argument
    else:
        yield "Rework", "longshift.reworkChange", argument
    yield "Reject", "longshift.rejectChange", argument
    yield "Diff", "longshift.showChange", {**change, "path": hunk.path}
    yield shown(f"Why: {hunk.title}"), "longshift.explainChange", change
    if findings:
        n = len(findings)
        named: Json = {**actions.named(repo), "runId": one.run_id, "findingIds": list(findings)}
        yield f"{n} finding{'s' * (n != 1)}", "longshift.explainFinding", named
