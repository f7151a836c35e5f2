"""Every way out, gone outside and inside of a cage, by whoever runs this.

As a program (`python sandbox_escapes.py MODE…`) it prints what came of it as JSON, so that a test
of root's can look at what an ordinary user has. Needs nothing but the sandbox and its errors.
"""

import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from longshift.sandbox import canary
from longshift.sandbox.aviary import SECRET_VARIABLE, Aviary
from longshift.sandbox.cage import open_cage
from longshift.sandbox.policy import UNPRIVILEGED, Refusal, SandboxPolicy

SOURCE = Path(canary.__file__).parent.parent


@dataclass(frozen=True)
class Outcome:
    """How the ways went: `out`, or `held` and why, by their names."""

    profile: str
    """Or the refusal."""

    opened: bool
    outside: dict[str, str]
    inside: dict[str, str]


async def outcome(mode: str) -> Outcome:
    """Open a cage and go every way outside and inside."""
    policy = SandboxPolicy(mode=mode, output_bytes=canary.OUTPUT_BYTES)
    cage = await open_cage(policy)
    if isinstance(cage, Refusal):
        return Outcome(cage.message, False, {}, {})
    told = await asyncio.to_thread(_go_outside, policy)
    inside = Aviary(cage.owner, policy)
    os.environ[SECRET_VARIABLE] = inside.secret
    try:
        command = f"exec {cage.interpreter} -I -S -B escapes.py"
        result = await cage.run(command, inside.checkout, timeout_s=30)
    finally:
        del os.environ[SECRET_VARIABLE]
        inside.remove()
    return Outcome(cage.profile, True, canary.ways_gone(told), canary.ways_gone(result.output))


def _go_outside(policy: SandboxPolicy) -> str:
    outside = Aviary(None, policy)
    try:
        return subprocess.run(
            [sys.executable, "-I", "-S", "-B", "escapes.py"],
            cwd=outside.checkout,
            env={SECRET_VARIABLE: outside.secret},
            pass_fds=(outside.secret_fd,),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    finally:
        outside.remove()


def outcomes_of_an_ordinary_user(
    modes: Sequence[str], prefix: Sequence[str] = ()
) -> dict[str, Outcome]:
    """The same as another user, from root.

    Args:
        modes: of the policy.
        prefix: what is put before the program, such as a filter of system calls.

    Returns:
        The outcomes by mode; none where the machine has no Python that everybody can run.
    """
    python = python_for_everybody()
    if python is None:
        return {}
    with tempfile.TemporaryDirectory(prefix="ls-") as name:
        folder = Path(name)
        shutil.copytree(SOURCE / "sandbox", folder / "longshift" / "sandbox")
        for file in ("__init__.py", "errors.py"):
            shutil.copy(SOURCE / file, folder / "longshift")
        shutil.copy(__file__, folder / "program.py")
        for path in (folder, *folder.rglob("*")):
            path.chmod(0o755)
        (folder / "home").mkdir()
        os.chown(folder / "home", *UNPRIVILEGED)
        told = subprocess.run(
            [*prefix, python, "-B", folder / "program.py", *modes],
            env={"PATH": "/usr/bin:/bin", "HOME": str(folder / "home"), "LANG": "C.UTF-8"},
            cwd=folder,
            user=UNPRIVILEGED.uid,
            group=UNPRIVILEGED.gid,
            extra_groups=[],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    assert told.returncode == 0, told.stderr
    return {mode: Outcome(**found) for mode, found in json.loads(told.stdout).items()}


def python_for_everybody() -> str | None:
    """A Python, new enough, that an ordinary user can run."""
    for path in ("/usr/bin/python3", "/usr/local/bin/python3"):
        probe = "import sys; sys.exit(sys.version_info < (3, 11))"
        if Path(path).exists() and subprocess.run([path, "-c", probe], check=False).returncode == 0:
            return path
    return None


if __name__ == "__main__":
    found = {mode: asdict(asyncio.run(outcome(mode))) for mode in sys.argv[1:]}
    sys.stdout.write(json.dumps(found))
