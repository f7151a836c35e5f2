"""The benchmark of recovery runs, on journals that are really recovered."""

from benchmarks.recovery import run
from benchmarks.recovery.history import AT_WORK


def test_a_long_run_is_recovered_and_measured() -> None:
    result = run(quick=True)
    assert result.conditions["events"] > AT_WORK
    assert set(result.figures) == {"recovery_over_reading_time", "seconds_for_longest"}
    assert all(figure > 0 for figure in result.figures.values())
