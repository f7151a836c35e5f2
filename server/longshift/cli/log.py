"""`longshift log`: what happened in a run, from its first event to its last.

Owns the command. Only looks, whoever drives the run.
"""

import json
import sys
from pathlib import Path

import click
from rich.text import Text

from longshift.cli.session import (
    find_worktree,
    journal_path,
    json_option,
    known_run,
    repo_option,
)
from longshift.cli.terminal import output
from longshift.cli.told import STYLES, told
from longshift.domain.events import Recorded
from longshift.domain.fold import apply
from longshift.domain.state import Run, State
from longshift.journal.reader import JournalReader


@click.command()
@click.argument("run")
@repo_option
@json_option
def command(run: str, repo: Path, as_json: bool) -> None:
    """Show what happened in RUN, one event a line."""
    worktree = find_worktree(repo)
    state = State()
    if journal_path(worktree).exists():
        # Told as it is read: what stands before a damaged row is shown.
        with JournalReader.open(journal_path(worktree)) as reader:
            for record in reader.read():
                state = apply(state, record)
                if record.event.run in (run, run.upper()):
                    _show(record, state.runs[record.event.run], as_json=as_json)
    known_run(state, run)


def _show(record: Recorded, run: Run, *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps(record.as_line()) + "\n")
        return
    said = told(record.event, run)
    line = Text(f"{record.time.astimezone():%m-%d %H:%M:%S} ", "dim")
    output().print(line.append(said.text, STYLES[said.tone]), soft_wrap=True)
