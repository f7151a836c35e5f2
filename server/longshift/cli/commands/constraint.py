"""`longshift constraint`: the repository's rules, which every later plan must obey.

Owns the three commands and how rules are listed.
"""

import json
from pathlib import Path

import click

from longshift.cli.session import find_worktree, json_option, read_state, repo_option, send
from longshift.cli.terminal import one_line, output, say


@click.group()
def command() -> None:
    """Add, list or lift rules that every run obeys."""


@command.command()
@click.argument("text")
@repo_option
def add(text: str, repo: Path) -> None:
    """Give a rule in words; it holds until it is lifted."""
    if not text.strip():
        raise click.UsageError("The rule is empty")
    answer = send(repo, "addConstraint", {"text": text})
    say(output(), f"{answer['constraintId']} holds from now on.")


@command.command("list")
@repo_option
@json_option
def list_(repo: Path, as_json: bool) -> None:
    """List the rules that hold."""
    state = read_state(find_worktree(repo))
    holding = [one for one in state.constraints.values() if not one.lifted]
    if as_json:
        listed = [
            {"constraintId": c.id, "text": c.text, "source": c.source, "runId": c.run_id}
            for c in holding
        ]
        click.echo(json.dumps({"constraints": listed}))
        return
    for one in holding:
        of = f", {one.run_id}" if one.run_id else ""
        say(output(), f"{one.id}  {one_line(one.text, 1000)}  ({one.source}{of})")
    if not holding:
        say(output(), "No rules hold here.")


@command.command()
@click.argument("constraint")
@repo_option
def lift(constraint: str, repo: Path) -> None:
    """Take the rule CONSTRAINT (as in K1) back."""
    answer = send(repo, "liftConstraint", {"constraintId": constraint.upper()})
    say(output(), f"{answer['constraintId']} is lifted.")
