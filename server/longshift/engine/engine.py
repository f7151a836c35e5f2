"""The engine of one repository: every run, and the way in for everyone who gives orders.

Owns the lease, the journal and the private store, and says what each order of a person's does. At
most one engine lives for a repository, in the process that holds its lease; everyone else sends
their commands to it (`commands` carries them out for all alike).
"""

import asyncio
import contextlib
import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from longshift.allocator import keep_little
from longshift.crew.prompts import say
from longshift.domain import events
from longshift.domain.decide import FinishRun
from longshift.domain.model import Constraint, Finding, Goal, PauseCause, TaskPlan
from longshift.domain.state import Phase, Run, State
from longshift.engine.activities import Activities
from longshift.engine.chronicle import Chronicle
from longshift.engine.deciding.decisions import Decisions
from longshift.engine.deciding.facts import reopening
from longshift.engine.driving import Drivers
from longshift.engine.editors.hands import Editors
from longshift.engine.ending import publish, record_end
from longshift.engine.forgetting import forget_all
from longshift.engine.outfitting import Outfitter, Surroundings
from longshift.engine.raising import budget_to_resume
from longshift.engine.recovery import recover
from longshift.engine.room import Shop, pausing
from longshift.engine.starting import Starts
from longshift.errors import LongshiftError, NeedsPerson, UsageError
from longshift.journal.lease import Lease
from longshift.journal.store import Journal
from longshift.repository.overview import Overviews
from longshift.repository.store import ObjectStore
from longshift.repository.worktree import Worktree
from longshift.review.placing import line_at_head
from longshift.review.proposals import Proposals
from longshift.settings import Loaded

__all__ = ["Engine", "Surroundings"]

log = logging.getLogger(__name__)

THREADS: Final = 3
"""For the person's decisions and the runs' own work."""
THREADS_OF_AGENTS: Final = 3
"""For all agents together: what they ask for computes, and more threads make each only slower."""
GOES_ON: Final[tuple[PauseCause | None, ...]] = ("interrupted", "endpoint")
"""Causes of a pause that nobody has to mend."""
OPENS_AGAIN: Final[tuple[PauseCause | None, ...]] = ("closed", "handover")
"""Causes of a pause that ends with the next editor: nothing went wrong, nobody was there."""


class Engine:
    """The owner of one repository's runs. Open it with `Engine.open`, end it with `close`."""

    def __init__(
        self,
        shop: Shop,
        lease: Lease,
        journal: Journal,
        surroundings: Surroundings,
        editors: Editors,
    ) -> None:
        """Hold what `open` has opened."""
        self.shop: Final = shop
        self.editors: Final = editors
        self.decisions: Final = Decisions(shop)
        self._lease = lease
        self._journal = journal
        self._surroundings = surroundings
        self._outfitter = Outfitter(shop, surroundings, editors)
        self._drivers = Drivers(shop, self._outfitter)
        self.starts: Final = Starts(shop, self._outfitter, self._drivers)
        self._starting = asyncio.Lock()
        self._behind: set[asyncio.Task[None]] = set()
        self._is_closing = False
        self.recovered: tuple[events.Recorded, ...] = ()
        """What was put in order when it was opened, for who could not listen yet."""

    @classmethod
    async def open(cls, worktree: Worktree, lease: Lease, surroundings: Surroundings) -> "Engine":
        """Open a repository's engine and recover what an earlier process left.

        Raises:
            NeedsPerson: the journal or the store can't be opened.
        """
        keep_little()
        async with contextlib.AsyncExitStack() as opened:
            threads = ThreadPoolExecutor(THREADS, thread_name_prefix="longshift")
            opened.callback(threads.shutdown, wait=False)
            agents = ThreadPoolExecutor(THREADS_OF_AGENTS, thread_name_prefix="agents")
            opened.callback(agents.shutdown, wait=False)
            loop = asyncio.get_running_loop()
            store = await loop.run_in_executor(threads, ObjectStore.open, worktree)
            opened.callback(store.close)
            clock = surroundings.clock
            editors = Editors(surroundings.hand, surroundings.editor)
            path = worktree.state_dir / "journal.sqlite"
            journal = await asyncio.to_thread(surroundings.open_journal, path, clock=clock.now)
            opened.push_async_callback(journal.close)
            shop = Shop(
                worktree=worktree,
                store=store,
                chronicle=Chronicle(
                    journal, await loop.run_in_executor(threads, _fold, journal), clock
                ),
                proposals=Proposals(store),
                overviews=Overviews(store),
                hand=editors,
                clock=clock,
                threads=threads,
                agents_threads=agents,
                activities=Activities(clock.now),
            )
            engine = cls(shop, lease, journal, surroundings, editors)
            stop_listening = shop.chronicle.listen(engine.hear_recovery)
            for sentence in await recover(shop):
                log.info("recovery: %s", sentence)
            stop_listening()
            opened.pop_all()
        if surroundings.goes_on and not (surroundings.opens_again or engine.is_restricted):
            await engine.go_on_by_itself()
        return engine

    def hear_recovery(self, record: events.Recorded) -> None:
        """Keep what is said of recovery."""
        if isinstance(record.event, events.RunRecovered):
            self.recovered += (record,)

    @property
    def state(self) -> State:
        """Everything that is known of this repository's runs."""
        return self.shop.chronicle.state

    @property
    def is_restricted(self) -> bool:
        """Whether an editor holds the workspace restricted, so that nothing may be run in it."""
        return self._surroundings.is_restricted

    @property
    def is_held(self) -> bool:
        """Whether the lease still is the repository's: not once the state folder was deleted."""
        return self._lease.is_held()

    @property
    def is_broken(self) -> bool:
        """Whether it can only be closed: its journal could not be written."""
        return self.shop.chronicle.is_broken

    @property
    def journal(self) -> Journal:
        """The repository's journal, for who follows it."""
        return self._journal

    def listen(self, listener: Callable[[events.Recorded], None]) -> Callable[[], None]:
        """Be told of every fact once it is durable; returns what ends it."""
        return self.shop.chronicle.listen(listener)

    async def settings(self, overrides: Mapping[str, object] | None = None) -> Loaded:
        """The settings that hold now, for one run's own overrides."""
        return await self._outfitter.settings(overrides or {})

    async def start(
        self, goal: Goal, overrides: Mapping[str, object] | None = None
    ) -> tuple[str, tuple[str, ...]]:
        """Start a run on a goal, from what the person has at this moment.

        Args:
            goal: what the person asks for.
            overrides: settings for this run alone, nested like the settings' tables.

        Returns:
            The run's id, at once, and notices for the person.

        Raises:
            UsageError: a setting is wrong.
            NeedsPerson: the repository is in the middle of something, a key is missing, …
        """
        async with self._starting:
            return await self.starts.start(goal, overrides or {})

    async def pause(self, run_id: str, reason: str = "", cause: PauseCause = "person") -> Run:
        """Let no agent of a run take a further step; what is under way stays as it is."""
        await self._drivers.heed_clock(run_id)
        run = self.shop.chronicle.run(run_id)
        said = reason or "Paused by the person."
        await self.shop.chronicle.record(*pausing(run, said, cause))
        return self.shop.chronicle.run(run_id)

    async def resume(
        self, run_id: str, reason: str = "", limits: Mapping[str, object] | None = None
    ) -> Run:
        """Go on with a paused run, or with one that a budget ended and may go on now.

        Args:
            run_id: the run.
            reason: why, for the record.
            limits: what its budget allows from here on, as in the settings' table `budget`; what
                is left out stays. None: a run that a budget ended gets the settings' own.

        Raises:
            UsageError: the run has ended for another reason or its budget allows no more, it
                belongs to another worktree, or a limit is wrong.
            NeedsPerson: a model's key is missing, …; it stays as it was.
        """
        run = await self.shop.own(run_id)
        await self._outfitter.require_models(run_id)
        budget = await budget_to_resume(run, limits or {}, self.settings)
        if run.phase is Phase.ENDED:
            resumed = events.RunResumed(run=run_id, reason=reason, budget=budget)
            await self._drivers.take_over(run_id, resumed)
            return self.shop.chronicle.run(run_id)
        if run.paused and (
            not self._drivers.is_busy(run_id) or await self._drivers.is_outdated(run_id)
        ):
            await self._drivers.let_go(run_id)  # what the person has mended since shall hold
        await self._drivers.take_over(run_id)
        seen = run.pause_cause == "checkout"
        checkout = await self.shop.off_loop(self.shop.worktree.head_commit) if seen else None
        if self.shop.chronicle.run(run_id).lifecycle == "paused":
            self._drivers.hold_to(run_id, budget)
            await self.shop.chronicle.record(
                events.RunResumed(run=run_id, reason=reason, checkout=checkout, budget=budget)
            )
            self._drivers.try_endpoints(run_id)
        return self.shop.chronicle.run(run_id)

    def welcome_editor(self) -> None:
        """Go on with what waits for an editor, behind: making a run ready takes seconds.

        Not in a process that ends soon by itself, which would only interrupt it again.
        """
        if self._surroundings.goes_on and not self.is_restricted:
            task = asyncio.create_task(self._go_on_for_editor(), name="going on")
            self._behind.add(task)
            task.add_done_callback(self._behind.discard)

    async def go_on_by_itself(self) -> None:
        """Resume the runs that an end of the process interrupted, where the settings say so."""
        for run in self._paused(GOES_ON):
            try:
                own = json.loads(run.started.overrides)
                if (await self.settings(own)).settings.resume == "auto":
                    await self.resume(run.id, "It was interrupted; the settings say to go on.")
            except LongshiftError as error:
                self._tell_paused(run, error)

    async def _go_on_for_editor(self) -> None:
        """Resume the runs that the end of the last editor paused; each stays so where it can't."""
        if self._surroundings.opens_again:
            await self.go_on_by_itself()
        for run in self._paused(OPENS_AGAIN):
            try:
                await self.resume(run.id, "An editor is here again.")
            except LongshiftError as error:
                self._tell_paused(run, error)

    def _tell_paused(self, run: Run, error: LongshiftError) -> None:
        log.warning("%s stays paused: %s", run.id, error)
        self._surroundings.tell(f"{run.id} stays paused. {error}")

    def _paused(self, causes: tuple[PauseCause | None, ...]) -> Iterator[Run]:
        """The runs of this worktree that are paused for one of some causes, one after the other."""
        here = str(self.shop.worktree.root)
        for id_ in list(self.state.runs):
            run = self.state.runs.get(id_)
            if run is None or run.lifecycle != "paused" or run.pause_cause not in causes:
                continue
            if run.started.repo == here and not self._is_closing:
                yield run

    async def stop(self, run_id: str, reason: str = "Stopped by the person.") -> Run:
        """End a run; what landed stays for review.

        Raises:
            NeedsPerson: its head can't be published; it is paused instead.
        """
        run = self.shop.chronicle.run(run_id)
        if run.phase is Phase.ENDED:
            return run
        driver = await self._drivers.let_go(run_id)
        if driver is None:
            await self.shop.own(run_id)
        run = self.shop.chronicle.run(run_id)
        if run.phase is not Phase.ENDED:
            try:
                await publish(self.shop, run_id)
                await record_end(self.shop, run_id, FinishRun("stopped", reason, "person"))
            except NeedsPerson as error:
                await self.pause(run_id, str(error), "trouble")
                raise
        return self.shop.chronicle.run(run_id)

    async def steer(self, run_id: str, message: str) -> Run:
        """Tell the run's planner something; it is read at its next step."""
        self.shop.chronicle.run(run_id)
        await self.shop.chronicle.record(events.RunSteered(run=run_id, message=message))
        return self.shop.chronicle.run(run_id)

    async def answer(self, run_id: str, question_id: str, answer: str) -> Run:
        """Answer an agent's question."""
        run = self.shop.chronicle.run(run_id)
        if question_id not in run.questions:
            asked = ", ".join(run.questions) or "none"
            raise UsageError(f"{run_id} asked no question {question_id}. Its questions: {asked}.")
        await self.shop.chronicle.record(
            events.QuestionAnswered(run=run_id, question=question_id, answer=answer)
        )
        return self.shop.chronicle.run(run_id)

    async def add_constraint(self, text: str) -> Constraint:
        """Give a rule that every later plan, task and verdict must obey."""
        id_ = self.state.next_id("K")
        constraint = Constraint(id=id_, text=text)
        await self.shop.chronicle.record(events.ConstraintAdded(constraint=id_, detail=constraint))
        return constraint

    async def lift_constraint(self, constraint_id: str) -> None:
        """Take a rule back."""
        known = self.state.constraints.get(constraint_id)
        if known is None or known.lifted:
            holding = ", ".join(c.id for c in self.shop.chronicle.constraints()) or "none"
            raise UsageError(f"No constraint {constraint_id} holds here. Those that do: {holding}.")
        # Under the run that made it: forgetting that run takes both facts or neither.
        lifted = events.ConstraintLifted(run=known.run_id, constraint=constraint_id)
        await self.shop.chronicle.record(lifted)

    async def fix_findings(self, run_id: str, finding_ids: Sequence[str], reason: str = "") -> Run:
        """Have the crew mend findings: a task for each, in a run that is reopened if ended."""
        run = await self.shop.own(run_id)
        findings = [_finding(run, id_) for id_ in finding_ids]
        places = [
            await self.shop.off_loop(line_at_head, self.shop.proposals, run, one)
            for one in findings
        ]
        plans = [_mending(one, *place, reason) for one, place in zip(findings, places, strict=True)]
        run = self.shop.chronicle.run(run_id)  # tasks may have come meanwhile
        first = int(run.next_task_id[1:])
        added = [
            events.TaskAdded(run=run_id, task=f"T{number}", plan=plan)
            for number, plan in enumerate(plans, start=first)
        ]
        await self.shop.chronicle.record(*reopening(run, "fix"), *added)
        await self.go_on(run_id)
        return self.shop.chronicle.run(run_id)

    async def dismiss_finding(self, run_id: str, finding_id: str, reason: str = "") -> Run:
        """Take a person's word that a finding is none; it is not reported again.

        The reason may come later, with another call.
        """
        run = self.shop.chronicle.run(run_id)
        finding = _finding(run, finding_id)
        says_why = finding.state == "dismissed" and reason not in ("", finding.reason)
        if finding.state == "open" or says_why:
            await self.shop.chronicle.record(
                events.FindingDismissed(run=run_id, finding=finding_id, reason=reason)
            )
        return self.shop.chronicle.run(run_id)

    async def go_on(self, run_id: str) -> None:
        """Drive a run that was reopened; where that can't be, it is paused with the reason."""
        await self._drivers.go_on(run_id)

    async def forget(self, run_id: str) -> None:
        """Remove every trace of a run.

        Raises:
            UsageError: it is under way, or somebody stays with it until it goes on.
        """
        async with self._starting:  # a snapshot that nothing names yet must not be pruned
            run = self.shop.chronicle.run(run_id)
            # A paused run with a driver has watchers: only its end would send them home.
            if run.phase is not Phase.ENDED and (
                run.lifecycle == "running" or run_id in self._drivers
            ):
                raise UsageError(
                    f"{run_id} is under way. Nothing was removed. Stop it first: "
                    f"`longshift stop {run_id}`."
                )
            await self._drivers.let_go(run_id)
            await forget_all(self.shop, run_id)
            await self.shop.off_loop(self.shop.proposals.let_go, {run_id})

    async def close(
        self, reason: str = "Longshift was closed.", cause: PauseCause = "interrupted"
    ) -> None:
        """Pause what runs, durably, end every agent, and give the repository free."""
        how = "The next editor goes on." if cause in OPENS_AGAIN else "Resume it to go on."
        self._is_closing = True
        if self._behind:
            await asyncio.wait(self._behind)  # not broken off: what has begun is paused next
        try:
            for run in list(self.state.runs.values()):
                with contextlib.suppress(LongshiftError):  # the journal can't be written any more
                    await self.pause(run.id, f"{reason} {how}", cause)
            await self._drivers.close()
            await self._journal.close()
            await self.shop.off_loop(self.shop.store.close)
            await asyncio.to_thread(self.shop.agents_threads.shutdown)
            await asyncio.to_thread(self.shop.threads.shutdown)
        finally:
            self._lease.release()


def _fold(journal: Journal) -> State:
    with journal.reader() as reader:
        return reader.state()


def _finding(run: Run, finding_id: str) -> Finding:
    if finding_id not in run.findings:
        known = ", ".join(run.findings) or "none"
        raise UsageError(f"{run.id} has no finding {finding_id}. Its findings: {known}.")
    return run.findings[finding_id]


def _mending(finding: Finding, path: str, line: int, words: str) -> TaskPlan:
    """The task of mending one finding at a place of the head, with what the person said to it."""
    return TaskPlan(
        title=say("fix_finding_title", finding=finding.id, path=path),
        instructions=say(
            "fix_finding_instructions",
            path=path,
            line=line,
            code=finding.code,
            finding=finding.message,
            words=words,
        ),
        paths=(path,),
    )
