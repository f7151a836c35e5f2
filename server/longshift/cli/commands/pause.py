"""`longshift pause`: let a run's agents take no further step.

Owns nothing but the command: the owner of the repository carries it out.
"""

from pathlib import Path

import click

from longshift.cli.session import (
    find_worktree,
    known_run,
    only_run,
    read_state,
    repo_option,
    send_all,
)
from longshift.cli.terminal import output, say
from longshift.domain.state import Phase
from longshift.errors import UsageError


@click.command()
@click.argument("run", required=False)
@repo_option
def command(run: str | None, repo: Path) -> None:
    """Let the agents of RUN take no further step; what landed is kept.

    Where RUN is left out, the only run that is running is meant.
    """
    worktree = find_worktree(repo)
    state = read_state(worktree)
    meant = known_run(state, run) if run else only_run(state, ("running",), "pause")
    if meant.phase is Phase.ENDED:
        raise UsageError(f"{meant.id} has ended, so there is nothing to pause. Nothing was done.")
    [answer] = send_all(worktree, [("pauseRun", {"runId": meant.id})])
    say(output(), f"{meant.id} is {answer['state']}.")
