"""What a process holds at one moment, and how that grows.

Reads the kernel's account of it (`/proc`), so that the process itself is not disturbed. Linux only.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Reading:
    """One look at a server while no run is under way.

    Attributes:
        at_s: since the soak began.
        rounds: how many runs had ended by then.
        rss_mib: memory that is there.
        anon_mib: the part of it that belongs to no file.
        descriptors: open files, sockets among them.
        threads: of the process.
        children: processes that it has started and that are still there.
        store_mib: the private object store on the disk.
        journal_mib: the journal on the disk, its log included.
    """

    at_s: float
    rounds: int
    rss_mib: float
    anon_mib: float
    descriptors: int
    threads: int
    children: int
    store_mib: float
    journal_mib: float

    def as_line(self) -> str:
        """The reading as a line of JSON."""
        return json.dumps(asdict(self)) + "\n"


def read(pid: int, state_dir: Path, at_s: float, rounds: int) -> Reading:
    """Look at a process and at its state folder."""
    process = Path("/proc", str(pid))
    status = dict(
        line.split(":", 1) for line in (process / "status").read_text().splitlines() if ":" in line
    )
    tasks = list((process / "task").iterdir())
    children = sum(len((task / "children").read_text().split()) for task in tasks)
    sizes = {path: path.stat().st_size for path in state_dir.rglob("*") if path.is_file()}
    journal = sum(size for path, size in sizes.items() if path.name.startswith("journal.sqlite"))
    return Reading(
        at_s=round(at_s, 1),
        rounds=rounds,
        rss_mib=_kib(status["VmRSS"]),
        anon_mib=_kib(status["RssAnon"]),
        descriptors=sum(1 for _ in (process / "fd").iterdir()),
        threads=int(status["Threads"]),
        children=children,
        store_mib=round((sum(sizes.values()) - journal) / MIB, 2),
        journal_mib=round(journal / MIB, 2),
    )


def _kib(told: str) -> float:
    return round(int(told.split(maxsplit=1)[0]) / 1024, 2)


def slope(points: Sequence[tuple[float, float]]) -> float:
    """By how much y grows for each x, by least squares; 0.0 where all x are the same."""
    n = len(points)
    mean_x, mean_y = sum(x for x, _ in points) / n, sum(y for _, y in points) / n
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    if not spread:
        return 0.0
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / spread
