"""`longshift run`: a goal, worked on until it is met, headless.

Owns the options and what becomes of an interruption. The engine does the work, here or in the
process that owns the repository.
"""

import asyncio
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import click
from pydantic import BaseModel, ConfigDict

from longshift.cli.driving import drive
from longshift.cli.main import DONE
from longshift.cli.session import (
    Link,
    connected,
    find_worktree,
    json_option,
    open_owner,
    read_state,
    repo_option,
    run_async,
    tell_notices,
)
from longshift.cli.terminal import notice, output, say
from longshift.engine.owning.detached import ensure_engine
from longshift.engine.owning.ownership import Guest
from longshift.errors import NeedsPerson, UsageError
from longshift.journal.client import OwnerSilent
from longshift.repository.worktree import Worktree
from longshift.settings import Trust, default_trust_folder, load_settings

TRIES: Final = 3
"""How often an engine is looked for that ends just then."""
ROLES_AND_DEFAULT = ("default", "planner", "worker", "judge")


class Wish(BaseModel):
    """What the command line asks for, beside the goal; None: left to the other settings."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    workers: int | None
    strategy: str | None
    integrator: bool | None
    model: str | None
    usd: float | None
    tokens: int | None
    cycles: int | None
    minutes: float | None
    checks: tuple[str, ...]
    constraints: tuple[str, ...]

    def settings(self) -> dict[str, object]:
        """The same as settings, nested like their tables."""
        budget = {
            "usd": self.usd,
            "tokens": self.tokens,
            "cycles": self.cycles,
            "minutes": self.minutes,
        }
        wished: dict[str, object] = {
            "workers": self.workers,
            "strategy": self.strategy,
            "integrator": self.integrator,
            "budget": _said(budget) or None,
            "checks": list(self.checks) or None,
        }
        if self.model is not None:
            # For every role, whatever a weaker source says of one of them.
            wished["models"] = {role: {"model": self.model} for role in ROLES_AND_DEFAULT}
        return _said(wished)


@click.command()
@click.argument("goal")
@repo_option
@click.option("--workers", type=int, metavar="N", help="Workers at work at the same time.")
@click.option("--strategy", metavar="S", help="How agents coordinate.")
@click.option("--integrator", is_flag=True, default=None, help="Add an integrator.")
@click.option("--model", metavar="NAME", help="The model of every role; `builtin` needs no key.")
@click.option("--budget-usd", "usd", type=float, metavar="X", help="Most US dollars; 0: no limit.")
@click.option("--budget-tokens", "tokens", type=int, metavar="N", help="Most tokens; 0: no limit.")
@click.option("--max-cycles", "cycles", type=int, metavar="N", help="Most cycles.")
@click.option("--max-minutes", "minutes", type=float, metavar="M", help="Most minutes.")
@click.option(
    "--check", "checks", multiple=True, metavar="CMD", help="What the judge runs; again for more."
)
@click.option(
    "--constraint",
    "constraints",
    multiple=True,
    metavar="TEXT",
    help="A rule to obey; again for more.",
)
@click.option(
    "--apply", "apply_", is_flag=True, help="Write what the judge passed into your files."
)
@click.option(
    "--detach", is_flag=True, help="Let it go on in the background; return once it has begun."
)
@json_option
def command(
    goal: str, repo: Path, apply_: bool, detach: bool, as_json: bool, **options: object
) -> int:
    """Work on GOAL until it is met, or until it is plain that it won't be.

    Your files stay as they are: review what landed, or write it with --apply.
    """
    if not goal.strip():
        raise click.UsageError("The goal is empty: say in words what is to be done")
    if detach and apply_:
        raise click.UsageError("--detach and --apply exclude each other: nobody waits for the end")
    wish = Wish.model_validate(options)
    worktree = find_worktree(repo)
    settings = _settings(worktree, wish)
    if detach:
        return run_async(_run_detached(worktree, goal, settings, as_json=as_json))
    return run_async(_run(worktree, goal, settings, apply=apply_, as_json=as_json))


async def _run(
    worktree: Worktree, goal: str, settings: Mapping[str, object], *, apply: bool, as_json: bool
) -> int:
    async with connected(worktree, goes_on=True, is_passing=False) as link:
        if isinstance(link, Guest):
            _tell_owner(link)
        state = await asyncio.to_thread(read_state, worktree)
        run_id = await _start(link, goal, settings)
        if isinstance(link, Guest):
            await _refuse_other_worktree(link, worktree, run_id)
        return await drive(link, worktree, state, run_id, apply=apply, as_json=as_json)


async def _run_detached(
    worktree: Worktree, goal: str, settings: Mapping[str, object], *, as_json: bool
) -> int:
    """Start a run in a process that stays; this one only tells where it is."""
    try:
        link, is_ours = await _engine_in_background(worktree)
    except NeedsPerson as error:
        raise UsageError(str(error)) from error
    try:
        if not is_ours:
            _tell_owner(link)
        run_id = await _start(link, goal, settings)
        await _refuse_other_worktree(link, worktree, run_id)
    finally:
        await link.close()
    pid = link.owner.pid
    if as_json:
        click.echo(json.dumps({"run": run_id, "pid": pid}))
    else:
        where = "which owns this repository: the run lives as long as it does"
        stays = "and goes on in the background" if is_ours else where
        say(output(), f"{run_id} has begun in process {pid}, {stays}.")
        say(output(), f"Look with `longshift status {run_id}` or `longshift log {run_id}`;")
        say(output(), f"`longshift pause {run_id}` and `longshift stop {run_id}` reach it.")
    return DONE


def _tell_owner(link: Guest) -> None:
    notice(
        f"Process {link.owner.pid} owns this repository: the run is driven there, with the "
        "environment of that process."
    )


async def _engine_in_background(worktree: Worktree) -> tuple[Guest, bool]:
    """A way to the engine of a repository, and whether it was started for this.

    Raises:
        NeedsPerson: there is none, and none can be started; says why.
    """
    for _ in range(TRIES):
        is_ours = await ensure_engine(worktree)
        link = await open_owner(worktree, is_passing=True)
        if isinstance(link, Guest):
            return link, is_ours
        await link.close()  # who owned it ended in between
    raise NeedsPerson(
        "The engine in the background has ended already. Nothing was started. Its log in "
        f"{worktree.state_dir / 'logs'} says why; try again."
    )


async def _start(link: Link, goal: str, settings: Mapping[str, object]) -> str:
    try:
        answer = await link.call("startGoal", {"goal": goal, "settings": settings})
    except OwnerSilent:
        raise  # it may begin yet
    except NeedsPerson as error:
        # Nothing has begun, so it is not a run that failed: something is not set up.
        raise UsageError(str(error)) from error
    tell_notices(answer)
    return str(answer["runId"])


async def _refuse_other_worktree(link: Link, worktree: Worktree, run_id: str) -> None:
    """The owner works on its own worktree, which need not be the one of this command."""
    repo = (await link.call("describeRun", {"runId": run_id}))["repo"]
    if repo == worktree.root.as_uri():
        return
    await link.call("stopRun", {"runId": run_id})
    await link.call("forgetRun", {"runId": run_id})
    raise UsageError(
        f"Another process drives this repository from the worktree {repo}, and runs live there. "
        "Nothing was started. End that process, or work in that worktree."
    )


def _settings(worktree: Worktree, wish: Wish) -> dict[str, object]:
    """What goes with the goal; a rule on the command line adds to those of the settings."""
    wished = wish.settings()
    loaded = load_settings(
        overrides=wished,
        environ=os.environ,
        editor=None,
        project_root=worktree.root,
        trusts=Trust(default_trust_folder()).for_file(worktree.root),
    )
    if wish.constraints:
        wished["constraints"] = [*loaded.settings.constraints, *wish.constraints]
    return wished


def _said(values: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in values.items() if value is not None}
