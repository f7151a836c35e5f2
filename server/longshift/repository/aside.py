"""Work on many texts in a process of its own.

Python has one lock, and a parser holds it for as long as it parses: what takes seconds of that
takes them from the editor, on whatever thread it is done. Owns the process from its start to its
certain end. What it is given, and what it gives, is pickled one by one, so that neither side holds
the lock for long over that. It ends when its input does: a killed engine leaves none behind.
"""

import pickle
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import IO, Any, Final, NamedTuple, TypeVar

from longshift.errors import NeedsPerson

Given = TypeVar("Given")
Result = TypeVar("Result")

WORTH_IT_BYTES: Final = 1_000_000
"""Texts of fewer bytes are done with here before such a process would have started."""
WITHIN_S: Final = 600.0
"""Nothing that is asked of it takes longer, but for a text made to be slow."""


class _Failed(NamedTuple):
    """In the place of a result: what was raised."""

    words: str


def aside(work: Callable[[Given], Result], many: Iterable[Given]) -> Generator[Result, None, None]:
    """Do a piece of work for each of many values, in another process; blocking.

    Args:
        work: a pure function of a module, which it is found by.
        many: what it is given, each time.

    Yields:
        What it made of each, in their order.

    Raises:
        NeedsPerson: the process ended before the work was done.
    """
    command = [sys.executable, "-P", "-c", f"from {__name__} import serve; serve()"]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # an interrupt at the terminal is for the engine to deal with
    ) as process:
        deadline = threading.Timer(WITHIN_S, process.kill)
        deadline.daemon = True
        deadline.start()
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            number = _give(process.stdin, work, many)
            for _ in range(number):
                yield _take(process.stdout)
        except (EOFError, OSError, pickle.UnpicklingError) as error:
            process.kill()
            raise _ended(f"with status {process.wait()}") from error
        finally:
            deadline.cancel()
            process.kill()  # whoever asked may have lost interest


def _give(stream: IO[bytes], work: Callable[[Given], object], many: Iterable[Given]) -> int:
    pickle.dump(work, stream)
    number = 0
    for one in many:
        pickle.dump(one, stream, pickle.HIGHEST_PROTOCOL)
        number += 1
    stream.close()
    return number


def _take(stream: IO[bytes]) -> Any:  # noqa: ANN401 -- the other side's `Result`
    result = pickle.load(stream)  # noqa: S301 -- of our own process, over a pipe of our own
    if isinstance(result, _Failed):
        raise _ended(f"with {result.words}")
    return result


def _ended(how: str) -> NeedsPerson:
    return NeedsPerson(
        f"The process that looks through many files at once ended early, {how}. Nothing was "
        "changed. Resume the run to try again; where that does not help, one of the files may be "
        "at fault, and the log says more."
    )


def _all_from(stream: IO[bytes]) -> Iterator[Any]:
    try:
        while True:
            yield pickle.load(stream)  # noqa: S301 -- of the engine that started this process
    except EOFError:
        return


def serve() -> None:
    """Be the other process: do what comes on standard input, until it ends."""
    made = sys.stdout.buffer
    # All is read before anything is written: two full pipes would wait for each other.
    work, *many = _all_from(sys.stdin.buffer)
    for one in many:
        try:
            result = work(one)
        except Exception:  # noqa: BLE001 -- told to whoever asked
            result = _Failed(traceback.format_exc(limit=3))
        pickle.dump(result, made, pickle.HIGHEST_PROTOCOL)
    made.flush()
