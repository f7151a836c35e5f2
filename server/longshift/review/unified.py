"""Hunks, changes and runs as unified diffs, for terminals. Never colours, never prints."""

from collections.abc import Sequence
from typing import Final

from longshift.domain.state import Run
from longshift.errors import UsageError
from longshift.repository.files import FileDifference
from longshift.repository.hunks import split_lines, unified
from longshift.repository.store import ObjectStore
from longshift.review.shapes import Edit, PendingHunk

CONTEXT_LINES: Final = 3


def hunk_diff(hunk: PendingHunk) -> str:
    """One hunk alone, without context, numbered by its place in the person's present text.

    Returns:
        A header that names the file and what happens to it, then the lines, as `git diff -U0`
        would show them where the hunk is one edit.
    """
    old, new = hunk.old_path or hunk.path, hunk.file
    before = "/dev/null" if hunk.kind == "create" else f"a/{old}"
    after = "/dev/null" if hunk.kind == "delete" else f"b/{new}"
    lines = [f"--- {before}\n", f"+++ {after}\n"]
    if hunk.kind in ("binary", "mode") or not (hunk.old_text or hunk.new_text):
        what = (hunk.old_text + hunk.new_text).rstrip("\n").replace("\n", ", ")
        return "".join([*lines, f"{hunk.kind}: {what}\n" if what else f"{hunk.kind}\n"])
    start = hunk.start_line + 1
    removed, added = split_lines(hunk.old_text), split_lines(hunk.new_text)
    lines.append(f"@@ -{_range(start, len(removed))} +{_range(start, len(added))} @@\n")
    lines += [_line("-", line) for line in removed]
    lines += [_line("+", line) for line in added]
    return "".join(lines)


def hunk_in_context(hunk: PendingHunk, present: str, context: int = CONTEXT_LINES) -> str:
    """One hunk amid the lines of the person's text that stand around it.

    Args:
        hunk: computed against exactly this text.
        present: the person's text; "" where there is no such file.
        context: how many lines are shown before and after.

    Returns:
        As `hunk_diff`, with context where accepting the hunk would edit lines; a hunk that can't
        be applied, or is of no lines, is shown alone.
    """
    if not hunk.edits:
        return hunk_diff(hunk)
    lines = hunk_diff(hunk).split("\n", 2)[:2]
    shown = [f"{line}\n" for line in lines]
    changed = _sections(hunk.edits, len(split_lines(present)), context)
    grown = 0
    for start, end, edits in changed:
        growth = sum(len(split_lines(e.new_text)) - (e.end_line - e.start_line) for e in edits)
        old, new = end - start, end - start + growth
        shown.append(f"@@ -{_range(start + 1, old)} +{_range(start + 1 + grown, new)} @@\n")
        shown += _section(split_lines(present), start, end, edits)
        grown += growth
    return "".join(shown)


def change_diff(
    store: ObjectStore,
    run: Run,
    change_id: str,
    path: str | None = None,
    *,
    exact: bool = False,
) -> str:
    """What one landing did, in text that `git apply` takes.

    Args:
        store: where the run's commits are.
        run: the run.
        change_id: one of its changes.
        path: one of the change's paths, to leave out the others.
        exact: keep bytes that are no UTF-8, as surrogates for "surrogateescape" to write again.

    Raises:
        UsageError: the run has no such change, or the change no such path.
    """
    change = run.changes.get(change_id)
    if change is None:
        known = ", ".join(run.changes) or "none"
        raise UsageError(f"There is no change {change_id} in {run.id}, which has {known}.")
    differences = store.differences(change.parent, change.commit)
    if path is not None:
        differences = [d for d in differences if path in (d.path, d.old_path)]
        if not differences:
            raise UsageError(f"{change_id} does not touch {path}, but {', '.join(change.paths)}.")
    return _shown(differences, exact=exact)


def run_diff(store: ObjectStore, run: Run, *, exact: bool = False) -> str:
    """The run's head against what it last took from the person, decided or not."""
    return _shown(store.differences(run.taken, run.head), exact=exact)


def _sections(edits: Sequence[Edit], count: int, context: int) -> list[tuple[int, int, list[Edit]]]:
    """The lines to show, as half-open ranges of the old text, each with the edits in it."""
    sections: list[tuple[int, int, list[Edit]]] = []
    for edit in edits:
        start, end = max(0, edit.start_line - context), min(count, edit.end_line + context)
        if sections and start <= sections[-1][1]:
            first, _, before = sections.pop()
            sections.append((first, end, [*before, edit]))
        else:
            sections.append((start, end, [edit]))
    return sections


def _section(lines: Sequence[str], start: int, end: int, edits: Sequence[Edit]) -> list[str]:
    shown: list[str] = []
    for edit in edits:
        shown += [_line(" ", line) for line in lines[start : edit.start_line]]
        shown += [_line("-", line) for line in lines[edit.start_line : edit.end_line]]
        shown += [_line("+", line) for line in split_lines(edit.new_text)]
        start = edit.end_line
    return [*shown, *(_line(" ", line) for line in lines[start:end])]


def _line(sign: str, text: str) -> str:
    return sign + text + ("" if text.endswith("\n") else "\n\\ No newline at end of file\n")


def _shown(differences: list[FileDifference], *, exact: bool) -> str:
    return "".join(
        unified(
            one.old.as_edit() if one.old else None,
            one.new.as_edit() if one.new else None,
            one.path,
            one.old_path,
            exact=exact,
        )
        for one in differences
    )


def _range(start: int, count: int) -> str:
    if count == 0:
        return f"{start - 1},0"
    return str(start) if count == 1 else f"{start},{count}"
