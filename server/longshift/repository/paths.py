"""Which paths a model may name. The one place where they are checked.

Pure: knows spellings, not trees. What depends on a tree (symlinks, a file standing where a folder
is needed) is asked of `workspace`, which sends every path through here first.
"""

from typing import Final

from longshift.errors import OutOfBounds, TellModel

# Characters that HFS+ ignores when comparing names: with them, ".g\u200cit" is ".git" there.
_IGNORED_ON_HFS: Final = dict.fromkeys(
    [*range(0x200C, 0x2010), *range(0x202A, 0x202F), *range(0x206A, 0x2070), 0xFEFF]
)
_MAX_BYTES: Final = 4096


def checked_file_path(path: str) -> str:
    """Give the canonical form of a path that names a file.

    Raises:
        TellModel: the path leaves the repository, names git's own files, or can be no file.
    """
    parts = _checked_parts(path)
    if not parts or path.endswith("/"):
        raise TellModel(f"{path!r} names a folder; a file's path is needed here.")
    return "/".join(parts)


def checked_folder_path(path: str) -> str:
    """Give the canonical form of a path that names a folder or file; "" is the repository's root.

    Raises:
        TellModel: as for `checked_file_path`.
    """
    return "/".join(_checked_parts(path))


def _checked_parts(path: str) -> list[str]:
    if "\0" in path:
        raise TellModel(f"{path!r} contains a NUL character; no path can.")
    if "\\" in path:
        raise TellModel(f"{path!r} contains a backslash; separate folders with '/'.")
    if path.startswith("/") or path[1:2] == ":":
        raise OutOfBounds(
            "path", f"{path!r} is absolute; give it relative to the repository's root."
        )
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise OutOfBounds("path", f"{path!r} contains '..'; paths may not leave the repository.")
    if any(names_git(part) for part in parts):
        raise OutOfBounds("path", f"{path!r} names git's own files, which are out of bounds.")
    try:
        size = len(path.encode("utf-8", "surrogateescape"))
    except UnicodeEncodeError:
        raise TellModel(f"{path!r} contains a lone surrogate; no path can.") from None
    if size > _MAX_BYTES or any(len(part) > 255 for part in parts):
        raise TellModel(f"The path that starts with {path[:80]!r} is too long for a file.")
    return parts


def names_git(component: str) -> bool:
    """Tell whether some file system would take this name for `.git`.

    Case, trailing dots and spaces (Windows), alternate streams and the short name (NTFS), and
    characters that are ignored in comparisons (HFS+) are all looked through.
    """
    plain = component.translate(_IGNORED_ON_HFS).split(":", 1)[0].rstrip(". ").casefold()
    return plain in (".git", "git~1")
