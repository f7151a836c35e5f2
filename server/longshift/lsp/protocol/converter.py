"""Make the converter between LSP's JSON and lsprotocol's classes.

Owns which JSON values are taken for which type. Never guesses: cattrs by itself turns a number
into a string and "3" into 3, so that wrong parameters would reach a handler as nonsense
(pygls 2.1.1 inherits this; not reported upstream).
"""

from collections.abc import Callable
from enum import Enum
from typing import Any, Final

from cattrs import Converter
from lsprotocol import types
from pygls.protocol import default_converter


def make_converter() -> Converter:
    """Return a converter that refuses values of the wrong primitive type."""
    make: Callable[[], Converter] = default_converter
    converter = make()
    converter.register_structure_hook(str, _string)
    converter.register_structure_hook(int, _integer)
    converter.register_structure_hook(bool, _boolean)
    return converter


def warm_converter(converter: Converter) -> None:
    """Generate the code for the messages of a first code action, ahead of it.

    cattrs writes a function per class at its first use, which makes the first code action twenty
    times as slow as the second. Call this in a thread once the client is initialized; a message
    converted meanwhile merely generates some function twice.
    """
    for cls in _HOT_INCOMING:
        converter.get_structure_hook(cls)
    converter.structure(_CODE_ACTION_PARAMS, types.CodeActionParams)
    converter.structure(_DID_CHANGE_PARAMS, types.DidChangeTextDocumentParams)
    converter.unstructure(_a_code_action())
    for cls in _HOT_OUTGOING:
        converter.get_unstructure_hook(cls)


_HOT_INCOMING: Final[tuple[type[Any], ...]] = (
    types.CodeAction,
    types.CodeLensParams,
    types.DidCloseTextDocumentParams,
    types.DidOpenTextDocumentParams,
    types.ExecuteCommandParams,
    types.WorkDoneProgressCancelParams,
)
_HOT_OUTGOING: Final[tuple[type[Any], ...]] = (
    types.CodeLens,
    types.ProgressParams,
    types.PublishDiagnosticsParams,
    types.WorkDoneProgressBegin,
    types.WorkDoneProgressEnd,
    types.WorkDoneProgressReport,
)
_RANGE = {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 1}}
_CODE_ACTION_PARAMS = {
    "textDocument": {"uri": "file:///warm"},
    "range": _RANGE,
    "context": {
        "diagnostics": [{"range": _RANGE, "message": "warm", "severity": 2, "code": "W"}],
        "only": ["quickfix"],
        "triggerKind": 1,
    },
}
_DID_CHANGE_PARAMS = {
    "textDocument": {"uri": "file:///warm", "version": 1},
    "contentChanges": [{"range": _RANGE, "text": ""}, {"text": ""}],
}


def _a_code_action() -> list[types.CodeAction]:
    start = types.Position(0, 0)
    edits = [types.TextEdit(types.Range(start, start), "")]
    document = types.OptionalVersionedTextDocumentIdentifier(uri="file:///warm", version=1)
    return [
        types.CodeAction(
            title="warm",
            kind=types.CodeActionKind.QuickFix,
            edit=types.WorkspaceEdit(
                changes={"file:///warm": edits},
                document_changes=[types.TextDocumentEdit(document, edits)],
            ),
            command=types.Command("warm", "warm", arguments=[{}]),
            data={"warm": 1},
        )
    ]


def _string(value: object, cls: type[str]) -> str:
    """Also for the enumerations that derive from `str`, most of which are open."""
    if not isinstance(value, str):
        raise TypeError(f"a string was expected, not {type(value).__name__}")
    known = issubclass(cls, Enum) and value in {member.value for member in cls}
    return cls(value) if known else value


def _integer(value: object, cls: type[int]) -> int:
    """Also for the enumerations that derive from `int`: a bare number could not be written again.

    Raises:
        TypeError, ValueError: it is no number, or none of the enumeration.
    """
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # JSON has one kind of number, and some clients write 3.0
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"an integer was expected, not {type(value).__name__}")
    return cls(value) if issubclass(cls, Enum) else value


def _boolean(value: object, _: type) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"true or false was expected, not {type(value).__name__}")
    return value
