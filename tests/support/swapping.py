"""A folder that another process swaps for a symbolic link, again and again."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SWAP = """
import os, sys

def attempt(act, *names):  # each step may find what a writer made meanwhile
    try:
        act(*names)
    except OSError:
        pass

folder, target, away = sys.argv[1:]
swaps = 0
print("ready", flush=True)
while not os.path.exists(f"{away}/stop"):
    swaps += 1
    aside = f"{away}/aside-{swaps}"
    attempt(os.rename, folder, aside)
    attempt(os.symlink, target, folder)
    attempt(os.unlink, folder)
    attempt(os.rename, aside, folder)
print(swaps)
"""


@contextmanager
def swapping(root: Path, name: str, target: Path) -> Iterator[None]:
    """A folder of a root that is now itself, now a link to a target, as another process has it."""
    with tempfile.TemporaryDirectory(dir=root.parent) as away:
        command = [sys.executable, "-c", SWAP, *map(os.fspath, (root / name, target, away))]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            try:
                yield
            finally:
                (Path(away) / "stop").touch()
            assert int(process.stdout.read()) > 1
