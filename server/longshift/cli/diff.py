"""`longshift diff`: what a run, or one change of it, would do to the person's files.

Owns the colours. Through a pipe goes exactly what `git apply` takes.
"""

import sys
from pathlib import Path

import click
from rich.text import Text

from longshift.cli.deciding import targets_of
from longshift.cli.session import find_worktree, known_run, read_state, repo_option
from longshift.cli.terminal import clean, output, raw_output
from longshift.domain.state import Run
from longshift.errors import UsageError
from longshift.repository.store import ObjectStore
from longshift.review.unified import change_diff, run_diff

STYLES = (
    ("diff ", "bold"),
    ("+++", "bold"),
    ("---", "bold"),
    ("@@", "cyan"),
    ("+", "green"),
    ("-", "red"),
)


@click.command()
@click.argument("run")
@click.argument("change", required=False, metavar="[CHANGE[:PATH]]")
@repo_option
def command(run: str, change: str | None, repo: Path) -> None:
    """Show what RUN would do to your files, or what one CHANGE of it did."""
    worktree = find_worktree(repo)
    meant = known_run(read_state(worktree), run)
    store = ObjectStore.open(worktree)
    console = output()
    try:
        text = _diff(store, meant, change, exact=not console.is_terminal)
    finally:
        store.close()
    if not console.is_terminal:
        with raw_output():
            sys.stdout.write(text)
        return
    console.print(coloured(text), soft_wrap=True)


def coloured(diff: str) -> Text:
    """A unified diff for a terminal, without its last line end."""
    lines = clean(diff).removesuffix("\n").split("\n")
    return Text("\n").join(Text(line, _style(line)) for line in lines)


def _style(line: str) -> str:
    return next((style for mark, style in STYLES if line.startswith(mark)), "")


def _diff(store: ObjectStore, run: Run, change: str | None, *, exact: bool) -> str:
    if change is None:
        return run_diff(store, run, exact=exact)
    [target] = targets_of(run, [change], everything=False)
    if target.hunk is not None:
        raise UsageError("A diff shows whole files: write CHANGE or CHANGE:PATH.")
    return change_diff(store, run, target.change_id, target.path, exact=exact)
