import os
from collections.abc import Callable
from pathlib import Path

import pytest

from longshift.errors import UsageError
from longshift.repository.snapshot import Snapshot, take_snapshot
from longshift.repository.staging import stage
from longshift.repository.store import ObjectStore
from longshift.screening.files import SecretFiles
from tests.support.repository_git import GitRepository
from tests.support.swapping import swapping

ROUNDS = 10_000

Take = Callable[..., Snapshot]
OpenStore = Callable[[], ObjectStore]


@pytest.fixture
def store(open_store: OpenStore) -> ObjectStore:
    return open_store()


@pytest.fixture
def take(store: ObjectStore, person: GitRepository) -> Take:
    """Take a snapshot; the person's index, files and status must come out as they went in."""

    def take_(**options: object) -> Snapshot:
        index = person.root / ".git/index"
        before = index.read_bytes() if index.exists() else None
        status = person.git("--no-optional-locks", "status", "--porcelain")
        unsaved = options.pop("unsaved", {})
        snapshot = take_snapshot(
            store.worktree,
            store,
            unsaved=unsaved,
            message="base",
            when=5,
            why_secret=SecretFiles(options.pop("allowed", ())).why_left_out,
            **options,
        )
        assert (index.read_bytes() if index.exists() else None) == before
        assert person.git("--no-optional-locks", "status", "--porcelain") == status
        return snapshot

    return take_


def files(store: ObjectStore, snapshot: Snapshot) -> dict[str, bytes]:
    return {
        path: store.version(entry).data for path, entry in store.list_files(snapshot.commit).items()
    }


def skipped(snapshot: Snapshot) -> dict[str, str]:
    return {one.path: one.reason for one in snapshot.skipped}


@pytest.mark.parametrize("attributes", [b"", b"* text=auto\n", b"*.txt text eol=crlf\n"])
@pytest.mark.parametrize("autocrlf", ["false", "true", "input"])
def test_an_unchanged_checkout_is_its_head(
    person: GitRepository, store: ObjectStore, take: Take, attributes: bytes, autocrlf: str
) -> None:
    person.git("config", "core.autocrlf", autocrlf)
    person.commit({".gitattributes": attributes, "a.txt": b"1\n2\n", "é b": b"x\n", "n\nl": b""})
    person.git("rm", "-q", "--cached", "-r", ".")
    person.git("reset", "-q", "--hard")
    for path in person.root.iterdir():
        if path.is_file():
            os.utime(path, (1, 1))  # stat differs, content does not
    snapshot = take()
    head = store.worktree.head_commit()
    assert head is not None
    assert store.objects.tree_of(snapshot.commit) == store.objects.tree_of(head)
    assert store.objects.parents_of(snapshot.commit) == [head]
    assert take() == snapshot


def test_everything_that_a_person_may_have(
    person: GitRepository, store: ObjectStore, take: Take, tmp_path: Path
) -> None:
    person.write({".gitignore": b"*.log\n", "kept": b"k\n", "gone": b"g\n", "both": b"1\n"})
    person.commit({"edited": b"1\n", "tool": b"t\n", "was file": b"f\n", "was/folder": b"d\n"})
    person.write({"edited": b"2\r\n", "new/näme 😀\n": b"n\n", "x.log": b"ignored\n", "gone": None})
    person.write({"both": b"staged\n", "added": b"a\n"})
    person.git("add", "both")
    person.git("add", "--intent-to-add", "added")
    person.write({"both": b"then changed\n"})
    (person.root / "tool").chmod(0o755)
    (person.root / "link").symlink_to("kept")
    person.write({"was file": None, "was/folder": None})
    (person.root / "was").rmdir()
    person.write({"was file/now": b"folder\n", "was": b"file\n"})
    snapshot = take()
    assert files(store, snapshot) == {
        ".gitignore": b"*.log\n",
        "added": b"a\n",
        "both": b"then changed\n",
        "edited": b"2\r\n",
        "kept": b"k\n",
        "link": b"kept",
        "new/näme 😀\n": b"n\n",
        "tool": b"t\n",
        "was": b"file\n",
        "was file/now": b"folder\n",
    }
    modes = {path: entry.mode for path, entry in store.list_files(snapshot.commit).items()}
    assert (modes["tool"], modes["link"]) == (0o100755, 0o120000)
    assert snapshot.skipped == ()
    store.publish("R1", base=snapshot.commit, head=snapshot.commit)
    person.git("reset", "-q", "--hard")
    person.git("gc", "-q", "--prune=now")
    person.assert_sound()
    assert files(store, snapshot)["both"] == b"then changed\n"


def test_what_never_enters(person: GitRepository, store: ObjectStore, take: Take) -> None:
    person.commit({"tracked.pem": b"public test key\n", "secret/plan": b"p\n", "a": b"a\n"})
    secrets = [".env", "deep/.env.local", "server.key", "id_rsa", "aws/credentials", ".netrc"]
    person.write(dict.fromkeys(secrets, b"hidden\n"))
    person.write({"big": b"x" * 5_000_001, "secret/more": b"m\n", ".env.example": b"A=\n"})
    GitRepository.create(person.root / "nested").commit({"n": b"n\n"})
    os.mkfifo(person.root / "pipe")
    (person.root / "a").unlink()
    os.mkfifo(person.root / "a")
    snapshot = take(exclude=["secret/"])
    assert files(store, snapshot) == {
        "tracked.pem": b"public test key\n",
        ".env.example": b"A=\n",
        "a": b"a\n",
    }
    reasons = skipped(snapshot)
    assert reasons.keys() == {*secrets, "big", "nested/", "a"}
    assert "5 MB" in reasons["big"]
    assert "looks like a secret" in reasons[".env"]
    for name in secrets:
        found = person.git("hash-object", name).strip()
        assert not store.objects.exists(found), "not even as an object"


def test_unsaved_buffers_stand_over_files(
    person: GitRepository, store: ObjectStore, take: Take, tmp_path: Path
) -> None:
    person.git("config", "core.autocrlf", "true")
    person.commit({"a": b"disk\r\n", "gone": b"g\n", ".gitignore": b"ign\n", "run": b"r\n"})
    person.git("update-index", "--chmod=+x", "run")
    (person.root / "run").chmod(0o755)
    (person.root / "gone").unlink()
    (person.root / "out").symlink_to(tmp_path)
    (person.root / "a").write_bytes(b"saved\r\n")
    unsaved = {
        "a": b"typed\r\n", "gone": b"still open\n", "run": b"typed\n", "new/é": b"never saved\n",
        "ign": b"ignored\n", ".env": b"S=1\n", "out/x": b"elsewhere\n", ".git/config": b"no\n",
        "../x": b"no\n",
    }  # fmt: skip
    snapshot = take(unsaved=unsaved)
    found = files(store, snapshot)
    assert found == {
        ".gitignore": b"ign\n",
        "a": b"typed\n",
        "gone": b"still open\n",
        "new/é": b"never saved\n",
        "out": os.fsencode(tmp_path),
        "run": b"typed\n",
    }
    assert store.list_files(snapshot.commit)["run"].mode == 0o100755
    assert skipped(snapshot).keys() == {".env", "out/x", ".git/config", "../x"}


def test_an_empty_repository(person: GitRepository, store: ObjectStore, take: Take) -> None:
    empty = take()
    assert store.objects.parents_of(empty.commit) == []
    assert files(store, empty) == {}
    person.write({"a": b"1\n"})
    snapshot = take(unsaved={":(top)*": b"2\n"})
    assert files(store, snapshot) == {"a": b"1\n", ":(top)*": b"2\n"}
    store.publish("R1", base=snapshot.commit, head=snapshot.commit)
    person.assert_sound()
    assert person.git("status", "--porcelain") == "?? a\n"


def test_submodules_stay_commit_ids(
    person: GitRepository, store: ObjectStore, take: Take, tmp_path: Path
) -> None:
    library = GitRepository.create(tmp_path / "library")
    first = library.commit({"l": b"1\n"})
    person.git(
        "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(library.root), "lib"
    )
    person.commit({})
    assert files(store, take())["lib"] == first.encode()
    inside = GitRepository(person.root / "lib")
    second = inside.commit({"l": b"2\n"})
    inside.write({"l": b"3\n"})
    assert files(store, take())["lib"] == second.encode()


def test_sparse_and_conflicted_checkouts(
    person: GitRepository, store: ObjectStore, take: Take
) -> None:
    person.commit({"in/a": b"a\n", "out/b": b"b\n", "f": b"base\n"})
    person.git("checkout", "-q", "-b", "side")
    person.commit({"f": b"side\n"})
    person.git("checkout", "-q", "main")
    person.commit({"f": b"main\n"})
    person.git("sparse-checkout", "set", "--cone", "in")
    person.git("merge", "side", check=False)
    found = files(store, take())
    assert found.keys() == {"in/a", "out/b", "f"}
    assert b"<<<<<<<" in found["f"]


def test_nothing_that_the_repository_configures_is_run(
    person: GitRepository, store: ObjectStore, take: Take
) -> None:
    trap = person.root.parent / "ran"
    person.commit({"plain": b"p\n", "big.dat": b"pointer\n"})
    person.commit({".gitattributes": b"*.dat filter=lfs diff=lfs merge=lfs -text\n"})
    touch = f"touch '{trap}'; cat"
    for key in ("filter.lfs.clean", "filter.lfs.process", "diff.lfs.textconv", "core.fsmonitor"):
        person.git("config", key, touch)
    person.git("config", "filter.lfs.required", "true")
    for hook in ("post-index-change", "reference-transaction", "pre-commit"):
        path = person.root / ".git/hooks" / hook
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\ntouch '{trap}'\n")
        path.chmod(0o755)
    person.write({"big.dat": b"the content\n", "new.dat": b"content\n", "plain": b"P\n"})
    snapshot = take_snapshot(
        store.worktree, store, unsaved={}, message="m", when=1, why_secret=lambda *_: None
    )
    store.publish("R1", base=snapshot.commit, head=snapshot.commit)
    assert not trap.exists()
    found = files(store, snapshot)
    assert (found["big.dat"], found["plain"]) == (b"pointer\n", b"P\n")
    assert "new.dat" not in found
    assert skipped(snapshot).keys() == {"big.dat", "new.dat"}


def test_a_bad_glob_is_told(take: Take) -> None:
    with pytest.raises(UsageError, match="exclude"):
        take(exclude=["!"])


def test_a_later_snapshot_may_have_another_parent(
    person: GitRepository, store: ObjectStore, take: Take
) -> None:
    person.commit({"a": b"1\n"})
    first = take()
    store.publish("R1", base=first.commit, head=first.commit)
    person.write({"a": b"staged, then dropped\n"})
    person.git("add", "a")
    second = take(parent=first.commit)
    assert store.objects.parents_of(second.commit) == [first.commit]
    person.git("reset", "-q", "--hard")
    person.git("gc", "-q", "--prune=now")
    store.close()
    assert files(store, second) == {"a": b"staged, then dropped\n"}


def test_a_folder_that_became_a_link_is_not_followed(
    person: GitRepository, store: ObjectStore, take: Take
) -> None:
    outside = person.root.parent / "outside"
    outside.mkdir()
    (outside / "a.txt").write_bytes(b"secret\n")
    (outside / "new.txt").write_bytes(b"secret\n")
    person.commit({"d/a.txt": b"inside\n", "d/deep/b.txt": b"b\n", "kept.txt": b"kept\n"})
    (person.root / "d").rename(person.root.parent / "away")
    (person.root / "d").symlink_to(outside)
    person.write({"kept.txt": b"changed\n", "new.txt": b"new\n"})
    snapshot = take(unsaved={"d/a.txt": b"typed\n", "d/new.txt": b"typed\n"})
    assert files(store, snapshot) == {
        "d": os.fsencode(outside),
        "kept.txt": b"changed\n",
        "new.txt": b"new\n",
    }
    assert set(skipped(snapshot)) == {"d/a.txt", "d/new.txt"}


def test_a_folder_that_is_swapped_for_a_link_is_never_read_through(tmp_path: Path) -> None:
    outside, root = tmp_path / "outside", tmp_path / "root"
    for folder, data in ((outside, b"secret"), (root / "d", b"inside")):
        folder.mkdir(parents=True)
        (folder / "x").write_bytes(data)
    copy, seen = tmp_path / "copy/d/x", set()
    with swapping(root, "d", outside):
        for _ in range(ROUNDS):
            if stage(root, ["d/x"], tmp_path / "copy").copied:
                seen.add(copy.read_bytes())
                copy.unlink()
    assert b"secret" not in seen
