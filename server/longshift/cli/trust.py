"""`longshift trust`: let a workspace's own configuration count in full, or no longer.

Owns the words. The record is among the person's own data.
"""

from pathlib import Path

import click

from longshift.cli.session import find_worktree
from longshift.cli.terminal import output, say
from longshift.errors import UsageError
from longshift.settings import Trust, default_trust_folder


@click.command()
@click.argument("folder", metavar="[DIR]", type=click.Path(path_type=Path), default=Path())
@click.option("--revoke", is_flag=True, help="Take the trust back.")
def command(folder: Path, revoke: bool) -> None:
    """Trust the configuration in DIR as it is now; left out: where you are.

    It may then choose endpoints, checks and the sandbox's settings. Any change ends the trust.
    """
    root = _root(folder)
    trust = Trust(default_trust_folder())
    if revoke:
        had = trust.revoke(root)
        say(output(), f"{root} is {'no longer' if had else 'not'} trusted.")
        return
    trust.trust(root)
    say(output(), f"The configuration of {root} is trusted as it is now, until it changes.")


def _root(folder: Path) -> Path:
    if not folder.is_dir():
        raise UsageError(f"There is no folder {folder}. Nothing was changed.")
    try:
        return find_worktree(folder).root
    except UsageError:
        return folder.absolute()  # a workspace need not be a repository yet
