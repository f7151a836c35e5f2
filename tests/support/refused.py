"""What a model is told where something is refused, as a test expects it."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

import pytest

from longshift.crew.prompts import words_of
from longshift.errors import TellModel

Mistake = TypeVar("Mistake", bound=TellModel)


@contextmanager
def refused(kind: type[Mistake], words: str = "") -> Iterator[pytest.ExceptionInfo[Mistake]]:
    """Expect a mistake, in words that match a regular expression."""
    with pytest.raises(kind) as mistake:
        yield mistake
    told = words_of(mistake.value)
    assert re.search(words, told), told
