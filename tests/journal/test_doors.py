"""Who may stand before the owner's door."""

import os
import socket
from pathlib import Path

import pytest

from longshift.errors import NeedsPerson
from longshift.journal import doors


def make_link(folder):
    folder.symlink_to(folder.parent)


@pytest.mark.parametrize(
    ("make", "wrong"),
    [
        (lambda folder: None, None),
        (lambda folder: folder.mkdir(mode=0o700), None),
        (lambda folder: folder.mkdir(mode=0o755), "is open to other users"),
        (lambda folder: folder.mkdir(mode=0o770), "is open to other users"),
        (lambda folder: folder.write_text(""), "is no folder"),
        (make_link, "is no folder"),
    ],
    ids=["missing", "private", "readable", "group", "file", "link"],
)
def test_only_a_private_folder_is_taken(make, wrong, short_dir):
    folder = short_dir / "longshift"
    make(folder)
    if wrong is None:
        doors.require_private(folder)
        assert folder.stat().st_mode & 0o777 == 0o700
    else:
        with pytest.raises(NeedsPerson, match=wrong):
            doors.require_private(folder)


def test_a_folder_of_another_user_is_refused(short_dir, monkeypatch):
    folder = short_dir / "longshift"
    folder.mkdir(mode=0o700)
    monkeypatch.setattr(os, "getuid", lambda: folder.stat().st_uid + 1)
    with pytest.raises(NeedsPerson, match="belongs to another user"):
        doors.require_private(folder)


@pytest.mark.parametrize(("offset", "is_own"), [(0, True), (1, False)])
def test_the_kernel_says_who_is_at_the_other_end(offset, is_own):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert doors.is_own_peer(ours, os.getuid() + offset) is is_own


FALLBACK = f"longshift-{os.getuid()}"


@pytest.mark.parametrize(
    ("given", "temporary", "expected"),
    [
        ("{base}/run", "{base}/tmp", "{base}/run/longshift"),
        (None, "{base}/tmp", "{base}/tmp/{fallback}"),
        ("", "{base}/tmp", "{base}/tmp/{fallback}"),
        ("relative", "{base}/tmp", "{base}/tmp/{fallback}"),
        ("{base}/missing", "{base}/tmp", "{base}/tmp/{fallback}"),
        ("{base}/fits{fill}", "{base}/tmp", "{base}/fits{fill}/longshift"),
        ("{base}/fits{fill}x", "{base}/tmp", "{base}/tmp/{fallback}"),
        ("{base}/fits{fill}x", "{base}/fits{fill}", "/tmp/{fallback}"),
    ],
)
def test_the_socket_goes_where_it_can_be_made_and_its_path_is_short_enough(
    given, temporary, expected, short_dir, monkeypatch
):
    room = doors.MOST_PATH_BYTES - len(f"{short_dir}/fits/longshift/0123456789abcdef.sock")
    words = {"base": short_dir, "fill": "l" * room, "fallback": FALLBACK}
    for name in ("run", "tmp", "fits{fill}", "fits{fill}x"):
        (short_dir / name.format(**words)).mkdir()
    monkeypatch.setattr("tempfile.gettempdir", lambda: temporary.format(**words))
    if given is None:
        monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    else:
        monkeypatch.setenv("XDG_RUNTIME_DIR", given.format(**words))
    found = doors.runtime_dir()
    assert found == Path(expected.format(**words))
    assert len(os.fsencode(found / "0123456789abcdef.sock")) <= doors.MOST_PATH_BYTES


@pytest.mark.parametrize(
    ("address", "shown"),
    [("/run/a:b.sock", "/run/a:b.sock"), ("tcp:4711:5ecre7", "tcp:4711")],
)
def test_an_address_is_shown_without_its_secret(address, shown):
    assert doors.shown(address) == shown


def modes(folder):
    return [file.stat().st_mode & 0o777 for file in folder.iterdir()]


async def test_repositories_have_doors_of_their_own(short_dir, tmp_path):
    opened = [doors.UnixDoor(tmp_path / name, runtime_dir=short_dir) for name in "ab"]
    addresses = [await door.open(lambda reader, writer: None) for door in opened]
    assert len(set(addresses)) == 2
    assert modes(short_dir) == [0o600, 0o600]
    for door in opened:
        await door.close()
    assert modes(short_dir) == []


async def test_a_door_that_can_not_be_opened_is_named(tmp_path):
    door = doors.UnixDoor(tmp_path, runtime_dir=tmp_path / "missing" / "folder")
    with pytest.raises(NeedsPerson, match="No control socket could be opened at"):
        await door.open(lambda reader, writer: None)
    await door.close()


async def test_no_door_is_opened_where_others_can_enter(short_dir, tmp_path):
    short_dir.chmod(0o755)
    door = doors.UnixDoor(tmp_path, runtime_dir=short_dir)
    with pytest.raises(NeedsPerson, match="is open to other users"):
        await door.open(lambda reader, writer: None)
    await door.close()
    assert modes(short_dir) == []
