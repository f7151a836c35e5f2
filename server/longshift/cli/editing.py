"""A hunk in the person's own editor, before they accept it.

Owns the file that is handed over: in a folder of its own that only they can open, and gone
afterwards. Must never take for their words what they did not save.
"""

import asyncio
import os
import re
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Final

from longshift.errors import NeedsPerson
from longshift.repository.person import run_editor

SCISSORS: Final = "# ------------------------ >8 ------------------------"
_EXPLANATION: Final = (
    "# Above are the lines that this hunk would put into {path}.",
    "# What you save there is put in instead, and the hunk is recorded as accepted.",
    "# Save nothing there, or let the editor fail, and nothing is decided.",
    "# The line of dashes and all below it are ignored; leave it in its place.",
)
_SUFFIX: Final = re.compile(r"\.[A-Za-z0-9_+-]{1,20}")


async def edited(editor: str, path: str, lines: str) -> str | None:
    """Let the person edit lines.

    Args:
        editor: a command for a shell.
        path: the file that the lines are for; it gives the suffix that an editor colours by.
        lines: what they begin with.

    Returns:
        The lines that they saved; None where they saved none.

    Raises:
        NeedsPerson: the editor could not be run or failed, or what it left can't be read.
    """
    folder = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="longshift-"))
    try:
        place = folder / f"hunk{_suffix(path)}"
        _write(place, _with_explanation(path, lines))
        with _ctrl_c_for_the_editor():
            status = await asyncio.to_thread(run_editor, editor, place)
        if status != 0:
            raise NeedsPerson(
                f"The editor `{editor}` ended with {status}. Nothing was decided; the hunk is as "
                "it was. Set VISUAL or EDITOR if you meant another."
            )
        return _words(place, lines)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _suffix(path: str) -> str:
    suffix = PurePosixPath(path).suffix
    return suffix if _SUFFIX.fullmatch(suffix) else ".txt"


def _write(place: Path, text: str) -> None:
    descriptor = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(text.encode("utf-8", "surrogatepass"))


def _with_explanation(path: str, lines: str) -> str:
    ended = lines if lines.endswith("\n") or not lines else lines + "\n"
    shown = " ".join(path.split()).encode("utf-8", "replace").decode()
    told = "\n".join(line.format(path=shown) for line in _EXPLANATION)
    return f"{ended.replace(chr(13) + chr(10), chr(10))}{SCISSORS}\n{told}\n"


def _words(place: Path, lines: str) -> str | None:
    try:
        saved = place.read_bytes().decode("utf-8").replace("\r\n", "\n")
    except (OSError, UnicodeDecodeError) as error:
        raise NeedsPerson(
            f"What the editor left can't be read: {error}. Nothing was decided; save it as UTF-8."
        ) from error
    above, mark, _ = saved.rpartition(f"{SCISSORS}\n")
    if not mark:
        raise NeedsPerson(
            "The line of dashes is gone, so nobody can tell your lines from the explanation. "
            "Nothing was decided. Edit the hunk again, and leave that line."
        )
    if lines and not lines.endswith("\n"):
        above = above.removesuffix("\n")  # it was put there to stand before the dashes
    return above or None


@contextmanager
def _ctrl_c_for_the_editor() -> Iterator[None]:
    """While an editor has the terminal, Ctrl-C is its own affair."""
    # A handler, not SIG_IGN: that would be handed on to the editor.
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
