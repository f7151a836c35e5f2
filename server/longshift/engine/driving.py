"""The drivers of the runs that are under way in this process.

Owns which run has one: never two for the same run, and none after it was let go. Must never
decide what a run does.
"""

import asyncio
import contextlib
import logging
from typing import Final

from longshift import telemetry
from longshift.domain import events
from longshift.domain.model import Budget
from longshift.engine.checking.checks import Checks
from longshift.engine.editors.hands import nobody_acts
from longshift.engine.outfitting import Outfitter
from longshift.engine.room import RunRoom, Shop, pausing
from longshift.engine.run import RunDriver
from longshift.engine.spending import ledger_budget
from longshift.errors import LongshiftError
from longshift.sandbox.policy import Refusal

log = logging.getLogger(__name__)


NOTHING_FOLLOWS: Final = (
    events.ModelCalled,
    events.ConversationOpened,
    events.CommandRan,
    events.CheckRan,
    events.GuardRefused,
)
"""Facts that change nothing about what is to be done: most of all facts."""


class Drivers:
    """The drivers of one repository's runs, each on a task of its own."""

    def __init__(self, shop: Shop, outfitter: Outfitter) -> None:
        """Drive the shop's runs, none so far."""
        self._shop = shop
        self._outfitter = outfitter
        self._driving: dict[str, tuple[RunDriver, asyncio.Task[None]]] = {}
        self._one_at_a_time = asyncio.Lock()
        self._stop_listening = shop.chronicle.listen(self._wake)

    def __contains__(self, run_id: str) -> bool:
        """Whether a run is driven here."""
        return run_id in self._driving

    def is_busy(self, run_id: str) -> bool:
        """Whether agents of a run are at work here, or wait to go on."""
        return run_id in self._driving and self._driving[run_id][0].is_busy

    async def drive(self, room: RunRoom, checks: Checks) -> None:
        """Drive a run that has just begun, once it is on record what holds its commands."""
        opened = _sandbox_opened(room)
        if room.run.sandbox != opened:
            await self._shop.chronicle.record(opened)
        driver = RunDriver(room, checks)
        task = asyncio.create_task(self._drive_to_end(driver, room), name=f"run {room.run_id}")
        self._driving[room.run_id] = (driver, task)

    async def take_over(self, run_id: str, resumed: events.RunResumed | None = None) -> None:
        """Drive a run that another process began or that has ended, with today's settings.

        Args:
            run_id: the run.
            resumed: the fact that reopens it, recorded once nothing stands in the way.

        Raises:
            UsageError: a setting is wrong, or the run is another worktree's.
            NeedsPerson: a model's key is missing, …
        """
        async with self._one_at_a_time:  # or two orders at once would each make a driver
            budget = resumed.budget if resumed else None
            if run_id in self._driving:
                if resumed:  # its driver is on the way out, and looks again before it is gone
                    self.hold_to(run_id, budget)
                    await self._shop.chronicle.record(resumed)
                return
            room = await self._outfitter.room_again(run_id, budget)
            try:
                commands = await self._outfitter.checks(room, room.run.taken)
                if resumed:
                    await self._shop.chronicle.record(resumed)
            except BaseException:
                await room.models.aclose()
                raise
            await self.drive(room, Checks(room, commands))

    def hold_to(self, run_id: str, budget: Budget | None) -> None:
        """Hold a run that is driven here to other limits; None: to those that it has."""
        if budget is not None and run_id in self._driving:
            ledger = self._driving[run_id][0].room.ledger
            ledger.hold_to(ledger_budget(budget), ledger_budget(budget.task))

    async def is_outdated(self, run_id: str) -> bool:
        """Whether the person's trust has changed since a run was taken over here."""
        room = self._driving[run_id][0].room if run_id in self._driving else None
        return room is not None and room.distrust != await self._outfitter.distrust()

    def try_endpoints(self, run_id: str) -> None:
        """Ask endpoints of a run that are out of order again at once: a person wants it on."""
        if run_id in self._driving:
            self._driving[run_id][0].room.models.try_now()

    async def heed_clock(self, run_id: str) -> None:
        """Leave out what the machine's clock did to a run, before its time comes to a stop."""
        if run_id in self._driving:
            await self._driving[run_id][0].leave_out_leap()

    async def let_go(self, run_id: str) -> RunDriver | None:
        """End a run's agents and driver, each with its fact; None where it has no driver."""
        if run_id not in self._driving:
            return None
        driver, driving = self._driving[run_id]
        driver.let_go()
        await asyncio.wait([driving])
        return driver

    async def close(self) -> None:
        """Let every run go."""
        for run_id in list(self._driving):
            await self.let_go(run_id)
        self._stop_listening()

    async def _drive_to_end(self, driver: RunDriver, room: RunRoom) -> None:
        run_id = room.run_id
        nobody_acts()  # whoever started the run may have gone long before it ends
        try:
            with telemetry.run(run_id):
                await driver.drive()
        except Exception as error:
            log.exception("%s can't be driven on", run_id)
            await self._pause(run_id, error)
        finally:
            self._driving.pop(run_id, None)
            await room.models.aclose()
            await room.checkouts.close()
            if not self._driving:  # an engine may live for weeks, from run to run
                self._shop.store.forget_read()
        run = self._shop.chronicle.state.runs.get(run_id)
        if run is not None and run.lifecycle == "running" and not driver.is_let_go:
            await self.go_on(run_id)  # reopened while its driver was on the way out

    async def go_on(self, run_id: str) -> None:
        """Drive a run that was reopened; where that can't be, it is paused with the reason."""
        if self._shop.chronicle.run(run_id).lifecycle != "running":
            return
        try:
            await self._outfitter.require_models(run_id)
            await self.take_over(run_id)
        except LongshiftError as error:
            await self._pause(run_id, error)

    async def _pause(self, run_id: str, error: Exception) -> None:
        run = self._shop.chronicle.run(run_id)
        said = (
            str(error) if isinstance(error, LongshiftError) else "A defect ended it; see the log."
        )
        with contextlib.suppress(LongshiftError):  # then the journal itself is the trouble
            await self._shop.chronicle.record(*pausing(run, said))

    def _wake(self, record: events.Recorded) -> None:
        run_id = record.event.run
        if isinstance(record.event, NOTHING_FOLLOWS):
            return
        if run_id is not None and run_id in self._driving:
            self._driving[run_id][0].wake(record.event)


def _sandbox_opened(room: RunRoom) -> events.SandboxOpened:
    cage = room.cage_of_models
    if isinstance(cage, Refusal):
        return events.SandboxOpened(run=room.run_id, profile=cage.message, commands=False)
    return events.SandboxOpened(run=room.run_id, profile=cage.profile, commands=True)
