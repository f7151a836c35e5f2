"""The proof that a cage holds, before the first command of a model runs in it.

Owns one harmless command that tries to get out, and the judgement of what it reports. One
success closes the cage. Believes no argument list and no version: only what the kernel says of
a process inside, and what can be seen outside afterwards.
"""

import asyncio
import os
import re
import secrets
import shlex
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from longshift.sandbox.mounts import shown_mounts
from longshift.sandbox.policy import CHECKOUT, HOME, Cage, CommandResult, Owner, SandboxPolicy

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
for f in /proc/self/fd/*; do echo "fd ${f##*/}"; done
cat "$outside/secret"
(echo escaped > "$outside/written") 2>/dev/null
test -w /proc/sys/kernel/core_pattern && echo 'escape it can write to /proc/sys'
unshare --user true 2>/dev/null && echo 'escape it can make user namespaces of its own'
echo $nonce > made
"""


@dataclass(frozen=True, slots=True)
class Sighting:
    """What the canary said inside, and what it left outside."""

    result: CommandResult
    secret: str
    wrote_outside: bool
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


async def prove(cage: Cage, policy: SandboxPolicy) -> list[str]:
    """Let the canary try to get out.

    Returns:
        What it managed that it must not, and what it could not do that a command needs; empty
        where the cage holds.

    Raises:
        NeedsPerson: the cage could not even be built.
        OSError: the canary's own files could not be made.
    """
    aviary = await asyncio.to_thread(_Aviary, cage.owner)
    try:
        result = await cage.run(aviary.script, aviary.checkout, timeout_s=_TIMEOUT_S)
        sighting = await asyncio.to_thread(aviary.look, result)
    finally:
        await asyncio.to_thread(aviary.remove)
    return [leak for check in _CHECKS for leak in check(sighting, policy)]


class _Aviary:
    """The files around one canary: a checkout, and beside it what it must not reach."""

    def __init__(self, owner: Owner | None) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="longshift-canary-")
        folder = Path(self._folder.name)
        self.checkout = folder / "checkout"
        self._outside = folder / "outside"
        self._secret, self._nonce = secrets.token_hex(16), secrets.token_hex(16)
        self.checkout.mkdir()
        self._outside.mkdir()
        (self._outside / "secret").write_text(self._secret)
        if owner is not None:
            # The cage must keep its user from these, not their modes.
            for path in (folder, self._outside, self._outside / "secret", self.checkout):
                os.chown(path, *owner)
        names = f"outside={shlex.quote(str(self._outside))}; nonce={self._nonce}"
        self.script = f"{names}\n{_SCRIPT}"

    def look(self, result: CommandResult) -> Sighting:
        """See what the canary left."""
        made = self.checkout / "made"
        works = made.is_file() and made.read_text().strip() == self._nonce
        return Sighting(
            result=result,
            secret=self._secret,
            wrote_outside=(self._outside / "written").exists(),
            wrote_inside=works,
            is_root=works and made.lstat().st_uid == 0,
            own_namespaces={
                kind: str(Path(f"/proc/self/ns/{kind}").readlink()) for kind in _NAMESPACES
            },
        )

    def remove(self) -> None:
        """Remove the files."""
        self._folder.cleanup()


def _runs_commands(sighting: Sighting, _policy: SandboxPolicy) -> list[str]:
    result = sighting.result
    if sighting.wrote_inside and result.exit_status == 0:
        return []
    last_words = result.output.strip()[-300:]
    return [f"commands do not work in it (status {result.exit_status}: {last_words})"]


def _hides_files(sighting: Sighting, _policy: SandboxPolicy) -> list[str]:
    leaks = []
    if sighting.secret in sighting.result.output:
        leaks.append("it can read files outside its checkout")
    if sighting.wrote_outside:
        leaks.append("it can write outside its checkout")
    return leaks


def _is_nobody(sighting: Sighting, _policy: SandboxPolicy) -> list[str]:
    status = dict(line.split(":\t", 1) for line in sighting.said("status") if ":\t" in line)
    sets = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")
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
    listed = {*_WRITABLE, "/dev", *(mount.destination for mount in shown_mounts(policy))}
    extra = [
        path
        for path, _ in sighting.mounts()
        if path != "/" and not listed.intersection(map(str, (path, *PurePosixPath(path).parents)))
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
    broken = [name for name, value in wanted.items() if limits.get(name) != [str(value)] * 2]
    return [f"it has no {name.removeprefix('Max ')} limit" for name in broken]


def _inherits_nothing(sighting: Sighting, _policy: SandboxPolicy) -> list[str]:
    names = {line.partition("=")[0] for line in sighting.said("env")}
    leaks = [f"it sees the variable {name}" for name in sorted(names - _ENVIRONMENT)]
    # 3 is the listing itself.
    files = [line for line in sighting.said("fd") if line not in ("0", "1", "2", "3")]
    return [*leaks, *(f"it inherits the open file {number}" for number in files)]


def _reports_no_escape(sighting: Sighting, _policy: SandboxPolicy) -> list[str]:
    return sighting.said("escape")


def _unescaped(path: str) -> str:
    """A path as the kernel writes it in its table of mounts, with blanks as octal numbers."""
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), path)


_DEVICES = tuple(f"/dev/{name}" for name in ("null", "zero", "full", "random", "urandom", "tty"))

_CHECKS: Sequence[Check] = (
    _runs_commands,
    _hides_files,
    _is_nobody,
    _has_own_namespaces,
    _shows_only_the_list,
    _mounts_read_only,
    _is_limited,
    _inherits_nothing,
    _reports_no_escape,
)
