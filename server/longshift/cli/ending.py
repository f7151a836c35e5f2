"""How a run ended, told to the person: outcome, difference, findings, and how to review.

Owns these words and the exit status that follows from them. Only looks.
"""

import shlex

from rich.console import Console

from longshift.cli.main import DONE, INTERRUPTED, NOT_MET
from longshift.cli.terminal import clean_code, one_line, say
from longshift.cli.told import counted, usage_words
from longshift.domain.budgets import used_up
from longshift.domain.model import Finding
from longshift.domain.state import Phase, Run
from longshift.engine.difference import PathStat, path_stats
from longshift.engine.raising import RESUME_OPTIONS
from longshift.repository.links import links_of
from longshift.repository.store import ObjectStore
from longshift.repository.worktree import Worktree
from longshift.review.flags import flags_in

MOST_FILES = 20
MOST_FINDINGS = 10


def exit_status(run: Run) -> int:
    """What the shell is told: 0 where the goal is met, 130 where who drove it was interrupted."""
    if run.outcome == "done":
        return DONE
    return INTERRUPTED if run.pause_cause in ("interrupted", "closed") else NOT_MET


def tell_ending(console: Console, worktree: Worktree, run: Run) -> None:
    """Tell how a run stands, now that nothing more happens in it."""
    if run.phase is not Phase.ENDED:
        say(console, f"\n{run.id} is paused: {run.pause_reason}", "yellow")
        say(console, f"Go on with `longshift resume {run.id}`; what landed is kept.")
        return
    style = "green" if run.outcome == "done" else "red"
    say(console, f"\n{run.id}: {run.outcome}. {one_line(run.outcome_reason, 1000)}", style)
    words = (counted(run.cycle, "cycle"), _tasks(run), usage_words(run.usage))
    say(console, f"{', '.join(words)}.", "dim")
    if run.outcome == "out_of_budget":
        say(console, f"Raise the limit and go on: `longshift resume {run.id} {_option(run)}`.")
    if run.changes:
        _tell_difference(console, worktree, run)
    tell_findings(console, run)


def _option(run: Run) -> str:
    share = used_up(run)
    return RESUME_OPTIONS[share.kind] if share else ""


def how_to_review(run: Run) -> str:
    """The ways to look at what landed and to decide on it; the run has a change."""
    change = next(iter(run.changes.values()))
    hunk = shlex.quote(clean_code(f"{change.id}:{change.paths[0]}:1"))
    ways = {
        f"longshift diff {run.id}": "the whole difference",
        f"longshift review {run.id}": "go through its hunks one by one",
        f"longshift accept {run.id} --all": "write it into your files",
        f"longshift accept {run.id} {hunk}": "one hunk; `reject` takes the same",
    }
    wide = max(map(len, ways))
    listed = "".join(f"  {command:<{wide}}  {words}\n" for command, words in ways.items())
    return (
        f"\nNothing of yours was changed. To review:\n{listed}"
        "  or open the folder in an editor with Longshift: each hunk has its code actions."
    )


def tell_findings(console: Console, run: Run) -> None:
    """Tell the open findings, the run's own first."""
    open_ = [finding for finding in run.findings.values() if finding.state == "open"]
    ours = [finding for finding in open_ if finding.origin == "run"]
    before = [finding for finding in open_ if finding.origin == "base"]
    _tell(console, "The judge still finds, in what the run wrote:", ours)
    _tell(console, "The judge also found, and it stood there before:", before)


def _tasks(run: Run) -> str:
    landed = sum(task.state == "landed" for task in run.tasks.values())
    failed = sum(task.state == "failed" for task in run.tasks.values())
    landing = f"{counted(landed, 'task')} landed, {failed} failed"
    return f"{landing}, {counted(run.conflicts, 'conflict')}"


def _tell_difference(console: Console, worktree: Worktree, run: Run) -> None:
    store = ObjectStore.open(worktree)
    try:
        stats = path_stats(store, run.taken, run.head)
        differences = store.differences(run.taken, run.head)
        flags = flags_in(run, run.changes, differences, links_of(store, run.head))
    finally:
        store.close()
    added, removed = sum(s.added for s in stats), sum(s.removed for s in stats)
    say(console, f"\nThe difference: {counted(len(stats), 'file')}, +{added} -{removed}:", "bold")
    for one in stats[:MOST_FILES]:
        say(console, f"  {_amount(one):>12}  {one_line(one.path)}")
    if len(stats) > MOST_FILES:
        say(console, f"  … and {len(stats) - MOST_FILES} more", "dim")
    if flags:
        say(console, "Protected, to be accepted only by name:", "yellow")
        for path, why in flags.items():
            say(console, f"  {one_line(path)}  {why}", "yellow")


def _amount(stat: PathStat) -> str:
    if stat.added or stat.removed:
        return f"+{stat.added} -{stat.removed}"
    return stat.kind


def _tell(console: Console, title: str, findings: list[Finding]) -> None:
    if not findings:
        return
    say(console, f"\n{title}", "bold")
    for f in findings[:MOST_FINDINGS]:
        where = f"{one_line(f.path)}:{f.line}"
        say(console, f"  {f.id:>4} {f.severity:<7} {where} {one_line(f.message)} [{f.code}]")
    if len(findings) > MOST_FINDINGS:
        say(console, f"  … and {len(findings) - MOST_FINDINGS} more", "dim")
