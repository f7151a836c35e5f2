"""What the launcher of a cage is told to give up.

Owns the words for `launcher`, in their order: limits, then Landlock, then the filter of system
calls, which would forbid what comes before it.

Why Python: landing inside the cage is too late for bubblewrap and too early for the command, so
somebody has to stand between. Landlock forbids mounting, so it can't be put in force before
bubblewrap has built the cage; util-linux learnt it only in 2.40; and a program to be compiled
would need a compiler. The bare interpreter costs about 7 ms a command. It takes the places of
prlimit and of a shell as process 1, which gives back 2.
"""

import marshal
import resource
import stat
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from longshift.errors import NeedsPerson
from longshift.sandbox import landlock
from longshift.sandbox.mounts import exposable_prefixes, shown_mounts
from longshift.sandbox.policy import CHECKOUT, HOME, SandboxPolicy

_LAUNCHER = Path(__file__).with_name("launcher.py").read_text(encoding="utf-8")
_COMPILED = (
    "import marshal;exec(marshal.loads(bytes.fromhex("
    f"{marshal.dumps(compile(_LAUNCHER, 'launcher.py', 'exec', optimize=2)).hex()!r})))"
)
"""The same for the very interpreter that runs Longshift: compiling it anew costs 1 ms."""

_FLAGS = ("-I", "-S", "-B", "-c")
"""Nothing of the environment, of the checkout or of site-packages reaches the launcher."""

NO_INTERPRETER = (
    "Commands are not run here: the sandbox needs a Python that it may show to commands, and "
    "neither the one that runs Longshift nor the system's own is one (it lies in a home itself, "
    "or nowhere)."
)
MEND_INTERPRETER = (
    "Install your system's package python3, or install Longshift into a virtual environment "
    "below your home, then start it again."
)

_SYSTEM_PYTHONS = ("/usr/bin/python3", "/usr/local/bin/python3")


def find_interpreter(policy: SandboxPolicy, *, for_everybody: bool = False) -> Path | None:
    """A Python that a cage shows, to run the launcher: ours, or else the system's.

    Args:
        policy: says what is shown.
        for_everybody: leave out those that only their owner can reach.
    """
    shown = [Path("/usr"), *(prefix.resolve() for prefix in exposable_prefixes(policy))]
    named = [Path(sys.executable), *map(Path, _SYSTEM_PYTHONS)]
    real = [path.resolve() for path in named if path.is_file()]
    return next(
        (
            path
            for path in real
            if any(top in path.parents for top in shown)
            and not (for_everybody and not _is_open_to_all(path))
        ),
        None,
    )


def _is_open_to_all(path: Path) -> bool:
    return all(way.stat().st_mode & stat.S_IXOTH for way in (path, *path.parents))


def launched(interpreter: Path, words: Sequence[str], argv: Sequence[str]) -> list[str]:
    """The command that does the words and then runs `argv`."""
    is_ours = interpreter == Path(sys.executable).resolve()
    return [str(interpreter), *_FLAGS, _COMPILED if is_ours else _LAUNCHER, *words, "--", *argv]


def limits(policy: SandboxPolicy, processes: int) -> Iterator[str]:
    """Hard limits that the kernel holds each process to.

    Args:
        policy: says how much.
        processes: of the user's in its namespace. Since Linux 5.14 the count is the user
            namespace's own; without one it is of all that the user runs.
    """
    amounts = {
        resource.RLIMIT_DATA: policy.memory_bytes,
        resource.RLIMIT_FSIZE: policy.file_bytes,
        resource.RLIMIT_CPU: policy.cpu_s,
        resource.RLIMIT_NPROC: processes,
        resource.RLIMIT_CORE: 0,
    }
    yield from (f"limit={limit}:{amount}" for limit, amount in amounts.items())


def require_folder(checkout: Path) -> None:
    """Refuse a checkout that is a symlink or no folder: what it leads to was not meant.

    Raises:
        NeedsPerson: it is none.
    """
    if checkout.is_symlink() or not checkout.is_dir():
        raise NeedsPerson(
            f"The checkout for commands at {checkout} is not a folder. The command was not "
            "run and no file of yours was changed. Start Longshift again to have it remade."
        )


def cage_rules(policy: SandboxPolicy) -> Iterator[landlock.Rule]:
    """Landlock's rules inside a cage that already shows no more than it should.

    TCP is not among what is closed: a cage without network has a loopback of its own, where
    test suites start their servers.
    """
    yield landlock.Rule("/", landlock.LIST)
    for mount in shown_mounts(policy):
        if not mount.is_symlink:
            yield landlock.Rule(mount.destination, landlock.READ)
    yield landlock.Rule("/proc", landlock.READ)
    yield landlock.Rule("/dev", landlock.DEVICE)
    for folder in (CHECKOUT, HOME, "/tmp", "/dev/shm"):  # noqa: S108 - inside the cage
        yield landlock.Rule(folder, landlock.ALL)
