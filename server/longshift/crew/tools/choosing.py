"""Choosing a task from the list that equal agents share: `read_tasks`, `claim_task` and so on.

Only equal agents have them, `lock_tasks` and `unlock_tasks` only where the list has a lock. Must
never decide who may write to the list: the desk does, and `TellModel` says why not.
"""

from collections.abc import Iterator
from typing import Annotated, Final

from pydantic import Field

from longshift.crew.briefs import AgentBrief, NothingChosen, TaskChosen
from longshift.crew.desk import ChooserDesk, ListedTask, ListLock
from longshift.crew.texts import room_of
from longshift.crew.toolbox import RESULT_CHARACTERS, Arguments, End, Result, Tool, bind
from longshift.crew.tools.planning import adding_tool
from longshift.domain.model import TaskState
from longshift.errors import TellModel

ROW_CHARACTERS: Final = 1_000
"""Most characters of a task in the list: no task can hide those behind it."""


class Nothing(Arguments):
    """Arguments of a tool that takes none."""


class ClaimTask(Arguments):
    """Arguments of `claim_task`."""

    task: Annotated[str, Field(min_length=1)]


class Leave(Arguments):
    """Arguments of `leave`."""

    summary: str


def choosing_tools(desk: ChooserDesk, brief: AgentBrief) -> list[Tool[TaskChosen | NothingChosen]]:
    """The tools of one equal agent while it chooses a task."""

    async def read_tasks(_: Nothing) -> Result:
        listed = desk.read_tasks()
        shown, room = list[Result](), 0
        for one in map(_shown, listed.tasks):
            room += room_of(str(one))
            if room > RESULT_CHARACTERS:
                break
            shown.append(one)
        left_out = {"left_out": listed.count - len(shown)} if len(shown) < listed.count else {}
        return {"version": listed.version, "tasks": shown, **left_out}

    async def claim_task(given: ClaimTask) -> Result:
        await desk.claim_task(given.task)
        return {"claimed": given.task}

    async def release_task(_: Nothing) -> Result:
        return {"released": await desk.release_task()}

    async def start_task(_: Nothing) -> End[TaskChosen]:
        if desk.claimed is None:
            raise TellModel("no_task_claimed")
        return End(TaskChosen(desk.claimed), {"started": desk.claimed})

    async def leave(given: Leave) -> End[NothingChosen]:
        if desk.claimed is not None:
            raise TellModel("task_still_claimed", task=desk.claimed)
        return End(NothingChosen(given.summary), {"left": True})

    return [
        *(() if desk.lock is None else _locking_tools(desk.lock)),
        adding_tool(desk, brief),
        bind("read_tasks", Nothing, read_tasks),
        bind("claim_task", ClaimTask, claim_task),
        bind("release_task", Nothing, release_task),
        bind("start_task", Nothing, start_task, ends=True),
        bind("leave", Leave, leave, ends=True),
    ]


def _locking_tools(lock: ListLock) -> Iterator[Tool[TaskChosen | NothingChosen]]:
    async def lock_tasks(_: Nothing) -> Result:
        return {"locked": True, "for_s": round(await lock.take())}

    async def unlock_tasks(_: Nothing) -> Result:
        return {"unlocked": await lock.give_back()}

    yield bind("lock_tasks", Nothing, lock_tasks)
    yield bind("unlock_tasks", Nothing, unlock_tasks)


def _shown(one: ListedTask) -> Result:
    """A task as a row of the list, without its paths where they take too much room."""
    task = one.task
    row: Result = {
        "task": task.id,
        "title": task.plan.title,
        "state": task.state,
        "ready": one.ready,
        **({"by": task.attempts[-1].agent} if task.state is TaskState.RUNNING else {}),
        **({"attempts": len(task.attempts)} if task.attempts else {}),
    }
    on = {"depends_on": list(task.plan.depends_on)} if task.plan.depends_on else {}
    whole: Result = {**row, "paths": list(task.plan.paths), **on}
    if room_of(str(whole)) <= ROW_CHARACTERS:
        return whole
    return {**row, "paths_total": len(task.plan.paths)}
