"""`longshift reject`: turn changes of a run down.

Owns the command; `deciding` has what it shares with `accept`.
"""

from pathlib import Path

import click

from longshift.cli.deciding import decide_each, reject_all, targets_of
from longshift.cli.main import DONE
from longshift.cli.session import (
    connected,
    find_worktree,
    own_run,
    read_state,
    repo_option,
    run_async,
)
from longshift.cli.terminal import output


@click.command()
@click.argument("run")
@click.argument("targets", nargs=-1, metavar="[CHANGE[:PATH[:HUNK]]]...")
@click.option("--all", "all_", is_flag=True, help="Reject everything that is pending.")
@click.option("--reason", default="", metavar="TEXT", help="Why; later plans obey it as a rule.")
@repo_option
def command(run: str, targets: tuple[str, ...], all_: bool, reason: str, repo: Path) -> int:
    """Turn down changes of RUN, files of them or single hunks; they don't come back.

    Your files stay as they are.
    """
    if all_ and reason:
        raise click.UsageError("--reason speaks of named changes; leave it out with --all")
    worktree = find_worktree(repo)
    meant = own_run(read_state(worktree), worktree, run)
    chosen = targets_of(meant, targets, everything=all_)

    async def work() -> int:
        async with connected(worktree) as link:
            if all_:
                return await reject_all(link, output(), meant.id)
            await decide_each(link, output(), "rejectChange", meant, chosen, {"reason": reason})
            return DONE

    return run_async(work())
