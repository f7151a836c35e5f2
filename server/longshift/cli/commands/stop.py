"""`longshift stop`: end a run.

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


@click.command()
@click.argument("run", required=False)
@repo_option
def command(run: str | None, repo: Path) -> None:
    """End RUN; what landed stays for review.

    Where RUN is left out, the only run that has not ended is meant.
    """
    worktree = find_worktree(repo)
    state = read_state(worktree)
    meant = (
        known_run(state, run)
        if run
        else only_run(
            state,
            (
                "running",
                "paused",
            ),
            "stop",
        )
    )
    [answer] = send_all(worktree, [("stopRun", {"runId": meant.id})])
    say(output(), f"{meant.id} is {answer['state']}.")
