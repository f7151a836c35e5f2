"""The soak in short: real rounds of a real server, and the arithmetic of its readings."""

import sys

import pytest

from benchmarks.soak.measure import Length, measure
from benchmarks.soak.readings import slope


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.timeout(180)
def test_a_server_lets_go_of_what_its_runs_held() -> None:
    result = measure(Length(whole_s=5.0, settled_s=2.0), keep=2)
    assert result.figures["descriptors_grown"] == 0
    assert result.figures["children_left"] == 0
    assert result.conditions["runs"] > result.conditions["runs_kept"] + 2


@pytest.mark.parametrize(
    ("points", "growth"),
    [([(0, 5), (1, 5), (2, 5)], 0), ([(0, 0), (1, 2), (2, 4)], 2), ([(1, 1), (1, 9)], 0)],
)
def test_slope(points: list[tuple[float, float]], growth: float) -> None:
    assert slope(points) == growth


def test_ten_minutes_count_for_nothing_in_an_hour() -> None:
    assert Length.of_minutes(60) == Length(3600, 600)
    assert Length.of_minutes(1) == Length(60, 20)
