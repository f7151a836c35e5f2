"""Keep open documents as the client has them, whatever characters they hold.

Owns positions and lines of the text that clients synchronise. Never reads a file for an open
document and never changes a range that a client sent.

pygls 2.1.1 splits lines as Python does, at form feeds, U+2028 and six more characters that are
no line ends to LSP, so a change below one lands on the wrong line; and it takes a column past
the end of an unterminated last line for the column before its last character (neither reported
upstream). Either one makes the server's text differ from the person's.
"""

import logging
import re
from collections.abc import Sequence
from typing import Final
from urllib.parse import unquote

from lsprotocol import types
from pygls.workspace import PositionCodec, TextDocument, Workspace
from pygls.workspace.position_codec import ServerTextPosition

logger = logging.getLogger(__name__)

_CONTINUATION: Final = bytes(range(0x80, 0xC0))
"""Bytes of UTF-8 that begin no character."""
_PAIR: Final = re.compile("[\U00010000-\U0010ffff]")
"""A character that is two units of UTF-16."""
_LINE: Final = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")


def split_lines(text: str) -> tuple[str, ...]:
    r"""Split at LSP's line ends (`\n`, `\r\n`, `\r`) and keep them; joined, they are the text."""
    if "\r" in text:
        return tuple(_LINE.findall(text))
    lines = text.split("\n")
    last = lines.pop()
    ended = [line + "\n" for line in lines]
    return (*ended, last) if last else tuple(ended)


class LineCodec(PositionCodec):
    """Positions in the client's encoding, to and from code points."""

    def position_from_client_units(
        self, lines: Sequence[str], position: types.Position
    ) -> ServerTextPosition:
        """Find the code point at a position.

        A column past the end of its line means the end of that line, before its terminator; a
        line past the end of the text means the end of the text.
        """
        if position.line >= len(lines):
            return ServerTextPosition(len(lines) - 1, len(lines[-1])) if lines else _ORIGIN
        content = lines[position.line].rstrip("\r\n")
        return ServerTextPosition(position.line, self._code_points(content, position.character))

    def _code_points(self, content: str, units: int) -> int:
        if content.isascii():
            return min(units, len(content))
        # By searching, not by counting each character: a line can be a million long.
        match self.encoding:
            case types.PositionEncodingKind.Utf32:
                passed = units
            case types.PositionEncodingKind.Utf8:
                before = content.encode("utf-8", "surrogatepass")[:units]
                passed = len(before.translate(None, _CONTINUATION))
            case _:
                passed = units
                has_pairs = len(content.encode("utf-16-le", "surrogatepass")) > 2 * len(content)
                for pair in _PAIR.finditer(content) if has_pairs else ():
                    if pair.start() >= passed - 1:  # the second half of one is the place after it
                        break
                    passed -= 1
        return min(passed, len(content))


class OpenDocument(TextDocument):
    """A document with LSP's idea of lines; a change costs its own lines, not all of them."""

    _split: list[str] | None = None
    """The text's lines, once a change has asked for them."""

    @property
    def lines(self) -> Sequence[str]:
        """The text's lines with their ends."""
        return tuple(self._lines())

    def _lines(self) -> list[str]:
        if self._split is None:
            self._split = list(split_lines(self.source))
        return self._split

    def _apply_full_change(self, change: types.TextDocumentContentChangeEvent) -> None:
        self._split = None
        super()._apply_full_change(change)

    def _apply_incremental_change(self, change: types.TextDocumentContentChangePartial) -> None:
        lines = self._lines()
        if lines:
            codec = self.position_codec
            start, end = sorted(
                _in_order(codec.position_from_client_units(lines, position))
                for position in (change.range.start, change.range.end)
            )
            # With a line on each side: a "\r" and a "\n" may come together here, or part.
            first, last = max(0, start[0] - 1), end[0] + 2
            above, below = lines[first : start[0]], lines[end[0] + 1 : last]
            changed = lines[start[0]][: start[1]] + change.text + lines[end[0]][end[1] :]
            lines[first:last] = split_lines("".join([*above, changed, *below]))
        else:
            lines[:] = split_lines(change.text)
        self._source = "".join(lines)


class OpenDocuments(Workspace):
    """The workspace, whose documents are `OpenDocument`s."""

    def __init__(
        self,
        root_uri: str | None,
        sync_kind: types.TextDocumentSyncKind,
        workspace_folders: Sequence[types.WorkspaceFolder],
        position_encoding: types.PositionEncodingKind | str,
    ) -> None:
        super().__init__(root_uri, sync_kind, workspace_folders, position_encoding)
        self._position_codec = LineCodec(position_encoding)

    def update_text_document(
        self,
        text_doc: types.VersionedTextDocumentIdentifier,
        change: types.TextDocumentContentChangeEvent,
    ) -> None:
        """Apply a change; one to a document that was never opened has nothing to change."""
        if unquote(text_doc.uri) in self.text_documents:
            super().update_text_document(text_doc, change)
        else:
            logger.warning("A change to %s was ignored: it is not open.", text_doc.uri)

    def _create_text_document(
        self,
        doc_uri: str,
        source: str | None = None,
        version: int | None = None,
        language_id: str | None = None,
    ) -> TextDocument:
        return OpenDocument(
            doc_uri,
            source=source,
            version=version,
            language_id=language_id,
            sync_kind=self._sync_kind,
            position_codec=self._position_codec,
        )


_ORIGIN: Final = ServerTextPosition(0, 0)


def _in_order(position: ServerTextPosition) -> tuple[int, int]:
    return position.line, position.character
