"""What a weave becomes when the person's text is taken: it stands on that text from then on.

Owns the question which hunk a difference between the taken text and the head belongs to. Pure.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from typing import Final

from longshift.repository.hunks import LineHunk, line_hunks
from longshift.review.weave import Line, Ref, Weave, owners

FARTHEST: Final = 200
"""Lines that a person types in one place before a removed line is no longer looked for behind."""


def take(weave: Weave, taken: Sequence[str], last: Ref | None) -> None:
    """Stand on a newly taken text: what the head and it share was settled.

    Where a difference can't be told apart by hunk, it belongs to the latest of them.

    Args:
        weave: the file up to the taking; changed in place.
        taken: the lines of the person's text, just taken.
        last: the latest landing's hunk; it owns a difference that no line is known of.
    """
    known = weave.refs()
    before = weave.lines
    standing = weave.standing_at()
    head = [before[index].text for index in standing]
    kept = Counter(before[index].writer for index in standing)
    of_differences: set[Ref] = set()
    shared = list(before)
    weave.lines, position = [], 0
    for hunk in line_hunks("".join(taken), "".join(head)):
        weave.lines += [Line(text) for text in taken[position : hunk.old_start]]
        section = _section(weave, before, hunk)
        explains = {id(line) for line in section}
        shared = [line for line in shared if id(line) not in explains]
        weave.lines += _attributed(weave, section, hunk, last)
        of_differences |= owners(section)
        kept -= Counter(line.writer for line in section if line.remover is None)
        position = hunk.old_start + len(hunk.old_lines)
    weave.lines += [Line(text) for text in taken[position:]]
    _inherit(weave, known - kept.keys())
    written = {line.writer for line in shared if line.remover is None}
    removed = {line.remover for line in shared if line.writer is None} - weave.overridden
    shown = {ref for ref in written | removed if ref is not None}
    weave.settled = (weave.settled | shown) - of_differences - weave.refs()


def _inherit(weave: Weave, refs: Collection[Ref]) -> None:
    """Keep a joined group's last hunk, which stood for all of it, though no line is its own now.

    Else a hunk that was superseded would come back under its own name. The lines stay with those
    who wrote them: one of them may have been rejected.
    """
    parts = weave.refs()
    for group in weave.groups(refs):
        left, heir = parts & {*group[:-1]}, group[-1]
        weave.joins |= {(ref, heir) for ref in left}
        if left:
            weave.heirs.add(heir)


def _attributed(weave: Weave, section: list[Line], hunk: LineHunk, last: Ref | None) -> list[Line]:
    if _is_told_apart(section, hunk):
        return section
    seen = owners(section)
    owner = max(seen, default=last)
    if owner is None:
        return [Line(text) for text in hunk.old_lines]
    if _gone(section) == hunk.old_lines:  # in doubt is only what no landing wrote
        return [line if line.writer or line.remover else Line(line.text, owner) for line in section]
    weave.joins |= {(other, owner) for other in seen if other != owner}
    gone = [Line(text, None, owner) for text in hunk.old_lines]
    return [*gone, *(Line(text, owner) for text in hunk.new_lines)]


def _section(weave: Weave, before: list[Line], hunk: LineHunk) -> list[Line]:
    """The lines that explain a difference between the taken text and the head."""
    standing = [index for index, line in enumerate(before) if line.remover is None]
    start, end = hunk.new_start, hunk.new_start + len(hunk.new_lines)
    here = _gap(before, standing, start, end)
    section = _unsettled(weave, here, hunk)
    if _is_told_apart(section, hunk):
        return section
    # What the person typed behind a removed line came to stand before it: then that line is in a
    # place further down, or, where they typed before it, further up.
    for away in range(1, min(len(standing), FARTHEST) + 1):
        for place in (end + away, start - away):
            if 0 <= place <= len(standing):
                other = _gap(before, standing, place, place)
                both = [*here, *other] if place > end else [*other, *here]
                explained = _unsettled(weave, both, hunk)
                if _is_told_apart(explained, hunk):
                    return explained
    return section


def _gap(before: list[Line], standing: list[int], start: int, end: int) -> list[Line]:
    """The lines of a weave from behind one standing line to before another."""
    first = standing[start - 1] + 1 if start else 0
    return before[first : standing[end] if end < len(standing) else len(before)]


def _unsettled(weave: Weave, section: list[Line], hunk: LineHunk) -> list[Line]:
    """A section without the removed lines that the taken text does not have either."""
    # A line that was put back at the head stands there once more: the first one speaks of nothing.
    current = [line for line in section if line.remover not in weave.overridden]
    for lines in (current, section):
        kept = _matched(lines, hunk)
        if kept is not None:
            return kept
    return [line for line in section if not (line.writer and line.remover)]


def _matched(section: list[Line], hunk: LineHunk) -> list[Line] | None:
    """The standing lines, and those removed ones that the taken text has; None: not all it has.

    These are taken lines from now on, whoever wrote them.
    """
    kept: list[Line] = []
    found = 0
    for line in section:
        if line.remover is None:
            kept.append(line)
        elif found < len(hunk.old_lines) and line.text == hunk.old_lines[found]:
            kept.append(line if line.writer is None else Line(line.text, None, line.remover))
            found += 1
    return kept if found == len(hunk.old_lines) else None


def _is_told_apart(section: list[Line], hunk: LineHunk) -> bool:
    """Whether the weave explains a difference line by line."""
    written = all(line.writer is not None for line in section if line.remover is None)
    return _gone(section) == hunk.old_lines and written


def _gone(section: list[Line]) -> tuple[str, ...]:
    """The lines of a section that were there before, and that a landing removed."""
    return tuple(line.text for line in section if line.remover and line.writer is None)
