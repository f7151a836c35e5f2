"""The start of a run: what the person has is taken and pinned, recorded, and driven.

Owns the order of these steps, of which all are done or nothing is left. Never starts two at once:
`Engine.start` sees to that.
"""

import asyncio
import contextlib
import json
from collections.abc import Mapping
from typing import Final

from longshift.domain import events
from longshift.domain.model import Constraint, Goal
from longshift.domain.state import Phase
from longshift.engine.checking.checks import Checks
from longshift.engine.cycle import snapshot
from longshift.engine.desks.desk import DETAIL_CHARACTERS
from longshift.engine.difference import sayable
from longshift.engine.driving import Drivers
from longshift.engine.outfitting import Outfitter, told_of_distrust
from longshift.engine.room import RunRoom, Shop
from longshift.errors import LongshiftError, NeedsPerson
from longshift.repository.snapshot import Snapshot
from longshift.repository.worktree import way_out
from longshift.screening.hidden import visible
from longshift.screening.secrets import mask
from longshift.settings import ROLES, Settings

MOST_NAMED: Final = 10
"""Files that one notice names."""
ENDED_IN_MEMORY: Final = 2
"""Runs that have ended and whose hunks stay placed, for whoever reviews them meanwhile."""
SNAPSHOT: Final = "snapshot"
"""Who kept a file from a run, where no agent has reached for it."""


class Starts:
    """Starts the runs of one repository."""

    def __init__(self, shop: Shop, outfitter: Outfitter, drivers: Drivers) -> None:
        """Start runs with what the outfitter gives them, and hand them to the drivers."""
        self._shop = shop
        self._outfitter = outfitter
        self._drivers = drivers

    async def start(
        self, goal: Goal, overrides: Mapping[str, object]
    ) -> tuple[str, tuple[str, ...]]:
        """Start a run; arguments, result and errors are those of `Engine.start`."""
        operation = await self._shop.off_loop(self._shop.worktree.operation_in_progress)
        if operation:
            raise NeedsPerson(
                f"The repository is in the middle of a {operation}. Nothing was started. "
                f"Finish it or abort it (`{way_out(operation)}`), then start again."
            )
        loaded = await self._outfitter.settings(overrides)
        taken, started = await self.prepare(goal, loaded.settings, overrides)
        room = await self._outfitter.room(started, loaded.settings)
        notices = (*loaded.notices, *told_of_distrust(room))
        # Not to be broken off: a run that was recorded must also be driven.
        await asyncio.shield(asyncio.ensure_future(self._begin(started, room, taken)))
        return started.run, (*notices, *_left_out(taken))

    async def prepare(
        self, goal: Goal, settings: Settings, overrides: Mapping[str, object]
    ) -> tuple[Snapshot, events.RunStarted]:
        """Take what the person has, and say what the run would start as; nothing is recorded."""
        run_id = await self._shop.off_loop(self._free_run_id)
        taken = await snapshot(self._shop, settings, f"What the person had, {run_id}")
        return taken, events.RunStarted(
            run=run_id,
            goal=goal,
            repo=str(self._shop.worktree.root),
            base=taken.commit,
            checkout=await self._shop.off_loop(self._shop.worktree.head_commit),
            strategy=settings.strategy,
            integrator=settings.integrator,
            workers=settings.workers,
            budget=settings.budget.limits(),
            overlap=settings.overlap,
            stop=settings.stop.rules(),
            models={role: settings.model_for(role).model for role in ROLES},
            overrides=json.dumps(self._outfitter.overrides(overrides), default=str),
        )

    async def pin(self, started: events.RunStarted) -> None:
        """Put the base where no garbage collection can take it, before the run stands on it."""
        store, run_id = self._shop.store, started.run
        await self._shop.off_loop(store.marks.put, "starting", run_id)
        at = await self._shop.off_loop(store.head, run_id)
        await self._shop.off_loop(store.swap_head, run_id, at, started.base)
        await self._shop.off_loop(store.publish, run_id, base=started.base, head=started.base)

    async def _begin(self, started: events.RunStarted, room: RunRoom, taken: Snapshot) -> None:
        """Pin the base, record the run, drive it: all of it, or nothing is left."""
        try:
            commands = await self._outfitter.checks(room, started.base)
            await self.pin(started)
            kept = _kept_secrets(started.run, taken)
            await self._shop.chronicle.record(started, *kept, *self._rules(room.settings))
        except BaseException:
            await room.models.aclose()
            with contextlib.suppress(LongshiftError):  # the mark stays: the next start tries again
                await self._shop.off_loop(self._shop.store.forget, started.run)
                await self._shop.off_loop(self._shop.store.marks.take, "starting", started.run)
            raise
        await self._shop.off_loop(self._shop.store.marks.take, "starting", started.run)
        await self._drivers.drive(room, Checks(room, commands))
        await self._shop.off_loop(self._shop.proposals.let_go, self._long_over())

    def _long_over(self) -> set[str]:
        """The runs that have ended, but for the last few: they shall cost next to nothing."""
        runs = self._shop.chronicle.state.runs.values()
        ended = [run.id for run in runs if run.phase is Phase.ENDED]
        return {*ended[:-ENDED_IN_MEMORY]}

    def _free_run_id(self) -> str:
        """The next run's id: of no run that the journal knows, and of no refs that stand.

        Refs without a run are left where the state folder was deleted by hand: they are the
        person's now, and overwriting them would leave commits dangling. Those of a start that
        was broken off are known to our store, and go.
        """
        store, number = self._shop.store, int(self._shop.chronicle.state.next_id("R")[1:])
        while store.head(f"R{number}") is None and store.is_published(f"R{number}"):
            number += 1
        if store.head(f"R{number}") is not None:
            store.forget(f"R{number}")
        return f"R{number}"

    def _rules(self, settings: Settings) -> list[events.ConstraintAdded]:
        """The settings' constraints that do not hold yet; they outlive the run."""
        holding = {constraint.text for constraint in self._shop.chronicle.constraints()}
        given = dict.fromkeys(map(mask, settings.constraints))  # as they are recorded
        new = [text for text in given if text not in holding]
        first = int(self._shop.chronicle.state.next_id("K")[1:])
        return [
            events.ConstraintAdded(
                constraint=f"K{number}",
                detail=Constraint(id=f"K{number}", text=text, source="settings"),
            )
            for number, text in enumerate(new, start=first)
        ]


def _left_out(taken: Snapshot) -> list[str]:
    """What a person has to know of a snapshot: which of their files a run will not see."""
    if not taken.skipped:
        return []
    named = [f"{one.path} ({one.reason})" for one in taken.skipped[:MOST_NAMED]]
    if len(taken.skipped) > MOST_NAMED:
        named.append(f"and {len(taken.skipped) - MOST_NAMED} more")
    secrets = any("secret" in one.reason for one in taken.skipped)
    mend = " Those that are no secrets can be named in `allow_secret_files`." if secrets else ""
    return [f"The run does not see everything as it is now: {', '.join(named)}.{mend}"]


def _kept_secrets(run_id: str, taken: Snapshot) -> list[events.GuardRefused]:
    """The fact that files stayed out because they look like secrets."""
    kept = [one.path for one in taken.skipped if "secret" in one.reason]
    if not kept:
        return []
    paths = visible(sayable(", ".join(kept)))[: DETAIL_CHARACTERS - 30]
    detail = f"Left out of the snapshot: {paths}"
    return [events.GuardRefused(run=run_id, guard="secret", agent=SNAPSHOT, tool="", detail=detail)]
