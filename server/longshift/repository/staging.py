"""Copies of a person's files for git to read, taken without following a link.

Owns the reading of the working tree for a snapshot. Git itself opens a file by its whole path, so
a folder that is swapped for a link meanwhile would let it read what lies outside. Never writes
below the person's root.
"""

import os
import shutil
import stat
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from longshift.places.beneath import Folder, opened


@dataclass(frozen=True)
class Staged:
    """What stands at some paths of a working tree.

    Attributes:
        copied: files and links; their copies are in the staging folder.
        missing: nothing, or nothing that is reached without following a link.
        folders: a folder, as where a submodule is.
        unread: something that can't be read.
    """

    copied: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)


def stage(root: Path, paths: Iterable[str], staging: Path) -> Staged:
    """Copy files and links of a working tree to the same paths of another, empty folder."""
    staged = Staged()
    for path in paths:
        try:
            with opened(root, path) as (folder, name):
                kind = _copy(folder, name, staging / path)
        except (FileNotFoundError, NotADirectoryError):
            staged.missing.append(path)
        except OSError:
            staged.unread.append(path)
        else:
            (staged.folders if stat.S_ISDIR(kind) else staged.copied).append(path)
    return staged


def _copy(folder: Folder, name: str, to: Path) -> int:
    """Copy a file or a link. Returns the mode of what stands there, a folder not being copied."""
    mode = folder.status(name).st_mode
    if stat.S_ISDIR(mode):
        return mode
    to.parent.mkdir(parents=True, exist_ok=True)
    if stat.S_ISLNK(mode):
        to.symlink_to(os.fsdecode(folder.target(name)))
        return mode
    with os.fdopen(folder.open(name, os.O_RDONLY), "rb") as source:
        mode = os.fstat(source.fileno()).st_mode
        if not stat.S_ISREG(mode):
            raise OSError("it is no file any more")
        with to.open("xb") as copy:
            shutil.copyfileobj(source, copy)
    to.chmod(0o755 if mode & stat.S_IXUSR else 0o644)
    return mode
