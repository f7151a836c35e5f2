"""`longshift diff`: what a run, or one change of it, would do to the person's files.

Owns the colours. Through a pipe goes exactly what `git apply` takes.
"""

import sys
from pathlib import Path

import click
from rich.text import Text

from longshift.cli.deciding import targets_of
from longshift.cli.session import find_worktree, known_run, read_state, repo_option
from longshift.cli.terminal import clean_code, notice, one_line, output, raw_output
from longshift.domain.state import Run
from longshift.errors import UsageError
from longshift.repository.links import links_of
from longshift.repository.store import ObjectStore
from longshift.review.flags import flags_in
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
    """Show all that RUN did to your files as it last took them, or what one CHANGE of it did.

    What you have decided on stays in it; `longshift review` goes through what is left.
    """
    worktree = find_worktree(repo)
    meant = known_run(read_state(worktree), run)
    store = ObjectStore.open(worktree)
    console = output()
    try:
        text = _diff(store, meant, change, exact=not console.is_terminal)
        flags = _flags(store, meant, change)
    finally:
        store.close()
    if not console.is_terminal:
        with raw_output():
            sys.stdout.write(text)
    else:
        console.print(coloured(text), soft_wrap=True)
    for path, why in flags.items():
        notice(f"{one_line(path)} is protected: {why}. It is accepted only by its name.")


def coloured(diff: str) -> Text:
    """A unified diff for a terminal, without its last line end."""
    lines = clean_code(diff).removesuffix("\n").split("\n")
    return Text("\n").join(Text(line, _style(line)) for line in lines)


def _style(line: str) -> str:
    return next((style for mark, style in STYLES if line.startswith(mark)), "")


def _flags(store: ObjectStore, run: Run, change: str | None) -> dict[str, str]:
    """What takes a word of its own in the run, or in the whole of the change that is named."""
    meant = run.changes.get((change or "").partition(":")[0])
    ends = (meant.parent, meant.commit) if meant is not None else (run.taken, run.head)
    changes = run.changes if meant is None else [meant.id]
    return flags_in(run, changes, store.differences(*ends), links_of(store, ends[1]))


def _diff(store: ObjectStore, run: Run, change: str | None, *, exact: bool) -> str:
    if change is None:
        return run_diff(store, run, exact=exact)
    [target] = targets_of(run, [change], everything=False)
    if target.hunk is not None:
        raise UsageError("A diff shows whole files: write CHANGE or CHANGE:PATH.")
    return change_diff(store, run, target.change_id, target.path, exact=exact)
