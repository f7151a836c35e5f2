"""The engine of one repository: every run, and the way in for everyone who gives orders.

Owns the lease, the journal, the private store and the drivers of the runs that are under way.
At most one engine lives for a repository, in the process that holds its lease; everyone else
sends their commands to it (`commands` carries them out for all alike).
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from longshift.crew.prompts import say
from longshift.domain import events
from longshift.domain.decide import FinishRun
from longshift.domain.model import Constraint, Finding, Goal, TaskPlan
from longshift.domain.state import Phase, Run, State, fold
from longshift.engine.checks import Checks, find_checks
from longshift.engine.chronicle import Chronicle
from longshift.engine.commanding import ignored_paths
from longshift.engine.cycle import snapshot
from longshift.engine.deciding import Decisions, reopening
from longshift.engine.ports import Clock, Hand
from longshift.engine.recovery import recover
from longshift.engine.room import RunRoom, Shop
from longshift.engine.run import RunDriver
from longshift.engine.spending import earlier_totals, ledger_budget, model_config
from longshift.errors import LongshiftError, NeedsPerson, UsageError
from longshift.journal.lease import Lease
from longshift.journal.store import Journal
from longshift.models.ledger import Ledger
from longshift.models.registry import open_models
from longshift.repository.store import ObjectStore
from longshift.repository.worktree import Worktree
from longshift.review.proposals import Proposals
from longshift.sandbox.cage import open_cage
from longshift.sandbox.checkouts import Checkouts
from longshift.sandbox.policy import Cage, Refusal, SandboxPolicy
from longshift.settings import ROLES, Loaded, Settings, load_settings
from longshift.settings.trust import Trust, default_trust_folder

log = logging.getLogger(__name__)

CHECKOUTS: Final = 2
"""Commands that run at the same time: as many as the machine this was measured on has cores."""
THREADS: Final = 4


@dataclass(frozen=True)
class Surroundings:
    """What the engine takes from the process it lives in.

    Attributes:
        environ: where settings and keys are looked up.
        clock: says what time it is.
        hand: the person's files and buffers.
        editor: what the editor sent as settings; None: no editor.
        overrides: what the command line set, for all runs that this process starts.
        trust: which workspaces' own configuration the person trusts.
        person_file: the person's own settings; None: the platform's place.
    """

    environ: Mapping[str, str]
    clock: Clock
    hand: Hand
    editor: Mapping[str, object] | None = None
    overrides: Mapping[str, object] = field(default_factory=dict)
    trust: Trust = field(default_factory=lambda: Trust(default_trust_folder()))
    person_file: Path | None = None


class Engine:
    """The owner of one repository's runs. Open it with `Engine.open`, end it with `close`."""

    def __init__(
        self, shop: Shop, lease: Lease, journal: Journal, surroundings: Surroundings
    ) -> None:
        """Hold what `open` has opened."""
        self.shop: Final = shop
        self.decisions: Final = Decisions(shop)
        self._lease = lease
        self._journal = journal
        self._surroundings = surroundings
        self._drivers: dict[str, tuple[RunDriver, asyncio.Task[None]]] = {}
        self._cage: Cage | Refusal | None = None
        self._overrides: dict[str, Mapping[str, object]] = {}
        self._starting = asyncio.Lock()
        self._stop_listening = shop.chronicle.listen(self._wake)

    @classmethod
    async def open(cls, worktree: Worktree, lease: Lease, surroundings: Surroundings) -> "Engine":
        """Open a repository's engine and recover what an earlier process left.

        Raises:
            NeedsPerson: the journal or the store can't be opened.
        """
        threads = ThreadPoolExecutor(THREADS, thread_name_prefix="longshift")
        loop = asyncio.get_running_loop()
        store = await loop.run_in_executor(threads, ObjectStore.open, worktree)
        clock = surroundings.clock
        path = worktree.state_dir / "journal.sqlite"
        journal = await asyncio.to_thread(Journal.open, path, clock=clock.now)
        try:
            state = await loop.run_in_executor(threads, _fold, journal)
        except BaseException:
            await journal.close()
            raise
        shop = Shop(
            worktree=worktree,
            store=store,
            chronicle=Chronicle(journal, state, clock),
            proposals=Proposals(store),
            hand=surroundings.hand,
            clock=clock,
            threads=threads,
        )
        engine = cls(shop, lease, journal, surroundings)
        for sentence in await recover(shop):
            log.warning("recovery: %s", sentence)
        return engine

    @property
    def state(self) -> State:
        """Everything that is known of this repository's runs."""
        return self.shop.chronicle.state

    @property
    def journal(self) -> Journal:
        """The repository's journal, for who follows it."""
        return self._journal

    def listen(self, listener: Callable[[events.Recorded], None]) -> Callable[[], None]:
        """Be told of every fact once it is durable; returns what ends it."""
        return self.shop.chronicle.listen(listener)

    async def settings(self, overrides: Mapping[str, object] | None = None) -> Loaded:
        """The settings that hold now, for one run's own overrides."""
        return await self.shop.off_loop(self._load, overrides or {})

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
            operation = await self.shop.off_loop(self.shop.worktree.operation_in_progress)
            if operation:
                raise NeedsPerson(
                    f"The repository is in the middle of a {operation}. Nothing was started. "
                    f"Finish it or abort it (`git {operation} --abort`), then start again."
                )
            loaded = await self.settings(overrides)
            _refuse_unbuilt(loaded.settings)
            started = await self._started(goal, loaded.settings)
            room = await self._room(
                started.run, loaded.settings, Ledger(ledger_budget(started.budget))
            )
            try:
                await self._pin(started)
                await self.shop.chronicle.record(
                    started, *self._rules(started.run, loaded.settings)
                )
            except BaseException:
                await room.models.aclose()
                raise
            self._overrides[started.run] = overrides or {}
            await self._drive(room)
            return started.run, loaded.notices

    async def pause(self, run_id: str, reason: str = "") -> Run:
        """Let no agent of a run take a further step; what is under way stays as it is."""
        run = self.shop.chronicle.run(run_id)
        if run.lifecycle == "running":
            said = reason or "Paused by the person."
            await self.shop.chronicle.record(events.RunPaused(run=run_id, reason=said))
        return self.shop.chronicle.run(run_id)

    async def resume(self, run_id: str, reason: str = "") -> Run:
        """Go on with a paused run, in this process.

        Raises:
            UsageError: the run has ended.
        """
        run = self.shop.chronicle.run(run_id)
        if run.phase is Phase.ENDED:
            raise UsageError(
                f"{run_id} has ended ({run.outcome}); there is nothing to resume. Start a new "
                "goal, or ask for rework of one of its changes."
            )
        checkout = await self.shop.off_loop(self.shop.worktree.head_commit)
        if run_id not in self._drivers:
            await self._take_over(run_id)
        if self.shop.chronicle.run(run_id).paused:
            await self.shop.chronicle.record(
                events.RunResumed(run=run_id, reason=reason, checkout=checkout)
            )
        return self.shop.chronicle.run(run_id)

    async def stop(self, run_id: str, reason: str = "Stopped by the person.") -> Run:
        """End a run; what landed stays for review."""
        run = self.shop.chronicle.run(run_id)
        if run.phase is Phase.ENDED:
            return run
        if run_id not in self._drivers:
            await self._take_over(run_id)
        driver, driving = self._drivers[run_id]
        driving.cancel()
        await asyncio.wait([driving])
        await driver.finish(FinishRun("stopped", reason))
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
        await self.shop.chronicle.record(events.ConstraintLifted(constraint=constraint_id))

    async def fix_finding(self, run_id: str, finding_id: str, reason: str = "") -> Run:
        """Have the crew mend a finding: a task of its own, in a run that is reopened if ended."""
        run = self.shop.chronicle.run(run_id)
        finding = _finding(run, finding_id)
        plan = TaskPlan(
            title=say("fix_finding_title", finding=finding.id, path=finding.path),
            instructions=say(
                "fix_finding_instructions",
                path=finding.path,
                line=finding.line,
                code=finding.code,
                finding=finding.message,
                words=reason,
            ),
            paths=(finding.path,),
        )
        added = events.TaskAdded(run=run_id, task=run.next_task_id, plan=plan)
        await self.shop.chronicle.record(*reopening(run, "fix"), added)
        await self.go_on(run_id)
        return self.shop.chronicle.run(run_id)

    async def dismiss_finding(self, run_id: str, finding_id: str, reason: str = "") -> Run:
        """Take a person's word that a finding is none; it is not reported again."""
        run = self.shop.chronicle.run(run_id)
        if _finding(run, finding_id).state == "open":
            await self.shop.chronicle.record(
                events.FindingDismissed(run=run_id, finding=finding_id, reason=reason)
            )
        return self.shop.chronicle.run(run_id)

    async def go_on(self, run_id: str) -> None:
        """Drive a run that was reopened."""
        if self.shop.chronicle.run(run_id).phase is not Phase.ENDED and run_id not in self._drivers:
            await self._take_over(run_id)

    async def forget(self, run_id: str) -> None:
        """Remove every trace of a run.

        Raises:
            UsageError: it is under way.
        """
        run = self.shop.chronicle.run(run_id)
        if run_id in self._drivers and not run.paused:
            raise UsageError(f"{run_id} is under way. Stop it first: `longshift stop {run_id}`.")
        await self._let_go(run_id)
        await self.shop.off_loop(self.shop.store.forget, run_id)
        await self.shop.chronicle.forget(run_id)

    async def close(self, reason: str = "Longshift was closed.") -> None:
        """Pause what runs, durably, end every agent, and give the repository free."""
        for run_id in list(self._drivers):
            with contextlib.suppress(LongshiftError):
                await self.pause(run_id, f"{reason} Resume it to go on.")
            await self._let_go(run_id)
        self._stop_listening()
        await self._journal.close()
        await self.shop.off_loop(self.shop.store.close)
        self.shop.threads.shutdown(wait=True)
        self._lease.release()

    async def cage(self, settings: Settings) -> Cage | Refusal:
        """The sandbox for commands of models, proved once."""
        if self._cage is None:
            policy = SandboxPolicy(mode=settings.sandbox.mode, network=settings.sandbox.network)
            self._cage = await open_cage(policy)
        return self._cage

    async def _started(self, goal: Goal, settings: Settings) -> events.RunStarted:
        run_id = self.state.next_id("R")
        taken = await snapshot(self.shop, settings.exclude, f"What the person had, {run_id}")
        return events.RunStarted(
            run=run_id,
            goal=goal,
            repo=str(self.shop.worktree.root),
            base=taken.commit,
            checkout=await self.shop.off_loop(self.shop.worktree.head_commit),
            strategy=settings.strategy,
            integrator=settings.integrator,
            workers=settings.workers,
            budget=settings.budget.limits(),
            overlap=settings.overlap,
        )

    async def _pin(self, started: events.RunStarted) -> None:
        """Put the base where no garbage collection can take it, before the run stands on it."""
        store, run_id = self.shop.store, started.run
        at = await self.shop.off_loop(store.head, run_id)
        await self.shop.off_loop(store.swap_head, run_id, at, started.base)
        await self.shop.off_loop(store.publish, run_id, base=started.base, head=started.base)

    def _rules(self, run_id: str, settings: Settings) -> list[events.ConstraintAdded]:
        """The settings' constraints that do not hold yet."""
        holding = {constraint.text for constraint in self.shop.chronicle.constraints()}
        new = [text for text in dict.fromkeys(settings.constraints) if text not in holding]
        first = int(self.state.next_id("K")[1:])
        return [
            events.ConstraintAdded(
                run=run_id,
                constraint=f"K{first + offset}",
                detail=Constraint(id=f"K{first + offset}", text=text, source="settings"),
            )
            for offset, text in enumerate(new)
        ]

    async def _take_over(self, run_id: str) -> None:
        """Get ready to drive a run that another process began, or that had ended."""
        run = self.shop.chronicle.run(run_id)
        loaded = await self.settings(self._overrides.get(run_id))
        ledger = Ledger(ledger_budget(run.started.budget), earlier_totals(run.usage))
        await self._drive(await self._room(run_id, loaded.settings, ledger))

    async def _room(self, run_id: str, settings: Settings, ledger: Ledger) -> RunRoom:
        configs = {role: model_config(settings.model_for(role)) for role in ROLES}
        models = await open_models(configs, ledger, self._surroundings.environ)
        gitignore = self.shop.worktree.root / ".gitignore"
        ignored = await self.shop.off_loop(_read_small, gitignore)
        return RunRoom(
            shop=self.shop,
            run_id=run_id,
            settings=settings,
            models=models,
            ledger=ledger,
            cage=await self.cage(settings),
            checkouts=Checkouts(
                self.shop.worktree.state_dir / "checkouts" / run_id,
                CHECKOUTS,
                ignored_paths(ignored).match_file,
            ),
        )

    async def _drive(self, room: RunRoom) -> None:
        driver = RunDriver(room, Checks(room, await self._checks(room)))
        task = asyncio.create_task(self._drive_to_end(driver, room), name=f"run {room.run_id}")
        self._drivers[room.run_id] = (driver, task)

    async def _checks(self, room: RunRoom) -> Sequence[str]:
        """The checks that the person named, else what a trusted repository speaks of itself."""
        if room.settings.checks is not None:
            return room.settings.checks
        root = self.shop.worktree.root
        if isinstance(room.cage, Refusal) or not self._surroundings.trust.is_trusted(root):
            return ()
        return await room.off_loop(find_checks, room.store, room.run.head)

    async def _drive_to_end(self, driver: RunDriver, room: RunRoom) -> None:
        try:
            await driver.drive()
        except LongshiftError:
            log.exception("%s can't be driven on", room.run_id)
        finally:
            self._drivers.pop(room.run_id, None)
            await room.models.aclose()
            await room.checkouts.close()

    async def _let_go(self, run_id: str) -> None:
        if run_id in self._drivers:
            _, driving = self._drivers[run_id]
            driving.cancel()
            await asyncio.wait([driving])

    def _wake(self, record: events.Recorded) -> None:
        run_id = record.event.run
        if run_id in self._drivers:
            self._drivers[run_id][0].wake()

    def _load(self, overrides: Mapping[str, object]) -> Loaded:
        surroundings, root = self._surroundings, self.shop.worktree.root
        return load_settings(
            overrides={**surroundings.overrides, **overrides},
            environ=surroundings.environ,
            editor=surroundings.editor,
            project_root=root,
            person_file=surroundings.person_file,
            trusted=surroundings.trust.is_trusted(root),
        )


def _fold(journal: Journal) -> State:
    with journal.reader() as reader:
        return fold(reader.read())


def _read_small(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")[:65_536]
    except OSError:
        return ""


def _finding(run: Run, finding_id: str) -> Finding:
    if finding_id not in run.findings:
        known = ", ".join(run.findings) or "none"
        raise UsageError(f"{run.id} has no finding {finding_id}. Its findings: {known}.")
    return run.findings[finding_id]


def _refuse_unbuilt(settings: Settings) -> None:
    """Refuse, in words, what this version does not have yet."""
    if settings.strategy != "planner-worker-judge" or settings.integrator:
        asked = "integrator" if settings.integrator else f"strategy `{settings.strategy}`"
        raise UsageError(
            f"The {asked} is not part of this version. Nothing was started. "
            "Leave it out: planner-worker-judge is the default."
        )
