"""Real git repositories for tests: made by the git program, told nothing of the machine."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pygit2

_SETTINGS = {
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_AUTHOR_DATE": "2001-02-03T04:05:06Z",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.org",
    "GIT_COMMITTER_DATE": "2001-02-03T04:05:06Z",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_TEMPLATE_DIR": "",
    "LC_ALL": "C",
}


@dataclass(frozen=True)
class GitRepository:
    """One repository, with git's own commands run in it."""

    root: Path

    @classmethod
    def create(cls, root: Path, *options: str) -> "GitRepository":
        root.mkdir(parents=True, exist_ok=True)
        repository = cls(root)
        repository.git("init", "-q", "-b", "main", *options)
        return repository

    def git(self, *arguments: str, stdin: bytes = b"", check: bool = True) -> str:
        return self.git_bytes(*arguments, stdin=stdin, check=check).decode(
            "utf-8", "surrogateescape"
        )

    def git_bytes(self, *arguments: str, stdin: bytes = b"", check: bool = True) -> bytes:
        clean = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.root,
            env=clean | _SETTINGS,
            input=stdin,
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0 or not check, (arguments, done.stderr.decode())
        return done.stdout

    def write(self, files: dict[str, bytes | None]) -> None:
        for name, data in files.items():
            path = self.root / name
            if data is None:
                path.unlink()
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)

    def commit(self, files: dict[str, bytes | None], message: str = "work") -> str:
        self.write(files)
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return str(pygit2.Repository(self.root).head.target)  # the cheapest way to read it

    def assert_sound(self) -> None:
        """What a person would check: nothing reported, nothing dangling, whatever gc does."""
        for _round in range(2):
            report = self.git("fsck", "--full", "--strict")
            assert report == "", report
            self.git("gc", "-q", "--prune=now")
