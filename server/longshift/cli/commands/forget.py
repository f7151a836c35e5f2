"""`longshift forget`: remove every trace of runs.

Owns nothing but the command: the owner of the repository carries it out.
"""

from pathlib import Path

import click

from longshift.cli.session import find_worktree, known_run, read_state, repo_option, send_all
from longshift.cli.terminal import output, say


@click.command()
@click.argument("run", required=False)
@click.option("--all", "all_", is_flag=True, help="Forget every run.")
@repo_option
def command(run: str | None, all_: bool, repo: Path) -> None:
    """Remove every trace of RUN, its refs and objects included; there is no way back.

    What you accepted stays in your files.
    """
    if (run is None) != all_:
        raise click.UsageError("Name one run, or say --all")
    worktree = find_worktree(repo)
    state = read_state(worktree)
    meant = list(state.runs) if run is None else [known_run(state, run).id]
    if not meant:
        say(output(), "There is no run to forget.")
        return
    send_all(worktree, [("forgetRun", {"runId": id_}) for id_ in meant])
    say(output(), f"Forgotten: {', '.join(meant)}.")
