"""Where a person is among the hunks of a run, and which comes next.

Pure: knows neither keys nor commands. The hunks are given anew before each step, for the person
and the run may have changed them; a place is known again by what decisions name.
"""

from collections.abc import Sequence

from longshift.cli.hunkview import Row

Key = tuple[str, str, int]


class Walk:
    """A way through hunks, file by file in order of place."""

    def __init__(self) -> None:
        """Stand before the first hunk of none."""
        self.rows: list[Row] = []
        self._at: Key | None = None
        self._going_to: Key | None = None
        self._later: set[Key] = set()

    @property
    def undecided(self) -> list[Row]:
        """The hunks that can be decided on, skipped ones among them."""
        return [row for row in self.rows if row.is_open]

    def step(self) -> Row | None:
        """Go to the next hunk to show; None: nothing is left that was not skipped.

        That is where we were sent, if it is undecided; else the next one after where we are, and
        behind the last the first again.
        """
        going_to, self._going_to = self._going_to, None
        here = next((i for i, row in enumerate(self.rows) if row.key == self._at), -1)
        order = [*self.rows[here + 1 :], *self.rows[: here + 1]]
        sent = (row for row in self.undecided if row.key == going_to)
        found = next(sent, None) or next(
            (row for row in order if row.is_open and row.key not in self._later), None
        )
        self._at = found.key if found is not None else self._at
        return found

    def go_to(self, key: Key) -> None:
        """Have the next step lead to a hunk, though it was skipped."""
        self._later.discard(key)
        self._going_to = key

    def neighbour(self, row: Row, way: int) -> Row | None:
        """The undecided hunk after (1) or before (-1) one; None: there is none."""
        keys = [one.key for one in self.undecided]
        place = keys.index(row.key) + way if row.key in keys else -1
        return self.undecided[place] if 0 <= place < len(keys) else None

    def skip(self, row: Row) -> None:
        """Leave a hunk undecided; no step leads there by itself any more."""
        self._later.add(row.key)

    def rest_of_file(self, row: Row) -> list[Row]:
        """The undecided hunks of a file from one on, in order of place."""
        mine = [one for one in self.rows if one.file == row.file]
        here = next((i for i, one in enumerate(mine) if one.key == row.key), len(mine))
        return [one for one in mine[here:] if one.is_open]

    def are_all(self, rows: Sequence[Row]) -> bool:
        """Whether to reject the whole file of their change would mean just these hunks."""
        named = (rows[0].change_id, rows[0].path)
        takes = ("pending", "stale", "rework")
        mine = [one for one in self.rows if (one.change_id, one.path) == named]
        return {one.key for one in mine if one.state in takes} == {row.key for row in rows}
