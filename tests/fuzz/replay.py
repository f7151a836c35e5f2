"""What all targets share: the corpus, settings of hypothesis, and mutations of trees and bytes."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from tests.support.examples import IS_LONG, examples

CORPUS = Path(__file__).parent / "corpus"


def replayed(target: str) -> pytest.MarkDecorator:
    """Give the test each file of a target's corpus as `data`; its name says what is nasty in it."""
    files = sorted((CORPUS / target).iterdir())
    assert files, f"the corpus of {target} is empty"
    return pytest.mark.parametrize(
        "data", [pytest.param(file.read_bytes(), id=file.name) for file in files]
    )


def tries(number: int) -> settings:
    """Three fifths of so many examples in `make test`, and twenty times as many in `make long`."""
    return settings(
        max_examples=examples(number) if IS_LONG else number * 3 // 5,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )


HUGE_NUMBERS = st.sampled_from([-1, 0, 2**31, 2**53, -(2**63), 2**64, 10**400])
ODD_TEXTS = st.sampled_from(
    ["", " ", "\0", "\ud800", "\u202e", "\x1b[2J", "\U0001f600", "..", "/", "x" * 3000, "{{ 7 }}"]
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | HUGE_NUMBERS
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=12)
    | ODD_TEXTS
)
TREES = st.recursive(
    SCALARS,
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=6), below),
    max_leaves=6,
)
"""Any JSON, small, with the numbers and texts that break things."""


@st.composite
def mutated(draw: st.DrawFn, tree: Any) -> Any:
    """The tree with one to three of its places put to something else, left out, or doubled."""
    for _ in range(draw(st.integers(1, 3))):
        places = list(_places(tree))
        tree = _changed(draw, tree, draw(st.sampled_from(places)))
    return tree


def _places(tree: Any, path: tuple[Any, ...] = ()) -> Any:
    yield path
    if isinstance(tree, dict | list):
        for key, below in tree.items() if isinstance(tree, dict) else enumerate(tree):
            yield from _places(below, (*path, key))


def _changed(draw: st.DrawFn, tree: Any, path: tuple[Any, ...]) -> Any:
    if not path:
        if isinstance(tree, dict) and draw(st.booleans()):
            return {**tree, draw(st.text(max_size=6)): draw(TREES)}
        return draw(TREES)
    copy = dict(tree) if isinstance(tree, dict) else list(tree)
    key, *rest = path
    if not rest and draw(st.booleans()):
        del copy[key]
    else:
        copy[key] = _changed(draw, tree[key], tuple(rest))
    return copy


@st.composite
def damaged(draw: st.DrawFn, data: bytes) -> bytes:
    """The bytes with one to four of them overwritten, cut out, or followed by others."""
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(data)))
        new = draw(st.binary(max_size=6))
        end = draw(st.sampled_from([start, start + len(new), start + 1, len(data)]))
        data = data[:start] + new + data[end:]
    return data


def to_json(value: object) -> bytes:
    """The value as a client would write it, half characters escaped."""
    return json.dumps(value).encode()
