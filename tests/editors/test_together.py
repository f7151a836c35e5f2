"""A real VS Code and a real Neovim on one engine: what is decided in one leaves the other's list.

The journeys are in `client-vscode/test/together.ts` and `neovim/together.lua`; each waits for what
the other does.
"""

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.editors.conftest import HERE, drive, nvim, settings_file, sturdy

pytestmark = pytest.mark.timeout(300)
WITHIN_S = 120


async def test_a_hunk_decided_in_one_leaves_the_list_of_the_other(
    editors, client, project, playing, in_editor, tmp_path
):
    settings = settings_file(tmp_path, playing(sturdy()))
    journey = client / "dist-test/together.js"
    code = asyncio.create_task(
        asyncio.to_thread(drive, "in-host.mjs", editors, project, settings, journey)
    )
    # Neovim comes to an engine that has an owner, and to hunks that can be decided.
    await asyncio.to_thread(wait_for_run, project / ".git/longshift/journal.sqlite", code.done)
    if code.done():
        await code  # it says what failed
    said = await asyncio.to_thread(
        in_editor, nvim(editors, "together.lua"), project, SUPPORT=str(HERE / "neovim")
    )
    assert "ok - all" in said
    assert (await code).count("ok - ") == 4
    text = (project / "app/client.py").read_text(encoding="utf-8")
    assert "TIMEOUT_S = 10" in text
    assert "return body" in text
    assert "tries_left" not in text


def wait_for_run(journal: Path, is_hopeless: Callable[[], bool]) -> None:
    """Wait until the run that VS Code started is over."""
    deadline_s = time.monotonic() + WITHIN_S
    while not has_ended(journal) and not is_hopeless():
        assert time.monotonic() < deadline_s, "the run has not ended"
        time.sleep(0.1)


def has_ended(journal: Path) -> bool:
    if not journal.exists():
        return False
    with contextlib.closing(sqlite3.connect(f"file:{journal}?mode=ro", uri=True)) as db:
        try:
            return bool(db.execute("SELECT 1 FROM events WHERE event = 'run.finished'").fetchone())
        except sqlite3.OperationalError:  # it is being made
            return False
