"""What one landing costs beside the bare pygit2 calls that change one path of a tree.

Both work in private stores over one repository, in turn, each on its own head. The bare side reads
the trees along the path, writes the blob, the trees and a commit, and moves a ref.
"""

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pygit2

from benchmarks.result import Result
from longshift.repository.files import FileEdit
from longshift.repository.landing import Merged, Submission, merge_submission
from longshift.repository.store import ObjectStore
from longshift.repository.worktree import Worktree

LIMIT = 1.3
_SIGNATURE = pygit2.Signature("Longshift", "longshift@localhost", 0, 0)
_REF = "refs/bare/head"


def run(*, quick: bool = False) -> Result:
    """Measure single landings on trees of 1,000 and of 10,000 files.

    Args:
        quick: fewer rounds; noisier.
    """
    rounds = 60 if quick else 400
    figures: dict[str, float] = {}
    conditions: dict[str, str | int | float] = {
        "rounds": rounds,
        "files_per_folder": 100,
        "libgit2": pygit2.LIBGIT2_VERSION,
    }
    for size in (1_000, 10_000):
        ours_ms, bare_ms = _measure(size, rounds)
        figures[f"landing_{size}_files"] = ours_ms / bare_ms
        conditions[f"landing_{size}_files_ms"] = round(ours_ms, 3)
        conditions[f"bare_{size}_files_ms"] = round(bare_ms, 3)
    return Result("landing", figures, conditions, dict.fromkeys(figures, ("max", LIMIT)))


def _measure(size: int, rounds: int) -> tuple[float, float]:
    """Give the median milliseconds of a landing and of a bare path edit, taken in turn."""
    with tempfile.TemporaryDirectory(prefix="longshift-bench-") as folder:
        base = make_repository(Path(folder), size)
        store = ObjectStore.open(Worktree.discover(Path(folder)))
        store.swap_head("R1", None, base)
        # The same kind of store, so that both write beside equally many objects.
        bare = pygit2.init_repository(str(Path(folder) / ".git" / "bare.git"), bare=True)
        bare.odb.add_disk_alternate(str(Path(folder) / ".git" / "objects"))
        bare.references.create(_REF, base, force=True)
        ours: list[float] = []
        theirs: list[float] = []
        for number in range(rounds):
            path = f"folder{number * 7 % (size // 100)}/file{number * 13 % 100}.py"
            data = b"changed = %d\n" % number
            pair = [(ours, _lander(store, path, data)), (theirs, _bare_editor(bare, path, data))]
            for times, act in pair if number % 2 else reversed(pair):
                started = time.perf_counter()
                act()
                times.append((time.perf_counter() - started) * 1000)
        store.close()
    return statistics.median(ours), statistics.median(theirs)


def _lander(store: ObjectStore, path: str, data: bytes) -> Callable[[], None]:
    def land() -> None:
        head = store.head("R1")
        assert head is not None
        submission = Submission(head, {path: FileEdit(data)}, "change one file")
        merged = merge_submission(store, head, submission, when=0)
        assert isinstance(merged, Merged)
        assert store.swap_head("R1", head, merged.commit)

    return land


def _bare_editor(repository: pygit2.Repository, path: str, data: bytes) -> Callable[[], None]:
    folder, _, name = path.partition("/")

    def edit() -> None:
        reference = repository.references[_REF]
        parent = reference.peel(pygit2.Commit)
        builder = repository.TreeBuilder(parent.tree[folder].peel(pygit2.Tree))
        builder.insert(name, repository.create_blob(data), pygit2.enums.FileMode.BLOB)
        root = repository.TreeBuilder(parent.tree)
        root.insert(folder, builder.write(), pygit2.enums.FileMode.TREE)
        commit = repository.create_commit(
            None, _SIGNATURE, _SIGNATURE, "change one file\n", root.write(), [parent.id]
        )
        reference.set_target(commit)

    return edit


def make_repository(root: Path, size: int) -> str:
    """Make a repository of small files, 100 to a folder, in one commit; gives the commit's id."""
    repository = pygit2.init_repository(str(root))
    top = repository.TreeBuilder()
    for folder in range(size // 100):
        builder = repository.TreeBuilder()
        for number in range(100):
            text = "".join(f"value_{line} = {folder * number + line}\n" for line in range(40))
            blob = repository.create_blob(text.encode())
            builder.insert(f"file{number}.py", blob, pygit2.enums.FileMode.BLOB)
        top.insert(f"folder{folder}", builder.write(), pygit2.enums.FileMode.TREE)
    tree = top.write()
    commit = repository.create_commit("HEAD", _SIGNATURE, _SIGNATURE, "all\n", tree, [])
    return str(commit)
