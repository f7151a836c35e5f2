"""Every known way out: it succeeds outside, and fails inside, as root and as an ordinary user."""

import asyncio
import functools
import os

import pytest

from longshift.sandbox.escapes import WAYS, Way
from longshift.sandbox.seccomp import cage_filter
from tests.support.sandbox_escapes import Outcome, outcome, outcomes_of_an_ordinary_user

IS_ROOT = os.geteuid() == 0
USERS = ["root", "ordinary user"] if IS_ROOT else ["ordinary user"]
MODES = ["bubblewrap", "landlock"]
ROWS = [
    pytest.param(way, user, mode, id=f"{way.name}-{user}-{mode}")
    for mode in MODES
    for user in USERS
    for way in WAYS
    if (mode == "bubblewrap" or way.held_alone)
]


@functools.cache
def ordinary_outcomes() -> dict[str, Outcome]:
    if IS_ROOT:
        return outcomes_of_an_ordinary_user(MODES)
    return {mode: asyncio.run(outcome(mode)) for mode in MODES}


@functools.cache
def root_outcome(mode: str) -> Outcome:
    return asyncio.run(outcome(mode))


def outcome_of(user: str, mode: str) -> Outcome:
    """What was seen, once for all rows; skips where this machine has no such cage."""
    found = root_outcome(mode) if user == "root" else ordinary_outcomes().get(mode)
    if found is None:
        pytest.skip("no Python here that an ordinary user can run")
    if not found.opened:
        assert "does not hold" not in found.profile
        pytest.skip(found.profile)
    return found


@pytest.mark.parametrize(("way", "user", "mode"), ROWS)
def test_a_way_out_is_open_outside_and_closed_inside(way: Way, user: str, mode: str) -> None:
    seen = outcome_of(user, mode)

    assert seen.inside[way.name].startswith("held")
    if seen.outside[way.name] != "out" and not (way.root_only and user != "root"):
        pytest.skip(f"closed on this machine anyway, {seen.outside[way.name]}")


@pytest.mark.parametrize("user", USERS)
@pytest.mark.parametrize("mode", MODES)
def test_most_ways_are_open_outside(user: str, mode: str) -> None:
    """The rows above could be skipped one by one; not all of them."""
    seen = outcome_of(user, mode)
    is_open = [name for name, how in seen.outside.items() if how == "out"]

    assert len(is_open) >= 60, seen.outside
    assert {way.kind for way in WAYS if way.name in is_open} == {way.kind for way in WAYS}


@pytest.mark.parametrize("user", USERS)
def test_what_the_weaker_cage_does_not_hold_is_known(user: str) -> None:
    seen = outcome_of(user, "landlock")
    is_open = {name for name, how in seen.inside.items() if how == "out"}

    assert is_open == {way.name for way in WAYS if not way.held_alone}
    assert seen.profile.startswith("weaker cage")


def test_the_names_are_unique() -> None:
    assert len({way.name for way in WAYS}) == len(WAYS) >= 60


@pytest.mark.skipif(not IS_ROOT, reason="only root can take user namespaces from a process")
def test_where_user_namespaces_are_closed_the_weaker_cage_is_taken() -> None:
    program = cage_filter()
    if program is None:
        pytest.skip("no filter of system calls for this processor")
    from longshift.sandbox.confinement import launched
    from tests.support.sandbox_escapes import python_for_everybody

    python = python_for_everybody()
    if python is None or not outcome_of("ordinary user", "landlock").opened:
        pytest.skip("no weaker cage here")
    words = launched(python, [f"filter={program.hex()}"], [])
    seen = outcomes_of_an_ordinary_user(["auto", "bubblewrap"], words)

    assert seen["auto"].profile.startswith("weaker cage")
    assert not seen["bubblewrap"].opened
    assert "bubblewrap says" in seen["bubblewrap"].profile
    assert "user.max_user_namespaces" in seen["bubblewrap"].profile
