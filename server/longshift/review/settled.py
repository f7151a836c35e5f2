"""Hunks that went through a taking of the person's text: whether they stand there, and their undo.

The weave tells hunks apart only since the last taking. An older one is placed by itself, between
the text of its own landing and the present one. Pure; asked only for the few hunks that a person
speaks of, since each costs a comparison of the whole file.
"""

from longshift.repository.hunks import line_hunks, split_lines
from longshift.review.anchor import Free, place
from longshift.review.shapes import Edit
from longshift.review.side import Side
from longshift.review.texts import Style, ended_text
from longshift.review.weave import Ref, Toggle
from longshift.review.words import Document, Word, landed_word


def undo_of(side: Side, ref: Ref, document: Document, style: Style) -> tuple[Edit, ...]:
    """What takes a settled hunk out of the present text; empty where it does not stand there."""
    landed = side.by_step[ref.step]
    hunk, after = landed.line_hunk(ref), landed.touch.after
    if hunk is None or after is None:
        return ()
    toggle = Toggle(hunk.new_start, style.of_all(hunk.new_lines), style.of_all(hunk.old_lines), 0)
    reference = list(style.of_all(split_lines(after.data.decode(side.encoding))))
    person = line_hunks(ended_text("".join(reference)), ended_text(document.text))
    [at] = place(reference, [toggle], document.lines, person)
    # Whoever took it out and typed into one of its lines has it out; twice would double the others.
    own = {line for line in document.lines if line.strip()}.difference(reference)
    return (
        document.edits([(toggle, at)])
        if isinstance(at, Free) and own.isdisjoint(toggle.new)
        else ()
    )


def word_on_taken_back(side: Side, ref: Ref, document: Document, style: Style) -> Word:
    """A word on a settled hunk that the person took back; their editor may have it again."""
    undo = undo_of(side, ref, document, style)
    if undo:
        return Word("accepted", "edit", "your text has it", undo=undo, settled=True)
    return landed_word(side, ref, "superseded", "your text is without it")
