"""`longshift prompts`: every word that models are told, by name and version.

Owns how prompts are listed and shown. Must never change one.
"""

import json
from pathlib import Path

import click

from longshift.cli.session import find_worktree, json_option, repo_option
from longshift.cli.terminal import output, say
from longshift.crew.prompt_files import Prompt, RoleHead
from longshift.crew.prompts import library
from longshift.errors import UsageError
from longshift.settings import Trust, default_trust_folder
from longshift.settings.sources import (
    PROJECT_PROMPTS,
    default_person_file,
    project_prompts,
    read_prompts,
)


@click.group(invoke_without_command=True)
@repo_option
@json_option
@click.pass_context
def command(context: click.Context, repo: Path, as_json: bool) -> None:
    """List the prompts, or show one."""
    if context.invoked_subcommand is not None:
        return
    prompts, by = library(), _overrides(repo)
    listed = [prompts.prompt(name) for name in prompts.all_names()]
    if as_json:
        click.echo(
            json.dumps(
                {
                    "prompts": [
                        {**_described(one), "overriddenBy": by.get(one.name, [])} for one in listed
                    ]
                }
            )
        )
        return
    widest = max(len(one.name) for one in listed)
    for one in listed:
        say(output(), f"{one.name:{widest}}  {one.head.version}  {_in_words(one)}".rstrip())
        for path in by.get(one.name, ()):
            say(output(), f"{'':{widest}}  overridden by {path}")


@command.command()
@click.argument("name")
@json_option
def show(name: str, as_json: bool) -> None:
    """Show the prompt NAME (as in worker, or errors/no_such_file) as it stands in its file."""
    prompts = library()
    if name not in prompts.all_names():
        raise UsageError(f"There is no prompt {name}. `longshift prompts` lists them.")
    one = prompts.prompt(name)
    if as_json:
        click.echo(json.dumps({**_described(one), "body": one.body}))
        return
    say(output(), f"{one.name}  {one.head.version}  {_in_words(one)}".rstrip(), "dim")
    say(output(), one.body)


def _overrides(repo: Path) -> dict[str, list[str]]:
    """The files that override prompts for runs that start now, by prompt, the first one first."""
    person = default_person_file().parent / "prompts"
    found = {name: [str(person / f"{name}.md")] for name in read_prompts(person)}
    try:
        root = find_worktree(repo).root
    except UsageError:
        return found  # outside of a repository there are only the person's
    project = project_prompts(root)
    if project and Trust(default_trust_folder()).is_trusted(root):
        for name in project:
            found.setdefault(name, []).append(str(root / PROJECT_PROMPTS / f"{name}.md"))
    return found


def _described(prompt: Prompt) -> dict[str, object]:
    head = prompt.head
    return {
        "name": prompt.name,
        "version": head.version,
        "digest": prompt.digest,
        "inputs": {name: {"trusted": spec.trusted} for name, spec in head.inputs.items()},
        "effort": head.effort if isinstance(head, RoleHead) else None,
        "budgetTokens": list(head.budget_tokens) if isinstance(head, RoleHead) else None,
    }


def _in_words(prompt: Prompt) -> str:
    """Effort, budget and inputs; an untrusted input stands in brackets."""
    head = prompt.head
    said = []
    if isinstance(head, RoleHead):
        fewest, most = head.budget_tokens
        said.append(f"effort {head.effort}, {fewest} to {most} tokens;")
    said += [name if spec.trusted else f"[{name}]" for name, spec in head.inputs.items()]
    return " ".join(said)
