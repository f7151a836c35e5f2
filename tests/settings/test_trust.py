"""Trust is the person's, is kept outside the project, and ends when the configuration changes."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from longshift.errors import NeedsPerson, UsageError
from longshift.settings import Trust, fingerprint
from longshift.settings.sources import read_project

BEFORE = {"longshift.toml": "checks = ['make']"}
TABLE = "[tool.longshift]\nworkers = 2\n"


@pytest.fixture
def trust(tmp_path: Path) -> Trust:
    return Trust(tmp_path / "data" / "trust")


def write(root: Path, files: dict[str, str | None]) -> None:
    for name, text in files.items():
        if text is None:
            (root / name).unlink()
        else:
            (root / name).write_text(text, encoding="utf-8")


def test_nothing_is_trusted_until_someone_says_so(trust: Trust, root: Path) -> None:
    write(root, BEFORE)
    assert trust.standing(root) == "untrusted"
    trust.trust(root)
    assert trust.is_trusted(root)
    assert Trust(trust.folder).is_trusted(root)
    assert trust.revoke(root)
    assert trust.standing(root) == "untrusted"
    assert not trust.revoke(root)


CHANGES: dict[str, tuple[dict[str, str | None], dict[str, str | None], str]] = {
    "edited": (dict(BEFORE), {"longshift.toml": "checks = ['evil']"}, "changed"),
    "removed": (dict(BEFORE), {"longshift.toml": None}, "changed"),
    "added": ({}, dict(BEFORE), "changed"),
    "a file that takes over": ({"pyproject.toml": TABLE}, {"longshift.toml": ""}, "changed"),
    "our table": ({"pyproject.toml": TABLE}, {"pyproject.toml": TABLE + "resume='ask'"}, "changed"),
    "text for a number": (
        {"longshift.toml": "[budget]\nusd = 1.5"},
        {"longshift.toml": "[budget]\nusd = '1.5'"},
        "changed",
    ),
    "other tables": (
        {"pyproject.toml": TABLE},
        {"pyproject.toml": "[project]\nname = 'x'\n" + TABLE},
        "trusted",
    ),
    "a comment": (dict(BEFORE), {"longshift.toml": "# why\nchecks = ['make']"}, "trusted"),
    "a source file": (dict(BEFORE), {"main.py": "print()"}, "trusted"),
}


@pytest.mark.parametrize(("before", "after", "standing"), CHANGES.values(), ids=CHANGES.keys())
def test_a_changed_configuration_ends_trust(
    trust: Trust,
    root: Path,
    before: dict[str, str | None],
    after: dict[str, str | None],
    standing: str,
) -> None:
    write(root, before)
    trust.trust(root)
    write(root, after)
    assert trust.standing(root) == standing


def test_trust_is_of_one_folder_by_any_name(trust: Trust, root: Path, tmp_path: Path) -> None:
    write(root, BEFORE)
    other, link = tmp_path / "other", tmp_path / "link"
    other.mkdir()
    write(other, BEFORE)
    link.symlink_to(root, target_is_directory=True)
    trust.trust(link)
    assert trust.is_trusted(root)
    assert not trust.is_trusted(other)
    trust.trust(other)
    trust.revoke(root)
    assert trust.is_trusted(other)


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "emptied": lambda data: b"",
    "cut off": lambda data: data[: len(data) // 2],
    "not JSON": lambda data: b"\x00\xff",
    "of a later version": lambda data: data.replace(b'"version":1', b'"version":2'),
    "of another folder": lambda data: data.replace(b"/project", b"/projekt"),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_a_damaged_record_is_no_trust(
    trust: Trust, root: Path, damage: Callable[[bytes], bytes]
) -> None:
    trust.trust(root)
    (record,) = trust.folder.iterdir()
    damaged = damage(record.read_bytes())
    assert damaged != record.read_bytes()
    record.write_bytes(damaged)
    assert trust.standing(root) == "untrusted"
    trust.trust(root)
    assert trust.is_trusted(root)


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
def test_records_are_the_person_s_alone(trust: Trust, root: Path) -> None:
    trust.trust(root)
    (record,) = trust.folder.iterdir()
    assert (record.stat().st_mode & 0o777, trust.folder.stat().st_mode & 0o777) == (0o600, 0o700)


def test_what_can_t_be_kept_is_said(root: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    trust = Trust(tmp_path / "file" / "trust")
    with pytest.raises(NeedsPerson, match="was not kept"):
        trust.trust(root)
    assert (trust.standing(root), trust.revoke(root)) == ("untrusted", False)


def test_a_project_can_t_hold_the_record_of_its_own_trust(root: Path) -> None:
    elsewhere, inside = Trust(root.parent / "data"), Trust(root / ".data" / "trust")
    elsewhere.trust(root)
    inside.folder.mkdir(parents=True)
    (record,) = elsewhere.folder.iterdir()
    (inside.folder / record.name).write_bytes(record.read_bytes())
    assert (elsewhere.standing(root), inside.standing(root)) == ("trusted", "untrusted")
    with pytest.raises(NeedsPerson, match=f"lies in {root} itself"):
        inside.trust(root)


def test_trust_is_of_the_very_file_that_was_read(trust: Trust, root: Path) -> None:
    write(root, BEFORE)
    trust.trust(root)
    trusts, seen = trust.for_file(root), read_project(root).file
    write(root, {"longshift.toml": "checks = ['evil']"})
    assert [trusts(seen), trusts(read_project(root).file), trusts(None)] == [True, False, False]


def test_what_changed_while_the_person_looked_is_not_trusted(trust: Trust, root: Path) -> None:
    write(root, BEFORE)
    seen = fingerprint(root)
    write(root, {"longshift.toml": "checks = ['evil']"})
    trust.trust(root, seen)
    assert trust.standing(root) == "changed"
    write(root, BEFORE)
    assert trust.is_trusted(root)


def test_a_broken_configuration_can_t_be_trusted(trust: Trust, root: Path) -> None:
    write(root, {"longshift.toml": "[broken"})
    with pytest.raises(UsageError, match="not valid TOML"):
        trust.trust(root)
    assert not trust.folder.exists()
