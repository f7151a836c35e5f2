"""`longshift accept`: write changes of a run into the person's files.

Owns the command; `deciding` has what it shares with `reject`.
"""

from pathlib import Path

import click

from longshift.cli.deciding import accept_all, decide_each, targets_of
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
@click.option("--all", "all_", is_flag=True, help="Accept everything that is pending.")
@click.option(
    "--protected",
    is_flag=True,
    help="Also files that editors, shells, CI or agents act on, though you do not name them.",
)
@repo_option
def command(run: str, targets: tuple[str, ...], all_: bool, protected: bool, repo: Path) -> int:
    """Write changes of RUN, files of them or single hunks into your files.

    Nothing is staged or committed. What editors, shells, CI or agents act on by themselves is
    left, unless you name the file or say --protected.
    """
    worktree = find_worktree(repo)
    meant = own_run(read_state(worktree), worktree, run)
    chosen = targets_of(meant, targets, everything=all_)

    async def work() -> int:
        async with connected(worktree) as link:
            if all_:
                return await accept_all(link, output(), meant.id, protected=protected)
            more = {"protected": True} if protected else {}
            await decide_each(link, output(), "acceptChange", meant, chosen, more)
            return DONE

    return run_async(work())
