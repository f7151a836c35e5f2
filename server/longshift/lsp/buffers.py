"""The client's open documents, and when they change.

Owns the way from a URI to a path below a repository's root and back. Never changes a document:
only the client does.
"""

import asyncio
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from pygls.uris import to_fs_path

from longshift.lsp.protocol import LongshiftLanguageServer

Watcher = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Buffer:
    """One open document at one moment.

    Attributes:
        uri: as the client writes it.
        path: relative to the root that was asked for, `/`-separated.
        text: what the person sees.
        version: as the client counts.
    """

    uri: str
    path: str
    text: str
    version: int | None


class Buffers:
    """All open documents of one client."""

    def __init__(self, server: LongshiftLanguageServer) -> None:
        """Look at the server's documents."""
        self._server = server
        self._places: dict[str, Path | None] = {}
        self._set_aside: dict[str, tuple[Path, str]] = {}
        self._watchers: list[Watcher] = []
        self._changed: asyncio.Future[None] | None = None

    def find(self, uri: str, root: Path) -> Buffer | None:
        """The open document with a URI, if it lies below a root."""
        document = self._server.workspace.text_documents.get(unquote(uri))
        path = self.path(uri, root)
        if document is None or path is None or self._is_left_behind(unquote(uri), document.source):
            return None
        return Buffer(document.uri, path, document.source, document.version)

    def is_open(self, uri: str) -> bool:
        """Whether the client has a document open."""
        return unquote(uri) in self._server.workspace.text_documents

    def below(self, root: Path) -> Iterator[Buffer]:
        """Every open document below a root."""
        for uri in list(self._server.workspace.text_documents):
            if (buffer := self.find(uri, root)) is not None:
                yield buffer

    def at(self, path: str, root: Path) -> Buffer | None:
        """The open document at a path below a root."""
        return next((buffer for buffer in self.below(root) if buffer.path == path), None)

    def set_aside(self, buffer: Buffer, root: Path) -> None:
        """Take a document for closed, as the person let its file be moved away or deleted.

        Some editors can't be asked to close it. Once its text is another or its file is back, it
        is the person's text again.
        """
        self._set_aside[unquote(buffer.uri)] = (root / buffer.path, buffer.text)

    def uri(self, path: str, root: Path) -> str:
        """The URI of a path: as the client writes it where it has the document open."""
        buffer = self.at(path, root)
        return (root / path).as_uri() if buffer is None else buffer.uri

    def path(self, uri: str, root: Path) -> str | None:
        """The path of a URI below a root; None where it lies elsewhere or is no file."""
        place = self.place(uri)
        if place is None:
            return None
        try:
            path = place.relative_to(root).as_posix()
        except ValueError:
            return None
        return None if path == "." or path.split("/", 1)[0] == ".git" else path

    def place(self, uri: str) -> Path | None:
        """The file of a URI, links in its folders resolved; None for another scheme."""
        if uri not in self._places:
            if len(self._places) > 4096:
                self._places.clear()
            self._places[uri] = _place(uri)
        return self._places[uri]

    def watch(self, watcher: Watcher) -> None:
        """Be told the URI of each document that opens, changes or closes."""
        self._watchers.append(watcher)

    def changed(self, uri: str) -> None:
        """Take note that a document opened, changed or closed."""
        if not self.is_open(uri):
            self._set_aside.pop(unquote(uri), None)
        if self._changed is not None and not self._changed.done():
            self._changed.set_result(None)
        for watcher in self._watchers:
            watcher(uri)

    async def wait_until_changed(self) -> None:
        """Wait for the next change of any document."""
        if self._changed is None or self._changed.done():
            self._changed = asyncio.get_running_loop().create_future()
        await asyncio.shield(self._changed)

    def _is_left_behind(self, uri: str, text: str) -> bool:
        aside = self._set_aside.get(uri)
        if aside is None:
            return False
        place, text_then = aside
        if text == text_then and not os.path.lexists(place):
            return True
        self._set_aside.pop(uri, None)
        return False


def _place(uri: str) -> Path | None:
    if urlsplit(uri).scheme != "file":
        return None
    path = to_fs_path(uri)
    if not path:
        return None
    # The file itself may be a link that the repository tracks; the folders above it are not.
    folder, name = os.path.split(os.path.normpath(path))
    return Path(os.path.realpath(folder), name)
