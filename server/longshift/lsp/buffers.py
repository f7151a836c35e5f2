"""The client's open documents, and when they change.

Owns the way from a URI to a path below a repository's root and back. Never changes a document:
only the client does.
"""

import asyncio
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from pygls.uris import to_fs_path

from longshift.lsp.protocol import LongshiftLanguageServer

Watcher = Callable[[str], None]

MOST_PLACES: Final = 16_384
"""URIs whose files are remembered; more than any editor has open at a time."""


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
    """All open documents of one client.

    Invariant: no question about one document costs more with many open ones.
    """

    def __init__(self, server: LongshiftLanguageServer) -> None:
        """Look at the server's documents, of which `changed` tells."""
        self._server = server
        self._places: dict[str, Path | None] = {}
        self._at: dict[Path, dict[str, None]] = {}
        """The URIs, without quoting, of each file that is open; the last one speaks for it."""
        self._below: dict[Path, _Picture] = {}
        self._no_files: dict[str, str] = {}
        """By the URI without quoting, the URI."""
        self._set_aside: dict[str, tuple[Path, str]] = {}
        self._watchers: list[Watcher] = []
        self._changed: asyncio.Future[None] | None = None

    def find(self, uri: str, root: Path) -> Buffer | None:
        """The open document with a URI, if it lies below a root."""
        path = self.path(uri, root)
        return None if path is None else self._buffer(unquote(uri), path)

    def is_open(self, uri: str) -> bool:
        """Whether the client has a document open."""
        return unquote(uri) in self._server.workspace.text_documents

    def version(self, uri: str) -> int | None:
        """The version of an open document; None where it is not open."""
        document = self._server.workspace.text_documents.get(unquote(uri))
        return None if document is None else document.version

    def no_files(self) -> list[str]:
        """The open documents that are no files, as the client writes them."""
        return list(self._no_files.values())

    def below(self, root: Path) -> Mapping[str, Buffer]:
        """Every open document below a root, by path, as they are now; never changes."""
        if root not in self._below:
            self._below[root] = _Picture()
            for place in self._at:
                self._draw(place, root)
        buffers = self._below[root].taken()
        left = {
            place
            for uri, (place, _) in list(self._set_aside.items())
            if (open_ := self._server.workspace.text_documents.get(uri)) is not None
            and self._is_left_behind(uri, open_.source)
        }
        if not left:
            return buffers
        return {path: buffer for path, buffer in buffers.items() if root / path not in left}

    def at(self, path: str, root: Path) -> Buffer | None:
        """The open document at a path below a root."""
        uris = self._at.get(root / path)
        if not uris or _path(root / path, root) is None:
            return None
        return self._buffer(next(reversed(uris)), path)

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
        return None if place is None else _path(place, root)

    def place(self, uri: str) -> Path | None:
        """The file of a URI, links in its folders resolved; None for another scheme."""
        if uri not in self._places:
            if len(self._places) >= MOST_PLACES:
                del self._places[next(iter(self._places))]
            self._places[uri] = _place(uri)
        return self._places[uri]

    def watch(self, watcher: Watcher) -> Callable[[], None]:
        """Be told the URI of each document that opens, changes or closes; returns what ends it."""
        self._watchers.append(watcher)
        return lambda: self._watchers.remove(watcher)

    def changed(self, uri: str) -> None:
        """Take note that a document opened, changed or closed."""
        self._note(uri)
        if self._changed is not None and not self._changed.done():
            self._changed.set_result(None)
        for watcher in self._watchers:
            watcher(uri)

    async def wait_until_changed(self) -> None:
        """Wait for the next change of any document."""
        if self._changed is None or self._changed.done():
            self._changed = asyncio.get_running_loop().create_future()
        await asyncio.shield(self._changed)

    def _buffer(self, key: str, path: str) -> Buffer | None:
        document = self._server.workspace.text_documents.get(key)
        if document is None or self._is_left_behind(key, document.source):
            return None
        return Buffer(document.uri, path, document.source, document.version)

    def _note(self, uri: str) -> None:
        place, key = self.place(uri), unquote(uri)
        is_open = key in self._server.workspace.text_documents
        if not is_open:
            self._set_aside.pop(key, None)
        if place is None:
            if is_open:
                self._no_files.setdefault(key, uri)
            else:
                self._no_files.pop(key, None)
            return
        if is_open:
            self._at.setdefault(place, {}).setdefault(key)
        elif place in self._at:
            self._at[place].pop(key, None)
            if not self._at[place]:
                del self._at[place]
        for root in self._below:
            self._draw(place, root)

    def _draw(self, place: Path, root: Path) -> None:
        """Put what is open of a file into the picture of a root."""
        path = _path(place, root)
        if path is None:
            return
        uris = self._at.get(place)
        document = self._server.workspace.text_documents[next(reversed(uris))] if uris else None
        self._below[root].put(
            path,
            Buffer(document.uri, path, document.source, document.version) if document else None,
        )

    def _is_left_behind(self, uri: str, text: str) -> bool:
        aside = self._set_aside.get(uri)
        if aside is None:
            return False
        place, text_then = aside
        if text == text_then and not os.path.lexists(place):
            return True
        self._set_aside.pop(uri, None)
        return False


class _Picture:
    """The open documents below one root. What was taken never changes: the next change copies."""

    def __init__(self) -> None:
        self._buffers: dict[str, Buffer] = {}
        self._is_taken = False

    def taken(self) -> Mapping[str, Buffer]:
        self._is_taken = True
        return self._buffers

    def put(self, path: str, buffer: Buffer | None) -> None:
        if self._is_taken:
            self._buffers, self._is_taken = self._buffers.copy(), False
        if buffer is None:
            self._buffers.pop(path, None)
        else:
            self._buffers[path] = buffer


def _path(place: Path, root: Path) -> str | None:
    try:
        path = place.relative_to(root).as_posix()
    except ValueError:
        return None
    return None if path == "." or path.split("/", 1)[0] == ".git" else path


def _place(uri: str) -> Path | None:
    if urlsplit(uri).scheme != "file":
        return None
    path = to_fs_path(uri)
    if not path:
        return None
    # The file itself may be a link that the repository tracks; the folders above it are not.
    folder, name = os.path.split(os.path.normpath(path))
    return Path(os.path.realpath(folder), name)
