"""The hunks of one worktree's runs, against what the person has at one moment.

Owns the shapes that features read. What is in them `review.of_file` computes. Light, for features.
"""

from dataclasses import dataclass

from longshift.lsp.positions import Lines
from longshift.review.shapes import PendingHunk


@dataclass(frozen=True, slots=True)
class ReviewHunk:
    """A hunk with its run."""

    run_id: str
    hunk: PendingHunk


@dataclass(frozen=True, slots=True)
class FileReview:
    """The hunks of one file as it is now.

    Attributes:
        repo: the root URI of its repository, where the client works in several; else None.
        path: the file's.
        text: what they were computed against; None: no text.
        version: of the buffer; None: not open.
        hunks: of all runs, in any state.
        lines: of the text, in the client's encoding.
    """

    repo: str | None
    path: str
    text: str | None
    version: int | None
    hunks: tuple[ReviewHunk, ...]
    lines: Lines

    @property
    def pending(self) -> tuple[ReviewHunk, ...]:
        """Those that a person can decide on, stale ones among them."""
        return tuple(one for one in self.hunks if one.hunk.state in ("pending", "stale"))

    @property
    def decided(self) -> tuple[ReviewHunk, ...]:
        """Those of which a decision can be taken back where they stand."""
        return tuple(one for one in self.hunks if not one.hunk.settled and _is_decided(one.hunk))


def _is_decided(hunk: PendingHunk) -> bool:
    return bool(hunk.undo) if hunk.state == "accepted" else hunk.state in ("rejected", "rework")
