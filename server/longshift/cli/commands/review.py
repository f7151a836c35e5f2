"""`longshift review`: decide hunk by hunk in the terminal.

Owns the command: which run is meant, and what is said at the end. `reviewing` has the keys.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import click

from longshift.cli.editing import edited
from longshift.cli.keyboard import Keyboard
from longshift.cli.main import DONE
from longshift.cli.reviewing import Review
from longshift.cli.session import (
    connected,
    find_worktree,
    own_run,
    read_state,
    repo_option,
    run_async,
)
from longshift.cli.terminal import output, say
from longshift.cli.told import counted
from longshift.domain.state import State
from longshift.engine.describe import Json
from longshift.engine.owning.ownership import Owner
from longshift.errors import UsageError
from longshift.repository.person import editor
from longshift.repository.worktree import Worktree
from longshift.settings import Trust, default_trust_folder


@click.command()
@click.argument("run", required=False)
@repo_option
def command(run: str | None, repo: Path) -> int:
    """Accept or reject the hunks of RUN one by one, as `git add -p` does.

    Left out, the latest run with something to decide is meant. Decisions take hold at once:
    accepted hunks are written into your files, and nothing is staged or committed.
    """
    worktree = find_worktree(repo)
    state = read_state(worktree)
    named = own_run(state, worktree, run).id if run is not None else None

    async def work() -> int:
        if named is not None:
            review = _review(worktree, named)
        else:
            review = await _latest(worktree, state)
        if not await review.look():
            say(review.console, f"Nothing of {review.run_id} is left to decide.")
            return DONE
        await review.go_through()
        _tell(review, await review.look())
        return DONE

    return run_async(work())


async def _latest(worktree: Worktree, state: State) -> Review:
    """The review of the latest run of this worktree that has something undecided."""
    mine = [run.id for run in state.runs.values() if worktree.is_home_of(run.started.repo)]
    for run_id in reversed(mine):
        review = _review(worktree, run_id)
        if await review.look():
            return review
    known = ", ".join(mine) or "none yet"
    raise UsageError(
        f"No run of this worktree has anything left to decide. Its runs: {known}. "
        "`longshift status` shows what became of them."
    )


def _review(worktree: Worktree, run_id: str) -> Review:
    async def call(name: str, arguments: Mapping[str, object]) -> Json:
        async with connected(worktree) as link:
            # Where nobody drives runs, none is set going for the moment of a decision.
            stays = isinstance(link, Owner) and name == "reworkChange"
            return await link.call(name, {**arguments, **({"goOn": False} if stays else {})})

    async def edit(path: str, lines: str) -> str | None:
        return await edited(await asyncio.to_thread(_editor, worktree), path, lines)

    return Review(run_id, call, edit, Keyboard(), output())


def _editor(worktree: Worktree) -> str:
    """The person's editor; an untrusted repository's own configuration chooses no program."""
    trusted = Trust(default_trust_folder()).is_trusted(worktree.root)
    return editor(worktree.root if trusted else Path(worktree.root.anchor))


def _tell(review: Review, left: int) -> None:
    counts: Counter[str] = Counter()
    for word, keys in review.decided:
        counts[word] += len(keys)
    words = {"accepted": "accepted", "rejected": "rejected", "rework": "to be done otherwise"}
    done = [f"{counts[word]} {text}" for word, text in words.items() if counts[word]]
    what = ", ".join(done) or "nothing decided"
    more = f"; {counted(left, 'hunk')} left to decide" if left else "; nothing is left to decide"
    say(review.console, f"{review.run_id}: {what}{more}.")
    if counts["rework"]:
        say(
            review.console,
            f"The rework is a task of {review.run_id}; where no process drives the run by now, go "
            f"on with `longshift resume {review.run_id}`.",
        )
