"""`longshift log`: what happened in a run, and what its agents said.

Owns the command. Only looks, whoever drives the run.
"""

import json
import sys
from collections.abc import Sequence
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
from longshift.cli.talks import (
    as_line,
    ended,
    price,
    show_conversation,
    sittings,
    totals,
    turns,
)
from longshift.cli.terminal import one_line, output
from longshift.cli.told import STYLES, told
from longshift.domain.events import Recorded
from longshift.domain.fold import apply
from longshift.domain.state import Run, State
from longshift.errors import UsageError
from longshift.journal.reader import JournalReader


@click.command()
@click.argument("run")
@click.argument("agent", required=False)
@repo_option
@json_option
@click.option("--conversations", is_flag=True, help="List the conversations that were kept.")
def command(run: str, agent: str | None, repo: Path, as_json: bool, conversations: bool) -> None:
    """Show what happened in RUN, one event a line; or the whole conversation of an AGENT.

    AGENT is as in the events: P1, T3.2 (T3: its last attempt), judge.1 (judge: the last),
    A1.3 (an equal agent's third choice of a task).
    """
    worktree = find_worktree(repo)
    state = State()
    quiet = agent is not None or conversations
    records: list[Recorded] = []
    if journal_path(worktree).exists():
        # Told as it is read: what stands before a damaged row is shown.
        with JournalReader.open(journal_path(worktree)) as reader:
            for record in reader.read():
                state = apply(state, record)
                if record.event.run in (run, run.upper()):
                    if not quiet:
                        _show(record, state.runs[record.event.run], as_json=as_json)
                    records.append(record)
            run_id = known_run(state, run).id
            if conversations:
                names = reader.conversations(run_id)
                _list(state.runs[run_id], names, records, as_json=as_json)
            elif agent is not None:
                name = _named(agent, run_id, reader.conversations(run_id))
                parts = [list(map(json.loads, part)) for part in reader.conversation(run_id, name)]
                _tell(name, parts, records, as_json=as_json)
    known_run(state, run)


def _show(record: Recorded, run: Run, *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps(record.as_line()) + "\n")
        return
    said = told(record.event, run)
    line = Text(f"{record.time.astimezone():%m-%d %H:%M:%S} ", "dim")
    output().print(line.append(said.text, STYLES[said.tone]), soft_wrap=True)


def _named(agent: str, run_id: str, names: Sequence[str]) -> str:
    """The conversation that a person means: in any case, the last one where several are.

    Raises:
        UsageError: there is none.
    """
    asked = agent.casefold()
    for name in reversed(names):
        if asked in (name.casefold(), name.casefold().partition(".")[0]):
            return name
    kept = ", ".join(names) or "none yet"
    raise UsageError(f"No conversation of {agent} was kept in {run_id}. Those that were: {kept}.")


def _list(run: Run, names: Sequence[str], records: Sequence[Recorded], *, as_json: bool) -> None:
    for name in names:
        sat = sittings(records, name)
        calls, tokens, cost = totals(sat)
        model = sat[-1].opened.model if sat else ""
        if not as_json:
            output().print(
                f"{name:<12} {ended(run, name):<12} {calls:>4} calls  {tokens:>10,} tokens  "
                f"{price(cost)}  {one_line(model)}"
            )
            continue
        line = {
            "conversation": name,
            "role": sat[-1].opened.role if sat else None,
            "model": model,
            "prompts": dict(sat[-1].opened.prompts) if sat else {},
            "ended": ended(run, name),
            "calls": calls,
            "tokens": tokens,
            "cost_usd": None if cost is None else float(cost),
        }
        sys.stdout.write(json.dumps(line) + "\n")


def _tell(
    name: str, parts: list[list[dict[str, object]]], records: Sequence[Recorded], *, as_json: bool
) -> None:
    told = turns(parts, sittings(records, name))
    if not as_json:
        show_conversation(output(), name, told)
        return
    for turn in told:
        sys.stdout.write(json.dumps(as_line(name, turn)) + "\n")
