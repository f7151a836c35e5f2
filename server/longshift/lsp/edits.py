"""Edits of review as LSP's workspace edits.

Pure. Owns the form that each client takes: versioned `documentChanges` where it can, else
`changes`, which no client checks against the text that they were computed for.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lsprotocol import types

from longshift.lsp.buffers import Buffer
from longshift.lsp.client import Client
from longshift.lsp.positions import Lines
from longshift.review.shapes import Edit

FileOperation = types.CreateFile | types.RenameFile | types.DeleteFile


@dataclass(frozen=True, slots=True)
class BufferEdit:
    """Edits of one open document, computed against exactly its text."""

    buffer: Buffer
    edits: tuple[Edit, ...]


def text_edits(text: str, edits: Iterable[Edit], encoding: str) -> list[types.TextEdit]:
    """Edits in the client's positions, in ascending order; none overlap."""
    lines = Lines(text, encoding)
    ordered = sorted(edits, key=lambda edit: (edit.start, edit.end, edit.order))
    return [types.TextEdit(lines.range(edit.start, edit.end), edit.new_text) for edit in ordered]


def workspace_edit(
    client: Client, edits: Sequence[BufferEdit], operations: Sequence[FileOperation] = ()
) -> types.WorkspaceEdit:
    """One edit for the client: texts first, then operations on files."""
    if not client.versions:
        return types.WorkspaceEdit(
            changes={
                one.buffer.uri: text_edits(one.buffer.text, one.edits, client.encoding)
                for one in edits
            }
        )
    documents = [
        types.TextDocumentEdit(
            types.OptionalVersionedTextDocumentIdentifier(
                uri=one.buffer.uri, version=one.buffer.version
            ),
            text_edits(one.buffer.text, one.edits, client.encoding),
        )
        for one in edits
    ]
    return types.WorkspaceEdit(document_changes=[*documents, *operations])
