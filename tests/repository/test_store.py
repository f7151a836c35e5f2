import threading
from collections.abc import Callable

import pytest

from longshift.errors import NeedsPerson
from longshift.repository.files import EXECUTABLE, REGULAR, SUBMODULE, SYMLINK, FileEdit
from longshift.repository.store import ObjectStore
from tests.support.repository_git import GitRepository

MakeStore = Callable[[dict[str, bytes | None]], tuple[ObjectStore, str]]


def test_a_commit_of_edits_is_what_git_would_write(
    make_store: MakeStore, person: GitRepository
) -> None:
    store, base = make_store({"a": b"1\n", "d/x": b"x\n", "d.c": b"", "d/e/y": b"y\n", "z": b"z\n"})
    submodule = "1" * 40
    edits = {
        "a": None,
        "a/now/a folder": FileEdit(b"2\n"),
        "d/x": FileEdit(b"x\n", EXECUTABLE),
        "d/e/y": None,
        "d/link": FileEdit(b"../z", SYMLINK),
        "sub": FileEdit(submodule.encode(), SUBMODULE),
        "näme\n\udcff": FileEdit(b"odd\n"),
        "never/was": None,
    }
    commit = store.commit_edits(base, edits, "Change things", when=1_000_000_000)
    assert commit == store.commit_edits(base, edits, "Change things", when=1_000_000_000)
    assert {path: entry.mode for path, entry in store.list_files(commit).items()} == {
        "a/now/a folder": REGULAR,
        "d.c": REGULAR,
        "d/link": SYMLINK,
        "d/x": EXECUTABLE,
        "näme\n\udcff": REGULAR,
        "sub": SUBMODULE,
        "z": REGULAR,
    }
    version = store.read_file(commit, "sub")
    assert version is not None
    assert version.as_edit() == edits["sub"]
    store.publish("R1", base=base, head=commit)
    person.assert_sound()
    shown = person.git("log", "-1", "--format=%an <%ae> %ct %P%n%B", commit)
    assert shown.startswith(f"Longshift <longshift@localhost> 1000000000 {base}\nChange things\n")


@pytest.mark.parametrize("path", ["d", "a/b"])
def test_files_and_folders_are_not_confused(make_store: MakeStore, path: str) -> None:
    store, base = make_store({"a": b"1", "d/x": b"x"})
    with pytest.raises(ValueError, match=r"file|folder"):
        store.commit_edits(base, {path: FileEdit(b"")}, "m", when=0)
    assert store.read_file(base, "d") is None
    assert store.read_file(base, "a/b") is None


def test_differences_are_named_by_kind(make_store: MakeStore, person: GitRepository) -> None:
    long = b"".join(b"line %d\n" % number for number in range(50))
    store, base = make_store(
        {
            "edit": b"1\n",
            "gone": b"a lone text\n",
            "mode": b"x",
            "bin": b"\0",
            "old": long,
            "k": b"",
        }
    )
    edits = {
        "edit": FileEdit(b"2\n"),
        "gone": None,
        "mode": FileEdit(b"x", EXECUTABLE),
        "bin": FileEdit(b"\0\1"),
        "old": None,
        "new/place": FileEdit(long + b"more\n"),
        "fresh": FileEdit(b"quite other words\n"),
        "k": FileEdit(b"target", SYMLINK),
    }
    commit = store.commit_edits(base, edits, "m", when=0)
    found = store.differences(base, commit)
    assert [(one.path, one.old_path, one.kind) for one in found] == [
        ("bin", None, "binary"),
        ("edit", None, "edit"),
        ("fresh", None, "create"),
        ("gone", None, "delete"),
        ("k", None, "mode"),
        ("mode", None, "mode"),
        ("new/place", "old", "rename"),
    ]
    assert store.differences(commit, commit) == []


def test_heads_move_by_compare_and_swap(make_store: MakeStore) -> None:
    store, base = make_store({"a": b"1"})
    other = store.commit_edits(base, {"a": FileEdit(b"2")}, "m", when=0)
    assert store.head("R1") is None
    assert not store.swap_head("R1", other, base)
    assert store.swap_head("R1", None, base)
    assert not store.swap_head("R1", None, other)
    assert store.swap_head("R1", base, other)
    assert not store.swap_head("R1", base, other)
    assert store.head("R1") == other
    for name in ("../R1", "a..b", "x.lock", "", "a/b"):
        with pytest.raises(ValueError, match="ref"):
            store.head(name)


def test_many_threads_land_every_one(make_store: MakeStore) -> None:
    store, base = make_store({f"d{number}/f": b"0\n" for number in range(8)})
    store.swap_head("R1", None, base)

    def work(number: int) -> None:
        for turn in range(5):
            edit = {f"d{number}/f": FileEdit(b"%d\n" % turn)}
            while True:
                head = store.head("R1")
                assert head is not None
                if store.swap_head("R1", head, store.commit_edits(head, edit, "m", when=turn)):
                    break

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    head = store.head("R1")
    assert head is not None
    assert {store.objects.read_blob(e.oid) for e in store.list_files(head).values()} == {b"4\n"}
    log = GitRepository(store.git_dir).git("rev-list", "--count", f"{base}..{head}")
    assert int(log) == 40


def test_stale_locks_are_told_then_removed(make_store: MakeStore, person: GitRepository) -> None:
    store, base = make_store({"a": b"1"})
    other = store.commit_edits(base, {"a": FileEdit(b"2")}, "m", when=0)
    store.swap_head("R1", None, base)
    store.publish("R1", base=base, head=base)
    left = [
        store.git_dir / "refs/longshift/R1/head.lock",
        person.root / ".git/refs/longshift/R1/head.lock",
        store.git_dir / "objects/pack/tmp_pack_x",
        store.git_dir / "objects/ab" / ("c" * 38),
        store.git_dir / "merge-x/ours",
    ]
    theirs = person.root / ".git/refs/heads/main.lock"
    for lock in (*left, theirs):
        lock.parent.mkdir(exist_ok=True, parents=True)
        lock.touch()
    with pytest.raises(NeedsPerson, match="start again"):
        store.swap_head("R1", base, other)
    assert {*left[:-1], left[-1].parent} <= set(store.remove_stale_locks())
    assert not any(lock.exists() for lock in left)
    assert store.remove_stale_locks() == []
    assert store.swap_head("R1", base, other)
    assert theirs.exists()


def test_the_store_is_private_and_reopens(
    make_store: MakeStore, person: GitRepository, open_store: Callable[[], ObjectStore]
) -> None:
    store, base = make_store({"a": b"1"})
    store.swap_head("R1", None, base)
    assert store.git_dir.stat().st_mode & 0o777 == 0o700
    store.close()
    assert store.head("R1") == base
    again = open_store()
    assert again.head("R1") == base
    assert again.read_file(base, "a") == store.read_file(base, "a")
    moved = person.root.rename(person.root.with_name("moved"))
    assert (
        GitRepository(moved / ".git/longshift/objects.git").git("cat-file", "-t", base)
        == "commit\n"
    )
    moved.rename(person.root)


def test_a_folder_that_can_not_be_made_is_told(person: GitRepository, open_store: Callable) -> None:
    person.commit({"a": b"1"})
    (person.root / ".git/longshift").write_bytes(b"a file in the way")
    with pytest.raises(NeedsPerson, match="can't be opened"):
        open_store()


def test_repacking_keeps_every_reachable_object(make_store: MakeStore) -> None:
    store, base = make_store({"a": b"1"})
    head = base
    for number in range(20):
        head = store.commit_edits(head, {"a": FileEdit(b"turn %d" % number)}, "m", when=number)
    store.swap_head("R1", None, head)
    store.repack()
    loose = list((store.git_dir / "objects").glob("[0-9a-f][0-9a-f]/*"))
    assert loose == []
    version = store.read_file(head, "a")
    assert version is not None
    assert version.data == b"turn 19"
