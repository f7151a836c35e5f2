"""Two releases of a real project, as files in memory and as trees of a git repository.

Owns the fetching by name, with the digest that makes sure that everybody replays the same bytes.
"""

import hashlib
import subprocess
import sys
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pygit2
from pygit2.enums import CheckoutStrategy, FileMode

CACHE: Final = Path(__file__).parents[2] / ".cache" / "replay"
DOWNLOAD_WITHIN_S: Final = 300


@dataclass(frozen=True, slots=True)
class File:
    """A file of a release."""

    data: bytes
    is_executable: bool = False

    @property
    def text(self) -> str | None:
        """What a tool call can carry; None: the file is not UTF-8, or git calls it binary."""
        if b"\0" in self.data:
            return None
        try:
            return self.data.decode()
        except UnicodeDecodeError:
            return None


Files = Mapping[str, File]


@dataclass(frozen=True)
class Release:
    """A source distribution."""

    name: str
    version: str
    sha256: str

    def files(self) -> dict[str, File]:
        """All files, by their paths below the distribution's folder; fetched once.

        Raises:
            RuntimeError: it can't be fetched, or is another one than was pinned.
        """
        archive = CACHE / f"{self.name}-{self.version}.tar.gz"
        if not archive.exists():
            _download(self, archive.parent)
        found = digest(archive)
        if found != self.sha256:
            raise RuntimeError(
                f"{archive} has the digest {found}, and {self.sha256} is pinned. Remove it, and "
                "it is fetched anew."
            )
        with tarfile.open(archive) as tar:
            return dict(_read(tar))


BEFORE: Final = Release(
    "Django", "5.0", "7d29e14dfbc19cb6a95a4bd669edbde11f5d4c6a71fdaa42c2d40b6846e807f7"
)
AFTER: Final = Release(
    "Django", "5.2", "1a47f7a7a3d43ce64570d350e008d2949abe8c7e21737b351b6a1611277c6d89"
)


def digest(archive: Path) -> str:
    """The SHA-256 of a file, in hex."""
    return hashlib.sha256(archive.read_bytes()).hexdigest()


def make_repository(folder: Path, before: Files, after: Files) -> str:
    """Make a person's repository that holds the one set of files.

    Args:
        folder: the repository's, empty.
        before: what is committed and lies in the folder.
        after: what the run is to make of it.

    Returns:
        The id of the tree that the other set of files has.
    """
    repository = pygit2.init_repository(str(folder))
    wanted = _tree(repository, after)
    who = pygit2.Signature("Replay", "replay@localhost", 0, 0)
    repository.create_commit("HEAD", who, who, "Before\n", _tree(repository, before), [])
    repository.checkout_head(strategy=CheckoutStrategy.FORCE)  # type: ignore[no-untyped-call]
    return str(wanted)


def _tree(repository: pygit2.Repository, files: Files) -> pygit2.Oid:
    index = pygit2.Index()
    for path, file in files.items():
        mode = FileMode.BLOB_EXECUTABLE if file.is_executable else FileMode.BLOB
        index.add(pygit2.IndexEntry(path, repository.create_blob(file.data), mode))
    return index.write_tree(repository)


def _read(tar: tarfile.TarFile) -> Iterator[tuple[str, File]]:
    for member in tar:
        if member.isfile():
            content = tar.extractfile(member)
            assert content is not None
            path = member.name.partition("/")[2]
            yield path, File(content.read(), bool(member.mode & 0o100))


def _download(release: Release, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    command += ["--no-deps", "--no-binary", ":all:", "--dest", str(folder)]
    command += [f"{release.name}=={release.version}"]
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=DOWNLOAD_WITHIN_S)
    except (OSError, subprocess.SubprocessError) as error:
        raise RuntimeError(
            f"{release.name} {release.version} can't be fetched from the package index: {error}"
        ) from error
