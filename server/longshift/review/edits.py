"""Applying edits to the text that they were computed against. Pure."""

from collections.abc import Iterable

from longshift.review.shapes import Edit


def apply_edits(text: str, edits: Iterable[Edit]) -> str:
    """Apply edits that do not overlap, all at once."""
    parts: list[str] = []
    position = 0
    for edit in sorted(edits, key=lambda edit: (edit.start, edit.end, edit.order)):
        assert position <= edit.start <= edit.end <= len(text), (
            "edits of another text, or overlapping"
        )
        parts += [text[position : edit.start], edit.new_text]
        position = edit.end
    return "".join([*parts, text[position:]])
