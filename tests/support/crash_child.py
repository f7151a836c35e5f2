"""A process that plays a shift and dies on the way. `python -m … ROOT URL DIARY WHEN`.

WHEN: `-`, to go on to the end; `POINT/SIDE/N`, to die there; `+SECONDS`, to be killed from
outside after that time.
"""

import asyncio
import logging
import os
import select
import signal
import sys
from pathlib import Path

from tests.scripted_model import ScriptedServer
from tests.support.crash_play import Diary, Shift, world_of
from tests.support.crash_points import Death, install
from tests.support.repository_git import GitRepository


def be_killed_after(seconds: float) -> None:
    """Have another process kill this one: at any instruction, in whatever thread."""
    ends, held = os.pipe()
    me = os.getpid()
    if os.fork() == 0:
        os.close(held)
        if not select.select([ends], [], [], seconds)[0]:
            os.kill(me, signal.SIGKILL)
        os._exit(0)
    os.close(ends)  # `held` is closed by this process's end alone


class _Heard(logging.Handler):
    """Puts what recovery says into the diary."""

    def __init__(self, diary: Diary) -> None:
        super().__init__()
        self._diary = diary

    def emit(self, record: logging.LogRecord) -> None:
        if record.getMessage().startswith("recovery: "):
            self._diary.note(recovered=record.getMessage().removeprefix("recovery: "))


async def main(root: Path, url: str, diary: Diary) -> None:
    world = world_of(GitRepository(root), ScriptedServer(url))
    async with world.opened() as it:
        await Shift(it, diary).go_on()


if __name__ == "__main__":
    diary, when = Diary(Path(sys.argv[3])), sys.argv[4]
    logging.getLogger("longshift").setLevel(logging.INFO)
    logging.getLogger("longshift").addHandler(_Heard(diary))
    if when.startswith("+"):
        be_killed_after(float(when[1:]))
    points = install(Death.parse(when) if "/" in when else None)
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], diary))
    diary.note(reached=dict(points.reached))
