from collections.abc import Callable

import pytest

from longshift.repository.files import FileEdit
from longshift.repository.store import ObjectStore
from tests.support.repository_git import GitRepository

MakeStore = Callable[[dict[str, bytes | None]], tuple[ObjectStore, str]]


@pytest.fixture
def run(make_store: MakeStore) -> tuple[ObjectStore, str, str]:
    """A run R1 with a base and two landings, unpublished."""
    store, commit = make_store({"a": b"1\n", "d/b": b"b\n"})
    base = store.commit_edits(commit, {"a": FileEdit(b"unsaved\n")}, "base", when=1)
    head = store.commit_edits(base, {"d/b": FileEdit(b"B\n")}, "one", when=2)
    head = store.commit_edits(head, {"new": FileEdit(b"n\n")}, "two", when=3)
    store.swap_head("R1", None, head)
    return store, base, head


def has(person: GitRepository, oid: str) -> bool:
    return person.git("cat-file", "-t", oid, check=False) != ""


def test_a_published_run_survives_reset_and_gc(
    run: tuple[ObjectStore, str, str], person: GitRepository
) -> None:
    store, base, head = run
    store.publish("R1", base=base, head=base)
    person.assert_sound()
    store.publish("R1", base=base, head=head)
    store.publish("R1", base=base, head=head)
    assert person.git("status", "--porcelain") == ""
    person.commit({"a": b"later\n"})
    person.git("checkout", "-q", "--orphan", "anew")
    person.git("branch", "-D", "main")
    person.git("commit", "-q", "-m", "nothing of before")
    person.git("reflog", "expire", "--expire=now", "--all")
    person.git("gc", "-q", "--prune=now")
    person.assert_sound()
    assert "+B" in person.git("diff", "refs/longshift/R1/base", "refs/longshift/R1/head")
    assert store.read_file(head, "d/b") is not None
    assert [one.path for one in store.differences(base, head)] == ["d/b", "new"]


def test_publishing_takes_up_after_a_crash(
    run: tuple[ObjectStore, str, str], person: GitRepository
) -> None:
    store, base, head = run
    store.publish("R1", base=base, head=head)
    person.git("update-ref", "-d", "refs/longshift/R1/head")  # as if killed before this ref
    store.publish("R1", base=base, head=head)
    assert person.git("rev-parse", "refs/longshift/R1/head").strip() == head
    assert len(list((person.root / ".git/objects/pack").glob("*.pack"))) == 1
    person.assert_sound()


def test_no_hook_of_the_person_runs(
    run: tuple[ObjectStore, str, str], person: GitRepository
) -> None:
    store, base, head = run
    for name in ("reference-transaction", "post-index-change", "pre-auto-gc"):
        hook = person.root / ".git/hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text("#!/bin/sh\ntouch ran-a-hook\n")
        hook.chmod(0o755)
    store.publish("R1", base=base, head=head)
    store.forget("R1")
    assert not list(person.root.rglob("ran-a-hook"))


def test_forgetting_leaves_nothing_of_the_run(
    run: tuple[ObjectStore, str, str], person: GitRepository
) -> None:
    store, base, head = run
    store.publish("R1", base=base, head=head)
    store.repack()
    store.forget("R1")
    store.forget("R1")
    assert person.git("for-each-ref", "refs/longshift") == ""
    assert not has(person, base)
    assert not has(person, head)
    assert store.head("R1") is None
    assert not has(GitRepository(store.git_dir), head)
    person.assert_sound()


def test_forgetting_keeps_what_the_person_made_of_it(
    run: tuple[ObjectStore, str, str], person: GitRepository
) -> None:
    store, base, head = run
    store.publish("R1", base=base, head=head)
    other = store.commit_edits(head, {"more": FileEdit(b"of another run\n")}, "R2", when=4)
    store.swap_head("R2", None, other)
    store.publish("R2", base=head, head=other)
    person.write({"d/b": b"B\n"})
    person.git("add", "-A")  # finds the blob in the run's pack and writes none
    store.forget("R1")
    assert store.read_file(other, "new") is not None
    assert has(person, head), "R2 stands on it"
    store.forget("R2")
    person.git("commit", "-q", "-m", "accepted")
    assert person.git("show", "HEAD:d/b") == "B\n"
    assert not has(person, other)
    person.assert_sound()


def test_a_shallow_clone(run: tuple[ObjectStore, str, str], person: GitRepository) -> None:
    from longshift.repository.worktree import Worktree

    person.commit({"c": b"c\n"})
    shallow = GitRepository(person.root.with_name("shallow"))
    person.git("clone", "-q", "--depth=1", f"file://{person.root}", str(shallow.root))
    worktree = Worktree.discover(shallow.root)
    store = ObjectStore.open(worktree)
    commit = worktree.head_commit()
    assert commit is not None
    base = store.commit_edits(commit, {"a": FileEdit(b"2\n")}, "base", when=1)
    store.swap_head("R1", None, base)
    store.publish("R1", base=base, head=base)
    store.repack()
    assert shallow.git("log", "--format=%s", "refs/longshift/R1/head").split() == ["base", "work"]
    shallow.assert_sound()
    store.forget("R1")
    store.close()
