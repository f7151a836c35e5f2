"""`longshift steer`: tell a run's planner something.

Owns nothing but the command: the owner of the repository carries it out.
"""

from pathlib import Path

import click

from longshift.cli.session import find_worktree, known_run, read_state, repo_option, send_all
from longshift.cli.terminal import output, say
from longshift.domain.state import Phase
from longshift.errors import UsageError


@click.command()
@click.argument("run")
@click.argument("message")
@repo_option
def command(run: str, message: str, repo: Path) -> None:
    """Tell the planner of RUN something; it is read at its next step."""
    if not message.strip():
        raise click.UsageError("The message is empty")
    worktree = find_worktree(repo)
    meant = known_run(read_state(worktree), run)
    if meant.phase is Phase.ENDED:
        raise UsageError(f"{meant.id} has ended, so nobody would read that. Start a new goal.")
    send_all(worktree, [("steerRun", {"runId": meant.id, "message": message})])
    say(output(), f"{meant.id}: its planner reads that at its next step.")
