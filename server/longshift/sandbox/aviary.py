"""The world around one canary: a checkout, and outside of it what must stay out of reach.

Owns what it makes: files, sockets on loopback, a process, and System V memory, all gone with
`remove`. Everything belongs to whom the caged command runs as, so that the cage must keep it
from these, and not their modes. Blocks, so it belongs into a thread.
"""

import contextlib
import ctypes
import fcntl
import hashlib
import json
import os
import platform
import secrets
import socket
import subprocess
import tempfile
from pathlib import Path

from longshift.sandbox.escapes import SOCKETS, World
from longshift.sandbox.policy import Owner, SandboxPolicy

SECRET_VARIABLE = "CANARY_SECRET"  # noqa: S105 - its name

_HIGH = 200  # a number that no shell gives to a file of its own
_ESCAPES = Path(__file__).with_name("escapes.py")
_IPC_CREATE, _IPC_REMOVE = 0o3666, 0
_FOLDERS = ("checkout", "outside", "home")
_HOME_FILES = (".ssh/id_ed25519", ".aws/credentials", ".git-credentials")


class Aviary:
    """One canary's surroundings."""

    def __init__(self, owner: Owner | None, policy: SandboxPolicy) -> None:
        """Make them.

        Raises:
            OSError: the disk or the loopback would not have it.
        """
        self._owner = owner
        self._stack = contextlib.ExitStack()
        try:
            self._make(policy)
        except OSError:
            self._stack.close()
            raise

    def _make(self, policy: SandboxPolicy) -> None:
        folder = Path(
            self._stack.enter_context(tempfile.TemporaryDirectory(prefix="longshift-canary-"))
        )
        self.checkout, self.outside, home = (folder / name for name in _FOLDERS)
        self.nonce = secrets.token_hex(16)
        for path in (self.checkout, self.outside, home):
            path.mkdir()
        self.secret = secrets.token_hex(16)
        for path in (self.outside / "secret", *(home / name for name in _HOME_FILES)):
            path.parent.mkdir(exist_ok=True)
            path.write_text(self.secret)
        for name in ("rename-me", "delete-me"):
            (self.outside / name).touch()
        tcp, tcp6, udp = self._listen_on_loopback()
        abstract = self._listen_on_names(home)
        self.secret_fd = self._open_inheritably(self.outside / "secret")
        self.world = World(
            outside=str(self.outside),
            home=str(home),
            shared_memory=self._make_shared_memory(),
            pid=self._start_neighbour(),
            secret_fd=self.secret_fd,
            session=os.getsid(0),
            tcp=tcp,
            tcp6=tcp6,
            udp=udp,
            abstract=abstract,
            sysv_key=self._make_system_v_memory(),
            host=platform.node(),
            accounts=hashlib.sha256(Path("/etc/passwd").read_bytes()).hexdigest(),
            memory_bytes=policy.memory_bytes,
            file_bytes=policy.file_bytes,
            processes=policy.processes,
            scratch_bytes=policy.scratch_bytes,
        )
        (self.checkout / "world.json").write_text(json.dumps(self.world._asdict()))
        (self.checkout / "escapes.py").write_bytes(_ESCAPES.read_bytes())
        self._give(folder)

    def remove(self) -> None:
        """Take all of it away."""
        self._stack.close()

    def _give(self, folder: Path) -> None:
        if self._owner is not None:
            for path in (folder, *folder.rglob("*")):
                os.chown(path, *self._owner, follow_symlinks=False)

    def _listen_on_loopback(self) -> tuple[int, int, int]:
        tcp = self._stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        udp = self._stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        udp.bind(("127.0.0.1", 0))
        tcp6 = 0
        with contextlib.suppress(OSError):
            server = socket.create_server(("::1", 0), family=socket.AF_INET6)
            tcp6 = int(self._stack.enter_context(server).getsockname()[1])
        return tcp.getsockname()[1], tcp6, udp.getsockname()[1]

    def _listen_on_names(self, home: Path) -> str:
        """Stand-ins for agents; returns how the abstract names end."""
        end = secrets.token_hex(8)
        for name in SOCKETS.values():
            listening = self._stack.enter_context(socket.socket(socket.AF_UNIX))
            if not name.startswith("@"):
                (home / name).parent.mkdir(exist_ok=True)
            listening.bind(f"\0{name[1:]}{end}" if name.startswith("@") else str(home / name))
            listening.listen()
        datagrams = self._stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
        datagrams.bind(str(home / "datagrams"))
        return end

    def _open_inheritably(self, path: Path) -> int:
        """Where a careless start of a process would pass it on."""
        with path.open() as file:
            handle = fcntl.fcntl(file.fileno(), fcntl.F_DUPFD, _HIGH)
        self._stack.callback(os.close, handle)
        os.set_inheritable(handle, True)
        return handle

    def _make_shared_memory(self) -> str:
        path = Path("/dev/shm", f"longshift-canary-{self.nonce}")  # noqa: S108 - removed again
        with contextlib.suppress(OSError):
            path.write_text(self.secret)
            self._stack.callback(path.unlink, missing_ok=True)
            if self._owner is not None:
                os.chown(path, *self._owner)
        return str(path)

    def _make_system_v_memory(self) -> int:
        """A segment's key; 0 where the machine has none."""
        libc = ctypes.CDLL(None)
        key = secrets.randbelow(1 << 30) + 1
        segment: int = libc.shmget(key, ctypes.c_size_t(4096), _IPC_CREATE)
        if segment < 0:
            return 0
        self._stack.callback(libc.shmctl, segment, _IPC_REMOVE, None)
        return key

    def _start_neighbour(self) -> int:
        """A process that waits for its input, which ends with Longshift at the latest."""
        neighbour = self._stack.enter_context(
            subprocess.Popen(
                ["/bin/cat"],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                env={SECRET_VARIABLE: self.secret},
                cwd=self.outside,
                pass_fds=(self.secret_fd,),
                start_new_session=True,
                user=None if self._owner is None else self._owner.uid,
                group=None if self._owner is None else self._owner.gid,
                extra_groups=None if self._owner is None else [],
            )
        )
        self._stack.callback(neighbour.kill)
        return neighbour.pid
