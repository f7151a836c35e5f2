"""Where an attack happens: a person's home with a repository in it, and what would be harm.

Everything beside the repository's own state folder counts as outside. All that an attack could
reach is made for it: the secrets are invented, and the only addresses are two sockets of the test.
"""

import contextlib
import hashlib
import json
import os
import secrets
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.repository_git import GitRepository
from tests.support.sandbox_processes import processes_saying

SECRETS = ("ssh", "aws", "outside", "env", "config", "variable", "key")
PLAIN = b"".join(b"line %d\n" % number for number in range(1, 9))
OWN_STATE = ("projects/répo/.git/longshift", "projects/répo/.git/objects",
             "projects/répo/.git/refs/longshift")  # fmt: skip


def _secret(name: str) -> str:
    return f"canary-{name}-{secrets.token_hex(6)}"


@dataclass
class Scene:
    """One person's machine."""

    root: Path
    tcp: socket.socket
    udp: socket.socket
    runtime: Path
    marker: str = field(default_factory=lambda: f"longshift-attack-{secrets.token_hex(8)}")
    secrets: dict[str, str] = field(default_factory=lambda: {n: _secret(n) for n in SECRETS})
    """By what they open; none is to be found anywhere afterwards."""
    before: dict[str, str] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        return self.root / "home"

    @property
    def repository(self) -> Path:
        return self.home / "projects" / "répo"

    def furnish(self, files: Mapping[str, str], links: Mapping[str, str], subject: str) -> None:
        """Put everything in its place, and remember how it was."""
        self._write(self.home / ".ssh" / "id_rsa", self.secrets["ssh"])
        self._write(self.home / ".aws" / "credentials", self.secrets["aws"])
        self._write(self.home / ".bashrc", "alias ll='ls -l'\n")
        self._write(self.home / "watched.txt", "as it was\n")
        self._write(self.root / "outside" / "secret", self.secrets["outside"])
        self._write(self.root / "outside" / "watched.txt", "as it was\n")
        person = GitRepository.create(self.repository)
        (self.repository / ".git" / "hooks").mkdir()  # as most have it
        person.git("config", "remote.origin.url",
                   f"https://me:{self.secrets['config']}@example.invalid/")  # fmt: skip
        for path, target in links.items():
            (self.repository / path).parent.mkdir(parents=True, exist_ok=True)
            (self.repository / path).symlink_to(self.filled(target))
        person.commit(
            {"a.txt": PLAIN, **{path: text.encode() for path, text in files.items()}}, subject
        )
        self._write(self.repository / ".env", f"TOKEN={self.secrets['env']}\n")
        self.before = self._picture()

    def filled(self, value: object) -> object:
        """A value of the data with its names replaced by this scene's."""
        if isinstance(value, str):
            for name, meant in {
                "<outside>": self.root / "outside",
                "<home>": self.home,
                "<repository>": self.repository,
                "<runtime>": self.runtime,
                "<port>": self.tcp.getsockname()[1],
                "<udp>": self.udp.getsockname()[1],
                "<parent>": os.getpid(),
                "<marker>": self.marker,
            }.items():
                value = value.replace(name, str(meant))
            return value
        if isinstance(value, dict):
            return {key: self.filled(each) for key, each in value.items()}
        return value

    def harm(self, *texts: str | bytes) -> list[str]:
        """Everything that no attack may bring about.

        Args:
            texts: what left the machine or was written down: no secret may stand in it.
        """
        after = self._picture()
        changed = sorted(
            path
            for path in self.before.keys() | after.keys()
            if self.before.get(path) != after.get(path)
        )
        said = b"\0".join(t.encode() if isinstance(t, str) else t for t in texts)
        return [
            *(f"{path} was changed" for path in changed),
            *(f"the secret {name} got out" for name, one in self.secrets.items()
              if one.encode() in said),
            *(f"the {kind} socket was reached" for kind in self._reached()),
            *(f"a process lives: {line}" for line in processes_saying(self.marker)),
        ]  # fmt: skip

    def _reached(self) -> Iterator[str]:
        with contextlib.suppress(BlockingIOError):
            self.tcp.accept()[0].close()
            yield "TCP"
        with contextlib.suppress(BlockingIOError):
            self.udp.recv(100)
            yield "UDP"

    def _picture(self) -> dict[str, str]:
        """Every file of the machine by path, with its kind, mode and content."""
        picture: dict[str, str] = {}
        for folder, folders, files in os.walk(self.root):
            here = Path(folder)
            inside = here.relative_to(self.home).as_posix() if self.home in here.parents else ""
            folders[:] = [one for one in folders if f"{inside}/{one}" not in OWN_STATE]
            for path in (here / name for name in (*folders, *files)):
                mode = path.lstat().st_mode
                content = (
                    os.fsencode(path.readlink()) if path.is_symlink()
                    else path.read_bytes() if path.is_file() else b""
                )  # fmt: skip
                digest = hashlib.sha256(content).hexdigest()
                picture[path.relative_to(self.root).as_posix()] = f"{mode:o} {digest}"
        return picture

    @staticmethod
    def _write(path: Path, text: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@contextlib.contextmanager
def opened_scene(root: Path, runtime: Path) -> Iterator[Scene]:
    """A scene whose sockets listen until the block ends, and whose processes end with it."""
    with (
        socket.create_server(("127.0.0.1", 0)) as tcp,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
    ):
        udp.bind(("127.0.0.1", 0))
        tcp.setblocking(False)
        udp.setblocking(False)
        scene = Scene(root, tcp, udp, runtime)
        try:
            yield scene
        finally:
            _end(scene.marker)


def do_plainly(tool: str, arguments: Mapping[str, object], root: Path) -> str:
    """What a tool without any guard would do: the act itself, and what it brings back."""
    path = root / Path(str(arguments.get("path", ""))).expanduser()
    match tool:
        case "read_file":
            return path.read_text()
        case "list_files":
            return json.dumps(os.listdir(path))  # noqa: PTH208
        case "write_file":
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(str(arguments["content"]))
        case "edit_file":
            text = path.read_text()
            path.write_text(text.replace(str(arguments["old_text"]), str(arguments["new_text"])))
        case "delete_file":
            path.unlink()
        case "move_file":
            path.rename(root / str(arguments["new_path"]))
        case "run_command":
            done = subprocess.run(
                ["/bin/sh", "-c", str(arguments["command"])],
                cwd=root,
                capture_output=True,
                check=False,
                start_new_session=True,
                timeout=20,
            )
            return f"{done.stdout!r} {done.stderr!r}"
        case _:
            raise AssertionError(f"{tool} does nothing outside of Longshift")
    return ""


def _end(marker: str) -> None:
    """End what a control has left running: only processes whose command line says the marker."""
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if marker.encode() in (process / "cmdline").read_bytes():
                os.kill(int(process.name), signal.SIGKILL)
