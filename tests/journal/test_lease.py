"""One owner for each repository, in real processes."""

import json
import os
import shutil
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

import longshift
from longshift.errors import NeedsPerson
from longshift.journal.lease import Lease, OwnerAlive

STARTED = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def state_dir(tmp_path):
    return tmp_path / "state"


def acquire(state_dir):
    return Lease.acquire(state_dir, clock=lambda: STARTED)


def test_the_second_learns_who_is_first_and_where_its_door_is(state_dir):
    with acquire(state_dir) as lease:
        assert lease.is_held()
        expected = {"pid": os.getpid(), "started": STARTED, "version": longshift.__version__}
        assert acquire(state_dir) == OwnerAlive(address=None, **expected)
        lease.announce("/run/door.sock")
        assert acquire(state_dir) == OwnerAlive(address="/run/door.sock", **expected)
        assert stat.S_IMODE((state_dir / "owner.json").stat().st_mode) == 0o600
    assert not lease.is_held()
    assert not (state_dir / "owner.json").exists()
    with acquire(state_dir) as following:
        lease.release()  # again, and of no effect on the present owner
        assert isinstance(acquire(state_dir), OwnerAlive)
        assert following.is_held()


def test_of_two_processes_that_race_one_wins(state_dir, child):
    racers = [child("own", state_dir) for _ in range(4)]
    for racer in racers:
        assert racer.stdout.readline() == "ready\n"
    for racer in racers:
        racer.stdin.write("go\n")
        racer.stdin.flush()
    answers = [racer.stdout.readline().strip() for racer in racers]
    (winner,) = (racer for racer, said in zip(racers, answers, strict=True) if said == "owner")
    assert sorted(answers) == sorted(["owner", *[f"other {winner.pid}"] * 3])


@pytest.mark.parametrize("death", ["kill", "release"])
def test_the_lease_ends_with_its_owner(death, state_dir, child):
    owner = child("own", state_dir)
    owner.stdin.write("go\n")
    owner.stdin.flush()
    assert [owner.stdout.readline() for _ in range(2)] == ["ready\n", "owner\n"]
    assert acquire(state_dir).pid == owner.pid
    if death == "kill":
        owner.kill()
    else:
        owner.stdin.close()
    owner.wait()
    assert (state_dir / "owner.json").exists() is (death == "kill")
    with acquire(state_dir) as lease:
        # The dead owner's record is not taken for the new one's.
        assert acquire(state_dir) == OwnerAlive(os.getpid(), None, STARTED, longshift.__version__)
        assert lease.is_held()


@pytest.mark.parametrize("record", [None, "", "{}", "no json", '{"pid": "x"}'])
def test_a_record_that_someone_broke_does_not_hide_the_owner(record, state_dir):
    with acquire(state_dir):
        if record is None:
            (state_dir / "owner.json").unlink()
        else:
            (state_dir / "owner.json").write_text(record)
        other = acquire(state_dir)
        assert (other.pid, other.address) == (0, None)


def test_a_newer_record_is_read_as_far_as_it_is_known(state_dir):
    with acquire(state_dir):
        path = state_dir / "owner.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | {"mood": "good"}))
        assert acquire(state_dir).pid == os.getpid()


def test_deleting_the_folder_by_hand_ends_the_ownership_and_harms_nothing(state_dir):
    first = acquire(state_dir)
    shutil.rmtree(state_dir)
    assert not first.is_held()
    with pytest.raises(NeedsPerson, match="deleted"):
        first.announce("/run/first.sock")
    with acquire(state_dir) as second:
        second.announce("/run/second.sock")
        with pytest.raises(NeedsPerson, match="deleted"):
            first.announce("/run/first.sock")
        first.release()
        assert second.is_held()
        assert acquire(state_dir).address == "/run/second.sock"
    first = acquire(state_dir)
    shutil.rmtree(state_dir)
    first.release()
    assert not state_dir.exists()


def test_a_record_that_can_not_be_written_leaves_nobody_owning(state_dir):
    (state_dir / "owner.json.new").mkdir(parents=True)
    with pytest.raises(NeedsPerson, match="Nothing was started"):
        acquire(state_dir)
    (state_dir / "owner.json.new").rmdir()
    with acquire(state_dir) as lease:
        assert lease.is_held()


def test_no_descriptor_is_left_open(state_dir):
    before = len(list(Path("/dev/fd").iterdir()))
    for _ in range(3):
        with acquire(state_dir):
            acquire(state_dir)
    assert len(list(Path("/dev/fd").iterdir())) == before


def test_a_folder_that_can_not_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(NeedsPerson, match=r"could not be taken at .*/file/state"):
        acquire(tmp_path / "file" / "state")
