"""The canary closes every cage that is weaker than it should be."""

import asyncio
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest

from longshift.sandbox import bubblewrap, canary, confinement, landlock, mounts
from longshift.sandbox.cage import Cage, Refusal, SandboxPolicy, open_cage
from longshift.sandbox.escapes import Way
from longshift.sandbox.plain import PlainCage
from tests.support import sandbox_escapes

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
        return replace(policy, mode="bubblewrap", bwrap_path=path)

    return make


async def test_the_wrapper_alone_changes_nothing(weak_policy: Callable[..., SandboxPolicy]) -> None:
    assert not isinstance(await open_cage(weak_policy("--no-such-option")), Refusal)


@pytest.mark.parametrize(
    ("pattern", "action", "leak"),
    [
        ("--unshare-net", ":", "it shares the machine's net namespace"),
        ("--unshare-ipc", ":", "it shares the machine's ipc namespace"),
        ("--disable-userns|filter=*", ":", "it can make a user namespace"),
        ("--unshare-pid|--as-pid-1", ":", "it shares the machine's pid namespace"),
        ("filter=*", ":", "it can use the keyring"),
        ("--remount-ro", "shift; count=$((count - 1))", "it can write to /"),
        ("--clearenv", 'set -- "$@" --setenv TOKEN secret; :', "it sees the variable"),
        ("--new-session", 'set -- "$@" --ro-bind / /all', "it is shown /all"),
        ("limit=6:*", ":", "it has no processes limit"),
        ("limit=1:*", ":", "it has no file size limit"),
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


async def test_a_bubblewrap_that_fails_is_quoted(
    weak_policy: Callable[..., SandboxPolicy],
) -> None:
    refusal = await open_cage(weak_policy("--unshare-user", "echo no user namespaces >&2; exit 1"))

    assert isinstance(refusal, Refusal)
    assert "bubblewrap says: no user namespaces" in refusal.reason
    assert "unprivileged_userns" in refusal.remedy


@pytest.mark.parametrize(
    "pattern", ["--disable-userns", "allow=*|ruleset=*|restrict=*", "--cap-drop"]
)
async def test_one_layer_holds_where_another_is_missing(
    weak_policy: Callable[..., SandboxPolicy], pattern: str
) -> None:
    """Whoever takes one layer away has not got out yet."""
    action = "shift; count=$((count - 1))" if pattern == "--cap-drop" else ":"
    cage = await open_cage(weak_policy(pattern, action))

    assert not isinstance(cage, Refusal), cage.message


BROKEN = {
    "does nothing": ("exit 0", "bubblewrap says: nothing"),
    "lies about the end": (
        """while [ "$1" != --json-status-fd ]; do shift; done
        echo '{"exit-code": 0, "confined": 1}' >&$2""",
        "commands do not work in it",
    ),
    "is no program": ("\177", "could not be built"),
    "runs the command uncaged": (
        """while [ "$1" != --json-status-fd ]; do shift; done; fd=$2
        while :; do case $1 in */python*) break ;; *) shift ;; esac; done
        "$@"; echo '{"exit-code": 0}' >&$fd""",
        "it shares the machine's user namespace",
    ),
}
"""What a bwrap on PATH may be, and what is said of it."""


@pytest.mark.parametrize("kind", BROKEN)
async def test_a_broken_or_hostile_bubblewrap_is_closed(
    caged: Cage, policy: SandboxPolicy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    script, said = BROKEN[kind]
    path = tmp_path / "bwrap"
    path.write_text(f"#!/bin/bash\ntest $# = 1 && exit  # asked for its version\n{script}\n")
    path.chmod(0o755)
    refusal = await open_cage(replace(policy, mode="bubblewrap", bwrap_path=path))

    assert isinstance(refusal, Refusal)
    assert said in refusal.reason


async def test_without_landlock_the_stronger_cage_still_holds(
    caged: Cage, policy: SandboxPolicy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(landlock, "kernel_version", lambda: 0)
    stronger = await open_cage(replace(policy, mode="bubblewrap"))
    weaker = await open_cage(replace(policy, mode="landlock"))

    assert not isinstance(stronger, Refusal)
    assert "no Landlock in this kernel" in stronger.profile
    assert isinstance(weaker, Refusal)
    assert "Landlock switched on" in weaker.reason
    assert "install bubblewrap" in weaker.remedy


@pytest.mark.parametrize("version", [1, 3, 5])
async def test_the_weaker_cage_of_an_older_kernel_says_what_it_lacks(
    alone: Cage, policy: SandboxPolicy, monkeypatch: pytest.MonkeyPatch, version: int
) -> None:
    """What its filter holds suffices for what it still claims."""
    monkeypatch.setattr(landlock, "kernel_version", lambda: version)
    cage = await open_cage(replace(policy, mode="landlock"))

    assert not isinstance(cage, Refusal), cage.message
    assert "can send signals to its user's processes" in cage.profile
    assert ("can empty its user's files" in cage.profile) == (version < 3)


async def test_on_another_processor_nothing_runs(
    policy: SandboxPolicy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    refusal = await open_cage(policy)

    assert isinstance(refusal, Refusal)
    assert "riscv64" in refusal.reason


@pytest.mark.parametrize("mode", ["bubblewrap", "landlock"])
async def test_without_a_python_to_show_nothing_runs(
    caged: Cage,
    policy: SandboxPolicy,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    mode: Literal["bubblewrap", "landlock"],
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setattr(confinement, "_SYSTEM_PYTHONS", ())
    refusal = await open_cage(replace(policy, mode=mode, tool_prefixes=()))

    assert isinstance(refusal, Refusal)
    assert "needs a Python" in refusal.reason
    assert "python3" in refusal.remedy


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mask a part of /proc")
def test_where_proc_is_masked_the_weaker_cage_is_taken(caged: Cage, alone: Cage) -> None:
    """As container engines do; then the kernel refuses a new /proc to a user namespace."""
    script = 'mount --make-rprivate / && mount --bind /dev/null /proc/timer_list && exec "$@"'
    told = subprocess.run(
        [
            "unshare",
            "--mount",
            "/bin/sh",
            "-c",
            script,
            "sh",
            sys.executable,
            sandbox_escapes.__file__,
            "bubblewrap",
            "auto",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if told.returncode != 0 and "timer_list" in told.stderr:
        pytest.skip("no such file in this /proc")
    seen = json.loads(told.stdout)

    assert "Can't mount proc" in seen["bubblewrap"]["profile"]
    assert "/proc is masked" in seen["bubblewrap"]["profile"]
    assert seen["auto"]["profile"].startswith("weaker cage")
    assert "Can't mount proc" in seen["auto"]["profile"]


async def test_without_bubblewrap_the_person_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    refusal = await open_cage(SandboxPolicy(mode="bubblewrap"))

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


class Boastful(PlainCage):
    """No cage that claims to be the best."""

    has_namespaces = True
    interpreter = Path(sys.executable)

    def claims(self, way: Way) -> bool:
        return True


async def test_no_cage_at_all_is_seen_through(policy: SandboxPolicy) -> None:
    loud = replace(policy, mode="none", output_bytes=canary.OUTPUT_BYTES)
    leaks = await canary.prove(Boastful(loud), loud)

    assert {
        "it can read a file",
        "it can make a file",
        "it can connect by tcp",
        "it can send a signal",
        "it shares the machine's user namespace",
        "it shares the machine's pid namespace",
        "it shares the machine's mnt namespace",
        "it shares the machine's net namespace",
        "it can gain rights from set-user-id programs",
        "it has no processes limit",
    } <= set(leaks)
