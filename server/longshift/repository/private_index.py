"""A private copy of the person's index, over their working tree.

Owns the git commands of a snapshot. The copy carries the stat cache, which spares reading
unchanged files; objects that come of it go to the private store. No filter of any configuration
runs: each is emptied first.
"""

import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from longshift.repository.files import path_from_bytes, path_to_bytes
from longshift.repository.gitcommand import run_git
from longshift.repository.store import ObjectStore
from longshift.repository.worktree import Worktree


@contextmanager
def private_index(worktree: Worktree, store: ObjectStore) -> Iterator["PrivateIndex"]:
    """Give a copy of a worktree's index for as long as the block lasts."""
    with tempfile.TemporaryDirectory(prefix="snapshot-", dir=store.git_dir) as folder:
        copy, staging = Path(folder) / "index", Path(folder) / "files"
        staging.mkdir()
        theirs = worktree.git_dir / "index"
        if theirs.is_file():
            shutil.copy2(theirs, copy)  # keeps its time, by which git tells racy entries
        yield PrivateIndex(
            worktree.root,
            {
                "GIT_DIR": str(worktree.git_dir),
                "GIT_WORK_TREE": str(worktree.root),
                "GIT_INDEX_FILE": str(copy),
                "GIT_OBJECT_DIRECTORY": str(store.git_dir / "objects"),
            },
            staging,
        )


class PrivateIndex:
    """A private index file over the person's working tree.

    Attributes:
        staging: an empty folder for copies of the person's files, which `update_staged` reads.
    """

    def __init__(self, root: Path, environment: Mapping[str, str], staging: Path) -> None:
        self.staging = staging
        self._root = root
        self._environment = dict(environment)
        self.filters = self._switch_off_filters()

    def entries(self) -> dict[str, tuple[int, int]]:
        """Give mode and stage of each tracked path (one of the stages, where there are more)."""
        found = {}
        for line in _split(self._git("ls-files", "-z", "-s")):
            info, _, path = line.partition("\t")
            mode, _oid, stage = info.split(" ")
            found[path] = int(mode, 8), int(stage)
        return found

    def modified(self) -> list[str]:
        """List tracked paths that differ in the working tree, deleted ones included."""
        return list(dict.fromkeys(_split(self._git("ls-files", "-z", "-m"))))

    def untracked(self) -> list[str]:
        """List untracked paths that are not ignored; nested repositories end in a slash."""
        return _split(self._git("ls-files", "-z", "-o", "--exclude-standard"))

    def ignored(self, paths: Iterable[str]) -> set[str]:
        """Tell which of these paths are ignored."""
        data = _join(f"./{path}" for path in paths)  # so that no name is taken for a pattern
        output = self._git("check-ignore", "-z", "--stdin", input_data=data, accept=(0, 1))
        return {path.removeprefix("./") for path in _split(output)}

    def filtered(self, paths: Iterable[str]) -> set[str]:
        """Tell which of these paths pass through a filter that is configured."""
        if not self.filters:
            return set()
        fields = _split(self._git("check-attr", "-z", "--stdin", "filter", input_data=_join(paths)))
        triples = zip(fields[::3], fields[2::3], strict=True)
        return {path for path, value in triples if value in self.filters}

    def update_folders(self, paths: Iterable[str]) -> None:
        """Take these paths, where folders are now: a repository becomes a submodule, others go."""
        options = ["-z", "--add", "--remove", "--replace", "--stdin"]
        self._git("update-index", *options, input_data=_join(paths))

    def update_staged(self, paths: Iterable[str]) -> None:
        """Take these paths from the copies in the staging folder, attributes among them."""
        run_git(
            ["update-index", "-z", "--add", "--replace", "--stdin"],
            cwd=self.staging,
            environment={**self._environment, "GIT_WORK_TREE": str(self.staging)},
            input_data=_join(paths),
        )

    def remove(self, paths: Iterable[str]) -> None:
        """Drop these paths."""
        self._git("update-index", "-z", "--force-remove", "--stdin", input_data=_join(paths))

    def put(self, path: str, mode: int, data: bytes) -> None:
        """Put content at a path, its line ends treated as those of a file there."""
        oid = self._git("hash-object", "-w", "--stdin", "--path", path, input_data=data)
        line = b"%o %b\t%b\0" % (mode, oid.strip(), path_to_bytes(path))
        options = ["-z", "--add", "--replace", "--index-info"]
        self._git("update-index", *options, input_data=line)

    def write_tree(self) -> str:
        """Write what the index holds; gives the tree's id."""
        return self._git("write-tree", "--missing-ok").decode("ascii").strip()

    def _git(self, *arguments: str, input_data: bytes = b"", accept: Sequence[int] = (0,)) -> bytes:
        answer = run_git(
            arguments,
            cwd=self._root,
            environment=self._environment,
            input_data=input_data,
            accept=accept,
        )
        return answer.output

    def _switch_off_filters(self) -> set[str]:
        """Take every filter's program away, and name the filters there were."""
        listed = self._git(
            "config", "-z", "--name-only", "--get-regexp", r"^filter\.", accept=(0, 1)
        )
        names = {key.removeprefix("filter.").rpartition(".")[0] for key in _split(listed)}
        settings = [
            (f"filter.{name}.{key}", value)
            for name in sorted(names)
            for key, value in (("clean", ""), ("smudge", ""), ("process", ""), ("required", "no"))
        ]
        for number, (key, value) in enumerate(settings):
            self._environment[f"GIT_CONFIG_KEY_{number}"] = key
            self._environment[f"GIT_CONFIG_VALUE_{number}"] = value
        self._environment["GIT_CONFIG_COUNT"] = str(len(settings))
        return names


def _split(output: bytes) -> list[str]:
    return [path_from_bytes(part) for part in output.split(b"\0")[:-1]]


def _join(paths: Iterable[str]) -> bytes:
    return b"".join(path_to_bytes(path) + b"\0" for path in paths)
