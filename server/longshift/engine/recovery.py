"""After a crash: finish or undo what stood between an intent and its fact.

Owns the way from a journal as it was left to runs that can go on. Runs only in the process that
holds the repository's lease. The journal is the truth: refs are put where it says.
"""

from datetime import datetime

from longshift.domain import events
from longshift.domain.state import Run
from longshift.engine.deciding.intents import finish_decision
from longshift.engine.room import Shop
from longshift.errors import LongshiftError

INTERRUPTED = "Longshift ended while this was under way."


async def recover(shop: Shop) -> list[str]:
    """Bring every unfinished run into a state from which it can go on, paused.

    Returns:
        What was done, as sentences for the log.
    """
    done: list[str] = []
    locks = await shop.off_loop(shop.store.remove_stale_locks)
    done += [f"removed a stale lock: {path.name}" for path in locks]
    since = shop.chronicle.state.time  # of the last fact before the process ended
    for run_id in list(shop.chronicle.state.runs):
        done += await _recover_run(shop, run_id, since)
        done += await _finish_decisions(shop, run_id)
    return done


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


async def _recover_run(shop: Shop, run_id: str, since: datetime | None) -> list[str]:
    done = await _land_again(shop, run_id)
    run = shop.chronicle.run(run_id)
    at = await shop.off_loop(shop.store.head, run_id)
    if at != run.head:
        await shop.off_loop(shop.store.swap_head, run_id, at, run.head)
        done.append(f"{run_id}: put the head back to {run.head[:10]}, where the journal has it")
    ended = interrupted(run, INTERRUPTED)
    if run.lifecycle == "running":
        reason = f"{INTERRUPTED} Nothing that landed is lost; resume it to go on."
        # First of all, so that no attempt is charged for the time in which nobody worked.
        ended.insert(
            0, events.RunPaused(run=run.id, reason=reason, cause="interrupted", since=since)
        )
    if ended:
        await shop.chronicle.record(*ended)
        done.append(f"{run_id}: interrupted with {len(ended)} things under way")
    return done


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
    return [
        f"{run_id}: landed {intent.task} again, which was accepted before the end"
        for intent in intents
    ]


async def _finish_decisions(shop: Shop, run_id: str) -> list[str]:
    """Say of each decision that was begun whether the person's file shows it."""
    if not shop.chronicle.run(run_id).deciding:
        return []
    try:
        run = await shop.own(run_id)
    except LongshiftError:
        return [f"{run_id}: a decision stays open until its own worktree is opened"]
    return [await finish_decision(shop, run_id, intent) for intent in run.deciding]
