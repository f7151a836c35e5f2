"""What a process that was killed leaves in the store and in the person's repository.

Owns which files these are. Must never touch a file that another program may have made: in the
person's repository only what bears the name of a run's ref or of a pack that was noted before.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

from longshift.repository.packs import KEPT
from longshift.repository.publishing import PACK_SUFFIXES, noted_packs


def remove_leftovers(git_dir: Path, common_dir: Path) -> list[Path]:
    """Remove them all; only for the exclusive owner of the repository's runs.

    Args:
        git_dir: the private store's.
        common_dir: the person's.

    Returns:
        What was removed.
    """
    folders, files = list(_folders(git_dir)), list(_files(git_dir, common_dir))
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
    for path in files:
        path.unlink(missing_ok=True)
    return folders + files


def _folders(git_dir: Path) -> Iterator[Path]:
    yield from git_dir.parent.glob(f"{git_dir.name}.*")  # a store that was being made
    yield from git_dir.glob("half-made")
    yield from git_dir.glob("merge-*")
    yield from git_dir.glob("snapshot-*")
    yield from (folder for folder in git_dir.glob("outgoing") if any(folder.iterdir()))


def _files(git_dir: Path, common_dir: Path) -> Iterator[Path]:
    objects = git_dir / "objects"
    packs = objects / "pack"
    yield from git_dir.glob("*.lock")
    yield from (git_dir / "refs").rglob("*.lock")
    yield from (common_dir / "refs" / "longshift").rglob("*.lock")
    yield from objects.glob("*/tmp_*")
    # Nothing lands yet: what a pack was kept for is at the head, or is landed again.
    yield from packs.glob(f"*{KEPT}")
    yield from _parts(packs, (pack.stem for pack in packs.glob("*.pack")))
    yield from _parts(common_dir / "objects" / "pack", noted_packs(git_dir))
    yield from (path for path in objects.glob("??/*") if path.stat().st_size == 0)


def _parts(folder: Path, names: "Iterator[str]") -> Iterator[Path]:
    """What stands of packs that have no index: git does not see them."""
    for name in names:
        if not (folder / f"{name}.idx").exists():
            parts = (folder / f"{name}{suffix}" for suffix in PACK_SUFFIXES)
            yield from (part for part in parts if part.exists())
