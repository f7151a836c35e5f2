"""What landings cost: one alone beside bare pygit2, and groups beside bare `git fast-import`.

*Single*: both sides change one path of a tree in private stores over one repository, in turn, each
on its own head. The bare side reads the trees along the path, writes the blob, the trees and a
commit, and moves a ref.

*Groups*: both sides put the same edits on the same commit, one commit an edit. Ours merges fifty at
a time in memory, looks for lines that would be lost, writes one pack and moves the head by
compare-and-swap; `git fast-import`, which merges nothing, is fed the same stream with a
`checkpoint` after each fifty, so that pack and ref are written as often.
"""

import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pygit2

from benchmarks.result import Chart, Line, Result
from longshift.repository.files import FileEdit
from longshift.repository.landing import Merged, Submission, merge_submission
from longshift.repository.store import ObjectStore
from longshift.repository.worktree import Worktree

LIMIT = 1.3
GROUP = 50
GROUP_LIMIT = 0.7
SIZES = (1_000, 10_000, 100_000)
"""Files of the repository; the largest is for the curve alone."""
_SIGNATURE = pygit2.Signature("Longshift", "longshift@localhost", 0, 0)
_REF = "refs/bare/head"


def run(*, quick: bool = False) -> Result:
    """Measure landings on trees of 1,000, 10,000 and 100,000 files.

    Args:
        quick: fewer rounds and no tree of 100,000; noisier.
    """
    rounds, turns = (60, 1) if quick else (400, 5)
    sizes = SIZES[:2] if quick else SIZES
    figures: dict[str, float] = {}
    conditions: dict[str, str | int | float] = {
        "rounds": rounds,
        "files_per_folder": 100,
        "landings_of_a_group": GROUP,
        "libgit2": pygit2.LIBGIT2_VERSION,
    }
    rates: dict[str, list[float]] = {"alone": [], "bare": [], "in groups": [], "fast-import": []}
    for size in sizes:
        with tempfile.TemporaryDirectory(prefix="longshift-bench-") as folder:
            base = make_repository(Path(folder), size)
            ours_ms, bare_ms = _measure(Path(folder), base, size, rounds)
            grouped, imported = _measure_groups(Path(folder), base, size, turns)
        if size != SIZES[-1]:
            figures[f"landing_{size}_files"] = ours_ms / bare_ms
            figures[f"group_{size}_files"] = statistics.median(
                ours / theirs for ours, theirs in zip(grouped, imported, strict=True)
            )
        conditions[f"landing_{size}_files_ms"] = round(ours_ms, 3)
        conditions[f"bare_{size}_files_ms"] = round(bare_ms, 3)
        conditions[f"group_{size}_files_per_s"] = round(statistics.median(grouped))
        conditions[f"fast_import_{size}_files_per_s"] = round(statistics.median(imported))
        found = (1000 / ours_ms, 1000 / bare_ms, *map(statistics.median, (grouped, imported)))
        for rate, one in zip(rates.values(), found, strict=True):
            rate.append(one)
    limits = {
        name: ("min", GROUP_LIMIT) if name.startswith("group") else ("max", LIMIT)
        for name in figures
    }
    lines = tuple(Line(name, tuple(map(float, sizes)), tuple(rate)) for name, rate in rates.items())
    chart = Chart(
        "landing", "Landings a second", "files in the repository", "landings a second", lines, True
    )
    return Result("landing", figures, conditions, limits, charts=(chart,))


def _measure(root: Path, base: str, size: int, rounds: int) -> tuple[float, float]:
    """Give the median milliseconds of a landing and of a bare path edit, taken in turn."""
    store = ObjectStore.open(Worktree.discover(root))
    store.swap_head("R1", None, base)
    # The same kind of store, so that both write beside equally many objects.
    bare = pygit2.init_repository(str(root / ".git" / "bare.git"), bare=True)
    bare.odb.add_disk_alternate(str(root / ".git" / "objects"))
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


def _measure_groups(
    root: Path, base: str, size: int, turns: int
) -> tuple[list[float], list[float]]:
    """Give the landings a second of each turn: ours, and those of `git fast-import`."""
    folders = size // 100
    ours: list[float] = []
    theirs: list[float] = []
    for turn in range(turns + 1):
        edits = [
            (f"folder{number % folders}/file{number // folders}.py", _content(turn, number))
            for number in range(10 * GROUP)
        ]
        grouped, imported = _land_in_groups(root, base, edits), _import(root, base, edits, turn)
        if turn:  # the first is for what is read and remembered once
            ours.append(len(edits) / grouped)
            theirs.append(len(edits) / imported)
    return ours, theirs


def _content(turn: int, number: int) -> bytes:
    return b"".join(b"value_%d = %d\n" % (line, turn * number + line) for line in range(40))


def _land_in_groups(root: Path, base: str, edits: list[tuple[str, bytes]]) -> float:
    """Land edits of one base, a group at a time; gives the seconds."""
    store = ObjectStore.open(Worktree.discover(root))
    at = store.head("R1")
    assert store.swap_head("R1", at, base)
    started, head = time.perf_counter(), base
    for first in range(0, len(edits), GROUP):
        with store.objects.gathering() as kept:
            new = head
            for path, data in edits[first : first + GROUP]:
                submission = Submission(base, {path: FileEdit(data)}, "change one file")
                merged = merge_submission(store, new, submission, when=0)
                assert isinstance(merged, Merged)
                new = merged.commit
        assert store.swap_head("R1", head, new)
        store.release(kept)
        head = new
    seconds = time.perf_counter() - started
    store.close()
    return seconds


def _import(root: Path, base: str, edits: list[tuple[str, bytes]], turn: int) -> float:
    """Have `git fast-import` make the same commits in a store like ours; gives the seconds."""
    git_dir = root / ".git" / f"import{turn}.git"
    pygit2.init_repository(str(git_dir), bare=True)
    (git_dir / "objects/info/alternates").write_text("../../objects\n", encoding="ascii")
    parts = []
    for number, (path, data) in enumerate(edits):
        parts.append(
            b"commit refs/heads/x\ncommitter a <a@b> 0 +0000\ndata 16\nchange one file\n\n"
        )
        parts += [b"from %b\n" % base.encode()] if number == 0 else []
        parts.append(b"M 100644 inline %b\ndata %d\n%b\n" % (path.encode(), len(data), data))
        parts += [b"checkpoint\n\n"] if number % GROUP == GROUP - 1 else []
    stream = b"".join(parts)
    started = time.perf_counter()
    subprocess.run(["git", "fast-import", "--quiet"], cwd=git_dir, input=stream, check=True)
    return time.perf_counter() - started


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
            seed = folder * number if size <= SIZES[1] else number  # else it takes a minute
            text = "".join(f"value_{line} = {seed + line}\n" for line in range(40))
            blob = repository.create_blob(text.encode())
            builder.insert(f"file{number}.py", blob, pygit2.enums.FileMode.BLOB)
        top.insert(f"folder{folder}", builder.write(), pygit2.enums.FileMode.TREE)
    tree = top.write()
    commit = repository.create_commit("HEAD", _SIGNATURE, _SIGNATURE, "all\n", tree, [])
    return str(commit)
