"""The pool: what commands find, what they did, and that nothing leads outside."""

import asyncio
import contextlib
import hashlib
import os
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from longshift.errors import NeedsPerson
from longshift.sandbox import nofollow
from longshift.sandbox.cage import Cage
from longshift.sandbox.checkouts import Changes, Checkouts, FileState, WrittenFile
from tests.support.sandbox_processes import forever, processes_saying, wait_until_alive


class Tree:
    """Files given as text. Remembers what was read."""

    def __init__(self, files: Mapping[str, str]) -> None:
        self.contents = dict(files)
        self.modes: dict[str, int] = {}
        self.reads: list[str] = []

    def files(self) -> Mapping[str, FileState]:
        return {
            path: FileState(
                self.modes.get(path, 0o100644), hashlib.sha256(text.encode()).hexdigest()
            )
            for path, text in self.contents.items()
        }

    def read(self, path: str) -> bytes:
        self.reads.append(path)
        return self.contents[path].encode()


def tree(files: Mapping[str, str], modes: Mapping[str, int] | None = None) -> Tree:
    made = Tree(files)
    made.modes.update(modes or {})
    return made


FILES = {"a.py": "a\n", "src/b.py": "b\n", "src/deep/c.py": "c\n", "run": "#!/bin/sh\necho ran\n"}
MODES = {"run": 0o100755}


def ignored(path: str) -> bool:
    return path.endswith(".pyc") or "__pycache__/" in path or "cache/" in path


@pytest.fixture
def pool(tmp_path: Path) -> Checkouts:
    return Checkouts(tmp_path / "state" / "checkouts", 1, ignored)


async def run(pool: Checkouts, cage: Cage, files: Tree, command: str) -> tuple[str, Changes]:
    result, changes = await pool.run(cage, files, command, timeout_s=20)
    assert result.exit_status == 0, result.output
    return result.output, changes


def file(text: str, mode: int = 0o100644) -> WrittenFile:
    return WrittenFile(mode, text.encode())


@pytest.mark.parametrize(
    ("command", "written", "deleted"),
    [
        ("cat a.py src/deep/c.py; ./run", {}, []),
        ("echo more >> a.py", {"a.py": file("a\nmore\n")}, []),
        ("printf 'z\\n' > a.py; touch -r src/b.py a.py", {"a.py": file("z\n")}, []),
        ("echo a > a.py; touch src/b.py", {}, []),
        ("chmod -x run", {"run": file(FILES["run"])}, []),
        ("chmod +x a.py", {"a.py": file("a\n", 0o100755)}, []),
        ("rm -r src", {}, ["src/b.py", "src/deep/c.py"]),
        ("mv a.py d.py", {"d.py": file("a\n")}, ["a.py"]),
        ("rm a.py; mkdir a.py; echo in > a.py/in", {"a.py/in": file("in\n")}, ["a.py"]),
        ("rm -r src; echo flat > src", {"src": file("flat\n")}, ["src/b.py", "src/deep/c.py"]),
        ("mkdir -p n/m; echo new > n/m/f; mkdir empty", {"n/m/f": file("new\n")}, []),
        ("ln -s /etc/passwd link", {"link": file("/etc/passwd", 0o120000)}, []),
        ("rm a.py; ln -s b a.py", {"a.py": file("b", 0o120000)}, []),
        ("ln a.py twin", {"twin": file("a\n")}, []),
        ("mkdir __pycache__ src/cache; touch x.pyc __pycache__/y src/cache/z", {}, []),
        ("mkdir -p .git/hooks src/.git; touch .git/hooks/pre-commit; echo x > src/.git/x", {}, []),
        ("mkfifo pipe; echo s > closed; chmod 000 closed", {"closed": file("s\n")}, []),
        ("mkdir no; echo s > no/f; chmod 000 no src; chmod 000 .", {"no/f": file("s\n")}, []),
        ("printf '\\377' > 'odd name'", {"odd name": WrittenFile(0o100644, b"\xff")}, []),
        ("touch $(printf '\\377')", {"\udcff": file("")}, []),
    ],
)
async def test_changes(
    pool: Checkouts, cage: Cage, command: str, written: dict[str, WrittenFile], deleted: list[str]
) -> None:
    _, changes = await run(pool, cage, tree(FILES, MODES), command)

    assert changes == Changes(written, frozenset(deleted))
    # Whatever was done, the next command finds the tree and nothing else.
    listed, none = await run(
        pool, cage, tree(FILES, MODES), "find . -type f | sort; cat a.py src/b.py; ./run; ls -A"
    )
    names = "./a.py\n./run\n./src/b.py\n./src/deep/c.py\n"
    assert listed == names + "a\nb\nran\n" + "a.py\nrun\nsrc\n"
    assert none == Changes()


async def test_a_move_writes_only_what_differs(pool: Checkouts, plain: Cage) -> None:
    await run(pool, plain, tree(FILES, MODES), "echo mine > src/b.py")
    moved = tree({"a.py": "a\n", "src/b.py": "b\n", "src/deep": "now a file\n", "run": "echo x\n"})
    output, changes = await run(pool, plain, moved, "cat a.py src/b.py src/deep run; ls -l run")

    assert output.startswith("a\nb\nnow a file\necho x\n-rw-r--r--")
    assert changes == Changes()
    # a.py was there; src/b.py was there too, until the command before changed it.
    assert sorted(moved.reads) == ["run", "src/b.py", "src/deep"]


async def test_symlinks_of_the_tree(pool: Checkouts, cage: Cage) -> None:
    linked = tree({"real/f": "text\n", "link": "real", "run": "sh"}, {"link": 0o120000})
    output, changes = await run(pool, cage, linked, "cat link/f; echo more >> link/f")

    assert output == "text\n"
    assert changes == Changes({"real/f": file("text\nmore\n")})
    unlinked = tree({"link/f": "other\n"})
    assert await run(pool, cage, unlinked, "cat link/f; ls") == ("other\nlink\n", Changes())


@pytest.mark.parametrize(
    "plant",
    [
        "rm -r src; ln -s {outside} src",
        "rm -r src/deep; ln -s {outside} src/deep",
        "rm a.py; ln -s {outside}/kept a.py",
        "ln -s {outside} cache; ln -s {outside} .git; mkdir d; ln -s {outside} d/e",
    ],
)
async def test_planted_symlinks_lead_nowhere(
    pool: Checkouts, plain: Cage, tmp_path: Path, plant: str
) -> None:
    """Without a cage, so that the pool alone stands between the link and its target."""
    outside = tmp_path / "outside"
    (outside / "deep").mkdir(parents=True)
    (outside / "kept").write_text("kept")
    (outside / "b.py").write_text("kept")
    _, changes = await run(pool, plain, tree(FILES, MODES), plant.format(outside=outside))
    other = {**FILES, "a.py": "A\n", "src/b.py": "B\n", "src/deep/c.py": "C\n", "d/e/f": "F\n"}
    await run(pool, plain, tree(other, MODES), "cat src/b.py")

    assert b"kept" not in {found.content for found in changes.written.values()}
    assert (outside / "kept").read_text() == (outside / "b.py").read_text() == "kept"
    assert sorted(path.name for path in outside.iterdir()) == ["b.py", "deep", "kept"]
    assert list((outside / "deep").iterdir()) == []


async def test_deep_nests_are_removed(pool: Checkouts, tooled: Cage) -> None:
    nest = f"""{Path(sys.executable).name} -c 'import os
for _ in range(1500): os.mkdir("deep-folder"); os.chdir("deep-folder")'"""
    _, changes = await run(pool, tooled, tree(FILES, MODES), nest)
    listed, _ = await run(pool, tooled, tree(FILES, MODES), "ls -A")

    assert len(changes.left_out) == 1
    assert changes.left_out[0].startswith("deep-folder/deep-folder/")
    assert (changes.written, listed) == ({}, "a.py\nrun\nsrc\n")


async def test_too_much_is_left_out_by_name(pool: Checkouts, plain: Cage) -> None:
    command = "truncate -s 100M big; truncate -s 70M a.py; echo small > small"
    _, changes = await run(pool, plain, tree(FILES, MODES), command)

    assert changes == Changes({"small": file("small\n")}, frozenset(), ("a.py", "big"))


async def test_a_cancelled_command_leaves_no_trace(pool: Checkouts, cage: Cage) -> None:
    marker, command = forever("")
    files = tree(FILES, MODES)
    command = f"echo bad > a.py; echo bad > new; {command}"
    running = asyncio.create_task(pool.run(cage, files, command, timeout_s=60))
    await asyncio.to_thread(wait_until_alive, marker)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    assert processes_saying(marker) == []
    assert await run(pool, cage, files, "cat a.py; ls") == ("a\na.py\nrun\nsrc\n", Changes())


async def test_a_timeout_still_tells_the_changes(pool: Checkouts, cage: Cage) -> None:
    result, changes = await pool.run(
        cage, tree(FILES, MODES), "echo x > a.py; sleep 60", timeout_s=0.3
    )

    assert result.timed_out
    assert changes == Changes({"a.py": file("x\n")})


async def test_commands_wait_for_a_free_checkout(tmp_path: Path, plain: Cage) -> None:
    pool = Checkouts(tmp_path / "checkouts", 2, ignored)
    command = "test ! -e mark && echo x > mark && sleep 0.02"
    files = tree(FILES, MODES)
    outcomes = await asyncio.gather(*(run(pool, plain, files, command) for _ in range(6)))

    assert [changes.written for _, changes in outcomes] == [{"mark": file("x\n")}] * 6
    assert len(list((tmp_path / "checkouts").iterdir())) == 2
    await pool.close()
    assert list((tmp_path / "checkouts").iterdir()) == []


async def test_leftovers_of_an_earlier_process_are_removed(
    pool: Checkouts, cage: Cage, tmp_path: Path
) -> None:
    old = tmp_path / "state" / "checkouts" / "0"
    (old / "stale" / "folder").mkdir(parents=True)
    (old / "stale" / "folder" / "file").write_text("old")

    assert await run(pool, cage, tree({"a": ""}), "ls -A") == ("a\n", Changes())


@pytest.mark.parametrize(
    "path", ["../a", "/a", "a/../../b", "a//b", "", ".git/hooks/x", "a/.GIT/b"]
)
async def test_paths_that_lead_outside_are_refused(pool: Checkouts, plain: Cage, path: str) -> None:
    with pytest.raises(ValueError, match="not a path inside a checkout"):
        await pool.run(plain, tree({path: "x"}), "true", timeout_s=20)

    assert await run(pool, plain, tree({"a": ""}), "ls -A") == ("a\n", Changes())


async def test_a_tree_that_cannot_be_written_is_told(pool: Checkouts, plain: Cage) -> None:
    with pytest.raises(NeedsPerson, match="No file of yours was changed"):
        await pool.run(plain, tree({"n" * 300: "x"}), "true", timeout_s=20)

    assert await run(pool, plain, tree({"a": ""}), "ls -A") == ("a\n", Changes())


SWAP = """
echo innocent > name; mkdir folder; echo ready > ready
while :; do
    ln -s {outside}/secret a; mv -T a name; cp -P ready a; mv -T a name
    mv folder away; ln -s {outside} folder; rm folder; mv away folder
done
"""


async def test_a_symlink_that_is_swapped_in_a_race_leads_nowhere(
    caged: Cage, tmp_path: Path
) -> None:
    """While a command swaps names, our own code reads, writes and removes below them."""
    outside, folder = tmp_path / "outside", tmp_path / "files"
    for path in (outside, folder):
        path.mkdir(mode=0o777)
        path.chmod(0o777)
    (outside / "secret").write_text("nobody may read this")
    if caged.owner is not None:
        os.chown(folder, *caged.owner)
    running = asyncio.create_task(caged.run(SWAP.format(outside=outside), folder, timeout_s=60))
    seen = await asyncio.to_thread(_meddle, folder)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    assert {kind for kind, _ in seen} == {"read", "refused", "written"}
    assert all(content in (b"innocent\n", b"ready\n", b"") for _, content in seen)
    assert [path.name for path in outside.iterdir()] == ["secret"]
    assert (outside / "secret").read_text() == "nobody may read this"


def _meddle(folder: Path) -> set[tuple[str, bytes]]:
    """Use the names until each has been met in both its forms, and often."""
    seen: set[tuple[str, bytes]] = set()
    turns = 0
    while turns < 500 or len({kind for kind, _ in seen}) < 3:
        turns += 1
        with nofollow.open_root(folder) as root:
            try:
                seen.add(("read", nofollow.read_file(root, "name")))
            except OSError:
                seen.add(("refused", b""))
            with contextlib.suppress(OSError), nofollow.open_folder(root, ("folder",)) as inner:
                nofollow.write_file(inner, f"{turns}", b"", executable=False, owner=None)
                seen.add(("written", b""))
    return seen
