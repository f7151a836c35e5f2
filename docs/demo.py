"""The demonstration, called by `make demo`: a real library, modernised by the builtin model.

Owns the folder `demo/`: the library as it was downloaded, and a fresh repository with it. Where
the package index can't be reached, this project's own source takes the library's place.
"""

import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterable
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
FOLDER: Final = ROOT / "demo"
LIBRARY: Final = "toolz"
VERSION: Final = "0.11.2"
GOAL: Final = "Modernise the code to Python 3.11 and fix what the linter finds"
DOWNLOAD_WITHIN_S: Final = 60


def main() -> int:
    """Show a whole run; returns its exit status."""
    archive = _download()
    repository = FOLDER / (LIBRARY if archive else "longshift")
    shutil.rmtree(repository, ignore_errors=True)
    if archive:
        _unpack(archive, repository)
    else:
        _say(
            f"The package index can't be reached, so {LIBRARY} {VERSION} is not here. "
            "The demonstration takes Longshift's own source instead."
        )
        shutil.copytree(ROOT / "server", repository, ignore=shutil.ignore_patterns("__pycache__"))
    _put_under_git(repository)
    status = _longshift("run", GOAL, "--repo", repository, "--workers", "8", "--model", "builtin")
    if status:
        return status
    _say(f"\nThe repository is {repository}. Each hunk waits for you there; in an editor:")
    _say("  start `longshift serve` as the folder's language server (docs/lsp.md says how),")
    _say("  open a file and ask for code actions on a hunk")
    return status


def _download() -> Path | None:
    """The library's source distribution, fetched once; None where the index can't be reached."""
    archive = FOLDER / f"{LIBRARY}-{VERSION}.tar.gz"
    if archive.exists():
        return archive
    FOLDER.mkdir(exist_ok=True)
    _say(f"Getting {LIBRARY} {VERSION} from the package index …")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    command += ["--retries", "1", "--timeout", "10", "--no-deps", "--no-binary", ":all:"]
    command += ["--dest", str(FOLDER), f"{LIBRARY}=={VERSION}"]
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=DOWNLOAD_WITHIN_S)
    except (OSError, subprocess.SubprocessError):
        return None
    return archive if archive.exists() else None


def _unpack(archive: Path, repository: Path) -> None:
    with tarfile.open(archive) as tar:
        tar.extractall(FOLDER, filter="data")
    (FOLDER / f"{LIBRARY}-{VERSION}").rename(repository)


def _put_under_git(repository: Path) -> None:
    who = ("-c", "user.name=Demo", "-c", "user.email=demo@localhost", "-c", "commit.gpgsign=false")
    _git(repository, ["init", "--quiet"])
    _git(repository, ["add", "--all"])
    _git(repository, [*who, "commit", "--quiet", "--message", f"{repository.name} as it came"])


def _git(repository: Path, arguments: Iterable[str]) -> None:
    subprocess.run(["git", "-C", str(repository), *arguments], check=True)


def _longshift(*arguments: str | Path) -> int:
    command = [sys.executable, "-m", "longshift", *map(str, arguments)]
    return subprocess.run(command, check=False).returncode


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main())
