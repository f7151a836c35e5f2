"""The built-in equal agent: what the built-in planner would plan, taken from a shared list.

Owns the order of its calls: look at the list, claim what is ready; else look for what rules can
mend, add what the list lacks, and claim from that. Must never keep a lock while it reads files.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from longshift.models.builtin import planner
from longshift.models.builtin.conversation import Ask, Conversation, Step
from longshift.models.builtin.ruff import Ruff

MOST_LOOKS: Final = 8
"""Looks at the list after which it leaves: the others are quicker."""
READING: Final = frozenset({"list_files", "read_file"})


async def next_step(conversation: Conversation, ruff: Ruff, *, locking: bool) -> Step:
    """The agent's next answer, with the calls around it that a lock needs."""
    last = conversation.last_turn()
    names = {done.name for done in last}
    if names and names <= READING | {"unlock_tasks"}:
        return await _plan_on(conversation, ruff, locking=locking)
    if len(conversation.named("read_tasks")) >= MOST_LOOKS:
        return _leave(f"{MOST_LOOKS} looks at the list brought no task.", locking=locking)
    if "read_tasks" not in names or any(done.error for done in last):
        return _look(locking=locking)
    ready = [one for one in _listed(conversation) if one.get("ready")]
    if ready:
        return _claim(str(ready[0].get("task")), locking=locking)
    if conversation.brief.mode == "retry":
        return _leave("Nothing is left to be done again.", locking=locking)
    planned = await planner.next_step(_without_list(conversation), ruff)
    if missing := _missing(conversation, planned):
        return Step(planned.text, missing)
    if planned.asks[0].name in READING:
        return Step(planned.text, (*_unlocking(locking=locking), *planned.asks))
    return _leave(_why(planned), locking=locking)


async def _plan_on(conversation: Conversation, ruff: Ruff, *, locking: bool) -> Step:
    """Go on reading; once all is read, look whether the list has it by now."""
    planned = await planner.next_step(_without_list(conversation), ruff)
    if planned.asks[0].name in READING:
        return planned
    if _missing(conversation, planned):
        return _look(locking=locking)
    return _leave(_why(planned), locking=False)  # it has no lock while it reads


def _look(*, locking: bool) -> Step:
    lock = (Ask("lock_tasks", {}),) if locking else ()
    return Step("What the list holds.", (*lock, Ask("read_tasks", {})))


def _claim(task: str, *, locking: bool) -> Step:
    asks = Ask("claim_task", {"task": task}), *_unlocking(locking=locking), Ask("start_task", {})
    return Step(f"Taking {task}.", asks)


def _leave(summary: str, *, locking: bool) -> Step:
    return Step(summary, (*_unlocking(locking=locking), Ask("leave", {"summary": summary})))


def _unlocking(*, locking: bool) -> tuple[Ask, ...]:
    return (Ask("unlock_tasks", {}),) if locking else ()


def _listed(conversation: Conversation) -> list[Mapping[str, object]]:
    """The list of tasks as it was read last."""
    reads = [done for done in conversation.named("read_tasks") if not done.error]
    tasks = reads[-1].result.get("tasks") if reads else ()
    return [one for one in tasks if isinstance(one, dict)] if isinstance(tasks, list) else []


def _missing(conversation: Conversation, planned: Step) -> tuple[Ask, ...]:
    """Tasks that the planner would add, on files that no task of the list names.

    Not by title: who plans later puts files together differently, once some of them are done.
    """
    named = {path for one in _listed(conversation) for path in _texts(one.get("paths"))}
    added = (ask for ask in planned.asks if ask.name == "add_task")
    return tuple(ask for ask in added if named.isdisjoint(_texts(ask.arguments["paths"])))


def _why(planned: Step) -> str:
    """Why there is nothing to add: the planner's words, or that the list has it all."""
    covered = any(ask.name == "add_task" for ask in planned.asks)
    return "All that rules can do here is on the list already." if covered else planned.text


def _texts(value: object) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def _without_list(conversation: Conversation) -> Conversation:
    """The conversation as a planner would have had it: what was read of files."""
    done = tuple(one for one in conversation.done if one.name in READING)
    return replace(conversation, done=done)
