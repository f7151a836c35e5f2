"""Packs: what is gathered and written together is what git itself would have written."""

import contextlib
import random
import threading
from collections.abc import Callable

from longshift.repository.files import FileEdit
from longshift.repository.packs import Gathering
from longshift.repository.store import ObjectStore
from tests.support.repository_git import GitRepository

MakeStore = Callable[[dict[str, bytes | None]], tuple[ObjectStore, str]]
SIZES = [0, 1, 15, 16, 17, 2047, 2048, 2049, 300_000]
"""Around the borders of the bytes that a size takes in a pack."""


def test_git_reads_what_was_gathered(person: GitRepository) -> None:
    gathering = Gathering()
    blobs = [random.Random(size).randbytes(size) for size in SIZES]
    oids = [gathering.add("blob", blob) for blob in blobs]
    oids.append(gathering.add("blob", b""))  # once more: it is there already
    folder = person.root / ".git/objects/pack"
    kept = gathering.write(folder)
    assert kept is not None
    assert kept.suffix == ".keep"
    assert gathering.find(oids[0]) is None, "what is written is not held any more"
    for oid, blob in zip(oids, [*blobs, b""], strict=True):
        assert oid == person.git("hash-object", "--stdin", stdin=blob).strip()
        assert person.git_bytes("cat-file", "blob", oid) == blob
    person.git("verify-pack", str(kept.with_suffix(".idx")))
    assert {path.suffix for path in folder.iterdir()} == {".pack", ".idx", ".keep"}
    assert all(path.stat().st_mode & 0o777 == 0o444 for path in folder.glob("*.pack"))


def test_nothing_gathered_is_no_pack(person: GitRepository) -> None:
    assert Gathering().write(person.root / ".git/objects/pack") is None


def test_a_thread_reads_what_it_gathers_and_others_do_once_it_is_written(
    make_store: MakeStore, open_store: Callable[[], ObjectStore]
) -> None:
    store, base = make_store({"a": b"1", "d/b": b"2"})
    other = open_store()
    with store.objects.gathering() as kept:
        commit = store.commit_edits(base, {"d/b": FileEdit(b"new")}, "m", when=0)
        assert store.read_file(commit, "d/b").data == b"new"
        assert not other.objects.exists(commit)
        store.objects.put_down()
        assert other.objects.exists(commit)
        more = store.commit_edits(commit, {"d/c": FileEdit(b"more")}, "m", when=0)
    assert other.read_file(more, "d/c").data == b"more"
    assert len(kept) == 2
    loose = list((store.git_dir / "objects").glob("[0-9a-f][0-9a-f]/*"))
    assert loose == []


def test_what_fails_half_way_leaves_nothing(make_store: MakeStore) -> None:
    store, base = make_store({"a": b"1"})
    with contextlib.suppress(ValueError), store.objects.gathering():
        commit = store.commit_edits(base, {"a": FileEdit(b"2")}, "m", when=0)
        store.commit_edits(commit, {"a/b": FileEdit(b"3")}, "a is a file", when=0)
    assert not store.objects.exists(commit)
    again = store.commit_edits(base, {"a": FileEdit(b"2")}, "m", when=0)
    assert again == commit
    assert store.objects.exists(commit), "what was only remembered is written all the same"


def test_a_pack_that_no_ref_leads_to_outlives_a_repack(make_store: MakeStore) -> None:
    store, base = make_store({"a": b"1"})
    with store.objects.gathering() as kept:
        commit = store.commit_edits(base, {"a": FileEdit(b"2")}, "m", when=0)
    store.repack()
    store.close()
    assert store.read_file(commit, "a").data == b"2"
    assert store.swap_head("R1", None, commit)
    store.release(kept)
    store.repack()
    packs = list((store.git_dir / "objects/pack").glob("*.pack"))
    assert len(packs) == 1
    assert store.read_file(commit, "a").data == b"2"


def test_marks_and_halves_of_a_killed_process_are_removed(make_store: MakeStore) -> None:
    store, base = make_store({"a": b"1"})
    with store.objects.gathering() as kept:
        store.commit_edits(base, {"a": FileEdit(b"2")}, "m", when=0)
    half = kept[0].with_name("pack-half.pack")
    half.touch()
    draft = kept[0].with_name("tmp_pack_x")
    draft.touch()
    assert {*kept, half, draft} <= set(store.remove_stale_locks())


def test_readers_go_on_while_packs_are_packed_anew(make_store: MakeStore) -> None:
    store, head = make_store({"a": b"0"})
    commits = [head]
    done = threading.Event()
    failed: list[BaseException] = []

    def read() -> None:
        try:
            while not done.is_set():
                for number, commit in enumerate(tuple(commits)):
                    # Past what is remembered: from the packs, some of which have just gone.
                    tree = store.objects.read_tree(store.objects._tree_of(commit))
                    assert store.read_file(commit, "a").data == b"%d" % number, tree
                store.objects._blobs.clear()
        except BaseException as error:  # noqa: BLE001 -- raised below
            failed.append(error)

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for _ in range(6):
        for _ in range(4):
            with store.objects.gathering() as kept:
                edit = {"a": FileEdit(b"%d" % len(commits))}
                new = store.commit_edits(head, edit, "m", when=0)
            assert store.swap_head("R1", head if len(commits) > 1 else None, new)
            store.release(kept)
            commits.append(new)
            head = new
        store.repack()
    done.set()
    for reader in readers:
        reader.join()
    assert not failed, failed[0]
