"""The person's repository, seen from one of its worktrees. Only looks; never writes.

Uses pygit2 rather than GitPython for finding it: GitPython takes the linked worktree of a bare
repository for bare itself, and does not refuse a folder that belongs to another user.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pygit2

from longshift.errors import NeedsPerson
from longshift.repository.handles import open_repository

# Files that git keeps while something is under way, most telling first.
_OPERATIONS: Final = (
    ("rebase-merge", "rebase"),
    ("rebase-apply/applying", "am"),
    ("rebase-apply", "rebase"),
    ("MERGE_HEAD", "merge"),
    ("CHERRY_PICK_HEAD", "cherry-pick"),
    ("REVERT_HEAD", "revert"),
    ("BISECT_LOG", "bisect"),
)


_WAYS_OUT: Final = {"bisect": "git bisect reset"}
"""Where it is not `--abort`."""


def way_out(operation: str) -> str:
    """Give the command that breaks off what git is in the middle of."""
    return _WAYS_OUT.get(operation, f"git {operation} --abort")


class NoRepository(NeedsPerson):
    """Where somebody looked there is no repository at all."""


@dataclass(frozen=True)
class Worktree:
    """One working tree of a repository.

    Attributes:
        root: the working tree's top folder.
        git_dir: this worktree's own git folder (HEAD and index).
        common_dir: what all worktrees share (objects and refs).
    """

    root: Path
    git_dir: Path
    common_dir: Path

    @property
    def state_dir(self) -> Path:
        """Where all of Longshift's state lives; shared by the repository's worktrees."""
        return self.common_dir / "longshift"

    @classmethod
    def discover(cls, path: Path) -> "Worktree":
        """Find the worktree that holds a folder.

        Raises:
            NeedsPerson: there is no such folder, it is in no repository, or in one that has no
                working tree, belongs to someone else, or is of a format that is not supported.
        """
        if not path.is_dir():
            raise NoRepository(
                f"There is no folder {path}. Nothing was started. Check the path, or create it."
            )
        repository = _open(path)
        if repository.is_bare or repository.workdir is None:
            raise NeedsPerson(
                f"{path} is a bare repository: it has no working tree to work on. Nothing was "
                "started. Make one with `git worktree add DIR` and use that folder."
            )
        git_dir = Path(repository.path)
        return cls(Path(repository.workdir), git_dir, _common_dir(git_dir))

    def is_home_of(self, folder: str) -> bool:
        """Tell whether what was begun in a folder is this worktree's to go on with.

        So it is where the folder is this one, and where it is no worktree of this repository any
        more: then the repository was moved, renamed or copied, and its state came along.
        """
        there = Path(folder)
        if there == self.root:
            return True
        try:
            found = Worktree.discover(there)
        except NeedsPerson:
            return True
        return found.root != there or found.common_dir.resolve() != self.common_dir.resolve()

    def head_commit(self) -> str | None:
        """Give the commit that is checked out; None where there is no commit yet."""
        repository = open_repository(self.git_dir)
        return None if repository.head_is_unborn else str(repository.head.target)

    def branch(self) -> str | None:
        """Give the short name of the branch, born or not; None with a detached HEAD."""
        repository = open_repository(self.git_dir)
        target = repository.lookup_reference("HEAD").target
        return target.removeprefix("refs/heads/") if isinstance(target, str) else None

    def operation_in_progress(self) -> str | None:
        """Name what git is in the middle of, such as "rebase" or "merge"; None: nothing."""
        for mark, operation in _OPERATIONS:
            if (self.git_dir / mark).exists():
                return operation
        return None

    def is_ancestor(self, older: str, newer: str) -> bool:
        """Tell whether a commit is in another's history; False where either is unknown."""
        import git  # 60 ms, and only wanted between cycles

        try:
            with git.Repo(self.root) as repository:
                repository.git.merge_base("--is-ancestor", older, newer)
        except git.GitCommandError:
            return False
        return True


def _open(path: Path) -> pygit2.Repository:
    try:
        found = pygit2.discover_repository(str(path))
        if found is None:
            raise NoRepository(
                f"{path} is not in a git repository. Nothing was started. Run `git init` there "
                "first; a commit is not needed."
            )
        return open_repository(found)
    except (pygit2.GitError, KeyError, ValueError) as error:
        raise NeedsPerson(_refusal(path, str(error))) from error


def _refusal(path: Path, reason: str) -> str:
    if "not owned by" in reason:
        advice = (
            "If you trust it, run `git config --global --add safe.directory "
            f"{path.resolve()}` and try again."
        )
    elif "sha256" in reason or "extension" in reason or "version" in reason:
        advice = (
            "Longshift reads SHA-1 repositories with ordinary refs; convert the repository, or "
            "work in a clone made with `git init --object-format=sha1 --ref-format=files`."
        )
    else:
        advice = "Run `git fsck` there to see what is wrong with it."
    return f"The repository at {path} can't be opened: {reason}. Nothing was changed. {advice}"


def _common_dir(git_dir: Path) -> Path:
    link = git_dir / "commondir"
    if not link.is_file():
        return git_dir
    return (git_dir / link.read_text(encoding="utf-8").strip()).resolve()
