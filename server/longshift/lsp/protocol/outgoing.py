"""Send to the client: requests and their answers, notifications, responses.

Owns what goes out and what is expected back. Never leaves anything registered for a request of
ours that is over, however it ended, and never writes what is not JSON.

The defects of pygls 2.1.1 that this mends, by their upstream issue (openlawlibrary/pygls):
    #608  `_result_types` grows with every unanswered request of ours.
    #621  an answer to a request that we gave up raises `InvalidStateError`.
    Not reported upstream: a result that is not JSON gets no answer, and an unknown object is
    sent as its `__dict__`.
"""

import json
import logging
import uuid
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from lsprotocol import types
from pygls.exceptions import JsonRpcException
from pygls.protocol import LanguageServerProtocol

from longshift.lsp.protocol.answers import ErrorAnswer
from longshift.lsp.protocol.envelope import VERSION, MsgId, Response
from longshift.lsp.protocol.framing import frame
from longshift.lsp.protocol.transport import Transport
from longshift.lsp.protocol.written import Written

if TYPE_CHECKING:
    from cattrs import Converter

    from longshift.lsp.protocol.server import LongshiftLanguageServer

logger = logging.getLogger(__name__)


DROPPABLE: Final = frozenset(
    {
        types.PROGRESS,
        types.WINDOW_LOG_MESSAGE,
        types.WINDOW_SHOW_MESSAGE,
        "longshift/runDidChange",
    }
)
"""Notifications that are overtaken by later ones, or can be asked for."""


class Outgoing(LanguageServerProtocol):
    """The half of a protocol that sends; from any thread, once attached."""

    _server: "LongshiftLanguageServer"

    def __init__(self, server: "LongshiftLanguageServer", converter: "Converter") -> None:
        super().__init__(server, converter)
        self._transport: Transport | None = None

    def attach(self, transport: Transport) -> None:
        """Send through this transport from now on."""
        self._transport = transport

    def send_request(
        self,
        method: str,
        params: object = None,
        callback: Callable[[Any], None] | None = None,
        msg_id: MsgId | None = None,
    ) -> "Future[Any]":
        """Ask the client.

        Args:
            method: an LSP method.
            params: its parameters, as lsprotocol's class.
            callback: gets the result; is not called on an error.
            msg_id: a fresh one by default.

        Returns:
            A future of the result; its exception is a `JsonRpcException`. Cancelling it forgets
            the request.
        """
        chosen = str(uuid.uuid4()) if msg_id is None else msg_id
        try:
            future: Future[Any] = super().send_request(method, params, None, chosen)
        except Exception:
            self._forget(chosen)
            raise
        # Answered, cancelled or failed: in no case does anything stay registered (#608).
        future.add_done_callback(lambda _: self._forget(chosen))
        if callback is not None:
            future.add_done_callback(partial(_pass_result, method, callback))
        return future

    def notify_written(self, method: str, params: Written) -> None:
        """Send a notification whose parameters are JSON text already."""
        self._send_written(b'"method":%b,"params":%b' % (json.dumps(method).encode(), params.data))

    def _forget(self, msg_id: MsgId) -> None:
        self._request_futures.pop(msg_id, None)
        self._result_types.pop(msg_id, None)

    def _send_data(self, data: object) -> None:
        """Write one message, an lsprotocol object or a dict.

        Raises:
            TypeError, ValueError: some part of it is not JSON.
        """
        fields = self._converter.unstructure(data)
        body = json.dumps(
            fields,
            default=self._serialize_message,
            allow_nan=False,
            separators=(",", ":"),
        )
        if self._transport is not None:
            self._transport.write(frame(body.encode()), droppable=_is_droppable(fields))

    def _send_result(self, msg_id: MsgId, result: object) -> None:
        """Answer a request.

        Raises:
            TypeError, ValueError: some part of the result is not JSON.
        """
        if isinstance(result, Written):
            self._send_written(b'"id":%b,"result":%b' % (json.dumps(msg_id).encode(), result.data))
        else:
            self._send_data({"jsonrpc": VERSION, "id": msg_id, "result": result})

    def _send_written(self, fields: bytes) -> None:
        if self._transport is not None:
            self._transport.write(frame(b'{"jsonrpc":"%b",%b}' % (VERSION.encode(), fields)))

    def _serialize_message(self, data: object) -> dict[str, Any]:
        # pygls writes any object's __dict__ here, which shows the client our insides.
        if not hasattr(data, "__attrs_attrs__"):
            raise TypeError(f"{type(data).__name__} is not JSON")
        fields: dict[str, Any] = self._converter.unstructure(data)
        return fields

    def _send_error(self, msg_id: MsgId | None, answer: ErrorAnswer) -> None:
        self._send_data({"jsonrpc": VERSION, "id": msg_id, "error": answer.to_wire()})

    def _dispatch_response(self, response: Response) -> None:
        future = self._request_futures.get(response.msg_id)
        result_type = self._result_types.get(response.msg_id)
        # False also for a request that we gave up: its late answer is no news (#621).
        if future is None or not future.set_running_or_notify_cancel():
            logger.debug("A response to the unknown request %r was ignored.", response.msg_id)
            return
        try:
            future.set_result(self._structure_result(response, result_type))
        except Exception as error:  # noqa: BLE001 -- goes to whoever asked the client
            future.set_exception(error)

    def _structure_result(self, response: Response, result_type: type[Any] | None) -> object:
        if (error := response.error) is not None:
            code = error.get("code")
            raise JsonRpcException(
                message=str(error.get("message") or "The client gave no reason."),
                code=code if isinstance(code, int) else types.ErrorCodes.InternalError,
                data=error.get("data"),
            )
        if result_type is None:
            return response.result
        wire = {"jsonrpc": VERSION, "id": response.msg_id, "result": response.result}
        return self._converter.structure(wire, result_type).result


def _is_droppable(fields: object) -> bool:
    """Whether a client that reads too slowly can do without a message."""
    if not isinstance(fields, dict) or fields.get("method") not in DROPPABLE:
        return False
    # Without its begin and its end, a progress would never show or never go.
    return fields["method"] != types.PROGRESS or _progress_kind(fields) == "report"


def _progress_kind(fields: dict[str, Any]) -> object:
    value = (fields.get("params") or {}).get("value")
    return value.get("kind") if isinstance(value, dict) else None


def _pass_result(method: str, callback: Callable[[Any], None], future: "Future[Any]") -> None:
    if future.cancelled():
        return
    if (error := future.exception()) is not None:
        logger.warning("The client refused %s: %s", method, error)
    else:
        callback(future.result())
