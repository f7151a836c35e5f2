"""How many examples a property test tries: few in `make test`, many in `make long`."""

import os

IS_LONG = os.environ.get("LONGSHIFT_TEST_PROFILE") == "long"
TIMES_LONGER = 20


def examples(number: int, times: int = TIMES_LONGER) -> int:
    """The number for `make test`, or that many times it for `make long`."""
    return number * times if IS_LONG else number
