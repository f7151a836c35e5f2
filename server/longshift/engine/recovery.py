"""After a crash: finish or undo what stood between an intent and its fact.

Owns the way from a journal as it was left to runs that can go on. Runs only in the process that
holds the repository's lease. The journal is the truth: refs are put where it says.
"""

import logging
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

from longshift.domain import events
from longshift.domain.state import Run
from longshift.engine.deciding.intents import finish_decision
from longshift.engine.forgetting import finish_marked
from longshift.engine.ports import remove_draft
from longshift.engine.room import Shop
from longshift.errors import LongshiftError

log = logging.getLogger(__name__)

MOST_NAMED: Final = 10
"""Tasks that one sentence names."""
INTERRUPTED: Final = "Longshift ended while this was under way."


async def recover(shop: Shop) -> list[str]:
    """Bring every unfinished run into a state from which it can go on, paused.

    Returns:
        What was done, as sentences for the log; those of a run are on record as well.
    """
    left = await shop.off_loop(shop.store.remove_stale_locks)
    everywhere = [*_told(left), *await finish_marked(shop)]
    since = shop.chronicle.state.time  # of the last fact before the process ended
    done = list(everywhere)
    for run_id in list(shop.chronicle.state.runs):
        done += [
            f"{run_id}: {said}" for said in await _recover_run(shop, run_id, since, everywhere)
        ]
    return done


def _told(left: Sequence[Path]) -> list[str]:
    """What was removed, as a sentence; none where it was nothing."""
    if not left:
        return []
    locks = sum(path.suffix == ".lock" for path in left)
    others = len(left) - locks
    counts = [f"{locks} lock{'s' * (locks != 1)}"] * bool(locks)
    counts += [f"{others} unfinished file{'s' * (others != 1)}"] * bool(others)
    return [f"Removed what the process before had left: {' and '.join(counts)}."]


def interrupted(run: Run, reason: str) -> list[events.Event]:
    """Facts that say of all attempts, planners and agents under way that they no longer are."""
    attempts = [
        events.AttemptFailed(
            run=run.id,
            task=task.id,
            attempt=task.attempts[-1].number,
            failure="interrupted",
            reason=reason,
            retry=True,
        )
        for task in run.at_work
    ]
    planners = [
        events.PlannerFinished(run=run.id, planner=planner.id, outcome="interrupted")
        for planner in run.planners.values()
        if planner.state == "running"
    ]
    agents = [
        events.AgentFinished(run=run.id, agent=agent.id, outcome="interrupted")
        for agent in run.agents.values()
        if agent.state == "running"
    ]
    # Who had locked the list of tasks, at work or not, can't release it any more.
    locks = [
        events.TasksUnlocked(run=run.id, agent=held.agent, cause="interrupted")
        for held in (run.list_lock,)
        if held is not None
    ]
    return [*attempts, *planners, *agents, *locks]


async def _recover_run(
    shop: Shop, run_id: str, since: datetime | None, everywhere: Sequence[str]
) -> list[str]:
    done = await _land_again(shop, run_id)
    run = shop.chronicle.run(run_id)
    at = await shop.off_loop(shop.store.head, run_id)
    if at != run.head:
        await shop.off_loop(shop.store.swap_head, run_id, at, run.head)
        done.append(f"Put the head back to {run.head[:10]}, where the journal has it.")
    done += await _finish_decisions(shop, run_id)
    was_running = run.lifecycle == "running"
    ended = interrupted(shop.chronicle.run(run_id), INTERRUPTED)
    if ended:
        done.append(_begin_anew(run))
    facts: list[events.Event] = []
    if was_running:
        done += everywhere
        reason = f"{INTERRUPTED} Nothing that landed is lost; resume it to go on."
        # First of all, so that no attempt is charged for the time in which nobody worked.
        facts.append(events.RunPaused(run=run_id, reason=reason, cause="interrupted", since=since))
    if was_running or done:
        facts += [*ended, events.RunRecovered(run=run_id, done=tuple(done))]
        await shop.chronicle.record(*facts)
    return [one for one in done if one not in everywhere]


def _begin_anew(run: Run) -> str:
    """Who was at work, for a person."""
    tasks = [task.id for task in run.at_work]
    if not tasks:
        return "Whoever was at work begins anew."
    named = ", ".join(tasks[:MOST_NAMED]) + (", …" if len(tasks) > MOST_NAMED else "")
    return f"What was under way begins anew: {named}."


async def _land_again(shop: Shop, run_id: str) -> list[str]:
    """Finish landings: their commits were written before the intent, so the head can move there.

    Those of one group come on top of each other, in the order in which they were intended.
    """
    intents = list(shop.chronicle.run(run_id).intent.values())
    if not intents:
        return []
    at = await shop.off_loop(shop.store.head, run_id)
    if at != intents[-1].commit:
        await shop.off_loop(shop.store.swap_head, run_id, at, intents[-1].commit)
    await shop.chronicle.record(
        *(events.TaskLanded(**intent.model_dump(exclude={"event"})) for intent in intents)
    )
    return [f"Landed {intent.task}, which was accepted before the end." for intent in intents]


async def _finish_decisions(shop: Shop, run_id: str) -> list[str]:
    """Say of each decision that was begun whether the person's file shows it."""
    if not shop.chronicle.run(run_id).deciding:
        return []
    try:
        run = await shop.own(run_id)
    except LongshiftError:
        log.info("%s: a decision stays open until its own worktree is opened", run_id)
        return []
    done: list[str] = []
    for intent in run.deciding:
        for path in {intent.path, intent.file or intent.path}:
            await shop.off_loop(remove_draft, shop.worktree.root, path)
        done.append(await finish_decision(shop, run_id, intent))
    return done
