"""What each change of a run does to files once only some of its hunks count.

Pure but for the commits that it reads. Owns which hunks an export has, and the file before and
after each change with just those; that a rejected line is in none of them follows from the weave.
Never writes, and knows nothing of branches.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import inf

from longshift.domain.state import Run
from longshift.errors import NeedsPerson
from longshift.repository.exporting import FileStep
from longshift.repository.files import FileEdit
from longshift.repository.hunks import split_lines
from longshift.review.lineage import Touch
from longshift.review.proposals import Proposals
from longshift.review.reading import held_back, units_of
from longshift.review.shapes import PendingHunk, Present
from longshift.review.side import Landed, Side, woven
from longshift.review.texts import encode
from longshift.review.weave import Line, Ref, Weave, joined_groups


@dataclass
class Exported:
    """The part of a run that is exported.

    Attributes:
        steps: by change, what it does to each file; changes that do nothing are not there.
        left_out: undecided hunks that build on rejected ones which still stand at the head.
        flags: protected files that are part of it, each with why.
    """

    steps: dict[str, list[FileStep]] = field(default_factory=dict)
    left_out: list[PendingHunk] = field(default_factory=list)
    flags: dict[str, str] = field(default_factory=dict)


def exported(run: Run, proposals: Proposals, present: Present, *, accepted_only: bool) -> Exported:
    """Work out what an export of a run holds.

    Args:
        run: the run.
        proposals: its hunks.
        present: the person's files, which say what of the accepted stands.
        accepted_only: only hunks that the person accepted; otherwise all but what they rejected.

    Raises:
        NeedsPerson: lines that the person put in place of a hunk's can't be told apart any more.
    """
    found = Exported()
    for path in proposals.paths(run):
        side = proposals.side(run, path)
        hunks = proposals.of_path(run, path, present)
        part = _Part(run, side, proposals.touches(run, path), hunks)
        comes = part.accepted() if accepted_only else part.not_rejected()
        found.left_out += [hunk for hunk in hunks if side_ref(side, hunk) in part.left_out]
        for landed in side.landed:
            step = part.step(landed.touch.step, comes)
            if step is not None:
                found.steps.setdefault(landed.change_id, []).append(step)
                if landed.flag:
                    found.flags[step.path] = landed.flag
    return found


def side_ref(side: Side, hunk: PendingHunk) -> Ref | None:
    """The hunk's place among those of its file."""
    return next((ref for ref in side.refs if side.key(ref) == hunk.key), None)


class _Part:
    """One file, and which of its hunks count from which step on."""

    def __init__(
        self, run: Run, side: Side, touches: Sequence[Touch], hunks: Sequence[PendingHunk]
    ) -> None:
        self._side = side
        self._touches = touches
        said = side.decisions(run)
        states = {hunk.key: hunk.state for hunk in hunks}
        self._refused = {ref for ref, one in said.items() if one.decision == "rejected"}
        self._refused |= {*held_back(side, said)}
        # Recorded, and still so by what the person has: they may have taken it back by hand.
        self._accepted = {
            ref
            for ref, one in said.items()
            if one.decision == "accepted" and states[side.key(ref)] == "accepted"
        }
        self.left_out: set[Ref] = set()
        # All landings from the run's start on, whatever was taken from the person in between.
        self._weave = woven(touches, side.landed, side.encoding) if side.weave is not None else None
        self._units = self._units_of_accepted()
        self._own: set[Ref] = set()
        for owner, unit in self._units:
            text = said[owner].text
            if text is not None and self._weave is not None:
                _put_own_words(self._weave, side, touches, owner, unit, text)
                self._own.add(owner)

    # Which hunks count, and from which step on.

    def accepted(self) -> dict[Ref, int]:
        """Those that the person accepted, each with the hunks that it stood for."""
        comes = {ref: ref.step for ref in self._accepted}
        for owner, unit in self._units:
            comes |= dict.fromkeys(unit, owner.step)
        self._put_back(comes)
        return comes

    def not_rejected(self) -> dict[Ref, int]:
        """All but the rejected ones, what those stood for, and what builds on them."""
        comes = {ref: ref.step for ref in self._side.refs}
        for taking in self._side.takings:
            for group in self._undecided_groups(comes, before=taking):
                if group[-1] in self._refused and self._is_gone(group, comes):
                    comes = _without(comes, group)
        for group in self._undecided_groups(comes):
            bad = self._refused.intersection(group)
            stands = self._weave is not None and not bad.isdisjoint(self._weave.standing())
            if group[-1] in self._refused or (bad and stands):
                self.left_out |= {group[-1]} - self._refused
                comes = _without(comes, group)
            elif bad:
                # Later landings took the rejected lines out again: only their outcome counts.
                comes |= dict.fromkeys(group, group[-1].step)
        for owner, unit in self._units:
            if owner in self._own:
                comes |= dict.fromkeys(unit, owner.step)
        self._put_back(comes)
        return comes

    def _is_gone(self, group: Sequence[Ref], comes: Mapping[Ref, int]) -> bool:
        """Whether the head has lost a group, lines that it had removed put back."""
        if self._weave is None:
            return False
        self._put_back(_without(comes, group))
        return self._weave.standing().isdisjoint(group)

    def _units_of_accepted(self) -> list[tuple[Ref, frozenset[Ref]]]:
        if self._weave is None:
            return []
        parts = self._weave.refs()
        return units_of(self._weave, sorted(parts & self._accepted), self._refused)

    def _undecided_groups(
        self, comes: Mapping[Ref, int], before: float = inf
    ) -> list[tuple[Ref, ...]]:
        """The joined hunks that count and were not accepted, of landings before a step."""
        decided = self._accepted.union(*(unit for _, unit in self._units))
        free = [ref for ref in comes if ref not in decided and ref.step < before]
        if self._weave is not None:
            return joined_groups(free, self._weave.joins)
        # Without lines, the last landing before each taking stands for those before it.
        groups: dict[int, list[Ref]] = {}
        for ref in free:
            groups.setdefault(sum(step < ref.step for step in self._side.takings), []).append(ref)
        return [tuple(group) for group in groups.values()]

    def _put_back(self, comes: Mapping[Ref, int]) -> None:
        """Have lines that a rejection put back at the head be those that it had removed.

        Else they would stand twice in a text without the hunk that had removed them.
        """
        lines = self._weave.lines if self._weave is not None else []
        since = min(self._side.takings, default=0)
        needless: set[int] = set()
        back: set[int] = set()  # places of lines that are settled so
        for place, late in enumerate(lines):
            if not late.is_late or late.writer is not None:
                continue
            for other, is_past_newer in _removed_beside(lines, place, back, since):
                if lines[other].text != late.text or not _is_lost(lines[other], comes):
                    continue
                if is_past_newer:  # what landed since stands by the late line's place
                    needless.add(other)
                else:
                    lines[other] = lines[other]._replace(remover=late.remover, is_late=True)
                    needless.add(place)
                back |= {other, place}
                break
        if needless:
            lines[:] = [line for place, line in enumerate(lines) if place not in needless]

    # The file before and after a step.

    def step(self, number: int, comes: Mapping[Ref, int]) -> FileStep | None:
        """What the landing of a step does with the hunks that count; None: nothing."""
        before = self._file({ref for ref, step in comes.items() if step < number}, number)
        after = self._file({ref for ref, step in comes.items() if step <= number}, number)
        (old_path, old), (path, new) = before, after
        if old == new and (path == old_path or new is None):
            return None
        return FileStep(path if new is not None else old_path, old_path, old, new)

    def _file(self, chosen: set[Ref], until: int) -> tuple[str, FileEdit | None]:
        """The file with the chosen hunks, after the step `until` and whatever was taken before."""
        first = self._touches[0]
        path, version = first.path_before, first.before
        file = version.as_edit() if version is not None else None
        for touch in self._touches:
            if touch.step > until:
                break
            after = touch.after.as_edit() if touch.after is not None else None
            if touch.change_id is None:
                # The person's own making and removing; their renames are theirs to commit.
                if file is None or after is None or self._weave is None:
                    file = after
                continue
            landed = self._side.by_step[touch.step]
            if not chosen.isdisjoint(landed.refs()):
                path, file = self._after(landed, chosen, path, file, after)
        if file is None or self._weave is None:
            return path, file
        text = "".join(self._weave.text(chosen))
        return path, replace(file, data=encode(text, self._side.encoding))

    def _after(
        self,
        landed: Landed,
        chosen: set[Ref],
        path: str,
        file: FileEdit | None,
        after: FileEdit | None,
    ) -> tuple[str, FileEdit | None]:
        touch = landed.touch
        if self._weave is None:
            return touch.path, after
        if touch.kind in ("create", "delete", "rename"):
            return touch.path, after
        mode_hunk = landed.mode_hunk
        changes_mode = mode_hunk is not None and Ref(touch.step, mode_hunk) in chosen
        if changes_mode and file is not None and after is not None:
            return path, replace(file, mode=after.mode)
        return path, file


def _without(comes: Mapping[Ref, int], group: Collection[Ref]) -> dict[Ref, int]:
    return {ref: step for ref, step in comes.items() if ref not in group}


def _removed_beside(
    lines: Sequence[Line], place: int, back: Collection[int], since: int
) -> Iterator[tuple[int, bool]]:
    """The places next to a line, behind it, then before it, as far as nothing stood there.

    Lines that landed after the step `since` are passed over; with each place, whether any was.
    """
    for way in (range(place + 1, len(lines)), range(place - 1, -1, -1)):
        is_past_newer = False
        for other in way:
            line = lines[other]
            if line.writer is not None and line.writer.step > since:
                is_past_newer = True
            elif line.remover is None and not line.is_late and other not in back:
                break
            elif not line.is_late and other not in back:
                yield other, is_past_newer


def _is_lost(line: Line, comes: Mapping[Ref, int]) -> bool:
    """Whether a line is missing at the head for a hunk that does not count."""
    counts = line.writer is None or line.writer in comes
    return counts and line.remover is not None and line.remover not in comes


def _put_own_words(
    weave: Weave,
    side: Side,
    touches: Sequence[Touch],
    owner: Ref,
    unit: frozenset[Ref],
    text: str,
) -> None:
    """Have a hunk write the lines that the person put in its place.

    Raises:
        NeedsPerson: another hunk has a part in these lines.
    """
    own = split_lines(text)
    places = [
        number
        for number, line in enumerate(weave.lines)
        if line.writer in unit or line.remover in unit
    ]
    later = [line.remover for line in weave.lines if line.writer in unit and line.remover]
    if not places or any(ref not in unit for ref in later):
        raise _not_told_apart(side, owner)
    first, last = places[0], places[-1]
    if any(touch.change_id is None and touch.step > owner.step for touch in touches):
        # The run took them in with the person's text: they stand there as nobody's.
        span = range(max(0, first - len(own)), last + 2)
        for start in span:
            lines = weave.lines[start : start + len(own)]
            theirs = all(line.writer is None and line.remover is None for line in lines)
            if theirs and [line.text for line in lines] == own:
                weave.lines[start : start + len(own)] = [Line(text, owner) for text in own]
                return
    between = (line for line in weave.lines[first : last + 1] if line.remover is None)
    if any(line.writer not in unit for line in between):
        raise _not_told_apart(side, owner)
    kept = [line for line in weave.lines[first : last + 1] if line.writer not in unit]
    weave.lines[first : last + 1] = [*kept, *(Line(line, owner) for line in own)]


def _not_told_apart(side: Side, ref: Ref) -> NeedsPerson:
    change, path, number = side.key(ref)
    return NeedsPerson(
        f"You accepted hunk {number} of {change} in {path} with lines of your own, and what the "
        "run did there since can't be told apart from them. Nothing was made. Commit that file "
        "yourself, or take the decision back and accept the hunk as it is."
    )
