"""Turn what a handler raised into the error that the client reads.

Owns the table from exceptions to LSP error codes. Never lets a traceback, a payload or the text
of an unforeseen exception reach a client: those are for the log.

pygls 2.1.1 sends the traceback as `error.data` (not reported upstream).
"""

import asyncio
from dataclasses import dataclass

from cattrs import transform_error
from lsprotocol.types import ErrorCodes, LSPErrorCodes
from pygls.exceptions import JsonRpcException

from longshift.errors import LongshiftError, UsageError
from longshift.lsp.protocol.envelope import MalformedError
from longshift.lsp.words import shown


class LspError(Exception):
    """A feature's way to answer a request with an error of its choice.

    Attributes:
        code: an LSP or JSON-RPC code, such as `LSPErrorCodes.RequestFailed`.
        message: a sentence for a person.
        data: JSON for the client, or None.
    """

    def __init__(self, code: int, message: str, data: object = None) -> None:
        super().__init__(message)
        self.code = int(code)
        self.message = message
        self.data = data


@dataclass(frozen=True, slots=True)
class ErrorAnswer:
    """The `error` member of a response."""

    code: int
    message: str
    data: object = None

    def to_wire(self) -> dict[str, object]:
        """Return the member as JSON, without `data` where there is none."""
        fields: dict[str, object] = {"code": int(self.code), "message": shown(self.message)}
        return fields if self.data is None else {**fields, "data": self.data}


def answer_to(error: BaseException, method: str, log_place: str) -> ErrorAnswer:
    """Say to the client what went wrong.

    Args:
        error: what the handler of `method` raised.
        method: for the sentence about an error of our own.
        log_place: where a person finds the log, such as a path.
    """
    match error:
        case LspError():
            return ErrorAnswer(error.code, error.message, error.data)
        case MalformedError():
            return ErrorAnswer(int(error.code), str(error))
        case JsonRpcException():
            return ErrorAnswer(error.code, error.message)
        case UsageError():
            return ErrorAnswer(ErrorCodes.InvalidParams, str(error))
        case LongshiftError():
            return ErrorAnswer(LSPErrorCodes.RequestFailed, str(error))
        case asyncio.CancelledError():
            return ErrorAnswer(LSPErrorCodes.RequestCancelled, f"{method} was cancelled.")
        case _:
            return ErrorAnswer(
                ErrorCodes.InternalError,
                f"Longshift met an error of its own in {method}. The server goes on; "
                f"details are in {log_place}.",
            )


def is_foreseen(error: BaseException) -> bool:
    """Tell errors that were raised for the client from defects, whose traceback the log needs."""
    foreseen = (LspError, MalformedError, JsonRpcException, LongshiftError, asyncio.CancelledError)
    return isinstance(error, foreseen)


def wrong_params(error: Exception, method: str) -> LspError:
    """Name the parameters that did not fit, by path (`$.textDocument.uri`)."""
    faults = "; ".join(transform_error(error))
    return LspError(ErrorCodes.InvalidParams, f"The parameters of {method} do not fit: {faults}.")
