"""Where a process may die: before and after each write that outlives it.

Owns the list of such places and their names. They are found by wrapping the calls themselves,
in the process of a test alone; the product knows nothing of them.

Points: `journal`, `journal-forget` (commits), `object`, `pack`, `head`, `their-ref`, `release`,
`decision` (what the rooms do), `git` (a git program), and `replace:…`, `unlink:…`, `fsync` (each
call of the operating system, by what it is about).
"""

import os
import signal
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

SIDES: Final = ("before", "after")


@dataclass(frozen=True)
class Death:
    """When a process is to die: at the n-th time that a point is reached, on one side of it."""

    point: str
    side: str
    time: int

    def __str__(self) -> str:
        return f"{self.point}/{self.side}/{self.time}"

    @classmethod
    def parse(cls, text: str) -> "Death":
        point, side, time = text.split("/")
        return cls(point, side, int(time))


@dataclass
class Points:
    """Counts how often each point was reached, and dies where it is told to."""

    death: Death | None
    reached: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def pass_by(self, point: str, side: str) -> None:
        with self._lock:
            self.reached[f"{point}/{side}"] += 1
            count = self.reached[f"{point}/{side}"]
        if self.death == Death(point, side, count):
            os.kill(os.getpid(), signal.SIGKILL)
            signal.pause()  # it may take effect a moment later: nothing more is done meanwhile

    def watch(self, owner: Any, name: str, label: str | Callable[..., str | None]) -> None:
        """Have a function of a module or class pass by before and after it does its work."""
        work = getattr(owner, name)

        def watched(*args: Any, **kwargs: Any) -> Any:
            point = label if isinstance(label, str) else label(*args, **kwargs)
            if point is None:
                return work(*args, **kwargs)
            self.pass_by(point, "before")
            done = work(*args, **kwargs)
            self.pass_by(point, "after")
            return done

        setattr(owner, name, watched)


def install(death: Death | None) -> Points:
    """Watch every point of this process from now on."""
    from longshift.engine import ports
    from longshift.journal.writer import Writer
    from longshift.repository import gitcommand, loose, packs, publishing, store

    points = Points(death)
    points.watch(Writer, "_insert", "journal")
    points.watch(Writer, "_forget", "journal-forget")
    points.watch(loose, "_put", "object")
    points.watch(packs, "_put", "pack")
    points.watch(store, "swap_ref", "head")
    points.watch(store.ObjectStore, "release", "release")
    points.watch(publishing.pygit2.repository.References, "create", "their-ref")
    points.watch(ports, "_write", "decision")
    points.watch(gitcommand.subprocess, "run", "git")
    points.watch(os, "replace", _of_replace)
    points.watch(os, "unlink", _of_unlink)
    points.watch(os, "fsync", "fsync")
    return points


def _of_replace(source: Any, target: Any, **more: Any) -> str | None:
    return f"replace:{_kind(target, more)}"


def _of_unlink(path: Any, **more: Any) -> str | None:
    return f"unlink:{_kind(path, more)}"


def _kind(path: Any, more: Mapping[str, object]) -> str:
    """What a file is, by its place; a name beside a folder's descriptor is the person's."""
    if any(value is not None for value in more.values()):
        return "file"
    spelled = os.fspath(path)
    marks = {"/refs/": "ref", "/pack/": "pack", "/objects/": "object", "owner.": "lease"}
    return next((kind for mark, kind in marks.items() if mark in spelled), "other")
