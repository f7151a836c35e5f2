"""Commands of models: a workspace's files go into the cage, and what changed comes back.

Owns the passage between `repository.Workspace` and `sandbox.Checkouts`, who do not know each
other. Must never run a command itself: only the sandbox starts what a model chose.
"""

import hashlib
from collections.abc import Mapping
from typing import Final

import pathspec

from longshift.crew.desk import CommandOutcome
from longshift.crew.prompts import say, words_of
from longshift.domain import events
from longshift.engine.difference import sayable
from longshift.engine.room import RunRoom, is_text
from longshift.errors import OutOfBounds
from longshift.repository.files import FileEdit
from longshift.repository.store import ObjectStore
from longshift.repository.workspace import Workspace
from longshift.sandbox.files import SUBMODULE, Changes, FileState
from longshift.sandbox.policy import Cage, CommandResult, Refusal
from longshift.screening.files import SecretFiles
from longshift.screening.hidden import visible
from longshift.screening.secrets import mask

COMMAND_CHARACTERS: Final = 2_000
"""How much of a command its event keeps."""

LEFTOVERS: Final = (
    "__pycache__/",
    "*.py[co]",
    ".pytest_cache/",
    ".mypy_cache/",
    ".ruff_cache/",
    ".hypothesis/",
    ".tox/",
    ".nox/",
    ".coverage",
    "*.egg-info/",
    "node_modules/",
    "target/debug/",
    ".git/",
)
"""What tools leave behind and nobody means as an edit; the repository's own .gitignore adds."""


class CheckoutTree:
    """A commit with edits laid over it, as the sandbox wants to see files."""

    def __init__(
        self,
        store: ObjectStore,
        commit: str,
        edits: Mapping[str, FileEdit | None],
        secret_files: SecretFiles,
    ) -> None:
        """Look at a commit through edits, without its secret files."""
        self._secret_files = secret_files
        self._store = store
        self._commit = commit
        self._edits = dict(edits)

    def files(self) -> Mapping[str, FileState]:
        """All files by path; submodules and secret files are left out."""
        found = {
            path: FileState(entry.mode, entry.oid)
            for path, entry in self._store.list_files(self._commit).items()
            if entry.mode != SUBMODULE and not self._is_withheld(path, entry.oid)
        }
        for path, edit in self._edits.items():
            if edit is None:
                found.pop(path, None)
            else:
                # Not git's id: it only has to differ from every other content.
                found[path] = FileState(edit.mode, hashlib.sha256(edit.data).hexdigest())
        return found

    def _is_withheld(self, path: str, oid: str) -> bool:
        return self._secret_files.withholds(path, lambda: self._store.objects.read_blob(oid))

    def read(self, path: str) -> bytes:
        """A file's content; a symlink's target."""
        edit = self._edits.get(path)
        if edit is not None:
            return edit.data
        version = self._store.read_file(self._commit, path)
        assert version is not None, "asked only for files that files() has named"
        return version.data


def ignored_paths(gitignore: str) -> pathspec.GitIgnoreSpec:
    """What a command may leave behind without it being an edit."""
    return pathspec.GitIgnoreSpec.from_lines([*LEFTOVERS, *gitignore.splitlines()])


async def run_in_cage(
    room: RunRoom, agent: str, workspace: Workspace, command: str, timeout_s: int
) -> CommandOutcome:
    """Run a command on a workspace's files and take what it changed into the workspace.

    Raises:
        OutOfBounds: no command may run here.
        NeedsPerson: the sandbox failed.
    """
    result, changes = await _run(room, room.cage_of_models, agent, workspace, command, timeout_s)
    changed = {path: edit for path, edit in _edits(changes).items() if is_text(path)}
    refused = await room.for_agent(workspace.take_over, changed)
    too_much = dict.fromkeys(changes.left_out, say("too_much_to_take_over"))
    return CommandOutcome(
        exit_status=result.exit_status,
        output=result.output,
        truncated=result.truncated,
        timed_out=result.timed_out,
        changed_paths=tuple(sorted(changed.keys() - refused.keys())),
        left_out={path: words_of(error) for path, error in sorted(refused.items())} | too_much,
        out_of_bounds=tuple(words_of(e) for e in refused.values() if isinstance(e, OutOfBounds)),
    )


async def run_and_discard(
    room: RunRoom, cage: Cage | Refusal, agent: str, commit: str, command: str, timeout_s: int
) -> CommandResult:
    """Run a command on a commit's files and throw away what it changed.

    Args:
        room: the run's.
        cage: the room's, for models or for the person's own checks.
        agent: who runs it, in the journal.
        commit: whose files it sees.
        command: for the shell.
        timeout_s: seconds until it is killed.

    Raises:
        OutOfBounds: no command may run here.
        NeedsPerson: the sandbox failed.
    """
    result, _ = await _run(room, cage, agent, room.workspace(commit), command, timeout_s)
    return result


def _no_commands(refusal: Refusal) -> OutOfBounds:
    match refusal.cause:
        case "untrusted":
            return OutOfBounds("command", "commands_untrusted")
        case "changed":
            return OutOfBounds("command", "commands_changed")
        case "machine":
            return OutOfBounds("command", "no_sandbox", reason=refusal.reason)


async def _run(
    room: RunRoom,
    cage: Cage | Refusal,
    agent: str,
    workspace: Workspace,
    command: str,
    timeout_s: int,
) -> tuple[CommandResult, Changes]:
    if isinstance(cage, Refusal):
        raise _no_commands(cage)
    tree = CheckoutTree(room.store, workspace.commit, workspace.edits, room.secret_files)
    result, changes = await room.checkouts.run(cage, tree, command, timeout_s=timeout_s)
    await room.chronicle.record(
        events.CommandRan(
            run=room.run_id,
            agent=agent,
            command=visible(mask(sayable(command)))[:COMMAND_CHARACTERS],
            exit_status=result.exit_status,
            duration_s=round(result.duration_s, 3),
            changed_paths=len(changes.written) + len(changes.deleted),
        )
    )
    return result, changes


def _edits(changes: Changes) -> dict[str, FileEdit | None]:
    written: dict[str, FileEdit | None] = {
        path: FileEdit(file.content, file.mode) for path, file in changes.written.items()
    }
    return written | dict.fromkeys(changes.deleted)
