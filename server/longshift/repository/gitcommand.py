"""Starting the `git` program, for the few things that pygit2 cannot do.

Owns how git is started: without a shell, in the C locale, with whatever a repository's own
configuration could have git execute (hooks, fsmonitor, filters, external diffs, transports)
switched off. Everything else in this room that needs git calls `run_git`.
"""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from longshift.errors import NeedsPerson

# Configuration of ours, stronger than the repository's. What names a program is emptied.
_NEUTRAL: Final = (
    "core.fsmonitor=false",
    f"core.hooksPath={os.devnull}",
    "core.sshCommand=false",
    "core.askPass=",
    "core.editor=false",
    "core.pager=cat",
    "core.safecrlf=false",
    "core.splitIndex=false",
    "core.alternateRefsCommand=false",
    "diff.external=",
    "merge.renames=true",
    "merge.directoryRenames=conflict",
    "gc.auto=0",
    "maintenance.auto=false",
    "submodule.recurse=false",
    "fetch.recurseSubmodules=false",
    "index.version=2",
)

_PATIENTLY: Final = ("nice", "-n", "19") if os.name == "posix" and shutil.which("nice") else ()
OWN_RULES: Final = (f"core.attributesFile={os.devnull}", "merge.conflictStyle=merge")
"""Configuration for merges: no driver, attribute or style of the person's."""


@dataclass(frozen=True)
class GitAnswer:
    """What git said: its exit status and standard output."""

    status: int
    output: bytes


def run_git(
    arguments: Sequence[str],
    *,
    cwd: Path,
    environment: Mapping[str, str] | None = None,
    configuration: Sequence[str] = (),
    input_data: bytes = b"",
    accept: Sequence[int] = (0,),
    is_patient: bool = False,
) -> GitAnswer:
    """Run one git command to its end.

    Args:
        arguments: the command and its arguments.
        cwd: where it runs.
        environment: variables on top of a cleaned environment (`GIT_DIR` and its kin).
        configuration: further `key=value` settings, strongest last.
        input_data: its standard input.
        accept: exit statuses that are answers and not failures.
        is_patient: it may take its time: whatever else wants a processor goes first.

    Raises:
        NeedsPerson: git is not installed, or it failed; carries what it said.
    """
    settings = [part for item in (*_NEUTRAL, *configuration) for part in ("-c", item)]
    command = [*(_PATIENTLY if is_patient else ()), "git", "--no-pager", *settings, *arguments]
    try:
        done = subprocess.run(
            command,
            cwd=cwd,
            env=_environment(environment or {}),
            input=input_data,
            capture_output=True,
            check=False,
        )
    except FileNotFoundError as error:
        raise NeedsPerson(
            "The program git was not found. Nothing was changed. Install git 2.38 or newer and "
            "make sure that it is on the PATH."
        ) from error
    if done.returncode not in accept:
        said = done.stderr.decode("utf-8", "replace").strip() or f"exit status {done.returncode}"
        raise NeedsPerson(
            f"git {arguments[0]} failed in {cwd}: {said}. "
            "No file, branch or index of yours was changed. Run `git fsck` there to see more."
        )
    return GitAnswer(done.returncode, done.stdout)


def _environment(extra: Mapping[str, str]) -> dict[str, str]:
    # Variables such as GIT_DIR or GIT_INDEX_FILE, inherited from a hook or an editor started by
    # git, would point the command at something else.
    kept = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    return {
        **kept,
        "LC_ALL": "C",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_NO_REPLACE_OBJECTS": "1",  # libgit2 knows no replacements; both must see the same
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_ALLOW_PROTOCOL": "none",
        **extra,
    }
