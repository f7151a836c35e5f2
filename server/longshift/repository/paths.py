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
        raise TellModel("path_of_folder", path=path)
    return "/".join(parts)


def checked_folder_path(path: str) -> str:
    """Give the canonical form of a path that names a folder or file; "" is the repository's root.

    Raises:
        OutOfBounds, TellModel: as for `checked_file_path`.
    """
    return "/".join(_checked_parts(path))


def _checked_parts(path: str) -> list[str]:
    if "\0" in path:
        raise OutOfBounds("path", "path_with_nul", path=path)
    slashed = path.replace("\\", "/")
    if _ABSOLUTE.match(slashed):
        raise OutOfBounds("path", "path_absolute", path=path)
    parts = [part for part in slashed.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise OutOfBounds("path", "path_upwards", path=path)
    if any(names_git(part) for part in parts):
        raise OutOfBounds("path", "path_of_git", path=path)
    if "\\" in path:
        raise OutOfBounds("path", "path_with_backslash", path=path)
    try:
        size = len(path.encode("utf-8", "surrogateescape"))
    except UnicodeEncodeError:
        raise TellModel("path_with_surrogate", path=path) from None
    if size > _MAX_BYTES or any(len(part) > 255 for part in parts):
        raise TellModel("path_too_long", start=path[:80])
    return parts
