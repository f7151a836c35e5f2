"""What the journeys share: a scripted model over HTTP, repositories, and editors."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from longshift.settings import Trust
from tests.scripted_model import running_server
from tests.support.lsp_journey import Editor, make_repository, start_editor, stop_editor

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def model():
    """A scripted model; each test plays its own script."""
    with running_server() as server:
        yield server


@pytest.fixture
def env(tmp_path):
    """The server's environment: the person has no settings of their own."""
    home = tmp_path / "home"
    home.mkdir()
    names = ("PATH", "LANG", "XDG_RUNTIME_DIR", "KF_RULE_CACHE_DIR")
    kept = {name: os.environ[name] for name in names if name in os.environ}
    return {**kept, "HOME": str(home), "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error"}


def trust_folder(env) -> Path:
    """Where the server keeps what the person trusts."""
    return Path(env["HOME"], ".local", "share", "longshift", "trust")


@pytest.fixture
def settings(model) -> dict[str, Any]:
    return {
        "models": {"default": {"model": "scripted", "base_url": model.base_url}},
        "budget": {"usd": 0.0},
        "gates": "off",
        "checks": [],
        "sandbox": {"mode": "none"},
    }


@pytest.fixture
def repository(tmp_path) -> Callable[..., Path]:
    """Make a repository with files, in a folder of the test's."""

    def make(files, name="project with spaces") -> Path:
        return make_repository(tmp_path / name, files)

    return make


@pytest.fixture
async def connect(env, settings):
    """Start editors on folders; each is closed in good order, with exit status 0."""
    editors: list[Editor] = []

    async def start(
        *folders: Path, profile: str = "vscode", trusted: bool = True, **given: Any
    ) -> Editor:
        given.setdefault("settings", settings)
        for folder in folders if trusted else ():
            Trust(trust_folder(env)).trust(folder)
        editor = await start_editor(folders, profile=profile, env=env, **given)
        editors.append(editor)
        return editor

    yield start
    for editor in reversed(editors):
        if editor.client._server is not None and editor.client._server.returncode is None:
            assert await stop_editor(editor) == 0, sys.stderr
