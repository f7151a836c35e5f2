"""The checks of a run: the commands that say whether the head is sound.

Owns running them on the head and on the base, and what their failing counts for. Must never count
a failure against the run that stood before it, nor let one go that comes on every try.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from math import inf
from typing import Final, Literal

from longshift.crew.desk import CheckOutcome, FindingReport
from longshift.domain.model import ChecksWord
from longshift.engine.activities import Note
from longshift.engine.checking.comparing import Compared, compare
from longshift.engine.checking.finding import FoundCheck
from longshift.engine.checking.locating import Located, locate
from longshift.engine.checking.parsers import read_diagnostics
from longshift.engine.checking.repeating import (
    Try,
    always_found,
    counts_of,
    may_try_again,
    sometimes_failing,
)
from longshift.engine.commanding import run_and_discard
from longshift.engine.room import RunRoom
from longshift.repository.files import FileDifference
from longshift.sandbox.policy import CommandResult, Refusal

CHECK_TIMEOUT_S: Final = 900
LOOKING_S: Final = 60
"""Seconds that looking for the programs of checks may take."""
CHECK: Final = "check"
"""Who runs the commands of checks, in the journal."""
MOST_FINDINGS: Final = 50
"""Findings reported of one check's output."""
MOST_FLAKY: Final = 10
"""Flaky tests of one check that become findings."""
FLAKY: Final = "flaky-check"
"""The code of a test that fails only sometimes."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a check says of a head, held against the base."""

    tries: Sequence[Try]
    compared: Compared
    is_new: bool
    flaky: Sequence[FindingReport] = ()
    is_flaky: bool = False


class Checks:
    """The checks of one run."""

    def __init__(self, room: RunRoom, commands: Sequence[str | FoundCheck]) -> None:
        """Run these; none of them on the base before it is needed.

        Args:
            room: the run's.
            commands: the person's own, or those that were found: of these the ones alone whose
                program is there.
        """
        self._room = room
        self._found = tuple(one for one in commands if isinstance(one, FoundCheck))
        self._commands = tuple(str(one) for one in commands)
        self._left_out: tuple[str, ...] | None = None if self._found else ()
        self._at_base: dict[tuple[str, str], list[Try]] = {}
        self._head: str | None = None
        self._last: tuple[CheckOutcome, ...] = ()
        self._note: Note = lambda _: None

    def standing_failures(self, head: str) -> list[str]:
        """Commands that fail at the head, by the last run, and did not before the run."""
        return [check.command for check in self._of(head) if check.new_failure]

    def unrunnable(self, head: str) -> list[str]:
        """Commands that could not be started or brought to an end, so that they prove nothing."""
        return [
            check.command
            for check in self._of(head)
            if check.exit_status is None and not check.left_out
        ]

    def is_through_with(self, command: str, head: str) -> bool:
        """Whether a check has said all that it has to say of a head.

        What it did not report there is gone; so is what a check reported that is none any more.
        """
        if command not in self._commands:
            return True
        return any(
            check.exit_status is not None and len(check.findings) < MOST_FINDINGS
            for check in self._of(head)
            if check.command == command
        )

    def word(self, head: str) -> ChecksWord:
        """How they stand at a head, in a word for the record."""
        if not self._commands:
            return "none"
        if self.are_due(head):
            return "not_run"
        if all(check.left_out for check in self._of(head)):
            return "none"
        if self.unrunnable(head):
            return "unrunnable"
        return "failed" if self.standing_failures(head) else "passed"

    def are_due(self, head: str) -> bool:
        """Whether there are checks that nobody has run on this head."""
        return bool(self._commands) and self._head != head

    async def run(self, head: str, base: str, note: Note) -> Sequence[CheckOutcome]:
        """Run every check on a head.

        Args:
            head: the commit to check.
            base: what the person has: failures that stand there too are not the run's.
            note: told of each command that it begins, and that it has ended.
        """
        self._note = note
        if self._left_out is None and not isinstance(self._room.cage, Refusal):
            self._left_out = await self._without_program(base)
        missing = self._left_out or ()
        self._last = tuple(
            [
                CheckOutcome(c, None, "", new_failure=False, left_out=True)
                if c in missing
                else await self._check(c, head, base)
                for c in self._commands
            ]
        )
        self._head = head
        return self._last

    def _of(self, head: str) -> Sequence[CheckOutcome]:
        return self._last if self._head == head else ()

    async def _without_program(self, base: str) -> tuple[str, ...]:
        """The found checks whose program is not there.

        Looked for at the base, or a run's own files could make one seem missing.
        """
        script = "\n".join(
            f"if {one.probe} >/dev/null 2>&1; then echo has:{number}; fi"
            for number, one in enumerate(self._found)
        )
        result = await self._start(base, f"{script}\ntrue", LOOKING_S)
        has = set(result.output.splitlines())
        return tuple(str(one) for at, one in enumerate(self._found) if f"has:{at}" not in has)

    async def _check(self, command: str, head: str, base: str) -> CheckOutcome:
        cage = self._room.cage
        if isinstance(cage, Refusal):
            # A check that cannot start proves nothing: it must stand in the way of "done".
            return CheckOutcome(command, None, cage.message, new_failure=True)
        first = await self._try(head, command)
        result = first.result
        if first.passed:
            return CheckOutcome(command, 0, result.output, new_failure=False)
        room = self._room
        differences = await room.off_loop(room.store.differences, base, head)
        seen = await self._weigh(first, command, head, base, differences)
        changed = {one.path for one in differences}
        report = partial(_report, command, result)
        blamed = [report(one, "run") for one in seen.compared.new if one.path and seen.is_new]
        stood = [report(one, "base") for one in seen.compared.before if one.path in changed]
        return CheckOutcome(
            command,
            result.exit_status,
            result.output,
            seen.is_new,
            tuple([*seen.flaky, *blamed, *stood][:MOST_FINDINGS]),
            tries=len(seen.tries),
            passed=sum(one.passed for one in seen.tries),
            flaky=seen.is_flaky,
            stood_before=len(seen.compared.before),
        )

    async def _weigh(
        self,
        first: Try,
        command: str,
        head: str,
        base: str,
        differences: Sequence[FileDifference],
    ) -> _Seen:
        """What the failing of a check counts for, after as many tries as that takes."""
        before = await self._tries_at_base(base, command)
        stood = [] if any(one.passed for one in before) else always_found(before)
        compared = await self._room.off_loop(compare, stood, first.found, differences)
        if not any(one.passed for one in before) and not _is_worse(first, before, compared):
            return _Seen([first], compared, is_new=False)
        tries = await self._tried_again([first], head, command)
        always = await self._room.off_loop(compare, stood, always_found(tries), differences)
        by_tests = all(one.passed or one.is_of_tests for one in tries) and len(tries) > 1
        if not any(one.passed for one in tries) and not (by_tests and not always.errors):
            return _Seen(tries, always if by_tests else compared, is_new=True)
        before = await self._tries_at_base(base, command, to_the_end=True)
        former = {one.path: one.old_path for one in differences if one.old_path}
        sometimes = sometimes_failing(tries, stood, former)
        reports = _flaky(command, tries, sometimes)
        # Where the base never does, it is the run that made it so.
        at_base = frozenset[str]().union(*(one.tests for one in before))
        reliable = all(one.passed for one in before)
        is_new = bool(sometimes.keys() - at_base) if sometimes else reliable
        return _Seen(tries, always, is_new, reports, is_flaky=True)

    async def _tries_at_base(
        self, base: str, command: str, *, to_the_end: bool = False
    ) -> Sequence[Try]:
        """What a check says of the base; one that fails there is tried again, once for all."""
        tries = self._at_base.get((base, command))
        if tries is None:
            tries = self._at_base[base, command] = [await self._try(base, command)]
        if to_the_end or not tries[0].passed:
            tries = self._at_base[base, command] = await self._tried_again(tries, base, command)
        return tries

    async def _tried_again(self, tries: list[Try], commit: str, command: str) -> list[Try]:
        while may_try_again(tries):
            tries = [*tries, await self._try(commit, command)]
        return tries

    async def _try(self, commit: str, command: str) -> Try:
        result = await self._start(commit, command, CHECK_TIMEOUT_S)
        if result.exit_status == 0:
            return Try(result, ())
        return await self._room.off_loop(self._read, commit, command, result)

    def _read(self, commit: str, command: str, result: CommandResult) -> Try:
        said = read_diagnostics(result.output, command)
        return Try(result, locate(self._room.store, commit, said, self._room.checkouts.folder))

    async def _start(self, commit: str, command: str, timeout_s: int) -> CommandResult:
        # In the room's own cage: a check is the person's word, or a trusted repository's.
        room = self._room
        # Each by itself: together they may take many times as long as one of them may.
        self._note("command")
        try:
            return await run_and_discard(room, room.cage, CHECK, commit, command, timeout_s)
        finally:
            self._note("tools")


def _is_worse(head: Try, base: Sequence[Try], compared: Compared) -> bool:
    """Whether a check that failed on each try of the base fails in another way at the head."""
    if compared.errors or head.errors:
        return bool(compared.errors)
    # What it came to grief on can't be read: how it ends is all that there is to go by.
    ended, before = _status(head), [_status(one) for one in base]
    if ended in before:
        return False
    # Some runners end with the number of their failures: it falls with each that is mended.
    return any(one.errors for one in base) or ended > max(before)


def _status(one: Try) -> float:
    """How it ended, in order; what had to be stopped is the worst."""
    status = one.result.exit_status
    return inf if status is None else status


def _report(
    command: str, result: CommandResult, one: Located, origin: Literal["run", "base"]
) -> FindingReport:
    said = one.said
    return FindingReport(
        path=one.path,
        line=one.line,
        end_line=said.end_line if said.end_line and said.end_line > one.line else None,
        message=said.message,
        code=said.code,
        severity=said.severity,
        evidence=f"`{command}` exits with {result.exit_status}",
        check=command,
        origin=origin,
    )


def _flaky(
    command: str, tries: Sequence[Try], sometimes: dict[str, Located]
) -> list[FindingReport]:
    counts = counts_of(tries, sometimes)
    return [
        FindingReport(
            path=one.path,
            line=one.line,
            message=f"{test} failed on {counts[test]} of {len(tries)} tries at the same head.",
            code=FLAKY,
            severity="info",
            evidence=f"`{command}`, {len(tries)} times",
            check=command,
            origin="base",
        )
        for test, one in list(sometimes.items())[:MOST_FLAKY]
        if one.path
    ]
