"""The person's files as their editor has them: open texts first, else the disk.

Owns that picture, taken at one moment and then safe to read from any thread. Knows no editor's
protocol, and never changes anything.
"""

import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from longshift.engine.ports import DiskPresent
from longshift.repository.textfile import TextFile, decode
from longshift.review.shapes import PresentFile
from longshift.review.texts import encode


class OpenText(Protocol):
    """What an editor shows of one file, saved or not."""

    @property
    def text(self) -> str:
        """What the person sees."""

    @property
    def version(self) -> int | None:
        """As the editor counts."""


Shown_co = TypeVar("Shown_co", bound=OpenText, covariant=True)


@dataclass(frozen=True, slots=True)
class OpenPresent(Generic[Shown_co]):
    """Open texts over the files below a root.

    Attributes:
        root: the worktree's top folder.
        buffers: the open ones, by path.
    """

    root: Path
    buffers: Mapping[str, Shown_co]

    def read(self, path: str) -> PresentFile | None:
        """Give the file at a path; None where nothing stands there, nor is open."""
        buffer = self.buffers.get(path)
        if buffer is None:
            return DiskPresent(self.root).read(path)
        mode = DiskPresent(self.root).mode(path)
        if mode is not None and not stat.S_ISREG(mode):
            return DiskPresent(self.root).read(path)  # a buffer shows where the link leads
        if mode is None and not buffer.text:
            return None  # a new buffer that nothing was typed into is no file yet
        executable = mode is not None and mode & stat.S_IXUSR
        return PresentFile(
            text=buffer.text, mode=0o100755 if executable else 0o100644, version=buffer.version
        )

    def unsaved(self) -> dict[str, bytes]:
        """The buffers that differ from their files, as the editor would save them; blocking."""
        found: dict[str, bytes] = {}
        for path, buffer in self.buffers.items():
            file = self.read(path)
            if file is None or file.text is None:
                continue
            on_disk = DiskPresent(self.root).read(path)
            data = as_saved(buffer.text, on_disk.data if on_disk else None)
            if on_disk is None or data != on_disk.data:
                found[path] = data
        return found

    def is_saved(self, path: str) -> bool:
        """Whether a path is not open, or its buffer is what its file has."""
        buffer = self.buffers.get(path)
        if buffer is None:
            return True
        on_disk = DiskPresent(self.root).read(path)
        return on_disk is not None and as_saved(buffer.text, on_disk.data) == on_disk.data


def as_saved(text: str, stored: bytes | None) -> bytes:
    """The bytes that saving a buffer makes: encoding, byte order mark and line ends are kept.

    A buffer with nothing but bare line feeds, over a file with none, is an editor's own form of
    the same text.
    """
    file = (decode(stored) if stored is not None else None) or TextFile("")
    if "\r" not in text:
        text = file.adapt(text)
    return encode(text, file.encoding, with_mark=file.has_bom)
