"""What git knows of the person: who they are, and which editor they write in.

Asks git itself, so that its own order of variables and configuration holds, and starts the editor
as git does. Must never start one that it was not given by name.
"""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from longshift.errors import NeedsPerson

_ELSEWHERE: Final = ("GIT_DIR", "GIT_WORK_TREE", "GIT_COMMON_DIR", "GIT_INDEX_FILE")
"""Variables that would have git look at another repository than the folder's."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who makes a commit, and when: both as git writes them, `Name <address> SECONDS +0000`."""

    author: str
    committer: str


def identity(root: Path) -> Identity:
    """The person's identity, by their variables and their configuration.

    Raises:
        NeedsPerson: they have set none; git's own guess from the machine's name is not taken.
    """
    found = [
        _ask(f"GIT_{role}_IDENT", root, ["-c", "user.useConfigOnly=true"])
        for role in ("AUTHOR", "COMMITTER")
    ]
    author, committer = found
    if author is None or committer is None:
        raise NeedsPerson(
            "git does not know who you are, and commits carry their author's name. Nothing was "
            "made. Say `git config --global user.name NAME` and `git config --global user.email "
            "ADDRESS`, then try again."
        )
    return Identity(author, committer)


def editor(folder: Path) -> str:
    """The editor that git would start from a folder, as a command for a shell.

    Args:
        folder: one in a repository lets that repository's own configuration say a word.

    Raises:
        NeedsPerson: there is none that can be used on this terminal.
    """
    found = _ask("GIT_EDITOR", folder, [])
    if not found:
        raise NeedsPerson(
            "git names no editor for this terminal. Nothing was decided. Set VISUAL or EDITOR, or "
            "`git config --global core.editor COMMAND`."
        )
    return found


def run_editor(command: str, place: Path) -> int:
    """Start an editor on a file, as git does, with the terminal that we have; gives its status.

    Raises:
        NeedsPerson: there is no shell to start it.
    """
    # The command may have arguments; the path is never read by the shell.
    arguments = ["sh", "-c", f'{command} "$@"', command, str(place)]
    try:
        return subprocess.run(arguments, check=False).returncode
    except OSError as error:
        raise NeedsPerson(
            f"The editor `{command}` could not be started: {error}. Nothing was decided."
        ) from error


def _ask(name: str, folder: Path, options: list[str]) -> str | None:
    """One of git's logical variables; None where git refuses to give it."""
    environ = {key: value for key, value in os.environ.items() if key not in _ELSEWHERE}
    try:
        done = subprocess.run(
            ["git", *options, "var", name],
            cwd=folder,
            env={**environ, "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
    except FileNotFoundError as error:
        raise NeedsPerson(
            "The program git was not found. Nothing was done. Install git 2.38 or newer and make "
            "sure that it is on the PATH."
        ) from error
    said = done.stdout.decode("utf-8", "replace").strip()
    return said if done.returncode == 0 else None
