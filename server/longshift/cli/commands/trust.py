"""`longshift trust`: let models run commands in a workspace, and its configuration count in full.

Owns the words. The record is among the person's own data.
"""

from pathlib import Path

import click

from longshift.cli.session import find_worktree
from longshift.cli.terminal import output, say
from longshift.errors import UsageError
from longshift.settings import Trust, default_trust_folder, what_trust_lets_in


@click.command()
@click.argument("folder", metavar="[DIR]", type=click.Path(path_type=Path), default=Path())
@click.option("--revoke", is_flag=True, help="Take the trust back.")
def command(folder: Path, revoke: bool) -> None:
    """Trust the workspace in DIR as its configuration is now; left out: where you are.

    Models may then run commands there, in the sandbox, and its configuration may choose endpoints,
    checks and the sandbox's settings. Any change of the configuration ends the trust.
    """
    root = _root(folder)
    trust = Trust(default_trust_folder())
    if revoke:
        had = trust.revoke(root)
        say(output(), f"{root} is {'no longer' if had else 'not'} trusted.")
        return
    said = what_trust_lets_in(root)
    trust.trust(root, said.fingerprint)
    say(output(), f"{root} is trusted as its configuration is now, until that changes.")
    say(output(), f"Models may run commands there, in the sandbox. {said.words}")


def _root(folder: Path) -> Path:
    if not folder.is_dir():
        raise UsageError(f"There is no folder {folder}. Nothing was changed.")
    try:
        return find_worktree(folder).root
    except UsageError:
        return folder.absolute()  # a workspace need not be a repository yet
