"""What a run is given to work with: settings, models, a sandbox, checkouts and checks.

Owns the way from the process's surroundings to a `RunRoom`. Must never start anything that works:
a room that is made here and not driven costs nothing.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final, Protocol

from longshift.crew.overrides import Override, overridden
from longshift.crew.prompt_files import PromptDefect
from longshift.crew.prompts import Library, library
from longshift.domain.events import RunStarted
from longshift.domain.model import Budget, Usage
from longshift.domain.task_lock import LEASE_S
from longshift.engine.checking.finding import FoundCheck, find_checks
from longshift.engine.commanding import ignored_paths
from longshift.engine.editors.hands import Editors
from longshift.engine.ports import Clock, Hand
from longshift.engine.room import RunRoom, Shop
from longshift.engine.spending import RunLedger, model_config
from longshift.errors import NeedsPerson, UsageError
from longshift.journal.store import Journal
from longshift.models.config import ModelConfig
from longshift.models.ledger import Ledger
from longshift.models.registry import Models, Role, open_models
from longshift.sandbox.cage import proven_cage
from longshift.sandbox.checkouts import Checkouts
from longshift.sandbox.policy import Cage, Refusal, SandboxPolicy
from longshift.screening import detector
from longshift.screening.files import SecretFiles
from longshift.screening.known import KNOWN
from longshift.settings import (
    BUILTIN,
    ROLES,
    Loaded,
    Settings,
    Trust,
    default_trust_folder,
    load_settings,
    merge_tables,
)
from longshift.settings.sources import (
    PROJECT_PROMPTS,
    PROMPTS_OF_ROLES,
    default_person_file,
    read_prompts,
)

CHECKOUTS: Final = 2
"""Commands that run at the same time: as many as the machine this was measured on has cores."""


def _is_builtin_unasked(loaded: Loaded, role: str) -> bool:
    """Whether a role's model is the built-in one because nobody named any."""
    if role not in ROLES or loaded.settings.model_for(role).model != BUILTIN:
        return False
    keys = (f"models.{name}.model" for name in (role, "default"))
    return all(loaded.origins.get(key, "default") == "default" for key in keys)


class OpensModels(Protocol):
    """Opens the model of each role, as `models.registry.open_models` does."""

    def __call__(
        self,
        configs: Mapping[Role, ModelConfig],
        ledger: Ledger,
        environ: Mapping[str, str],
        kept_out: Sequence[Path] = (),
        *,
        holds: bool = False,
    ) -> Awaitable[Models]:
        """Open them; arguments and errors are those of `open_models`."""


class OpensJournal(Protocol):
    """Opens a repository's journal, as `Journal.open` does."""

    def __call__(self, path: Path, *, clock: Callable[[], datetime]) -> Journal:
        """Open it; arguments and errors are those of `Journal.open`."""


@dataclass(frozen=True)
class Surroundings:
    """What the engine takes from the process it lives in.

    Attributes:
        environ: where settings and keys are looked up.
        clock: says what time it is.
        hand: the person's files and buffers.
        editor: what the editor sent as settings; None: no editor.
        overrides: what the command line set, for all runs that this process starts.
        trust: which workspaces the person trusts.
        person_file: the person's own settings; None: the platform's place.
        goes_on: whether runs that were interrupted go on by themselves where `resume = "auto"`;
            for a process that stays, such as a server, and not for one that only looks or stops.
        opens_again: whether runs go on by themselves that were paused because the last editor was
            closed; for an editor, and for an engine that stands in for one.
        is_restricted: whether an editor holds the workspace restricted, so that nothing may run.
        tell: says a sentence to the person, of what was to go on by itself and could not.
        open_models: makes the models that the roles of a run speak to.
        open_journal: opens the repository's journal.
        lease_s: how long equal agents' lock on the list of tasks holds that is not given back.
    """

    environ: Mapping[str, str]
    clock: Clock
    hand: Hand
    editor: Mapping[str, object] | None = None
    overrides: Mapping[str, object] = field(default_factory=dict)
    trust: Trust = field(default_factory=lambda: Trust(default_trust_folder()))
    person_file: Path | None = None
    goes_on: bool = False
    opens_again: bool = False
    is_restricted: bool = False
    tell: Callable[[str], None] = lambda _sentence: None
    open_models: OpensModels = open_models
    open_journal: OpensJournal = Journal.open
    lease_s: float = LEASE_S


class Outfitter:
    """Fits out the runs of one repository."""

    def __init__(self, shop: Shop, surroundings: Surroundings, editors: Editors) -> None:
        """Take from these surroundings and editors, for runs that share this shop."""
        self._shop = shop
        self._editors = editors
        self._surroundings = surroundings
        KNOWN.learn_environment(surroundings.environ)
        self._proving = asyncio.Lock()

    def overrides(self, of_run: Mapping[str, object]) -> dict[str, object]:
        """What was set for one run alone, laid over what was set for all of this process."""
        return merge_tables(of_run, self._surroundings.overrides)

    async def settings(self, overrides: Mapping[str, object]) -> Loaded:
        """The settings that hold now, for one run's own overrides.

        Raises:
            UsageError: a source can't be read, or a key or value is wrong.
        """
        return await self._shop.off_loop(
            self._load, self.overrides(overrides), self._editors.settings
        )

    async def room(
        self, started: RunStarted, settings: Settings, ledger: RunLedger | None = None
    ) -> RunRoom:
        """Make a run's room.

        Args:
            started: the run, perhaps not recorded yet.
            settings: those that hold for it.
            ledger: what it has spent so far, and may spend; None: it has only begun.

        Raises:
            NeedsPerson: a model's key is missing.
            UsageError: a setting asks for what does not exist.
        """
        prompts, left_out = await self._shop.off_loop(self._prompts, started.base)
        ledger = ledger or RunLedger(started.budget, Usage(), {})
        distrust = await self.distrust()
        cage = await self._cage(settings, distrust)
        ignored = await self._shop.off_loop(_read_small, self._shop.worktree.root / ".gitignore")
        configs = {role: model_config(settings.model_for(role)) for role in ROLES}
        await self._shop.off_loop(detector.load)
        return RunRoom(
            shop=self._shop,
            run_id=started.run,
            settings=settings,
            models=await self._surroundings.open_models(
                configs,
                ledger,
                self._surroundings.environ,
                (self._shop.worktree.root, self._shop.worktree.common_dir),
                holds=True,
            ),
            ledger=ledger,
            cage=cage,
            distrust=distrust,
            checkouts=Checkouts(
                self._shop.worktree.state_dir / "checkouts" / started.run,
                CHECKOUTS,
                ignored_paths(ignored).match_file,
            ),
            secret_files=SecretFiles(settings.allow_secret_files),
            prompts=prompts,
            prompts_left_out=left_out,
            lease_s=self._surroundings.lease_s,
        )

    async def require_models(self, run_id: str) -> None:
        """Refuse to go on with a run where no model is set any more, and one was at its start.

        Raises:
            NeedsPerson: the built-in model would take its place, unasked.
        """
        started = self._shop.chronicle.run(run_id).started
        loaded = await self.settings(json.loads(started.overrides))
        missed = sorted(
            name
            for role, name in started.models.items()
            if name != BUILTIN and _is_builtin_unasked(loaded, role)
        )
        if missed:
            file = self._surroundings.person_file or default_person_file()
            raise NeedsPerson(
                f"{run_id} was begun with the model {', '.join(dict.fromkeys(missed))}, and no "
                "model is set here: the built-in one would go on with it. Nothing was done. Set "
                f"`[models.default]` in {file}, or in the editor, and resume it; "
                '`model = "builtin"` chooses that one.'
            )

    async def room_again(self, run_id: str, budget: Budget | None = None) -> RunRoom:
        """Make the room of a run that was started before, with the settings that hold now.

        Args:
            run_id: the run.
            budget: the limits that it is about to be given; None: those that it has.
        """
        run = await self._shop.own(run_id)
        loaded = await self.settings(json.loads(run.started.overrides))
        ledger = RunLedger(budget or run.budget, run.usage, run.usage_by_task)
        return await self.room(run.started, loaded.settings, ledger)

    async def checks(self, room: RunRoom, commit: str) -> Sequence[str | FoundCheck]:
        """The checks that the person named, else what a trusted repository speaks of itself.

        Args:
            room: the run's.
            commit: what the person has; a run's own head could speak of fewer.
        """
        if room.settings.checks is not None:
            return room.settings.checks
        if isinstance(room.cage_of_models, Refusal):
            return ()
        return await self._shop.off_loop(find_checks, self._shop.store, commit)

    async def distrust(self) -> Refusal | None:
        """Why models may run no command in this workspace as it is now; None: they may."""
        root = self._shop.worktree.root
        return await self._shop.off_loop(why_distrusted, self._surroundings.trust, root)

    async def _cage(self, settings: Settings, distrust: Refusal | None) -> Cage | Refusal:
        """The sandbox that the settings ask for, proven; none is opened where nothing may run."""
        if distrust is not None and not settings.checks:
            return distrust
        policy = SandboxPolicy(mode=settings.sandbox.mode, network=settings.sandbox.network)
        async with self._proving:
            return await proven_cage(policy)

    def _prompts(self, base: str) -> tuple[Library, tuple[str, ...]]:
        """The prompts of a run: the builtin ones, the person's over them, then the project's.

        Returns:
            The prompts, and the names of those that the project would override and may not.

        Raises:
            UsageError: an override breaks a rule.
        """
        folder = (self._surroundings.person_file or default_person_file()).parent / "prompts"
        persons = read_prompts(folder)
        projects = {
            name: file.data.decode("utf-8-sig", "replace").replace("\r\n", "\n")
            for name in PROMPTS_OF_ROLES
            if (file := self._shop.store.read_file(base, f"{PROJECT_PROMPTS}/{name}.md"))
        }
        # From the run's base, which no worker can write, and only if that is what was trusted.
        trust, root = self._surroundings.trust, self._shop.worktree.root
        left_out: tuple[str, ...] = ()
        if projects and not trust.covers_prompts(root, projects):
            left_out, projects = tuple(projects), {}
        overrides = [
            *(Override(name, text, f"{folder / name}.md") for name, text in persons.items()),
            *(
                Override(name, text, f"{PROJECT_PROMPTS}/{name}.md")
                for name, text in projects.items()
            ),
        ]
        try:
            return overridden(library(), tuple(overrides)), left_out
        except PromptDefect as defect:
            raise UsageError(
                f"{defect} Nothing was started; mend the file and try again."
            ) from defect

    def _load(self, overrides: Mapping[str, object], editor: Mapping[str, object] | None) -> Loaded:
        surroundings, root = self._surroundings, self._shop.worktree.root
        return load_settings(
            overrides=overrides,
            environ=surroundings.environ,
            editor=editor,
            project_root=root,
            person_file=surroundings.person_file,
            trusts=surroundings.trust.for_file(root),
        )


def why_distrusted(trust: Trust, root: Path) -> Refusal | None:
    """Why models may run no command in a workspace; None: the person trusts it as it is.

    Raises:
        UsageError: its configuration can't be read.
    """
    standing = trust.standing(root)
    if standing == "trusted":
        return None
    why = (
        "its configuration changed since the person trusted it"
        if standing == "changed"
        else "the person has not trusted it"
    )
    return Refusal(
        f"Models run no commands in this workspace, because {why}.",
        f"To let them, in the sandbox, look at what is there and run `longshift trust {root}`.",
        cause=standing,
    )


def told_of_distrust(room: RunRoom) -> tuple[str, ...]:
    """What the person is told at the start of a run that does without what they have not trusted.

    Nothing where it makes no difference to them: no role's model would run a command or read a
    prompt, and no trust of theirs has ended.
    """
    matters = may_choose_commands(room.settings)
    told: list[str] = []
    if room.distrust is not None and (matters or room.distrust.cause != "untrusted"):
        told.append(f"{room.distrust.message} The run goes on without.")
    if room.prompts_left_out and matters:
        names = ", ".join(room.prompts_left_out)
        told.append(
            f"The project's own prompts ({PROJECT_PROMPTS}: {names}) are not used, for they are "
            "not what you have trusted. Look at them, and run `longshift trust` to use them."
        )
    return tuple(told)


def may_choose_commands(settings: Settings) -> bool:
    """Whether any role's model could run a command: the builtin model runs none anyway."""
    return any(settings.model_for(role).model != BUILTIN for role in ROLES)


def _read_small(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")[:65_536]
    except OSError:
        return ""
