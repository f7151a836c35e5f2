"""The real editors, a small project to work on, and a model that follows a script.

Only `make test-editors` collects this folder: it needs what `install.sh` puts into place.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from benchmarks.review.worlds import playing as serve_script
from tests.support.lsp_journey import call, make_repository, replace, task

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
EXTENSION = ROOT / "client-vscode"
SERVER = ROOT / ".venv" / "bin" / "longshift"
Json = dict[str, Any]

collect_ignore_glob = [] if os.environ.get("LONGSHIFT_TEST_EDITORS") == "1" else ["test_*.py"]

CLIENT = """\
\"\"\"A small client for the weather service.\"\"\"

import json
from urllib.request import urlopen

TIMEOUT_S = None
BASE = "https://weather.example/v1"


def fetch(path: str) -> bytes:
    return urlopen(f"{BASE}/{path}", timeout=TIMEOUT_S).read()


def forecast(city: str) -> dict:
    data = fetch(f"forecast?city={city}")
    return json.loads(data)


def warnings(city: str) -> list:
    data = fetch(f"warnings?city={city}")
    return json.loads(data)["warnings"]
"""
FETCH = '    return urlopen(f"{BASE}/{path}", timeout=TIMEOUT_S).read()\n'
RETRYING = """\
    for tries_left in (3, 2, 1, 0):
        try:
            return urlopen(f"{BASE}/{path}", timeout=TIMEOUT_S).read()
        except TimeoutError:
            if not tries_left:
                raise
"""
README = "# Weather\n\nAsks the weather service for forecasts and warnings.\n"


def sturdy(*more: Json, delay_s: float = 0, judged_s: float = 0) -> Json:
    """A script: one task with three hunks in `app/client.py`, a finding on it, and what else.

    Args:
        more: the flows of other tasks.
        delay_s: how long their workers wait first.
        judged_s: how long the verdict takes: a run is at work until then.
    """
    finding = call(
        "report_finding",
        path="app/client.py",
        line=6,
        message="A caller that retries for ever would hold its thread: give a total limit.",
        code="no-total-limit",
        severity="warning",
    )
    [plan, work] = task(
        "Retry a few times, and give up in time",
        replace("app/client.py", "TIMEOUT_S = None", "TIMEOUT_S = 10"),
        replace("app/client.py", FETCH, RETRYING),
        replace(
            "app/client.py",
            '    return json.loads(data)["warnings"]\n',
            '    body = json.loads(data)["warnings"]\n    return body\n',
        ),
        paths=["app/client.py"],
    )
    adding = [turn for one in more if one["role"] == "planner" for turn in one["turns"][:1]]
    others = [{**one} for one in more if one["role"] != "planner"]
    plan = {**plan, "turns": [plan["turns"][0], *adding, plan["turns"][1]]}
    for one in others:
        one["turns"] = [{**one["turns"][0], "delay_s": delay_s}, *one["turns"][1:]]
    verdict = call("verdict", reason="Calls end in time, and are tried again.", decision="done")
    verdict["delay_s"] = judged_s
    return {"flows": [plan, work, *others, {"role": "judge", "turns": [finding, verdict]}]}


@pytest.fixture(scope="session")
def editors() -> Path:
    """Where the editors are; a second call of the script takes no time."""
    subprocess.run(["bash", str(ROOT / "tests/editors/install.sh")], check=True)
    return ROOT / ".cache/editors"


@pytest.fixture(scope="session")
def client(editors: Path) -> Path:
    """The extension with its tests, built."""
    env = {**os.environ, "PATH": f"{editors / 'node24/bin'}:{os.environ['PATH']}"}
    if not (EXTENSION / "node_modules/esbuild").exists():
        subprocess.run(
            ["npm", "ci", "--ignore-scripts", "--no-audit"], cwd=EXTENSION, env=env, check=True
        )
    for arguments in (["package.mjs"], ["build.mjs", "--tests"]):
        subprocess.run(["node", *arguments], cwd=EXTENSION, env=env, check=True)
    return EXTENSION


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A real repository with a small program in it."""
    root = make_repository(tmp_path / "weather", {"app/client.py": CLIENT, "README.md": README})
    # Or the server would ask, before whatever a picture is to show.
    subprocess.run([ROOT / ".venv/bin/longshift", "trust", root], check=True, capture_output=True)
    return root


@pytest.fixture
def playing(tmp_path: Path) -> Iterator[Callable[[Json], Json]]:
    """Serve a script from a process of its own; gives the settings that name it."""
    with ExitStack() as stack:
        yield lambda script: _settings(stack.enter_context(serve_script(script, tmp_path)))


def _settings(base_url: str) -> Json:
    return {
        "models": {
            "default": {
                "model": "scripted",
                "base_url": base_url,
                "api_key_env": "SCRIPTED_MODEL_KEY",
                "input_usd_per_mtok": 2.0,
                "output_usd_per_mtok": 8.0,
            }
        }
    }


@pytest.fixture
def repository(tmp_path):
    """Make a small repository; `files` by path."""
    return lambda files: make_repository(tmp_path / "project", files)


@pytest.fixture
def played(tmp_path: Path) -> Iterator[Callable[[Json], str]]:
    """Serve a script as `playing` does; gives settings of the server's own, as JSON, for one run
    of it from end to end: no gate and no check speaks in between.
    """
    with ExitStack() as stack:

        def play(script: Json) -> str:
            url = stack.enter_context(serve_script(script, tmp_path))
            settings = {
                "models": {"default": {"model": "scripted", "base_url": url}},
                "budget": {"usd": 0.0},
                "gates": "off",
                "checks": [],
                "sandbox": {"mode": "none"},
            }
            return json.dumps(settings)

        yield play


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


def drive(script: str, editors: Path, *arguments: object, **env: str) -> str:
    """Run a driver to its end; what it printed."""
    path = os.environ["PATH"].split(os.pathsep)
    done = subprocess.run(
        [editors / "node24/bin/node", HERE / "vscode" / script, *map(str, arguments)],
        env={
            **os.environ,
            # A person's PATH has no longshift of this checkout's.
            "PATH": os.pathsep.join(one for one in path if not one.startswith(str(ROOT))),
            "EDITORS_DIR": str(editors),
            "CHROMIUM": shutil.which("chromium") or "",
            "SCRIPTED_MODEL_KEY": "none-is-needed",
            "LONGSHIFT_GATES": "off",  # the script is short of words
            "PICTURES": str(ROOT / ".cache/editors"),
            **env,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    print(done.stdout)  # noqa: T201 - pytest shows it where the test fails
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def settings_file(folder: Path, settings: Mapping[str, Mapping[str, Mapping[str, object]]]) -> Path:
    """The person's settings of VS Code."""
    place = folder / "settings.json"
    model = settings["models"]["default"]
    told = {f"longshift.models.default.{key}": value for key, value in model.items()}
    command = [str(ROOT / ".venv/bin/longshift"), "serve"]
    place.write_text(json.dumps({"longshift.server.command": command, **told}), encoding="utf-8")
    return place


def nvim(editors: Path, lua: str) -> list[object]:
    """The command that has Neovim follow a script of `neovim/`, and nothing of the person's."""
    return [editors / "nvim/bin/nvim", "--clean", "--headless", "-l", HERE / "neovim" / lua]
