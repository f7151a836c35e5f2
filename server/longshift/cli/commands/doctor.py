"""`longshift doctor`: is everything there that a run needs, and how to mend what is not.

Owns the table. `health` has the checks.
"""

import json
from pathlib import Path
from typing import Final

import click
from rich.text import Text

from longshift.cli.health import Check, examine
from longshift.cli.main import DONE, NOT_MET
from longshift.cli.session import json_option, repo_option
from longshift.cli.terminal import clean, output

MARKS: Final = {"ok": ("✓", "green"), "warn": ("!", "yellow"), "bad": ("✗", "red")}


@click.command()
@repo_option
@click.option("--offline", is_flag=True, help="Call no model.")
@json_option
def command(repo: Path, offline: bool, as_json: bool) -> int:
    """Check git, sandbox, models, settings and state, and say how to mend each.

    Each model behind an endpoint is asked once for a tiny tool call.
    """
    checks: list[Check] = []
    for check in examine(repo, asks=not offline):
        checks.append(check)
        if not as_json:
            _show(check)
    sound = all(check.state != "bad" for check in checks)
    if as_json:
        listed = [
            {"name": c.name, "state": c.state, "text": c.text, "mend": c.mend} for c in checks
        ]
        click.echo(json.dumps({"ok": sound, "checks": listed}))
    return DONE if sound else NOT_MET


def _show(check: Check) -> None:
    mark, style = MARKS[check.state]
    line = Text(f"{mark} {check.name:<14} ", style).append(clean(check.text), "default")
    if check.mend:
        line.append(f"\n{'':17}{clean(check.mend)}", style)
    output().print(line, soft_wrap=True)
