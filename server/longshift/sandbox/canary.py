"""The proof that a cage holds, before the first command of a model runs in it.

Owns one harmless command that goes every known way out (`escapes`), and the judgement of what it
reports. One success closes the cage. Believes no argument list and no version: only what the
kernel says of a process inside, and what can be reached there.
"""

import re
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Protocol

from longshift.sandbox.aviary import Aviary
from longshift.sandbox.escapes import WAYS, Way
from longshift.sandbox.mounts import shown_mounts
from longshift.sandbox.policy import CHECKOUT, HOME, Cage, CommandResult, SandboxPolicy
from longshift.sandbox.process import in_thread

OUTPUT_BYTES = 1 << 20
"""What the canary may say: its mounts alone can be thousands of lines."""

_TIMEOUT_S = 20.0

_ENVIRONMENT = frozenset(
    ("PATH", "HOME", "TMPDIR", "USER", "LOGNAME", "LANG", "TERM", "NO_COLOR", "PWD", "_")
)
_WRITABLE = (CHECKOUT, HOME, "/tmp", "/proc", "/dev/shm", "/dev/pts")  # noqa: S108 - inside the cage
_NAMESPACES = ("user", "pid", "mnt", "ipc", "uts", "net")

_SCRIPT = """
for n in user pid mnt ipc uts net; do echo "ns $n $(readlink /proc/self/ns/$n)"; done
sed 's/^/mount /' /proc/self/mountinfo
sed 's/^/status /' /proc/self/status
sed 's/^/limit /' /proc/self/limits
env | sed 's/^/env /'
for f in /proc/self/fd/*; do echo "fd ${{f##*/}}"; done
echo {nonce} > made
exec {interpreter} -I -S -B escapes.py
"""


class Provable(Cage, Protocol):
    """A cage that says what it claims to hold."""

    @property
    def has_namespaces(self) -> bool:
        """Whether it shows a machine of its own."""

    @property
    def interpreter(self) -> Path:
        """A Python that commands can run there."""

    def claims(self, way: Way) -> bool:
        """Whether it holds a way; one that it does not must stand in its profile."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """What the canary said inside, and what it left outside."""

    result: CommandResult
    claims: Callable[[Way], bool]
    has_namespaces: bool
    wrote_inside: bool
    """Whether it could make a file in its checkout, as every command may."""

    is_root: bool
    """Whether that file belongs to the machine's root."""

    own_namespaces: dict[str, str]
    """Longshift's own, by kind: those that the canary must not share."""

    def said(self, kind: str) -> list[str]:
        """The lines of one kind, without its name."""
        start = f"{kind} "
        lines = self.result.output.splitlines()
        return [line.removeprefix(start) for line in lines if line.startswith(start)]

    def mounts(self) -> list[tuple[str, list[str]]]:
        """Where something is mounted inside, and with which options."""
        lines = [line.split(" ") for line in self.said("mount")]
        return [(_unescaped(line[4]), line[5].split(",")) for line in lines if len(line) > 5]


Check = Callable[[Sighting, SandboxPolicy], Sequence[str]]


async def prove(cage: Provable, policy: SandboxPolicy) -> list[str]:
    """Let the canary try to get out.

    Returns:
        What it managed that it must not, and what it could not do that a command needs; empty
        where the cage holds.

    Raises:
        NeedsPerson: the cage could not even be built.
        OSError: the canary's own files could not be made.
    """
    aviary = await in_thread(lambda: Aviary(cage.owner, policy))
    try:
        interpreter = shlex.quote(str(cage.interpreter))
        script = _SCRIPT.format(nonce=aviary.nonce, interpreter=interpreter)
        result = await cage.run(script, aviary.checkout, timeout_s=_TIMEOUT_S)
        sighting = await in_thread(lambda: _look(aviary, cage, result))
    finally:
        await in_thread(aviary.remove)
    checks = _CHECKS if cage.has_namespaces else _CHECKS_ALONE
    return [leak for check in checks for leak in check(sighting, policy)]


def ways_gone(output: str) -> dict[str, str]:
    """How each way went, by its name: `out`, or `held` and why."""
    told = [line.split(" ", 2) for line in output.splitlines() if line.startswith("way ")]
    return {WAYS[int(number)].name: how for _, number, how in told}


def _look(aviary: Aviary, cage: Provable, result: CommandResult) -> Sighting:
    """See what the canary left."""
    made = aviary.checkout / "made"
    works = made.is_file() and made.read_text().strip() == aviary.nonce
    return Sighting(
        result=result,
        claims=cage.claims,
        has_namespaces=cage.has_namespaces,
        wrote_inside=works,
        is_root=works and made.lstat().st_uid == 0,
        own_namespaces={
            kind: str(Path(f"/proc/self/ns/{kind}").readlink()) for kind in _NAMESPACES
        },
    )


def _runs_commands(sighting: Sighting, _policy: SandboxPolicy) -> list[str]:
    result = sighting.result
    if sighting.wrote_inside and result.exit_status == 0:
        return []
    last_words = result.output.strip()[-300:]
    return [f"commands do not work in it (status {result.exit_status}: {last_words})"]


def _holds_every_way(sighting: Sighting, policy: SandboxPolicy) -> list[str]:
    went = ways_gone(sighting.result.output)
    leaks = [
        f"it can {way.name}"
        for way in WAYS
        if went.get(way.name) == "out"
        and sighting.claims(way)
        and not (policy.network and way.kind == "internet")
    ]
    untried = len(WAYS) - len(went)
    return [*leaks, f"{untried} ways out could not be tried in it"] if untried else leaks


def _is_nobody(sighting: Sighting, _policy: SandboxPolicy) -> list[str]:
    status = dict(line.split(":\t", 1) for line in sighting.said("status") if ":\t" in line)
    # Without namespaces nobody may empty the bounding set; what it bounds can't be gained anyway.
    sets = (
        "CapInh",
        "CapPrm",
        "CapEff",
        "CapAmb",
        *(["CapBnd"] if sighting.has_namespaces else []),
    )
    leaks = [f"it has capabilities ({name})" for name in sets if int(status.get(name, "1"), 16)]
    if status.get("NoNewPrivs") != "1":
        leaks.append("it can gain rights from set-user-id programs")
    if sighting.is_root:
        leaks.append("it is the machine's root")
    return leaks


def _has_own_namespaces(sighting: Sighting, policy: SandboxPolicy) -> list[str]:
    seen = dict(line.split(" ", 1) for line in sighting.said("ns") if " " in line)
    own = dict(sighting.own_namespaces)
    if policy.network:
        del own["net"]
    shared = [kind for kind, name in own.items() if seen.get(kind) in (None, "", name)]
    return [f"it shares the machine's {kind} namespace" for kind in shared]


def _shows_only_the_list(sighting: Sighting, policy: SandboxPolicy) -> list[str]:
    # /etc is one mount where a cage stands in an anteroom; its parts are still looked at.
    listed = {*_WRITABLE, "/dev", *(mount.destination for mount in shown_mounts(policy))}
    extra = [
        path
        for path, _ in sighting.mounts()
        if path not in ("/", "/etc")
        and not listed.intersection(map(str, (path, *PurePosixPath(path).parents)))
    ]
    return [f"it is shown {path}" for path in extra]


def _mounts_read_only(sighting: Sighting, _policy: SandboxPolicy) -> list[str]:
    mounts = sighting.mounts()
    writable = [path for path, options in mounts if "rw" in options]
    leaks = [f"it can write to {path}" for path in writable if path not in _WRITABLE + _DEVICES]
    return leaks if mounts else ["its mounts could not be seen"]


def _is_limited(sighting: Sighting, policy: SandboxPolicy) -> list[str]:
    limits = {line[:26].strip(): line[26:].split()[:2] for line in sighting.said("limit")}
    wanted = {
        "Max data size": policy.memory_bytes,
        "Max file size": policy.file_bytes,
        "Max cpu time": policy.cpu_s,
        "Max processes": policy.processes,
    }
    if not sighting.has_namespaces:
        del wanted["Max processes"]  # all that the user runs counts; a way out asks for it
    broken = [name for name, value in wanted.items() if limits.get(name) != [str(value)] * 2]
    return [f"it has no {name.removeprefix('Max ')} limit" for name in broken]


def _inherits_nothing(sighting: Sighting, _policy: SandboxPolicy) -> list[str]:
    names = {line.partition("=")[0] for line in sighting.said("env")}
    leaks = [f"it sees the variable {name}" for name in sorted(names - _ENVIRONMENT)]
    # 3 is the listing itself.
    files = [line for line in sighting.said("fd") if line not in ("0", "1", "2", "3")]
    return [*leaks, *(f"it inherits the open file {number}" for number in files)]


def _unescaped(path: str) -> str:
    """A path as the kernel writes it in its table of mounts, with blanks as octal numbers."""
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), path)


_DEVICES = tuple(f"/dev/{name}" for name in ("null", "zero", "full", "random", "urandom", "tty"))

_CHECKS_ALONE: Sequence[Check] = (
    _runs_commands,
    _holds_every_way,
    _is_nobody,
    _is_limited,
    _inherits_nothing,
)
_CHECKS: Sequence[Check] = (
    _runs_commands,
    _holds_every_way,
    _is_nobody,
    _has_own_namespaces,
    _shows_only_the_list,
    _mounts_read_only,
    _is_limited,
    _inherits_nothing,
)
