"""After a crash: finish or undo what stood between an intent and its fact.

Owns the way from a journal as it was left to runs that can go on. Runs only in the process that
holds the repository's lease. The journal is the truth: refs are put where it says.
"""

from longshift.domain import events
from longshift.domain.model import TaskState
from longshift.domain.state import Phase, Run
from longshift.engine.ports import sha256
from longshift.engine.room import Shop

INTERRUPTED = "Longshift ended while this was under way."


async def recover(shop: Shop) -> list[str]:
    """Bring every unfinished run into a state from which it can go on, paused.

    Returns:
        What was done, as sentences for the log.
    """
    done: list[str] = []
    locks = await shop.off_loop(shop.store.remove_stale_locks)
    done += [f"removed a stale lock: {path.name}" for path in locks]
    for run_id in list(shop.chronicle.state.runs):
        if shop.chronicle.run(run_id).phase is not Phase.ENDED:
            done += await _recover_run(shop, run_id)
        for intent in shop.chronicle.run(run_id).deciding:
            done.append(await _finish_decision(shop, run_id, intent))
    return done


async def _recover_run(shop: Shop, run_id: str) -> list[str]:
    done = [await _land_again(shop, run_id, task) for task in shop.chronicle.run(run_id).intent]
    run = shop.chronicle.run(run_id)
    at = await shop.off_loop(shop.store.head, run_id)
    if at != run.head:
        await shop.off_loop(shop.store.swap_head, run_id, at, run.head)
        done.append(f"{run_id}: put the head back to {run.head[:10]}, where the journal has it")
    interrupted = _interrupted(run)
    if interrupted:
        await shop.chronicle.record(*interrupted)
        done.append(f"{run_id}: interrupted with {len(interrupted)} things under way")
    return done


async def _land_again(shop: Shop, run_id: str, task_id: str) -> str:
    """Finish a landing: its commit was written before the intent, so the head can move to it."""
    run = shop.chronicle.run(run_id)
    intent = run.intent[task_id]
    at = await shop.off_loop(shop.store.head, run_id)
    if at != intent.commit:
        await shop.off_loop(shop.store.swap_head, run_id, at, intent.commit)
    await shop.chronicle.record(events.TaskLanded(**intent.model_dump(exclude={"event"})))
    return f"{run_id}: landed {task_id} again, which was accepted before the end"


def _interrupted(run: Run) -> list[events.Event]:
    """Facts that say of everything under way that it no longer is."""
    ended: list[events.Event] = [
        events.AttemptFailed(
            run=run.id,
            task=task.id,
            attempt=task.attempts[-1].number,
            failure="interrupted",
            reason=INTERRUPTED,
            retry=True,
        )
        for task in run.tasks.values()
        if task.state is TaskState.RUNNING
    ]
    ended += [
        events.PlannerFinished(run=run.id, planner=planner.id, outcome="interrupted")
        for planner in run.planners.values()
        if planner.state == "running"
    ]
    if not run.paused:
        ended.append(
            events.RunPaused(
                run=run.id,
                reason=f"{INTERRUPTED} Nothing that landed is lost; resume it to go on.",
            )
        )
    return ended


async def _finish_decision(shop: Shop, run_id: str, intent: events.DecisionIntended) -> str:
    """Say of a decision that was begun whether the person's file shows it."""
    present = await shop.off_loop(shop.hand.present().read, intent.path)
    shows = sha256(present.data if present else None) == intent.after_sha256
    await shop.chronicle.record(
        events.ChangeDecided(
            run=run_id,
            change=intent.change,
            path=intent.path,
            hunks=intent.hunks,
            decision=intent.decision if shows else "pending",
        )
    )
    return f"{run_id}: the decision on {intent.path} was {'finished' if shows else 'not made'}"
