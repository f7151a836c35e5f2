"""Where the owner's door is, and who may stand before it.

Owns addresses: a Unix socket that only its user can open, and on platforms without one a loopback
port with a secret. Must never listen where another user could connect and be answered.

`LoopbackDoor` is for Windows. Its protocol is tested on loopback everywhere; on Windows itself it
is not run.
"""

import asyncio
import contextlib
import hashlib
import hmac
import os
import secrets
import socket
import stat
import struct
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol

from longshift.errors import NeedsPerson
from longshift.journal.wire import MOST_LINE_BYTES

MOST_PATH_BYTES: Final = 100
"""The shortest limit of all platforms for a socket's path is 103 bytes and a zero."""

LOOPBACK: Final = "127.0.0.1"

Connected = Callable[[asyncio.StreamReader, asyncio.StreamWriter], None]


class Door(Protocol):
    """A place where an owner can be spoken to."""

    async def open(self, connected: Connected) -> str:
        """Listen, and call `connected` for each client; returns the address."""

    async def admits(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Whether a client may speak; may read the client's first line."""

    def peer(self, writer: asyncio.StreamWriter) -> int | None:
        """The id of the process at the other end; None where the system can't say."""

    async def close(self) -> None:
        """Stop listening and leave nothing behind; clients are the caller's."""


class UnixDoor:
    """A socket in a folder that only its user can enter."""

    def __init__(self, state_dir: Path, *, runtime_dir: Path | None = None) -> None:
        """Name the socket after the state folder.

        Args:
            state_dir: the repository's state folder.
            runtime_dir: the user's own folder for sockets; None: found by `runtime_dir`.
        """
        self._state_dir = state_dir
        self._runtime_dir = runtime_dir
        self._server: asyncio.Server | None = None
        self._path: Path | None = None

    async def open(self, connected: Connected) -> str:
        """Listen; a socket that a dead owner left is replaced.

        The caller holds the repository's lease, so whatever is there belongs to nobody alive.

        Raises:
            NeedsPerson: there is no folder that is private enough, or it can't be written.
        """
        digest = hashlib.sha256(os.fsencode(self._state_dir.resolve())).hexdigest()[:16]
        path = (self._runtime_dir or runtime_dir()) / f"{digest}.sock"
        try:
            require_private(path.parent)
            path.unlink(missing_ok=True)
            self._server = await asyncio.start_unix_server(connected, path, limit=MOST_LINE_BYTES)
            self._path = path
            path.chmod(0o600)
        except OSError as error:
            raise NeedsPerson(
                f"No control socket could be opened at {path} ({error.strerror or error}), so "
                "other processes can't reach this one. Nothing was started. Check the folder's "
                "permissions, or set XDG_RUNTIME_DIR to a short path of your own."
            ) from error
        return str(path)

    async def admits(self, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Ask the kernel who is there, where it says; elsewhere the folder alone keeps guard."""
        return is_own_peer(writer.get_extra_info("socket"), os.getuid())

    def peer(self, writer: asyncio.StreamWriter) -> int | None:
        """Ask the kernel which process is there."""
        credentials = _peer_credentials(writer.get_extra_info("socket"))
        return None if credentials is None else credentials[0]

    async def close(self) -> None:
        """Stop listening and remove the socket."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
        if self._path is not None:
            self._path.unlink(missing_ok=True)


class LoopbackDoor:
    """A loopback port whose clients must know a secret; the address carries both."""

    def __init__(self) -> None:
        """Choose the secret."""
        self._secret = secrets.token_hex(32)
        self._server: asyncio.Server | None = None

    async def open(self, connected: Connected) -> str:
        """Listen on a port that is free."""
        self._server = await asyncio.start_server(connected, LOOPBACK, 0, limit=MOST_LINE_BYTES)
        port = self._server.sockets[0].getsockname()[1]
        return f"tcp:{port}:{self._secret}"

    async def admits(self, reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> bool:
        """Read the client's first line, which must be the secret."""
        try:
            line = await reader.readline()
        except ValueError:  # no end of line within the limit
            return False
        return hmac.compare_digest(line.strip(), self._secret.encode())

    def peer(self, writer: asyncio.StreamWriter) -> int | None:
        """Loopback does not tell."""
        del writer
        return None

    async def close(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()


def default_door(state_dir: Path) -> Door:
    """The safest door that this platform has."""
    return LoopbackDoor() if sys.platform == "win32" else UnixDoor(state_dir)


async def knock(address: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect to an address that a door gave.

    Raises:
        OSError: nobody listens there.
        ValueError: it is no such address.
    """
    if not address.startswith("tcp:"):
        return await asyncio.open_unix_connection(address, limit=MOST_LINE_BYTES)
    _, port, secret = address.split(":")
    reader, writer = await asyncio.open_connection(LOOPBACK, int(port), limit=MOST_LINE_BYTES)
    writer.write(secret.encode() + b"\n")
    return reader, writer


def shown(address: str) -> str:
    """The address as a person may see it: without its secret."""
    return ":".join(address.split(":")[:2]) if address.startswith("tcp:") else address


def runtime_dir() -> Path:
    """The user's own folder for sockets: `XDG_RUNTIME_DIR`, else one below the temporary folder.

    Raises:
        NeedsPerson: no candidate can be written to and is short enough for a socket's path.
    """
    name = f"longshift-{os.getuid()}"
    candidates = [Path(tempfile.gettempdir(), name), Path("/tmp", name)]  # noqa: S108 -- see below
    if given := os.environ.get("XDG_RUNTIME_DIR"):
        candidates.insert(0, Path(given, "longshift"))
    # A folder that others can write to is safe for `require_private` looks at what is made there.
    for candidate in candidates:
        if _is_fit(candidate):
            return candidate
    tried = ", ".join(str(candidate.parent) for candidate in candidates)
    raise NeedsPerson(
        f"No folder for the control socket was found: {tried} can't be written to, or the path is "
        "too long. Nothing was started. Set XDG_RUNTIME_DIR to a folder of your own with a short "
        "path."
    )


def require_private(folder: Path) -> None:
    """Make the folder for its user alone, or refuse one that others own or can enter.

    Raises:
        NeedsPerson: it is somebody else's, a link, or open to others.
        OSError: it can't be made.
    """
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = folder.lstat()
    wrong = _wrong_with(found)
    if wrong:
        raise NeedsPerson(
            f"The folder for the control socket, {folder}, {wrong}, so someone else could reach "
            "into your runs. Nothing was started. Remove it, or make it yours alone with "
            f"`chmod 700 {folder}`; or set XDG_RUNTIME_DIR to a folder of your own."
        )


def is_own_peer(connection: socket.socket, uid: int) -> bool:
    """Whether the process at the other end runs as `uid`; True where the kernel can't say."""
    credentials = _peer_credentials(connection)
    return credentials is None or credentials[1] == uid


def _peer_credentials(connection: socket.socket) -> tuple[int, int, int] | None:
    """Process, user and group at the other end, as they were when it connected."""
    if sys.platform != "linux":
        return None
    size = struct.calcsize("3i")
    pid, uid, gid = struct.unpack(
        "3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
    )
    return pid, uid, gid


def _is_fit(candidate: Path) -> bool:
    """Whether a socket's path fits in there, and the folder can be made or is there."""
    length = len(os.fsencode(candidate / "0123456789abcdef.sock"))
    fits = candidate.is_absolute() and length <= MOST_PATH_BYTES
    return fits and candidate.parent.is_dir() and os.access(candidate.parent, os.W_OK | os.X_OK)


def _wrong_with(found: os.stat_result) -> str | None:
    if not stat.S_ISDIR(found.st_mode):
        return "is no folder"
    if found.st_uid != os.getuid():
        return "belongs to another user"
    if stat.S_IMODE(found.st_mode) & 0o077:
        return "is open to other users"
    return None
