"""What of the machine a cage shows, always read-only.

Owns the list. A path that is not on it does not exist for a command.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from longshift.sandbox.policy import CHECKOUT, HOME, SandboxPolicy

_SYSTEM_FOLDERS = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")

_ETC = (
    "/etc/alternatives",
    "/etc/ca-certificates",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/localtime",
    "/etc/mime.types",
    "/etc/nsswitch.conf",
    "/etc/pki/tls/certs",
    "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf",
)
_ETC_FOR_NETWORK = ("/etc/gai.conf", "/etc/hosts", "/etc/resolv.conf", "/etc/services")

_ACCOUNTS = Path(__file__).with_name("etc")
"""Our own passwd and group: the machine's would tell who its people are."""

_TAKEN = tuple(PurePosixPath(path) for path in (CHECKOUT, HOME, "/proc", "/dev", "/etc", "/usr"))


@dataclass(frozen=True, slots=True)
class Mount:
    """One read-only file, folder or symlink of the machine, as a cage shows it."""

    source: str
    destination: str
    is_symlink: bool = False

    @classmethod
    def read_only(cls, path: Path) -> "Mount":
        """A path shown at its own place."""
        return cls(str(path), str(path))

    @property
    def is_of_etc(self) -> bool:
        """Whether it is one of the few files that a cage has in /etc."""
        return self.destination.startswith("/etc/")

    def in_place(self) -> "Mount":
        """The same, seen from an anteroom where it already stands at its destination."""
        return self if self.is_symlink else replace(self, source=self.destination)

    def arguments(self) -> Iterator[str]:
        """Arguments of bubblewrap for it, its parents included.

        Left to itself bubblewrap closes parents to everybody but their owner.
        """
        for parent in reversed(PurePosixPath(self.destination).parents[:-1]):
            if str(parent) != "/usr":  # a mount itself; the rest of the list is not nested
                yield from ("--perms", "0755", "--dir", str(parent))
        kind = "--symlink" if self.is_symlink else "--ro-bind"
        yield from (kind, self.source, self.destination)


def shown_mounts(policy: SandboxPolicy) -> list[Mount]:
    """Everything that a cage of this policy shows, in the order of mounting."""
    mounts = [Mount.read_only(Path("/usr"))]
    mounts += [_system_folder(Path(path)) for path in _SYSTEM_FOLDERS if Path(path).exists()]
    etc = (*_ETC, *_ETC_FOR_NETWORK) if policy.network else _ETC
    mounts += [Mount.read_only(Path(path)) for path in etc if Path(path).exists()]
    mounts += [Mount(str(_ACCOUNTS / name), f"/etc/{name}") for name in ("passwd", "group")]
    mounts += [Mount(str(prefix.resolve()), str(prefix)) for prefix in exposable_prefixes(policy)]
    return mounts


def exposable_prefixes(policy: SandboxPolicy) -> list[Path]:
    """The tool prefixes that can be shown without showing a home or hiding a part of the cage.

    Those below /usr are shown with it. A symlinked prefix is shown at both its names, since
    virtual environments may name either. Those inside another are shown with it too.
    """
    named = dict.fromkeys(
        path for prefix in policy.tool_prefixes for path in (prefix.absolute(), prefix.resolve())
    )
    shown = [path for path in named if path.is_dir() and not _shows_too_much(path)]
    return [path for path in shown if not any(other in path.parents for other in shown)]


def tool_path(policy: SandboxPolicy) -> str:
    """PATH inside the cage."""
    prefixes = [prefix / "bin" for prefix in policy.tool_prefixes if _reachable(prefix, policy)]
    return ":".join([*map(str, prefixes), "/usr/local/bin", "/usr/bin", "/bin"])


def _system_folder(path: Path) -> Mount:
    if path.is_symlink():
        return Mount(str(path.readlink()), str(path), is_symlink=True)
    return Mount.read_only(path)


def _reachable(prefix: Path, policy: SandboxPolicy) -> bool:
    shown = [Path("/usr"), *exposable_prefixes(policy)]
    return any(prefix == path or path in prefix.parents for path in shown)


def _shows_too_much(path: Path) -> bool:
    return any(map(_covers_too_much, (path, path.resolve())))


def _covers_too_much(path: Path) -> bool:
    homes = (Path.home(), Path.home().resolve())
    pure = PurePosixPath(path)
    overlaps = any(
        pure == taken or taken in pure.parents or pure in taken.parents for taken in _TAKEN
    )
    return overlaps or any(path == home or path in home.parents for home in homes)
