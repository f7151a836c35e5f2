"""Whether a check that fails does so each time: flaky ones are told from broken ones.

Owns the weighing of what a check said on several tries of the same commit. Pure. Must never let a
failure through that comes each time: what fails on every try is a failure, whatever the base does.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Final

from longshift.engine.checking.comparing import key_of
from longshift.engine.checking.locating import Located
from longshift.sandbox.policy import CommandResult

TRIES: Final = 3
"""How often a check runs on one commit at most."""
REPEATING_S: Final = 900.0
"""Seconds that the tries of one check on one commit may take before there is no further one."""


@dataclass(frozen=True, slots=True)
class Try:
    """What one run of a check on a commit came to."""

    result: CommandResult
    found: Sequence[Located]

    @property
    def passed(self) -> bool:
        """Whether it has nothing against the commit."""
        return self.result.exit_status == 0

    @property
    def tests(self) -> frozenset[str]:
        """The tests that failed, by name."""
        return frozenset(one.said.test for one in self.found if one.said.test)

    @property
    def errors(self) -> list[Located]:
        """What it calls an error."""
        return [one for one in self.found if one.said.severity == "error"]

    @property
    def is_of_tests(self) -> bool:
        """Whether it fails by tests alone, each of them named."""
        errors = self.errors
        return not self.passed and bool(errors) and all(one.said.test for one in errors)

    @property
    def is_steady(self) -> bool:
        """Whether another try can say nothing else: its tool looks at the files and no more."""
        errors = self.errors
        return bool(errors) and all(one.said.repeats for one in errors)


def may_try_again(tries: Sequence[Try]) -> bool:
    """Whether one more try is worth its time."""
    first = tries[0].result
    if len(tries) >= TRIES or first.exit_status is None or tries[0].is_steady:
        return False
    return sum(one.result.duration_s for one in tries) + first.duration_s <= REPEATING_S


def always_failing(tries: Sequence[Try]) -> frozenset[str]:
    """The tests that failed on every try."""
    return reduce(frozenset[str].__and__, (one.tests for one in tries))


def always_found(tries: Sequence[Try]) -> list[Located]:
    """What stands at a commit for certain: of tests, those alone that fail on every try."""
    always = always_failing(tries)
    failed = next((one for one in tries if not one.passed), tries[0])
    return [one for one in failed.found if not one.said.test or one.said.test in always]


def counts_of(tries: Sequence[Try], tests: Collection[str]) -> Mapping[str, int]:
    """On how many tries each of these tests failed."""
    return {test: sum(test in one.tests for one in tries) for test in tests}


def sometimes_failing(
    tries: Sequence[Try], base: Collection[Located], former: Mapping[str, str]
) -> dict[str, Located]:
    """Tests that failed on some tries and not on all, and do not stand at the base."""
    always, stood = always_failing(tries), {key_of(one, {}) for one in base}
    return {
        one.said.test: one
        for each in tries
        for one in each.found
        if one.said.test and one.said.test not in always and key_of(one, former) not in stood
    }
