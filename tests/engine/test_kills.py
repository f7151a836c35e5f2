"""A shift whose processes are killed: nothing is lost, nothing is done twice, nothing is left.

`python -m tests.support.crash_shift --kills 2000` does the same at random (`make long`).
"""

from pathlib import Path

import pytest

from tests.scripted_model import ScriptedServer
from tests.support.crash_shift import Shift, check, disturbed, undisturbed

SHIFTS = {
    "starting and landing": ["their-ref/after/1", "journal/after/9", "pack/before/2"],
    "deciding and taking in": ["replace:file/before/1", "decision/after/2", "head/after/3"],
    "publishing and forgetting": ["git/after/12", "journal-forget/after/1", "unlink:ref/before/1"],
    "recovering itself": ["replace:ref/before/2", "journal/before/2"],
}
"""Where the processes of a shift die, one after the other: 11 deaths that were hard once."""


@pytest.mark.parametrize("whens", SHIFTS.values(), ids=SHIFTS)
async def test_a_shift_that_dies_comes_to_the_same_end(
    server: ScriptedServer, whens: list[str], tmp_path: Path
) -> None:
    expected = await _expected(server)
    shift = await disturbed(server, expected, whens, tmp_path)
    assert shift.died


_KNOWN: list[dict[str, object]] = []


async def _expected(server: ScriptedServer) -> dict[str, object]:
    """The end of a shift in which nobody dies, played once for all."""
    if not _KNOWN:
        _KNOWN.append((await undisturbed(server))[0])
    return _KNOWN[0]


async def test_what_is_left_behind_is_found(server: ScriptedServer, tmp_path: Path) -> None:
    """The check of this module itself: it must see a stray file."""
    shift = Shift(tmp_path, server)
    (shift.person.root / ".longshift-0123456789abcdef").write_bytes(b"half")
    with pytest.raises(AssertionError, match=r"\.longshift-0123456789abcdef"):
        await check(shift)
