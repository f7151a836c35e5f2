"""Loose objects and refs: what is written by hand is what git itself would have written."""

from pathlib import Path

import pytest

from longshift.repository.loose import DRAFT, Kind, swap_ref, write_object
from tests.support.repository_git import GitRepository

BLOBS = [b"", b"one\n", b"\0\xff" * 70_000, "\N{SNOWMAN}\r\n".encode()]


@pytest.mark.parametrize("data", BLOBS, ids=len)
def test_git_reads_what_was_written(person: GitRepository, data: bytes) -> None:
    folder = person.root / ".git/objects"
    oid = write_object(str(folder), "blob", data)
    assert oid == person.git("hash-object", "--stdin", stdin=data).strip()
    assert person.git_bytes("cat-file", "blob", oid) == data
    place = folder / oid[:2] / oid[2:]
    assert place.stat().st_mode & 0o777 == 0o444
    before = place.stat()
    assert write_object(str(folder), "blob", data) == oid
    assert place.stat() == before, "what is there is not written again"
    assert not list(folder.rglob(f"{DRAFT}*"))


def test_whole_commits_pass_gits_own_check(person: GitRepository) -> None:
    folder = str(person.root / ".git/objects")
    who = b"a <b@c> 1 +0000"
    blob = write_object(folder, "blob", b"x")
    tree = write_object(folder, "tree", b"100644 x\0" + bytes.fromhex(blob))
    raw = b"tree %b\nauthor %b\ncommitter %b\n\nm\n" % (tree.encode(), who, who)
    kinds: list[tuple[str, Kind]] = [
        (tree, "tree"),
        (write_object(folder, "commit", raw), "commit"),
    ]
    for oid, kind in kinds:
        assert person.git("cat-file", "-t", oid).strip() == kind
    person.git("fsck", "--strict", kinds[1][0])


def test_an_object_that_a_power_cut_left_empty_is_written_anew(person: GitRepository) -> None:
    folder = person.root / ".git/objects"
    oid = write_object(str(folder), "blob", b"kept")
    place = folder / oid[:2] / oid[2:]
    place.unlink()
    place.touch()
    write_object(str(folder), "blob", b"kept")
    assert person.git_bytes("cat-file", "blob", oid) == b"kept"


def test_a_ref_moves_under_its_lock_or_not_at_all(tmp_path: Path) -> None:
    place = tmp_path / "refs/longshift/R1/head"
    lock = place.with_name("head.lock")

    def held() -> bool:
        assert lock.exists(), "whoever asks where it stands holds the lock"
        return True

    def fails() -> bool:
        raise KeyError

    assert swap_ref(place, "a" * 40, held)
    assert not swap_ref(place, "b" * 40, lambda: False)
    with pytest.raises(KeyError):
        swap_ref(place, "b" * 40, fails)
    assert place.read_text() == "a" * 40 + "\n"
    assert not lock.exists()
    lock.touch()
    with pytest.raises(FileExistsError):
        swap_ref(place, "b" * 40, held)
    assert lock.exists(), "another process's"
    assert place.read_text() == "a" * 40 + "\n"
