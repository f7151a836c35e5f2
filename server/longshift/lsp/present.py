"""The person's files as their editor has them: its open documents first, else the disk.

Owns the form that a document's text takes in an editor. What a picture of the files is, and how it
is read, is the engine's `OpenPresent`.
"""

from dataclasses import dataclass

from longshift.engine.editors.open_texts import OpenPresent, as_saved
from longshift.lsp.buffers import Buffer
from longshift.repository.textfile import decode

__all__ = ["EditorPresent", "as_saved", "as_shown"]


@dataclass(frozen=True, slots=True)
class EditorPresent(OpenPresent[Buffer]):
    """The client's open documents over the files below a root."""


def as_shown(data: bytes, like: str) -> str | None:
    """The text that an editor shows for bytes, in the line ends of what it shows now."""
    file = decode(data)
    if file is None:
        return None
    if file.newline == "\r\n" and "\n" in like and "\r" not in like:
        return file.text.replace("\r\n", "\n")
    return file.text
