"""Single names as file systems take them, whatever way they are spelled.

Owns what is looked through (case, the form of accents, ignored characters, streams, short names)
and which names are no ordinary files somewhere. Pure: knows neither whole trees nor this machine,
since what is made here may be checked out on another.
"""

import re
import unicodedata
from typing import Final, Literal, TypeAlias

# Characters that HFS+ ignores when comparing names: with them, ".g\u200cit" is ".git" there.
_IGNORED_ON_HFS: Final = dict.fromkeys(
    [*range(0x200C, 0x2010), *range(0x202A, 0x202F), *range(0x206A, 0x2070), 0xFEFF]
)
_GIT: Final = re.compile(r"\.git|git~\d+")
_GITMODULES: Final = re.compile(r"\.gitmodules|gitmod~\d+|gi7eba~\d+")
_DEVICE: Final = re.compile(r"con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[1-9\u00b9\u00b2\u00b3]")


Meaning: TypeAlias = Literal["stream", "device", "ending"]
"""What Windows takes a name for: a stream of another file, a device, or a name without the dots and
spaces that it ends in."""


def folded(name: str) -> str:
    """A name, or a whole path, so that two that are the same file somewhere are equal.

    Looks through case, through composed and decomposed characters, and through what HFS+ ignores.
    """
    seen = name.translate(_IGNORED_ON_HFS)
    return unicodedata.normalize("NFD", unicodedata.normalize("NFD", seen).casefold())


def plain(name: str) -> str:
    """A folded name without what Windows drops: a stream, and dots and spaces at the end."""
    return folded(name).split(":", 1)[0].rstrip(". ")


def names_git(name: str) -> bool:
    """Whether some file system would take this name for `.git`."""
    return _GIT.fullmatch(plain(name)) is not None


def names_gitmodules(name: str) -> bool:
    """Whether some file system would take this name for `.gitmodules`."""
    return _GITMODULES.fullmatch(plain(name)) is not None


def why_no_file(name: str) -> Meaning | None:
    """What a name means on Windows instead of a file of that name; None: nothing else."""
    if ":" in name:
        return "stream"
    if _DEVICE.fullmatch(folded(name).split(".", 1)[0].rstrip(" ")):
        return "device"
    if name != name.rstrip(". "):
        return "ending"
    return None
