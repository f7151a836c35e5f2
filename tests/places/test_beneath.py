"""Nothing outside a root is read or written, whatever is on the way and is swapped meanwhile."""

import os
from contextlib import suppress
from pathlib import Path

import pytest

from longshift.engine.ports import DiskPresent, set_executable, write_effects
from longshift.errors import NeedsPerson
from longshift.places import beneath
from longshift.review.shapes import DeleteFile, Effect, RenameFile, WriteFile
from tests.support.swapping import swapping

ROUNDS = 300
SECRET = b"outside"


@pytest.fixture(params=[True, False], ids=["by descriptors", "by paths"])
def relative(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Both ways down; the second is what Windows has."""
    monkeypatch.setattr(beneath, "RELATIVE", request.param)
    return request.param


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/x").write_bytes(SECRET)
    (tmp_path / "outside/x").chmod(0o600)
    (tmp_path / "root/d/deep").mkdir(parents=True)
    (tmp_path / "root/d/x").write_bytes(b"inside")
    (tmp_path / "root/a").write_bytes(b"a")
    (tmp_path / "root/out").symlink_to(tmp_path / "outside")
    (tmp_path / "root/in").symlink_to("d")
    (tmp_path / "root/d/file").symlink_to(tmp_path / "outside/x")
    (tmp_path / "root/.git").mkdir()
    return tmp_path / "root"


def outside(root: Path) -> dict[str, tuple[bytes, int]]:
    return {
        one.name: (one.read_bytes(), one.stat().st_mode & 0o777)
        for one in (root.parent / "outside").iterdir()
    }


UNTOUCHED = {"x": (SECRET, 0o600)}


@pytest.mark.parametrize(
    "effect",
    [
        WriteFile("out/new", b"new", 0o100644),
        WriteFile("out/x", b"new", 0o100755),
        WriteFile("in/../../outside/x", b"new", 0o100644),
        WriteFile("../outside/x", b"new", 0o100644),
        WriteFile("in/x", b"new", 0o100644),
        WriteFile("out/link", b"x", 0o120000),
        WriteFile("out/deep/er", b"new", 0o100644),
        WriteFile(".git/hooks/post-checkout", b"#!/bin/sh\n", 0o100755),
        WriteFile("d/.GIT/config", b"x", 0o100644),
        DeleteFile("out/x"),
        DeleteFile("../outside/x"),
        RenameFile("out/x", "stolen"),
        RenameFile("a", "out/a"),
    ],
    ids=str,
)
def test_nothing_is_written_through_a_link(relative: bool, root: Path, effect: Effect) -> None:
    before = sorted(root.rglob("*"))
    with pytest.raises(NeedsPerson, match=r"could not be written: .*(symbolic link|leads out)"):
        write_effects(root, [effect])
    assert outside(root) == UNTOUCHED
    assert sorted(root.rglob("*")) == before
    assert (root / "d/x").read_bytes() == b"inside"


def test_a_link_itself_is_replaced_and_deleted(relative: bool, root: Path) -> None:
    write_effects(root, [WriteFile("d/file", b"mine", 0o100644), DeleteFile("out")])
    set_executable(root, "in", executable=True)
    assert outside(root) == UNTOUCHED
    assert (root / "d/file").read_bytes() == b"mine"
    assert not (root / "d/file").is_symlink()
    assert not (root / "out").is_symlink()


def test_executable_bits_are_of_files_below_the_root_alone(relative: bool, root: Path) -> None:
    for path in ("d/file", "out/x", "../outside/x", "missing", "d/x"):
        set_executable(root, path, executable=True)
    assert outside(root) == UNTOUCHED
    assert os.access(root / "d/x", os.X_OK)
    set_executable(root, "d/x", executable=False)
    assert not (root / "d/x").stat().st_mode & 0o111


@pytest.mark.parametrize("path", ["out/x", "in/x", "out/missing", "missing/x", "a/x"])
def test_nothing_is_read_through_a_link(relative: bool, root: Path, path: str) -> None:
    assert DiskPresent(root).read(path) is None
    assert DiskPresent(root).mode(path) is None


@pytest.mark.parametrize("path", ["../outside/x", "d/../../outside/x", ".git/config", "/a"])
def test_a_path_that_leads_out_shows_nothing_of_what_is_there(
    relative: bool, root: Path, path: str
) -> None:
    file = DiskPresent(root).read(path)
    assert file is not None
    assert file.data == b"\0"


def test_folders_that_need_not_be_readable_are_walked_through(relative: bool, root: Path) -> None:
    (root / "d/deep/y").write_bytes(b"y")
    (root / "d").chmod(0o311)
    try:
        file = DiskPresent(root).read("d/deep/y")
        write_effects(root, [WriteFile("d/deep/z", b"z", 0o100644), DeleteFile("d/deep/y")])
    finally:
        (root / "d").chmod(0o755)
    assert file is not None
    assert file.data == b"y"
    assert [one.name for one in (root / "d/deep").iterdir()] == ["z"]


@pytest.mark.skipif(not beneath.RELATIVE, reason="no files relative to a folder here")
def test_a_folder_that_is_swapped_for_a_link_is_never_written_through(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", lambda _file: None)  # what survives a crash is not asked here
    effects: list[Effect] = [
        WriteFile("d/x", b"written", 0o100644),
        WriteFile("d/deep/new", b"written", 0o100755),
        WriteFile("d/link", b"x", 0o120000),
        WriteFile("moved", b"moved", 0o100644),
        RenameFile("moved", "d/moved"),
        DeleteFile("d/x"),
    ]
    with swapping(root, "d", root.parent / "outside"):
        for _ in range(ROUNDS):
            for effect in effects:
                with suppress(NeedsPerson):
                    write_effects(root, [effect])
            set_executable(root, "d/x", executable=True)
    assert outside(root) == UNTOUCHED


@pytest.mark.skipif(not beneath.RELATIVE, reason="no files relative to a folder here")
def test_a_folder_that_is_swapped_for_a_link_is_never_read_through(root: Path) -> None:
    present = DiskPresent(root)
    with swapping(root, "d", root.parent / "outside"):
        files = [present.read("d/x") for _ in range(10 * ROUNDS)]
    assert SECRET not in {file.data for file in files if file is not None}
