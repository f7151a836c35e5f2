"""Which paths a model may name. The one place where they are checked.

Pure: knows spellings, not trees. What depends on a tree (symlinks, a file standing where a folder
is needed, a name that another file has in another spelling) is asked of `workspace`, which sends
every path through here first.
"""

import re
from typing import Final

from longshift.errors import OutOfBounds, TellModel
from longshift.places.spelling import names_git

_MAX_BYTES: Final = 4096
_ABSOLUTE: Final = re.compile(r"/|[A-Za-z]:|~(?:/|$)|~[^/]+/")
"""From a root, a drive or someone's home; backslashes are read as slashes before."""


def checked_file_path(path: str) -> str:
    """Give the canonical form of a path that names a file.

    Raises:
        OutOfBounds: the path leaves the repository or names git's own files.
        TellModel: the path can be no file.
    """
    parts = _checked_parts(path)
    if not parts or path.endswith("/"):
        raise TellModel(f"{path!r} names a folder; a file's path is needed here.")
    return "/".join(parts)


def checked_folder_path(path: str) -> str:
    """Give the canonical form of a path that names a folder or file; "" is the repository's root.

    Raises:
        OutOfBounds, TellModel: as for `checked_file_path`.
    """
    return "/".join(_checked_parts(path))


def _checked_parts(path: str) -> list[str]:
    if "\0" in path:
        raise OutOfBounds("path", f"{path!r} contains a NUL character; no path can.")
    slashed = path.replace("\\", "/")
    if _ABSOLUTE.match(slashed):
        raise OutOfBounds(
            "path", f"{path!r} is absolute; give it relative to the repository's root."
        )
    parts = [part for part in slashed.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise OutOfBounds("path", f"{path!r} contains '..'; paths may not leave the repository.")
    if any(names_git(part) for part in parts):
        raise OutOfBounds("path", f"{path!r} names git's own files, which are out of bounds.")
    if "\\" in path:
        raise OutOfBounds("path", f"{path!r} contains a backslash; separate folders with '/'.")
    try:
        size = len(path.encode("utf-8", "surrogateescape"))
    except UnicodeEncodeError:
        raise TellModel(f"{path!r} contains a lone surrogate; no path can.") from None
    if size > _MAX_BYTES or any(len(part) > 255 for part in parts):
        raise TellModel(f"The path that starts with {path[:80]!r} is too long for a file.")
    return parts
