"""What the tests in real editors share: the installed editors, a project, a scripted model.

Nothing here is collected unless `LONGSHIFT_TEST_EDITORS` is set (`make test-editors`).
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.review.worlds import playing as play_script
from tests.support.lsp_journey import make_repository

ROOT = Path(__file__).parents[2]
SERVER = ROOT / ".venv" / "bin" / "longshift"

IS_WANTED = os.environ.get("LONGSHIFT_TEST_EDITORS") == "1"
collect_ignore_glob = [] if IS_WANTED else ["test_*.py"]


@pytest.fixture(scope="session")
def editors() -> Path:
    """Where `install.sh` put the editors."""
    return ROOT / ".cache" / "editors"


@pytest.fixture
def project(tmp_path):
    """Make a small repository; `files` by path."""
    return lambda files: make_repository(tmp_path / "project", files)


@pytest.fixture
def playing(tmp_path):
    """Play a script in a process of its own; gives the settings that name it as the model."""
    opened = []

    def play(script) -> str:
        context = play_script(script, tmp_path)
        opened.append(context)
        settings = {
            "models": {
                "default": {
                    "model": "scripted",
                    "base_url": context.__enter__(),
                }
            },
            "budget": {"usd": 0.0},
            "gates": "off",
            "checks": [],
            "sandbox": {"mode": "none"},
        }
        return json.dumps(settings)

    yield play
    for context in opened:
        context.__exit__(None, None, None)


@pytest.fixture
def in_editor(tmp_path):
    """Run an editor's command to its end and give what it printed; fails where it fails."""

    def run(command, folder, **variables) -> str:
        names = [
            "PATH",
            "HOME",
            "LANG",
            "XDG_RUNTIME_DIR",
            "KF_RULE_CACHE_DIR",
            "GIT_CONFIG_GLOBAL",
        ]
        kept = {name: os.environ[name] for name in names if name in os.environ}
        xdg = {
            f"XDG_{name}_HOME": str(tmp_path / name.lower())
            for name in ("CONFIG", "DATA", "STATE", "CACHE")
        }
        given = {**kept, **xdg, "SERVER": str(SERVER), **variables}
        done = subprocess.run(
            list(map(str, command)),
            cwd=folder,
            env=given,
            capture_output=True,
            check=False,
            timeout=50,
        )
        said = (done.stdout + done.stderr).decode(errors="replace")
        sys.stdout.write(said)
        assert done.returncode == 0, said
        return said

    return run
