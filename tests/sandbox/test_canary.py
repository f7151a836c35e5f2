"""The canary closes every cage that is weaker than it should be."""

import asyncio
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from longshift.sandbox import bubblewrap, canary, mounts
from longshift.sandbox.cage import Cage, Refusal, SandboxPolicy, open_cage

# Hands its arguments to the real bubblewrap, all but those of the cage proper that it weakens.
WEAK = """#!/bin/sh
count=$#
while [ $count -gt 0 ]; do
    word=$1; shift; count=$((count - 1))
    case $word in
        {pattern}) {action} ;;
        *) set -- "$@" "$word" ;;
    esac
done
exec {bwrap} "$@"
"""


@pytest.fixture
def weak_policy(caged: Cage, policy: SandboxPolicy, tmp_path: Path) -> Callable[..., SandboxPolicy]:
    def make(pattern: str, action: str = ":") -> SandboxPolicy:
        path = tmp_path / "weak-bwrap"
        path.write_text(WEAK.format(pattern=pattern, action=action, bwrap=shutil.which("bwrap")))
        path.chmod(0o755)
        return replace(policy, bwrap_path=path)

    return make


async def test_the_wrapper_alone_changes_nothing(weak_policy: Callable[..., SandboxPolicy]) -> None:
    assert not isinstance(await open_cage(weak_policy("--no-such-option")), Refusal)


@pytest.mark.parametrize(
    ("pattern", "action", "leak"),
    [
        ("--unshare-net", ":", "it shares the machine's net namespace"),
        ("--unshare-ipc", ":", "it shares the machine's ipc namespace"),
        ("--disable-userns", ":", "it can make user namespaces of its own"),
        ("--remount-ro", "shift; count=$((count - 1))", "it can write to /"),
        ("--clearenv", 'set -- "$@" --setenv TOKEN secret; :', "it sees the variable"),
        ("--new-session", 'set -- "$@" --ro-bind / /all', "it is shown /all"),
        ("--nproc=*", ":", "it has no processes limit"),
        ("--fsize=*", ":", "it has no file size limit"),
    ],
)
async def test_a_weaker_cage_is_closed(
    weak_policy: Callable[..., SandboxPolicy], pattern: str, action: str, leak: str
) -> None:
    refusal = await open_cage(weak_policy(pattern, action))

    assert isinstance(refusal, Refusal)
    assert leak in refusal.reason
    assert "bubblewrap" in refusal.remedy


@pytest.mark.skipif(os.geteuid() != 0, reason="only root must become somebody else")
async def test_a_cage_of_real_root_is_closed(
    caged: Cage, policy: SandboxPolicy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What would happen if Longshift forgot that it runs as root."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    refusal = await open_cage(policy)

    assert isinstance(refusal, Refusal)
    assert "it is the machine's root" in refusal.reason
    assert "/proc/sys" in refusal.reason


async def test_a_bubblewrap_that_fails_is_quoted(
    weak_policy: Callable[..., SandboxPolicy],
) -> None:
    refusal = await open_cage(weak_policy("--unshare-user", "echo no user namespaces >&2; exit 1"))

    assert isinstance(refusal, Refusal)
    assert "bubblewrap says: no user namespaces" in refusal.reason
    assert "unprivileged_userns" in refusal.remedy


async def test_without_bubblewrap_the_person_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    refusal = await open_cage(SandboxPolicy())

    assert isinstance(refusal, Refusal)
    assert "bwrap" in refusal.reason
    assert "Install" in refusal.remedy


async def test_a_changed_cage_does_not_answer_for_its_command(
    caged: Cage, weak_policy: Callable[..., SandboxPolicy], tmp_path: Path
) -> None:
    """A cage that breaks after the canary raises instead of telling a command's exit status."""
    cage = await open_cage(weak_policy("--no-such-option"))
    assert not isinstance(cage, Refusal)
    weak_policy("--unshare-user", "echo broken >&2; exit 1")
    folder = tmp_path / "files"
    await asyncio.to_thread(folder.mkdir)

    with pytest.raises(bubblewrap.NeedsPerson, match="bubblewrap says: broken"):
        await cage.run("true", folder, timeout_s=20)


@pytest.mark.parametrize(
    ("prefix", "shown"),
    [
        ("{home}/tools", True),
        ("{home}", False),
        ("{home}/..", False),
        ("/", False),
        ("/usr", False),
        ("{home}/missing", False),
        ("/proc/self", False),
    ],
)
def test_prefixes_never_show_a_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, prefix: str, shown: bool
) -> None:
    (tmp_path / "home" / "tools").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    path = Path(prefix.format(home=tmp_path / "home"))
    policy = SandboxPolicy(tool_prefixes=(path,))

    assert mounts.exposable_prefixes(policy) == ([path] if shown else [])
    own = mounts.tool_path(policy).removesuffix("/usr/local/bin:/usr/bin:/bin")
    assert own == (f"{path}/bin:" if shown or prefix == "/usr" else "")


@pytest.mark.parametrize("way", ["link", "link/.."])
def test_prefixes_never_lead_to_a_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    (tmp_path / "home" / "tools").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "link").symlink_to(tmp_path / "home")

    assert mounts.exposable_prefixes(SandboxPolicy(tool_prefixes=(tmp_path / way,))) == []


async def test_no_cage_at_all_is_seen_through(plain: Cage, policy: SandboxPolicy) -> None:
    leaks = await canary.prove(plain, policy)

    assert {
        "it can read files outside its checkout",
        "it can write outside its checkout",
        "it shares the machine's user namespace",
        "it shares the machine's pid namespace",
        "it shares the machine's mnt namespace",
        "it shares the machine's net namespace",
        "it can gain rights from set-user-id programs",
        "it has no processes limit",
    } <= set(leaks)
