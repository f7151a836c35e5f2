"""A run as a branch: one commit for each change, as the person would have made them.

Owns what a commit says and which commit the branch stands on. Looks at the run and never changes
it, so it can be done while the run goes on.
"""

import re
import unicodedata
from collections.abc import Sequence
from typing import Final

from longshift.domain.state import Run
from longshift.engine.describe import Json
from longshift.engine.room import Shop
from longshift.errors import NeedsPerson, UsageError
from longshift.repository.exporting import Commit, DoesNotFit, check_branch, commit_all
from longshift.repository.person import Identity, identity
from longshift.review.exporting import Exported, exported
from longshift.review.shapes import Present
from longshift.screening.hidden import visible

LONGEST_SUBJECT: Final = 200
_CONTROLS: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


async def export_run(shop: Shop, run_id: str, branch: str, *, accepted: bool) -> Json:
    """Make a branch of a run.

    Args:
        shop: whose repository.
        run_id: the run, of this worktree.
        branch: the branch's name; there must be none yet.
        accepted: only hunks that the person accepted; otherwise all but what they rejected.

    Returns:
        The branch, the commit that it stands on, its commits, and what was left out.

    Raises:
        UsageError: the name can't be, or there is nothing to export.
        NeedsPerson: the person has no identity for git, or a change builds on text of theirs that
            is not committed.
    """
    run = await shop.own(run_id)
    return await shop.off_loop(_export, shop, run, shop.hand.present(), branch, accepted)


def _export(shop: Shop, run: Run, present: Present, branch: str, accepted: bool) -> Json:
    worktree, store = shop.worktree, shop.store
    check_branch(worktree, branch)
    who = identity(worktree.root)
    part = exported(run, shop.proposals, present, accepted_only=accepted)
    commits = _commits(run, part)
    if not commits:
        what = "no accepted hunk that stands in your files" if accepted else "no change"
        raise UsageError(
            f"{run.id} has {what}, so there is nothing to export. Nothing was made. "
            f"`longshift status {run.id}` shows its changes."
        )
    base, made = _on_a_base(shop, run, commits, who)
    if not made:
        raise UsageError(
            f"The commit {_short(base)} holds all of {run.id} that would be exported. Nothing was "
            "made."
        )
    store.publish_branch(run.id, branch=branch, commit=made[-1][1], base=base)
    return {
        "runId": run.id,
        "branch": branch,
        "base": base,
        "commits": [
            {"changeId": commit.name, "commit": id_, "subject": commit.message.split("\n", 1)[0]}
            for commit, id_ in made
        ],
        "leftOut": [f"{hunk.change_id}:{hunk.path}:{hunk.hunk}" for hunk in part.left_out],
        "protected": dict(sorted(part.flags.items())),
    }


def _on_a_base(
    shop: Shop, run: Run, commits: Sequence[Commit], who: Identity
) -> tuple[str | None, list[tuple[Commit, str]]]:
    """The commit that was checked out when the run started; where that won't do, the present one.

    That one has what the person has committed since, and with it perhaps what a change builds on.
    """
    started = next(iter(shop.store.objects.parents_of(run.started.base)), None)
    try:
        return started, commit_all(shop.store, started, commits, who)
    except DoesNotFit as clash:
        now = shop.worktree.head_commit()
        goes_on = started is None or (now is not None and shop.worktree.is_ancestor(started, now))
        if now in (None, started) or not goes_on:
            raise _not_committed(run, clash, started) from clash
    try:
        return now, commit_all(shop.store, now, commits, who)
    except DoesNotFit as clash:
        raise _not_committed(run, clash, now) from clash


def _not_committed(run: Run, clash: DoesNotFit, base: str | None) -> NeedsPerson:
    change = run.changes[clash.name]
    where = f"the commit {_short(base)}" if base else "any commit"
    return NeedsPerson(
        f"{change.id} ({change.title}) builds on text in {clash.path} that is not in {where}. "
        f"Nothing was made. Commit {clash.path} first, then export again; if it is a hunk that "
        "you left out, decide on both alike."
    )


def _commits(run: Run, part: Exported) -> list[Commit]:
    """The commits to make, in landing order."""
    order = [step.change_id for step in run.steps if step.change_id in part.steps]
    return [Commit(id_, tuple(part.steps[id_]), _message(run, id_)) for id_ in dict.fromkeys(order)]


def _message(run: Run, change_id: str) -> str:
    """Subject, what the worker said of it, and where it comes from."""
    change = run.changes[change_id]
    task = run.tasks[change.task_id]
    subject = " ".join(_plain(change.title).split())[:LONGEST_SUBJECT] or change.id
    summary = _plain(task.attempts[-1].handoff.summary).strip()
    trailers = f"Longshift-Run: {run.id}\nLongshift-Task: {task.id}"
    # A paragraph between the worker's words and ours: theirs are never read as trailers.
    return "\n\n".join(part for part in (subject, summary, trailers) if part)


def _plain(text: str) -> str:
    """A model's words without what could steer a terminal, and with what hides in them shown."""
    return visible(_CONTROLS.sub("", unicodedata.normalize("NFC", text)))


def _short(commit: str | None) -> str:
    return commit[:12] if commit else "nothing"
