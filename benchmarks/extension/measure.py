"""What the extension for VS Code costs whoever opens a window, and whoever downloads it.

Its own code's share of a start, taken in a real VS Code; the size of its package without a server;
and how many bytes differ when the same commit is installed and packed a second time elsewhere.
"""

import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from benchmarks.result import Result

ROOT: Final = Path(__file__).resolve().parents[2]
CLIENT: Final = ROOT / "client-vscode"
EDITORS: Final = ROOT / ".cache/editors"
NODE: Final = EDITORS / "node24/bin/node"
ACTIVATION: Final = Path(__file__).with_name("activation.cjs")
LIMIT_MS: Final = 150.0
LIMIT_KB: Final = 1000.0


def run(*, quick: bool = False) -> Result:
    """Measure it.

    Args:
        quick: two starts of the editor instead of five.

    Raises:
        RuntimeError: the editor is not installed, or did not start.
    """
    if not (EDITORS / ".code-server").exists() or not (CLIENT / "node_modules").exists():
        raise RuntimeError(
            "VS Code is not installed for the tests. Run `make test-editors` once, then try again."
        )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        package = _pack(CLIENT, folder / "here.vsix")
        again = _pack(_installed_elsewhere(folder / "elsewhere"), folder / "elsewhere.vsix")
        times_ms = [_activation_ms(folder) for _ in range(2 if quick else 5)]
    return Result(
        name="extension",
        figures={
            "activation_ms": round(statistics.median(times_ms), 1),
            "package_kb": round(len(package) / 1000, 1),
            "bytes_that_differ": float(_difference(package, again)),
        },
        conditions={
            "n_starts": len(times_ms),
            "slowest_activation_ms": round(max(times_ms), 1),
            "code_server": (EDITORS / ".code-server").read_text(encoding="utf-8").strip(),
        },
        limits={
            "activation_ms": ("max", LIMIT_MS),
            "package_kb": ("max", LIMIT_KB),
            "bytes_that_differ": ("max", 0.0),
        },
    )


def _installed_elsewhere(folder: Path) -> Path:
    """The extension as a new checkout has it, with its tools installed anew."""
    tracked = subprocess.run(
        ["git", "ls-files", "-z", "client-vscode", "LICENSE"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    for path in filter(None, tracked.stdout.split("\0")):
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, place)
    _run(
        "npm",
        "ci",
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
        "--prefer-offline",
        cwd=folder / CLIENT.name,
    )
    return folder / CLIENT.name


def _pack(client: Path, package: Path) -> bytes:
    _run(str(NODE), "package.mjs", "--out", str(package), cwd=client)
    return package.read_bytes()


def _activation_ms(folder: Path) -> float:
    """One start of the editor: reading the extension's bundle, and activating it."""
    workspace = folder / "workspace"
    workspace.mkdir(exist_ok=True)
    subprocess.run(["git", "init", "-q", workspace], check=True)
    server = [str(Path(sys.executable).with_name("longshift")), "serve"]
    settings = folder / "settings.json"
    settings.write_text(json.dumps({"longshift.server.command": server}), encoding="utf-8")
    driver = ROOT / "tests/editors/vscode/in-host.mjs"
    said = _run(str(NODE), str(driver), str(workspace), str(settings), str(ACTIVATION), cwd=ROOT)
    found = re.search(r"activation: ([\d.]+)", said)
    if found is None:
        raise RuntimeError(f"The editor did not say how long the activation took:\n{said}")
    return float(found[1])


def _run(*command: str, cwd: Path) -> str:
    """Run to the end; what it printed."""
    done = subprocess.run(
        command,
        cwd=cwd,
        env={
            **os.environ,
            "PATH": f"{NODE.parent}{os.pathsep}{os.environ['PATH']}",
            "npm_config_cache": str(ROOT / ".cache/npm"),
            "EDITORS_DIR": str(EDITORS),
            "CHROMIUM": shutil.which("chromium") or "",
        },
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def _difference(one: bytes, other: bytes) -> int:
    """How many bytes are another, those that one has more included."""
    return abs(len(one) - len(other)) + sum(a != b for a, b in zip(one, other, strict=False))
