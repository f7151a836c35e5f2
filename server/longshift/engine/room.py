"""What everything that works on one run shares.

Owns nothing by itself: it holds the run's ports and stores together, so that each part of the
engine takes one argument instead of twelve. Must never decide anything.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import partial
from typing import Final, ParamSpec, TypeVar

from longshift.crew.prompts import Library, library
from longshift.domain import events
from longshift.domain.model import PauseCause
from longshift.domain.state import Run
from longshift.domain.task_lock import LEASE_S
from longshift.engine.activities import Activities
from longshift.engine.chronicle import Chronicle
from longshift.engine.ports import Clock, Hand
from longshift.engine.turns import Turns
from longshift.errors import UsageError
from longshift.models.ledger import Ledger
from longshift.models.registry import Models
from longshift.precedence import PRECEDENCE
from longshift.repository.overview import Overviews
from longshift.repository.store import ObjectStore
from longshift.repository.workspace import Workspace
from longshift.repository.worktree import Worktree
from longshift.review.proposals import Proposals
from longshift.sandbox.checkouts import Checkouts
from longshift.sandbox.policy import Cage, Refusal
from longshift.screening.files import SecretFiles
from longshift.settings import Settings

DEFECT: Final = "A defect of Longshift ended an agent; the log has its trace."
P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True)
class Shop:
    """What all runs of one repository share."""

    worktree: Worktree
    store: ObjectStore
    chronicle: Chronicle
    proposals: Proposals
    hand: Hand
    clock: Clock
    overviews: Overviews
    threads: Executor
    """Where blocking work of the person's and of the runs themselves goes: decisions, landings,
    diffs. The loop thread does none (invariant 6)."""
    agents_threads: Executor
    """Where blocking work of agents goes: reads, edits, searches. A thousand of them may stand in
    line here, and neither a person nor a landing waits behind them."""
    activities: Activities
    """What each agent does at this moment."""
    turns: Turns = field(default_factory=Turns)
    """Who of the workers may be at it."""

    def when(self) -> int:
        """The present moment in whole seconds since 1970, for commits."""
        return int(self.clock.now().timestamp())

    async def own(self, run_id: str) -> Run:
        """A run of this worktree: the only kind that may read or write its files.

        Raises:
            UsageError: there is no such run, or it belongs to another worktree that still stands.
        """
        home = self.chronicle.run(run_id).started.repo
        if not await self.off_loop(self.worktree.is_home_of, home):
            raise UsageError(
                f"{run_id} belongs to the worktree at {home}, and this is {self.worktree.root}. "
                "Nothing was done. Go there, and try again."
            )
        return self.chronicle.run(run_id)

    async def off_loop(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do blocking work of the person's, or of a run itself, on another thread."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self.threads, partial(work, *args, **kwargs))

    async def for_agent(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do blocking work of one of many agents on another thread."""

        def in_turn() -> T:
            PRECEDENCE.give_way()
            return work(*args, **kwargs)

        return await asyncio.get_running_loop().run_in_executor(self.agents_threads, in_turn)


def pausing(run: Run, reason: str, cause: PauseCause = "trouble") -> list[events.RunPaused]:
    """The fact that pauses a run; none where it is paused already, by what lasts, or has ended."""
    takes_over = run.lifecycle == "paused" and run.pause_cause == "endpoint" and cause != "endpoint"
    if run.lifecycle != "running" and not takes_over:
        return []
    return [events.RunPaused(run=run.id, reason=reason, cause=cause)]


@dataclass(frozen=True)
class RunRoom:
    """What all agents of one run share."""

    shop: Shop
    run_id: str
    settings: Settings
    models: Models
    ledger: Ledger
    cage: Cage | Refusal
    """Where commands run that the person chose: checks that they named themselves."""
    distrust: Refusal | None
    """Why models may run nothing here, whatever the cage; None: the workspace is trusted."""
    checkouts: Checkouts
    secret_files: SecretFiles
    mapped: dict[int, str] = field(default_factory=dict)
    """By cycle, the commit whose map its agents are shown."""
    prompts: Library = field(default_factory=library)
    """What the run's models are told, the person's and the project's overrides included."""
    prompts_left_out: tuple[str, ...] = ()
    """Prompts that the project would override and may not: they are not what was trusted."""
    lease_s: float = LEASE_S
    """How long equal agents' lock on the list of tasks holds that is not given back."""
    unpaused: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def cage_of_models(self) -> Cage | Refusal:
        """Where commands run that a model chose."""
        return self.distrust or self.cage

    @property
    def run(self) -> Run:
        """The run as it stands now."""
        return self.shop.chronicle.run(self.run_id)

    @property
    def chronicle(self) -> Chronicle:
        """The repository's chronicle."""
        return self.shop.chronicle

    @property
    def store(self) -> ObjectStore:
        """The repository's private object store."""
        return self.shop.store

    def workspace(self, commit: str) -> Workspace:
        """An agent's view of a commit, its secret files withheld."""
        return Workspace(self.store, commit, self.secret_files.withholds)

    def when(self) -> int:
        """The present moment in whole seconds since 1970, for commits."""
        return self.shop.when()

    async def off_loop(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do blocking work of the run itself on another thread."""
        return await self.shop.off_loop(work, *args, **kwargs)

    async def for_agent(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do blocking work of one of many agents on another thread."""
        return await self.shop.for_agent(work, *args, **kwargs)


def is_text(path: str) -> bool:
    """Whether a path is UTF-8: no agent can name another, and no fact can hold it."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True
