"""Handles of repositories: they go with whoever held them, and hold few packs open."""

import random
import sys
import weakref
from collections.abc import Callable
from pathlib import Path

import pytest

from longshift.repository.files import FileEdit
from longshift.repository.handles import MOST_OPEN_PACKS, open_repository, refs_of
from longshift.repository.packs import PackedIds
from longshift.repository.store import ObjectStore
from tests.support.repository_git import GitRepository

MakeStore = Callable[[dict[str, bytes | None]], tuple[ObjectStore, str]]


def open_packs(root: Path) -> list[str]:
    names = []
    for descriptor in Path("/proc/self/fd").iterdir():
        try:
            names.append(str(descriptor.readlink()))
        except FileNotFoundError:  # the listing's own
            continue
    return [name for name in names if name.startswith(str(root)) and ".pack" in name]


def test_a_handle_goes_with_whoever_held_it(person: GitRepository, no_collector: None) -> None:
    person.commit({"a": b"1"})
    handle = open_repository(person.root / ".git")
    assert [*refs_of(handle)] == [handle.head.name]
    gone = weakref.ref(handle)
    del handle
    assert gone() is None


@pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")
def test_a_forgotten_run_leaves_no_pack_open(make_store: MakeStore, no_collector: None) -> None:
    store, base = make_store({"a": b"1"})
    for number in range(3):
        name = f"R{number}"
        head = store.commit_edits(base, {"a": FileEdit(b"%d" % number)}, "m", when=0)
        store.swap_head(name, None, head)
        store.publish(name, base=base, head=head)
        store.objects.own([head])
        assert store.read_file(head, "a") is not None
        store.forget(name)
    assert open_packs(store.worktree.root) == []


@pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")
def test_few_of_many_packs_are_open_at_once(make_store: MakeStore) -> None:
    store, base = make_store({"a": b"1"})
    heads = []
    for number in range(MOST_OPEN_PACKS + 20):
        with store.objects.gathering():
            edits = {"a": FileEdit(b"%d" % number)}
            heads.append(store.commit_edits(base, edits, "m", when=number))
    store.objects.close()  # what was written is remembered, and shall be read from the packs
    for _ in range(2):
        for number, head in enumerate(heads):
            file = store.read_file(head, "a")
            assert file is not None
            assert file.data == b"%d" % number
            store.objects.read_tree(store.objects.tree_of(head))
    assert 0 < len(open_packs(store.worktree.root)) <= MOST_OPEN_PACKS


def test_packed_ids_are_those_that_git_lists(person: GitRepository) -> None:
    noise = random.Random(1)
    for _ in range(3):
        person.commit({f"f{noise.random()}": noise.randbytes(9) for _ in range(200)})
        person.git("repack", "-q", "-d")
    loose = person.git("hash-object", "-w", "--stdin", stdin=b"loose").strip()
    listed = person.git("cat-file", "--batch-all-objects", "--batch-check=%(objectname)").split()
    packed = PackedIds(person.root / ".git/objects/pack")
    assert {oid for oid in listed if oid in packed} == {*listed} - {loose}
    assert f"{0:040x}" not in packed
    assert "f" * 40 not in packed
    assert loose not in PackedIds(person.root / "nowhere")
