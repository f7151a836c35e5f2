"""`longshift resume`: go on with a paused run.

Owns who drives it then: this process where nobody owns the repository, else the owner.
"""

import asyncio
from collections.abc import Mapping
from pathlib import Path

import click

from longshift.cli.driving import drive
from longshift.cli.main import DONE
from longshift.cli.session import (
    Link,
    connected,
    find_worktree,
    json_option,
    only_run,
    own_run,
    read_state,
    repo_option,
    run_async,
)
from longshift.cli.terminal import errors, output, say
from longshift.engine.owning.ownership import Guest
from longshift.errors import NeedsPerson, UsageError
from longshift.models.port import KeyMissing
from longshift.repository.worktree import Worktree


@click.command()
@click.argument("run", required=False)
@repo_option
@click.option("--budget-usd", "usd", type=float, metavar="X", help="Most US dollars from here on.")
@click.option("--budget-tokens", "tokens", type=int, metavar="N", help="Most tokens.")
@click.option("--budget-calls", "calls", type=int, metavar="N", help="Most calls to models.")
@click.option("--max-cycles", "cycles", type=int, metavar="N", help="Most cycles.")
@click.option("--max-minutes", "minutes", type=float, metavar="M", help="Most minutes.")
@json_option
def command(run: str | None, repo: Path, as_json: bool, **limits: float | None) -> int:
    """Go on with RUN, or with the only paused run, and stay until it has ended.

    A RUN that a budget has ended goes on once that budget is raised, here or in the settings.
    What it has used counts, so a limit is for the whole run. 0: no limit.
    Where another process owns the repository, the run goes on there, and this command returns.
    """
    budget = {name: limit for name, limit in limits.items() if limit is not None}
    return run_async(_resume(find_worktree(repo), run, budget, as_json=as_json))


async def _resume(
    worktree: Worktree, named: str | None, budget: Mapping[str, float], *, as_json: bool
) -> int:
    async with connected(worktree, is_passing=False) as link:
        # Only now: opening the repository notes of a run whose process was killed that it stands.
        state = await asyncio.to_thread(read_state, worktree)
        meant = only_run(state, ("paused",), "resume").id if named is None else named
        run = own_run(state, worktree, meant)
        await _go_on(link, run.id, budget)
        if isinstance(link, Guest):
            console = errors() if as_json else output()
            say(
                console,
                f"{run.id} goes on in process {link.owner.pid}. "
                f"`longshift watch {run.id}` follows it.",
            )
            return DONE
        return await drive(link, worktree, state, run.id, apply=False, as_json=as_json)


async def _go_on(link: Link, run_id: str, budget: Mapping[str, float]) -> None:
    arguments: dict[str, object] = {"runId": run_id}
    if budget:  # an owner of an earlier version does not know the argument
        arguments["budget"] = dict(budget)
    try:
        await link.call("resumeRun", arguments)
    except KeyMissing as error:
        raise UsageError(_said_where(link, error)) from error
    except NeedsPerson as error:
        raise NeedsPerson(_said_where(link, error)) from error


def _said_where(link: Link, error: NeedsPerson) -> str:
    """What is missing, and where: the owner's settings and keys are those of its own process."""
    if isinstance(link, Guest):
        return f"In process {link.owner.pid}, which owns this repository: {error}"
    return str(error)
