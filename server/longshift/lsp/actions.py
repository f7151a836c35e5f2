"""Code actions on hunks, files and selections: their titles, kinds and commands.

Owns the wording and the data that a lazy action carries. Computes no edit: `resolve` does, against
the text of that moment.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from lsprotocol import types

from longshift.lsp.words import shown

if TYPE_CHECKING:
    from longshift.crew.goals import GoalTemplate
    from longshift.lsp.reviewing import FileReview, ReviewHunk

ACCEPT: Final = "quickfix.longshift.accept"
REJECT: Final = "quickfix.longshift.reject"
REWORK: Final = "quickfix.longshift.rework"
UNDO: Final = "quickfix.longshift.undo"
GOAL: Final = "quickfix.longshift.goal"
DISMISS: Final = "quickfix.longshift.dismiss"
EXPLAIN: Final = "quickfix.longshift.explain"
ACCEPT_FILE: Final = "source.longshift.acceptFile"
REJECT_FILE: Final = "source.longshift.rejectFile"
REWRITE: Final = "refactor.rewrite.longshift"
KINDS: Final = (
    ACCEPT,
    REJECT,
    REWORK,
    UNDO,
    GOAL,
    DISMISS,
    EXPLAIN,
    ACCEPT_FILE,
    REJECT_FILE,
    REWRITE,
)

ON_HUNKS: Final = (ACCEPT, REJECT, REWORK, UNDO)
SAID: Final = {"accepted": "accepted", "rejected": "rejected", "rework": "asked to rework"}
LONGEST_TITLE: Final = 120
LONGEST_REASON: Final = 80


@dataclass(frozen=True, slots=True, eq=False)
class Action:
    """One entry of the menu.

    Attributes:
        title: unique in its menu.
        kind: one of `KINDS`.
        command: the engine's name for what it does.
        arguments: the command's one argument.
        hunk: the one that it decides on.
        diagnostic: what it deals with.
    """

    title: str
    kind: str
    command: str
    arguments: dict[str, object]
    hunk: "ReviewHunk | None" = None
    diagnostic: types.Diagnostic | None = None


def wanted(kind: str, only: Sequence[str] | None) -> bool:
    """Whether a client that asked for these kinds, or for any, wants one."""
    return not only or any(kind == one or kind.startswith(f"{one}.") or one == "" for one in only)


def wants_any(kinds: Iterable[str], only: Sequence[str] | None) -> bool:
    """Whether one of several kinds is wanted."""
    return any(wanted(kind, only) for kind in kinds)


def on_hunks(review: "FileReview") -> Iterator[Action]:
    """Accept, rework and reject for each pending hunk, in order; undo for those decided on."""
    for one in review.pending:
        arguments = target(review.repo, one)
        name = hunk_name(one)
        if one.hunk.state == "stale":
            why = short(one.hunk.reason or "it no longer fits", LONGEST_REASON)
            yield Action(f"Rework: {name}: {why}", REWORK, "reworkChange", arguments, one)
        else:
            yield Action(f"Accept: {name}", ACCEPT, "acceptChange", arguments, one)
            yield Action(f"Ask for rework: {name}", REWORK, "reworkChange", arguments, one)
        yield Action(f"Reject: {name}", REJECT, "rejectChange", arguments, one)
    for one in review.decided:
        name, state = hunk_name(one), SAID[one.hunk.state]
        yield Action(f"Undo: {state} {name}", UNDO, "undoDecision", target(review.repo, one), one)


def on_file(review: "FileReview", uri: str, *, by_itself: bool = False) -> Iterator[Action]:
    """Accept and reject everything that is pending in a file, for each run.

    Args:
        review: of the file.
        uri: its document's.
        by_itself: whether the editor asks without its person, as it does to act on saving. Then
            nothing is offered that would write a protected file.
    """
    by_run: dict[str, list[ReviewHunk]] = {}
    for one in review.pending:
        if one.hunk.state == "pending":
            by_run.setdefault(one.run_id, []).append(one)
    for run_id, hunks in by_run.items():
        n = len(hunks)
        added = sum(one.hunk.added for one in hunks)
        removed = sum(one.hunk.removed for one in hunks)
        name = shown(review.path.rsplit("/", 1)[-1])
        flag = next((one.hunk.flag for one in hunks if one.hunk.flag), "")
        counts = f"+{added} \N{MINUS SIGN}{removed}, {n} hunk{'s' * (n != 1)}{protected(flag)}"
        what = f"all of {run_id} in {name} ({counts})"
        arguments: dict[str, object] = {**named(review.repo), "runId": run_id, "uri": uri}
        if not (flag and by_itself):
            # Its title says that the file is protected, so to pick it is the word that it takes.
            word: dict[str, object] = {"protected": True} if flag else {}
            yield Action(f"Accept {what}", ACCEPT_FILE, "acceptAll", {**arguments, **word})
        yield Action(f"Reject {what}", REJECT_FILE, "rejectAll", arguments)


def on_selection(
    templates: Iterable["GoalTemplate"], uri: str, selected: types.Range
) -> Iterator[Action]:
    """One goal for each template, on a selection."""
    for template in templates:
        arguments: dict[str, object] = {
            "goal": "",
            "template": template.name,
            "uri": uri,
            "range": wire(selected),
        }
        yield Action(f"Longshift: {template.title}", REWRITE, "startGoal", arguments)


def unique(actions: Iterable[Action]) -> list[Action]:
    """The same actions with titles of which no two are alike: some editors choose by title."""
    seen: dict[str, int] = {}
    chosen: list[Action] = []
    for action in actions:
        title = action.title
        if title in seen and action.hunk is not None:
            title = f"{title} {action.hunk.run_id}/{action.hunk.hunk.change_id}"
        while title in seen:
            seen[action.title] += 1
            title = f"{action.title} #{seen[action.title]}"
        seen[title] = 1
        chosen.append(action if title == action.title else _retitled(action, title))
    return chosen


def hunk_name(one: "ReviewHunk") -> str:
    """A hunk in a title: its task, how many lines it adds and removes, and its number."""
    hunk = one.hunk
    title = short(hunk.title, LONGEST_TITLE)
    counts = f"+{hunk.added} \N{MINUS SIGN}{hunk.removed}, hunk {hunk.hunk} of {hunk.of}"
    return f"{title} ({counts}{protected(hunk.flag)})"


def protected(flag: str) -> str:
    """What a title says of a file that takes a word of its own; nothing of any other."""
    return f"; protected: {flag}" if flag else ""


def target(repo: str | None, one: "ReviewHunk") -> dict[str, object]:
    """The argument of a decision on one hunk."""
    hunk = one.hunk
    return {
        **named(repo),
        "runId": one.run_id,
        "changeId": hunk.change_id,
        "path": hunk.path,
        "hunk": hunk.hunk,
    }


def named(repo: str | None) -> dict[str, object]:
    """The argument that names a repository, where there are several."""
    return {} if repo is None else {"repo": repo}


def _retitled(action: Action, title: str) -> Action:
    return Action(
        title, action.kind, action.command, action.arguments, action.hunk, action.diagnostic
    )


def short(text: str, longest: int) -> str:
    """A text in one line of a title, cut where it is long."""
    line = " ".join(shown(text).split())
    return line if len(line) <= longest else line[: longest - 1] + "…"


def wire(range_: types.Range) -> dict[str, object]:
    """A range as the argument of a command."""
    return {
        "start": {"line": range_.start.line, "character": range_.start.character},
        "end": {"line": range_.end.line, "character": range_.end.character},
    }
