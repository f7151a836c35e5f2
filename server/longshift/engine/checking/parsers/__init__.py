"""What tools print, read as diagnostics: chosen by what is printed, not by the command's name.

A project's `make lint` prints what the tools below it print. Owns the order of the readers: each
takes the lines that are its own form, and the general one has the rest. Pure, linear in the size
of an output, and safe with any: a reader that finds nothing it knows says nothing.
"""

from collections.abc import Callable, Iterator
from itertools import chain, islice
from typing import Final

from longshift.engine.checking.parsers import (
    documents,
    general,
    go,
    javascript,
    pytest,
    python_tools,
    rust,
)
from longshift.engine.checking.parsers.shape import MOST_READ, Diagnostic, Output

_READERS: Final[tuple[Callable[[Output], Iterator[Diagnostic]], ...]] = (
    documents.read,
    python_tools.read_workflow,
    python_tools.read_full,
    pytest.read,
    pytest.read_unittest,
    rust.read,
    rust.read_tests,
    javascript.read_tsc,
    javascript.read_eslint,
    javascript.read_tests,
    go.read,
)


def read_diagnostics(text: str, command: str = "") -> list[Diagnostic]:
    """What a command reports, in the order of the forms and of the lines, each once.

    Args:
        text: its output, of any size and content; at most `MOST_READ` are read out of it.
        command: names the tool where its form does not.
    """
    output = Output(text)
    readers = (reader(output) for reader in _READERS)
    found = chain(chain.from_iterable(readers), general.read(output, command))
    return list(dict.fromkeys(javascript.raised(output, islice(found, MOST_READ))))
