"""A process that owns a repository and dies at a chosen point. `python -m … ROOT URL POINT`.

Points: the name of an event, as soon as it is durable; `swap:landing` and `swap:person`, as soon as
the head has moved and nothing says so yet; `write`, as soon as a decision's text is written.
"""

import asyncio
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from longshift.engine.ports import DiskHand
from longshift.journal.store import Journal
from longshift.repository.store import ObjectStore
from longshift.review.shapes import Effect, PendingHunk
from tests.scripted_model import ScriptedServer
from tests.support.engine_world import World
from tests.support.repository_git import GitRepository

DEAD = 9


def die_behind_facts(point: str) -> None:
    append = Journal.append

    async def dying(self: Journal, *events: object) -> object:
        recorded = await append(self, *events)
        if any(one.event.event == point for one in recorded):
            os._exit(DEAD)
        return recorded

    Journal.append = dying


def die_behind_swaps(of_landing: bool) -> None:
    swap = ObjectStore.swap_head

    def dying(self: ObjectStore, name: str, expected: str | None, new: str) -> bool:
        moved = swap(self, name, expected, new)
        message = self.objects.repository[new].message
        if expected is not None and ("Longshift-Task" in message) is of_landing:
            os._exit(DEAD)
        return moved

    ObjectStore.swap_head = dying


@dataclass(frozen=True, slots=True)
class DyingHand(DiskHand):
    async def apply(self, hunks: Sequence[PendingHunk], effects: Sequence[Effect]) -> None:
        await DiskHand.apply(self, hunks, effects)
        os._exit(DEAD)


async def main(root: Path, base_url: str, point: str) -> None:
    server = ScriptedServer(base_url)
    hand = DyingHand(root) if point == "write" else None
    world = World(GitRepository(root), server, hand=hand, trusted=False)
    async with world.opened() as it:
        await it.start()
        await it.ended()
        await it.call("acceptChange", changeId="C1")
        if point == "live":
            print("open", flush=True)  # noqa: T201 -- read by the test
            await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    where, url, when = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    if when.startswith("swap:"):
        die_behind_swaps(when == "swap:landing")
    else:
        die_behind_facts(when)
    asyncio.run(main(where, url, when))
