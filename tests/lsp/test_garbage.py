"""When cycles of objects are looked for: never while a person types."""

import gc
import weakref
from collections.abc import Iterator

import pytest

from longshift.lsp import garbage
from longshift.lsp.garbage import Collector


@pytest.fixture
def collector() -> Iterator[Collector]:
    """A collector, whose settings are taken back."""
    thresholds, callbacks = gc.get_threshold(), list(gc.callbacks)
    yield Collector()
    gc.callbacks[:] = callbacks
    gc.set_threshold(*thresholds)


class Cycle:
    """An object that holds itself."""

    def __init__(self) -> None:
        self.me = self


def test_what_survived_is_looked_at_only_when_it_is_quiet(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    collector.settle()
    assert not collector.tidy(), "nothing has survived yet"
    kept = Cycle()
    gone = weakref.ref(kept)
    for _ in range(garbage.KEPT_AFTER):
        gc.collect(0)
    del kept
    collector.touch()
    gc.collect()
    assert gone() is not None, "it was set aside"
    assert not collector.tidy(), "the person is at work"
    monkeypatch.setattr(garbage, "QUIET_S", 0.0)
    assert collector.tidy()
    assert gone() is None
    assert not collector.tidy(), "once is enough"


def test_who_types_all_day_is_tidied_after_in_a_short_pause(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    collector.settle()
    kept = Cycle()
    gone = weakref.ref(kept)
    for _ in range(garbage.KEPT_AFTER):
        gc.collect(0)
    del kept
    assert collector.look_again_s == garbage.QUIET_S / 2
    monkeypatch.setattr(garbage, "OVERDUE_S", -1.0)
    assert collector.look_again_s == garbage.SHORT_QUIET_S / 2
    collector.touch()
    assert not collector.tidy(), "not between two keys"
    monkeypatch.setattr(garbage, "SHORT_QUIET_S", 0.0)
    assert collector.tidy()
    assert gone() is None
