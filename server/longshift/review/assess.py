"""One text file's hunks set against the person's present file: what can be applied, and where.

Pure but for what it is given. Files without lines are assessed in `opaque`.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import cached_property

from longshift.domain.model import Decision
from longshift.domain.state import Run
from longshift.review.anchor import Applied, Free, Placed, Touched
from longshift.review.compared import Compared
from longshift.review.present import locate
from longshift.review.reading import Reading, Readings, held_back
from longshift.review.settled import undo_of, word_on_taken_back
from longshift.review.shapes import Edit, HunkKind, PendingHunk, Present
from longshift.review.texts import Style, style_of
from longshift.review.weave import Ref, Toggle
from longshift.review.words import Document, Word, hunks_of, mode_word, name


def assess_text(readings: Readings, run: Run, present: Present) -> tuple[PendingHunk, ...]:
    """Give every hunk of a file that has a weave, in any state, ordered by place."""
    side = readings.side
    assessment = _Assessment(readings, side.decisions(run), present)
    words = assessment.lines() | assessment.modes()
    return hunks_of(side, run, words)


def undo_alone(
    readings: Readings, run: Run, hunk: PendingHunk, present: Present
) -> tuple[Edit, ...]:
    """What takes one accepted hunk out of the present text by itself; empty where nothing can."""
    side = readings.side
    ref = next((ref for ref in side.refs if side.key(ref) == hunk.key), None)
    assessment = _Assessment(readings, side.decisions(run), present)
    return () if ref is None else assessment.undo_alone(ref)


class _Assessment:
    """One file at one moment. Each method gives words on hunks; they never overlap."""

    def __init__(self, readings: Readings, said: Mapping[Ref, Decision], present: Present) -> None:
        self.readings = readings
        self.side = side = readings.side
        self.said = said
        self.again = held_back(side, said)
        self.refused = {ref for ref, d in said.items() if d.decision == "rejected"} | {*self.again}
        self.accepted = frozenset(ref for ref, d in said.items() if d.decision == "accepted")
        self.located = locate(side, present, self.accepted)
        self.document = Document(self.located.text or "")
        assert self.side.weave is not None, "a text has its weave"
        self.weave = self.side.weave

    def lines(self) -> dict[Ref, Word]:
        """Words on all hunks but those of the mode."""
        if self.side.head is None:
            return self._taken_back() | self._deleted()
        match self.located.where:
            case "absent":
                return self._missing()
            case "blocked":
                return self._blocked(self.located.reason)
            case "here" | "old":
                return self._taken_back() | self._edited()

    def modes(self) -> dict[Ref, Word]:
        """Words on the hunks that change the executable bit: the last one counts."""
        refs = [ref for ref in self.side.refs if self.side.is_mode(ref)]
        live = [ref for ref in refs if ref.step >= self.side.since]
        file, head = self.located.file, self.side.head
        if not live or head is None or (file is None and self.side.taken is None):
            return {}
        owner, first = live[-1], self.side.taken or self.side.by_step[live[0].step].touch.before
        assert first is not None, "a mode changes in a file that was there"
        word = mode_word(first.mode, head.mode, file.mode if file else None)
        words = {ref: self._superseded(owner) for ref in live[:-1]}
        return words | {owner: self._said_or(owner, word)}

    def undo_alone(self, ref: Ref) -> tuple[Edit, ...]:
        """What takes a hunk out that went through a taking; later lines may stand on it."""
        if self.located.where != "here":
            return ()
        return undo_of(self.side, ref, self.document, self._style)

    # The file is where it belongs, or where it was before a rename that is still to be applied.

    def _edited(self) -> dict[Ref, Word]:
        reading = self._reading()
        words = self._accepted(reading)
        placed = self._compared.place(reading, reading.adds)
        known = {ref for group in reading.groups for ref in group} | words.keys()
        lineless = [(ref,) for ref in self._live_refs() if ref not in known]
        for index, group in enumerate([*reading.groups, *lineless]):
            kind = self._kind(group)
            applied = kind != "rename" or self.located.where == "here"
            words |= self._group(group, kind, placed.get(index, []), applied=applied)
        if self.located.where == "here":
            return words
        return {ref: replace(word, old_path=self.located.old_path) for ref, word in words.items()}

    def _reading(self) -> Reading:
        """The reading by what is accepted and not taken back in the editor since."""
        # What does not stand in the person's files is not accepted any more, whatever they said.
        accepted = self.accepted
        if self.side.head is None:
            accepted -= {*self.side.whole_file_refs("delete")}
        elif self.located.where == "old":
            accepted -= {*self._renames_left()}
        return self._compared.reading_of(accepted)

    @cached_property
    def _compared(self) -> Compared:
        # Once the text was taken anew, their lines are part of what all hunks are set against.
        live = {ref: self.said[ref].text for ref in self.accepted if ref.step >= self.side.since}
        own = {ref: text for ref, text in live.items() if text is not None}
        return Compared(self.readings, self.document, self._style, frozenset(self.refused), own)

    @cached_property
    def _style(self) -> Style:
        file = self.located.file
        live = file is not None and file.text is not None
        return style_of(self.located.text or "", live=live, stored=self.side.stored_text)

    def _accepted(self, reading: Reading) -> dict[Ref, Word]:
        """Words on accepted hunks, with the edits that take them out again."""
        words: dict[Ref, Word] = {}
        placed = self._compared.place(reading, reading.takes) if reading.units else {}
        for index, (owner, unit) in enumerate(reading.units):
            mine = placed.get(index, [])
            free = all(isinstance(at, Free) for _, at in mine)
            words |= {ref: self._absorbed(ref, owner) for ref in unit - {owner}}
            words[owner] = replace(
                self.document.word("accepted", mine, self._kind(unit), reverse=True),
                undo=self.document.edits(mine) if free else (),
                reason=self.said[owner].reason,
            )
        return words

    def _taken_back(self) -> dict[Ref, Word]:
        """Words on hunks that went through a taking, and that the person took out again."""
        parts = self.side.parts
        return {
            ref: word_on_taken_back(self.side, ref, self.document, self._style)
            for ref, said in self.said.items()
            if said.decision == "pending" and ref.step < self.side.since and ref not in parts
        }

    def _group(
        self,
        group: Sequence[Ref],
        kind: HunkKind,
        places: Sequence[tuple[Toggle, Placed]],
        *,
        applied: bool = True,
    ) -> dict[Ref, Word]:
        """Words on one group: the last hunk stands for all.

        `applied`: whether nothing but lines is left to apply.
        """
        owner = group[-1]
        words = {ref: self._absorbed(ref, owner) for ref in group[:-1]}
        refused = sorted(self.side.standing & self.refused & {*group[:-1]})
        touched = [at for _, at in places if isinstance(at, Touched)]
        open_ = [(toggle, at) for toggle, at in places if not isinstance(at, Applied)]
        word = self.document.word("pending", open_ or places, kind)
        if refused and places:
            word = replace(word, state="stale", reason=self._builds_on(refused[-1]))
        elif touched:
            word = replace(word, state="stale", reason=self._touched(touched[0], kind))
        elif applied and not open_:
            undo = self.document.edits([(_reversed(toggle), at) for toggle, at in places])
            reason = "" if places else "your text already reads so"
            word = replace(word, state="accepted", undo=undo, reason=reason)
        else:
            word = replace(word, edits=self.document.edits(open_))
        return words | {owner: self._said_or(owner, word)}

    # The file is not there, or should not be.

    def _missing(self) -> dict[Ref, Word]:
        head, parts = self.side.head_lines, {*self._live_refs()}
        if self.side.taken is not None:
            deletions = self.accepted & {*self.side.whole_file_refs("delete")}
            if not deletions or max(parts) in deletions:
                return self._blocked("you deleted the file")
            parts -= {ref for ref in parts if ref <= max(deletions)}
        if not parts:
            return {}
        new = Toggle(0, (), tuple(head), 0)
        return self._group(sorted(parts), "create", [(new, Free(0, 0))], applied=False)

    def _deleted(self) -> dict[Ref, Word]:
        deletion = self.side.whole_file_refs("delete")[-1:]
        group = sorted({*self._live_refs(), *deletion})
        if self.located.where == "blocked":
            return self._blocked(self.located.reason)
        reading = self._reading()
        ours = (reading.lines, list(self._style.of_all(self.side.taken_lines)))
        gone = Toggle(0, tuple(self.document.lines), (), 0)
        if self.located.where == "absent":
            if self.side.taken is None:
                return {}  # made and removed before the person ever had it
            old = self.side.taken_lines
            places: list[tuple[Toggle, Placed]] = [(Toggle(0, tuple(old), (), 0), Applied(0, 0))]
            words = self._group(group, "delete", places)
            return {ref: replace(word, undo=()) for ref, word in words.items()}
        if self.document.lines not in ours or (self.side.taken is None and not reading.units):
            return self._blocked("you changed the file since; deleting it would lose that")
        accepted = self._accepted(reading)
        left = sorted(set(group) - {*accepted})
        words = self._group(left, "delete", [(gone, Free(0, len(gone.old)))], applied=False)
        return accepted | {ref: replace(word, edits=()) for ref, word in words.items()}

    def _blocked(self, reason: str) -> dict[Ref, Word]:
        """Words where no hunk can be placed at all."""
        words: dict[Ref, Word] = {}
        accepted = self.accepted & {*self._live_refs()}
        words |= {ref: Word("accepted", self._kind((ref,))) for ref in accepted}
        for group in self.weave.groups([*{*self._live_refs()} - accepted]):
            words |= {ref: self._absorbed(ref, group[-1]) for ref in group[:-1]}
            word = Word("stale", self._kind(group), reason=_advice(reason))
            words[group[-1]] = self._said_or(group[-1], word)
        return words

    # Parts.

    @property
    def _is_renamed(self) -> bool:
        return self.side.is_renamed or self.located.where == "old"

    def _renames_left(self) -> list[Ref]:
        """The renames that the person's file, which has an old name, has not gone through."""
        renames = self.side.whole_file_refs("rename")
        befores = [self.side.by_step[ref.step].touch.path_before for ref in renames]
        here = self.located.old_path
        return renames[befores.index(here) :] if here in befores else renames

    def _live_refs(self) -> list[Ref]:
        """Hunks that have lines in the weave, or make, remove or rename the whole file."""
        whole = [*self.side.whole_file_refs("create"), *self.side.whole_file_refs("delete")]
        live = {ref for ref in whole if ref.step >= self.side.since}
        if self.side.taken is None and self.side.head is not None:
            # Whenever it landed, the person has not got it; of an empty file nothing else is left.
            live |= {*self.side.whole_file_refs("create")[-1:]}
        if self._is_renamed:  # whenever it landed: the person has the old name
            live |= {*self.side.whole_file_refs("rename")[-1:]}
        return sorted(self.side.parts | live)

    def _kind(self, refs: Collection[Ref]) -> HunkKind:
        """What hunks that stand together do to the file as a whole."""
        made, removed = self.side.whole_file_refs("create"), self.side.whole_file_refs("delete")
        if self.side.taken is None and not set(made).isdisjoint(refs):
            return "create"
        if self.side.head is None and not set(removed).isdisjoint(refs):
            return "delete"
        if self._is_renamed and self.side.whole_file_refs("rename")[-1] in refs:
            return "rename"
        return "edit"

    def _said_or(self, ref: Ref, word: Word) -> Word:
        """What the person said of a hunk goes before what could be done with it."""
        before = self.again.get(ref)
        if before is not None:
            reason = f"it proposes again what you rejected as {name(self.side, before)}"
            return replace(word, state="rejected", reason=reason, edits=())
        decision = self.said.get(ref)
        if decision is None or decision.decision not in ("rejected", "rework"):
            return word
        return replace(word, state=decision.decision, reason=decision.reason, edits=(), undo=())

    def _superseded(self, owner: Ref) -> Word:
        reason = f"{name(self.side, owner)} stands for these lines now"
        return Word("superseded", "edit", reason=reason)

    def _absorbed(self, ref: Ref, owner: Ref) -> Word:
        word = self._superseded(owner)
        return self._said_or(ref, word) if ref in self.refused else word

    def _builds_on(self, ref: Ref) -> str:
        return _advice(f"it builds on {name(self.side, ref)}, which you rejected")

    def _touched(self, at: Touched, kind: HunkKind) -> str:
        if kind == "create":
            return _advice(f"a file with other content stands at {self.side.path}")
        if at.ragged:
            return _advice("a line without a line end would be glued to another")
        if at.start == at.end:
            return _advice(f"you removed lines that it changes, at line {at.start + 1}")
        if at.end == at.start + 1:
            return _advice(f"line {at.end} was changed by you since")
        return _advice(f"lines {at.start + 1} to {at.end} were changed by you since")


def _reversed(toggle: Toggle) -> Toggle:
    return Toggle(toggle.start, toggle.new, toggle.old, toggle.unit)


def _advice(reason: str) -> str:
    return f"{reason}; your text is kept: ask for rework, or edit by hand"
