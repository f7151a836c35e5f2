"""`longshift export`: a run as a branch, for a pull request.

Owns the command and what is told of the branch.
"""

import shlex
from pathlib import Path

import click

from longshift.cli.main import DONE
from longshift.cli.session import (
    connected,
    find_worktree,
    own_run,
    read_state,
    repo_option,
    run_async,
)
from longshift.cli.terminal import notice, one_line, output, say
from longshift.cli.told import counted
from longshift.engine.describe import Json


@click.command()
@click.argument("run")
@click.option("--branch", required=True, metavar="NAME", help="The new branch's name.")
@click.option("--accepted", is_flag=True, help="Only the hunks that you accepted.")
@repo_option
def command(run: str, branch: str, accepted: bool, repo: Path) -> int:
    """Make a branch with one commit for each change of RUN, for a pull request.

    What you rejected is left out. Your HEAD, index, files and other branches stay as they are.
    """
    worktree = find_worktree(repo)
    meant = own_run(read_state(worktree), worktree, run)
    arguments = {"runId": meant.id, "branch": branch, "accepted": accepted}

    async def work() -> Json:
        async with connected(worktree) as link:
            return await link.call("exportRun", arguments)

    _tell(run_async(work()))
    return DONE


def _tell(made: Json) -> None:
    console = output()
    commits, branch, base = made["commits"], str(made["branch"]), made["base"]
    assert isinstance(commits, list), "the shape of `exportRun`"
    on = f"on {str(base)[:12]}" if base else "on nothing, as you had no commit"
    say(console, f"Made the branch {one_line(branch)} with {counted(len(commits), 'commit')} {on}:")
    for commit in commits:
        say(console, f"  {commit['commit'][:12]}  {one_line(commit['subject'])}")
    left, flags = made.get("leftOut"), made.get("protected")
    for target in left if isinstance(left, list) else ():
        notice(f"{one_line(str(target))} was left out: it builds on what you rejected.")
    for path, why in flags.items() if isinstance(flags, dict) else ():
        notice(f"{one_line(str(path))} is protected: {why}. Look at it before you check it out.")
    say(console, "Your HEAD, index and files are as they were.")
    say(console, f"Next: `git push --set-upstream origin {shlex.quote(one_line(branch))}`.")
