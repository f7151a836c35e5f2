"""Results that are JSON text already.

Owns the way around converter and encoder for answers of hundreds of entries, so that they can be
made on another thread: converting four hundred code lenses in the loop holds it for 20 ms.
"""

import json
from dataclasses import dataclass
from typing import Final

Json = dict[str, object]


@dataclass(frozen=True, slots=True)
class Written:
    """A result that goes out as it stands.

    Attributes:
        data: one JSON value in UTF-8.
    """

    data: bytes


NOTHING: Final = Written(b"[]")
"""An empty list."""


def written(value: object) -> Written:
    """Write a value down; from any thread.

    Raises:
        TypeError, ValueError: some part of it is not JSON.
    """
    return Written(json.dumps(value, allow_nan=False, separators=(",", ":")).encode())
