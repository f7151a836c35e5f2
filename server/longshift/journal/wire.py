"""The protocol between the owner of a repository and other processes: one JSON object a line.

    {"id": 1, "command": "pauseRun", "arguments": {"runId": "R1"}}
    {"id": 1, "result": {…}}
    {"id": 1, "error": {"kind": "usage"|"needs_person"|"internal", "message": "…"}}

`follow` with `{"after": seq}` is answered `{"id": 2, "result": {}}`; from then on come
`{"event": {…}}` lines, at last `{"end": true}` or an `{"error": …}`. A line that is no request is
answered with the id null, and its connection is closed.

A client that has offered something may be asked for it: `{"ask": {"id": 7, …}}` is answered with a
request of the client's.

Owns these shapes and how an error crosses. Must never know what a command means.
"""

import asyncio
import json
import logging
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from longshift.errors import LongshiftError, NeedsPerson, UsageError

log = logging.getLogger(__name__)

Json: TypeAlias = dict[str, object]
ErrorKind: TypeAlias = Literal["usage", "needs_person", "internal"]

MOST_LINE_BYTES: Final = 8 * 1024 * 1024
"""The longest line, its end included, that either side takes."""

MOST_MESSAGE: Final = 10_000
"""Most characters of what a refusal says."""


class Request(BaseModel):
    """What a client asks for."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    id: int
    command: Annotated[str, Field(min_length=1)]
    arguments: Json = {}


class FollowArguments(BaseModel):
    """What `follow` takes."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    after: Annotated[int, Field(ge=0, le=2**63 - 1)] = 0


class Error(BaseModel):
    """Why a request was refused."""

    model_config = ConfigDict(frozen=True)

    kind: ErrorKind
    message: str

    def as_exception(self) -> LongshiftError:
        """The exception that a client raises for it."""
        match self.kind:
            case "usage":
                return UsageError(self.message)
            case "needs_person":
                return NeedsPerson(self.message)
            case "internal":
                return LongshiftError(self.message)


class Reply(BaseModel):
    """Any line that a server sends; what a newer one adds is passed over."""

    model_config = ConfigDict(frozen=True)

    id: int | None = None
    result: Json | None = None
    error: Error | None = None
    event: Json | None = None
    ask: Json | None = None
    end: bool = False


def encode(message: Json) -> bytes:
    """One line; whatever is no ASCII is escaped, so that it is valid UTF-8 in any case.

    Raises:
        TypeError, ValueError: it is no JSON, or longer than a line may be.
    """
    line = json.dumps(message, allow_nan=False, separators=(",", ":")).encode() + b"\n"
    if len(line) > MOST_LINE_BYTES:
        raise ValueError(f"a line of {len(line)} bytes is longer than {MOST_LINE_BYTES}")
    return line


def refusal(request_id: int | None, command: str, error: Exception) -> bytes:
    """The line that tells a client why it does not get what it asked for."""
    kind: ErrorKind = "internal"
    # What was asked for is repeated here, and may be of any length; the refusal must fit a line.
    message, command = brief(str(error)), brief(command)
    if isinstance(error, UsageError):
        kind = "usage"
    elif isinstance(error, NeedsPerson):
        kind = "needs_person"
    else:
        log.error("the command `%s` failed", command, exc_info=error)
        message = (
            f"`{command}` failed in the process that owns this repository, by a defect of "
            f"Longshift ({type(error).__name__}). Its runs go on. Its log has the details; please "
            "report them."
        )
    return encode({"id": request_id, "error": {"kind": kind, "message": message}})


def brief(text: str) -> str:
    """The start of a text, short enough for a line however it is escaped."""
    return text if len(text) <= MOST_MESSAGE else f"{text[:MOST_MESSAGE]}…"


def malformed(error: asyncio.LimitOverrunError | ValidationError) -> UsageError:
    """What a client is told whose line is no request."""
    if isinstance(error, ValidationError):
        return UsageError(f"This line is no request: {first_problem(error)}. Closing.")
    return UsageError(f"This line is longer than {MOST_LINE_BYTES} bytes. Closing.")


def first_problem(error: ValidationError) -> str:
    """The first thing that is wrong, and where."""
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(map(str, first["loc"]))
    return f"{first['msg']}{f' at `{where}`' if where else ''}"
