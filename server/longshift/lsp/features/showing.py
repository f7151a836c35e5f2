"""`longshift.showChange`: a change's diff, before the person's eyes.

Owns the file that is shown to clients that know no `longshift:` documents: it lies in the state
folder, and only there.
"""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from lsprotocol import types

from longshift.errors import UsageError
from longshift.lsp.host import Host
from longshift.lsp.virtual import Virtual

if TYPE_CHECKING:
    from longshift.lsp.session import Session


async def show_change(host: Host, session: "Session", shown: Mapping[str, object]) -> None:
    """Show a diff where the client can show documents at all."""
    if not host.client.shows_documents:
        return
    run_id, change_id = str(shown["runId"]), str(shown["changeId"])
    if host.client.virtual_documents:
        uri = Virtual(run_id, change_id, repo=session.root_uri).uri
    else:
        place = session.worktree.state_dir / "shown" / f"{run_id}-{change_id}.diff"
        await asyncio.to_thread(_write, place, str(shown["diff"]))
        uri = place.as_uri()
    await host.server.window_show_document_async(
        types.ShowDocumentParams(uri=uri, external=False, take_focus=True)
    )


def why(session: "Session", run_id: str, change_id: str) -> str:
    """Why a change was made: its task and what its worker said when handing it in.

    Raises:
        UsageError: there is no such change.
    """
    from longshift.engine.describe import why as why_of

    run = session.state.runs.get(run_id)
    if run is None or change_id not in run.changes:
        raise UsageError(f"There is no change {change_id} in {run_id}.")
    return why_of(run, change_id)


async def explain(session: "Session", run_id: str, finding_id: str) -> str:
    """What is known of a finding, in a few lines.

    Raises:
        UsageError: there is no such finding.
    """
    from longshift.lsp.explaining import explanation

    run = session.state.runs.get(run_id)
    finding = run.findings.get(finding_id) if run is not None else None
    if run is None or finding is None:
        raise UsageError(f"There is no finding {finding_id} in {run_id}.")
    return explanation(run, finding, await session.findings.place(run, finding))


def _write(place: Path, text: str) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text, encoding="utf-8")
