"""Conflict markers, resolved to the head's side.

Owns the reading of markers. The rules then compute their fix anew on what others landed, so
taking the head's side loses nothing of ours and nothing of theirs.
"""

from typing import Final

_OURS: Final = "<<<<<<< "
_BASE: Final = "||||||| "
_MIDDLE: Final = "======="
_THEIRS: Final = ">>>>>>> "


def resolve_to_head(text: str) -> str:
    """`text` without conflicts: of each, the side whose label names the head, or the first."""
    if _OURS not in text:
        return text
    kept: list[str] = []
    sides: list[list[str]] | None = None
    for line in text.splitlines(keepends=True):
        bare = line.rstrip("\r\n")
        if sides is None and bare.startswith(_OURS):
            sides = [[]]
        elif sides is not None and (bare.startswith(_BASE) or bare == _MIDDLE):
            sides.append([])
        elif sides is not None and bare.startswith(_THEIRS):
            kept += sides[-1] if "head" in bare.lower() else sides[0]
            sides = None
        else:
            (kept if sides is None else sides[-1]).append(line)
    # A conflict without an end is none: the text says "<<<<<<<" for another reason.
    return text if sides is not None else "".join(kept)
