"""The end of a run: its head is published, and then the end is on record.

Owns that order. Needs no model, no key and no sandbox: a person who stops a run may have none.
"""

from longshift.domain import events
from longshift.domain.decide import FinishRun
from longshift.domain.model import TaskState
from longshift.engine.room import Shop


async def publish(shop: Shop, run_id: str) -> None:
    """Put the head into the person's repository, whole, under Longshift's own refs.

    Raises:
        NeedsPerson: it can't be written.
    """
    run = shop.chronicle.run(run_id)
    if run.published == run.head:
        return
    await shop.off_loop(shop.store.publish, run.id, base=run.started.base, head=run.head)
    await shop.chronicle.record(events.HeadPublished(run=run.id, head=run.head))


async def record_end(shop: Shop, run_id: str, outcome: FinishRun) -> None:
    """Record that a run is over."""
    run = shop.chronicle.run(run_id)
    await shop.chronicle.record(
        events.RunFinished(
            run=run.id,
            outcome=outcome.outcome,
            reason=outcome.reason,
            cycles=run.cycle,
            tasks=events.TaskCounts(
                landed=run.count(TaskState.LANDED), failed=run.count(TaskState.FAILED)
            ),
            conflicts=run.conflicts,
            usage=run.usage,
            head=run.head,
            rule=outcome.rule,
            figures=outcome.figures,
        )
    )
