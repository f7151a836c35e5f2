"""Read one JSON-RPC body into the message that it is, or say what is wrong with it.

Owns the outer shape of messages and nothing of their parameters. Pure.

pygls 2.1.1 structures messages from inside the JSON parser, so that any nested object with the
key `jsonrpc` is taken for a message, and a malformed message gets no answer (neither reported
upstream). Here the envelope is read once, from outside.
"""

import json
from dataclasses import dataclass
from typing import Final, NoReturn

from lsprotocol.types import ErrorCodes

MsgId = int | str

VERSION: Final = "2.0"

DEEPEST: Final = 100
"""How deeply the values of a message may lie in each other. The protocol's own need about 20; of
more, whoever walks them later by recursion would run out of stack."""


@dataclass(frozen=True, slots=True)
class Request:
    """Asks for exactly one response."""

    msg_id: MsgId
    method: str
    params: object


@dataclass(frozen=True, slots=True)
class Notification:
    """Asks for none."""

    method: str
    params: object


@dataclass(frozen=True, slots=True)
class Response:
    """Answers a request of ours; `error` is None on success."""

    msg_id: MsgId
    result: object
    error: dict[str, object] | None


Message = Request | Notification | Response


class MalformedError(Exception):
    """What arrived is no JSON-RPC message.

    Attributes:
        msg_id: of the message, where one could be read; JSON-RPC wants null otherwise.
        code: a JSON-RPC error code.
    """

    def __init__(self, code: int, message: str, msg_id: MsgId | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.msg_id = msg_id


def parse(body: bytes) -> Message:
    """Read one message.

    Args:
        body: UTF-8 JSON, without its header.

    Raises:
        MalformedError: the body is no JSON (-32700) or no JSON-RPC 2.0 message (-32600).
    """
    fields = _json_object(body)
    msg_id = _msg_id(fields)
    if fields.get("jsonrpc") != VERSION:
        _invalid('The message lacks "jsonrpc": "2.0".', msg_id)
    if "method" not in fields:
        return _response(fields, msg_id)
    method = fields["method"]
    if not isinstance(method, str):
        _invalid("A method must be a string.", msg_id)
    if "id" not in fields:
        return Notification(method, fields.get("params"))
    if msg_id is None:
        _invalid("The id of a request must be a number or a string.", None)
    return Request(msg_id, method, fields.get("params"))


def _json_object(body: bytes) -> dict[str, object]:
    try:
        fields = json.loads(body.decode("utf-8"), parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise MalformedError(ErrorCodes.ParseError, f"The message is not JSON: {error}.") from error
    if isinstance(fields, list):
        _invalid(
            "Batches are not part of the language server protocol; send messages singly.", None
        )
    if not isinstance(fields, dict):
        _invalid("A message must be a JSON object.", None)
    if _is_too_deep(fields):
        _invalid(f"The message is nested more than {DEEPEST} deep.", _msg_id(fields))
    return fields


def _is_too_deep(fields: dict[str, object]) -> bool:
    """Walk level by level, and not by recursion, which is what must not run out."""
    level: list[object] = [fields]
    for _ in range(DEEPEST):
        level = [
            below
            for one in level
            for below in (one.values() if isinstance(one, dict) else _items(one))
            if isinstance(below, dict | list)
        ]
        if not level:
            return False
    return True


def _items(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def encode(message: dict[str, object]) -> bytes:
    """Write one message that holds nothing but JSON."""
    return json.dumps(message, allow_nan=False, separators=(",", ":")).encode()


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _msg_id(fields: dict[str, object]) -> MsgId | None:
    msg_id = fields.get("id")
    # bool is an int to Python, but true is no id.
    return msg_id if isinstance(msg_id, int | str) and not isinstance(msg_id, bool) else None


def _response(fields: dict[str, object], msg_id: MsgId | None) -> Response:
    if msg_id is None or ("result" not in fields and "error" not in fields):
        _invalid("The message is neither a request, a notification nor a response.", msg_id)
    if "error" not in fields:
        return Response(msg_id, fields["result"], None)
    error = fields["error"]
    return Response(msg_id, None, error if isinstance(error, dict) else {"message": str(error)})


def _invalid(message: str, msg_id: MsgId | None) -> NoReturn:
    raise MalformedError(ErrorCodes.InvalidRequest, message, msg_id)
