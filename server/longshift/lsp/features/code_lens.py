"""`textDocument/codeLens`: accept, reject, diff and why over each pending hunk.

Owns nothing that a code action does not offer too: not every client shows lenses.
"""

from typing import TYPE_CHECKING

from lsprotocol import types

from longshift.lsp import actions
from longshift.lsp.host import Host
from longshift.lsp.positions import Lines
from longshift.lsp.words import shown

if TYPE_CHECKING:
    from longshift.domain.events import Recorded
    from longshift.lsp.reviewing import FileReview, ReviewHunk
    from longshift.lsp.session import Session

MOVING = frozenset({"task.landed", "head.moved", "change.decided"})


def register(host: Host) -> None:
    """Answer with lenses, and have them asked for again when hunks come, go or move."""

    @host.server.feature(types.TEXT_DOCUMENT_CODE_LENS)
    async def code_lens(params: types.CodeLensParams) -> list[types.CodeLens]:
        uri = params.text_document.uri
        session = await host.sessions.holding(uri)
        path = host.buffers.path(uri, session.root) if session is not None else None
        if session is None or path is None:
            return []
        return _lenses(await session.review(path), host.client.encoding)

    def refresh() -> None:
        if host.client.refreshes_lenses and not host.closing:
            host.server.workspace_code_lens_refresh(None)

    def on_fact(_: "Session", recorded: "Recorded") -> None:
        if recorded.event.event in MOVING:
            refresh()

    host.listen(on_fact)
    host.listen_opened(lambda _: refresh())


def _lenses(review: "FileReview", encoding: str) -> list[types.CodeLens]:
    lines = Lines(review.text or "", encoding)
    return [
        types.CodeLens(lines.lines_range(one.hunk.start_line, one.hunk.start_line), command)
        for one in review.pending
        for command in _commands(review.repo, one)
    ]


def _commands(repo: str | None, one: "ReviewHunk") -> list[types.Command]:
    hunk, argument = one.hunk, actions.target(repo, one)
    change: dict[str, object] = {
        **actions.named(repo),
        "runId": one.run_id,
        "changeId": hunk.change_id,
    }
    counts = f"+{hunk.added} \N{MINUS SIGN}{hunk.removed}{actions.protected(hunk.flag)}"
    accept = f"Accept ({counts})"
    first = (
        _command(accept, "acceptChange", argument)
        if hunk.state == "pending"
        else _command("Rework", "reworkChange", argument)
    )
    return [
        first,
        _command("Reject", "rejectChange", argument),
        _command("Diff", "showChange", {**change, "path": hunk.path}),
        _command(f"Why: {hunk.title}", "explainChange", change),
    ]


def _command(title: str, name: str, argument: dict[str, object]) -> types.Command:
    return types.Command(title=shown(title), command=f"longshift.{name}", arguments=[argument])
