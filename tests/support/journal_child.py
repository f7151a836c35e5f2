"""Processes that the journal's tests start, race and kill. Run as `python FILE WHAT PATH`."""

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path

from longshift.domain.events import RunSteered
from longshift.journal.lease import Lease
from longshift.journal.store import Journal

PRODUCERS = 20


async def append_for_ever(path: Path) -> None:
    """Append from many producers; print `SEQ LABEL` once a fact is acknowledged."""
    journal = Journal.open(path, clock=lambda: datetime.now(UTC))

    async def produce(name: int) -> None:
        number = 0
        while True:
            label = f"{name}-{number}"
            (recorded,) = await journal.append(RunSteered(run="R1", message=label))
            print(recorded.seq, label, flush=True)  # noqa: T201 -- read by the test
            number += 1

    await asyncio.gather(*(produce(name) for name in range(PRODUCERS)))


def own(state_dir: Path) -> None:
    """On a first line of input, try to own; say what came of it; keep it until input ends."""
    print("ready", flush=True)  # noqa: T201 -- read by the test
    sys.stdin.readline()
    match Lease.acquire(state_dir):
        case Lease() as lease:
            lease.announce("/somewhere.sock")
            print("owner", flush=True)  # noqa: T201 -- read by the test
            sys.stdin.read()
            lease.release()
        case other:
            print(f"other {other.pid}", flush=True)  # noqa: T201 -- read by the test


if __name__ == "__main__":
    what, where = sys.argv[1], Path(sys.argv[2])
    if what == "append":
        asyncio.run(append_for_ever(where))
    else:
        own(where)
