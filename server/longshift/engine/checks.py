"""The checks of a run: the commands that say whether the head is sound.

Owns finding them, running them on the head and on the base, and reading findings out of what
they print. Must never count a failure against the run that stood before it.
"""

import configparser
import re
import tomllib
from collections.abc import Sequence
from typing import Final

from longshift.crew.desk import CheckOutcome, FindingReport
from longshift.engine.commanding import run_and_discard
from longshift.engine.room import RunRoom
from longshift.errors import TellModel
from longshift.repository.paths import checked_file_path
from longshift.repository.store import ObjectStore
from longshift.sandbox.policy import CommandResult, Refusal

CHECK_TIMEOUT_S: Final = 900
CHECK: Final = "check"
"""Who runs the commands of checks, in the journal."""
MOST_FINDINGS: Final = 50
"""Findings read out of one check's output."""

LOCATION: Final = re.compile(
    r"^(?P<path>[^\s:][^:\n]*):(?P<line>\d+)(?::\d+)?:?\s+"
    r"(?:(?P<severity>error|warning|note|info)\b:?\s*)?(?P<message>.+)$",
    re.MULTILINE,
)
"""`path:line:column: message`, as nearly every linter and compiler prints."""
CODE: Final = re.compile(r"^(?P<code>[A-Z]{1,5}\d{2,5})\b:?\s*|\[(?P<end>[a-z][a-z0-9-]+)\]$")


class Checks:
    """The checks of one run."""

    def __init__(self, room: RunRoom, commands: Sequence[str]) -> None:
        """Run these commands; none of them on the base before it is needed."""
        self._room = room
        self._commands = tuple(commands)
        self._failed_at_base: dict[tuple[str, str], bool] = {}
        self._head: str | None = None
        self._last: tuple[CheckOutcome, ...] = ()

    def standing_failures(self, head: str) -> list[str]:
        """Commands that fail at the head, by the last run, and did not before the run."""
        return [check.command for check in self._of(head) if check.new_failure]

    def unrunnable(self, head: str) -> list[str]:
        """Commands that could not be started or brought to an end, so that they prove nothing."""
        return [check.command for check in self._of(head) if check.exit_status is None]

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

    def are_due(self, head: str) -> bool:
        """Whether there are checks that nobody has run on this head."""
        return bool(self._commands) and self._head != head

    async def run(self, head: str, base: str) -> Sequence[CheckOutcome]:
        """Run every check on a head.

        Args:
            head: the commit to check.
            base: what the person has: failures that stand there too are not the run's.
        """
        self._last = tuple([await self._check(c, head, base) for c in self._commands])
        self._head = head
        return self._last

    def _of(self, head: str) -> Sequence[CheckOutcome]:
        return self._last if self._head == head else ()

    async def _check(self, command: str, head: str, base: str) -> CheckOutcome:
        cage = self._room.cage
        if isinstance(cage, Refusal):
            # A check that cannot start proves nothing: it must stand in the way of "done".
            return CheckOutcome(command, None, cage.message, new_failure=True)
        result = await self._run(head, command)
        new_failure = result.exit_status != 0 and not await self._fails_at(base, command)
        found: Sequence[FindingReport] = ()
        if new_failure:
            found = await self._room.off_loop(_findings, command, result, self._room.store, head)
        return CheckOutcome(command, result.exit_status, result.output, new_failure, tuple(found))

    async def _fails_at(self, base: str, command: str) -> bool:
        known = self._failed_at_base.get((base, command))
        if known is None:
            result = await self._run(base, command)
            known = self._failed_at_base[base, command] = result.exit_status != 0
        return known

    async def _run(self, commit: str, command: str) -> CommandResult:
        # In the room's own cage: a check is the person's word, or a trusted repository's.
        room = self._room
        return await run_and_discard(room, room.cage, CHECK, commit, command, CHECK_TIMEOUT_S)


def find_checks(store: ObjectStore, commit: str) -> list[str]:
    """The checks that a repository's own files speak of, where the person named none."""
    found: list[str] = []
    pyproject = _toml(_text(store, commit, "pyproject.toml"))
    tools = pyproject.get("tool", {})
    tools = tools if isinstance(tools, dict) else {}
    files = store.list_files(commit)
    if "ruff" in tools or "ruff.toml" in files or ".ruff.toml" in files:
        found.append("ruff check .")
    setup_cfg = configparser.ConfigParser(strict=False, interpolation=None)
    try:
        setup_cfg.read_string(_text(store, commit, "setup.cfg") or "")
    except configparser.Error:
        setup_cfg = configparser.ConfigParser()  # not ours to mend, and no reason to stop
    if "pytest" in tools or "pytest.ini" in files or setup_cfg.has_section("tool:pytest"):
        found.append("python -m pytest -q")
    return found


def _findings(
    command: str, result: CommandResult, store: ObjectStore, head: str
) -> list[FindingReport]:
    reports: list[FindingReport] = []
    for match in LOCATION.finditer(result.output):
        path, line = match["path"].removeprefix("./"), max(1, int(match["line"]))
        if len(reports) == MOST_FINDINGS:
            break
        version = store.read_file(head, path) if _may_name_file(path) else None
        if version is None or line > version.data.count(b"\n") + 1:
            continue
        code = CODE.search(match["message"])
        name = (code["code"] or code["end"]) if code else command.split(maxsplit=1)[0]
        reports.append(
            FindingReport(
                path=path,
                line=line,
                message=match["message"].strip(),
                code=name,
                severity="error",
                evidence=f"`{command}` exits with {result.exit_status}",
                check=command,
            )
        )
    return reports


def _may_name_file(path: str) -> bool:
    """Whether what a tool printed may be a path of the repository, and no log line or address."""
    try:
        return checked_file_path(path) == path
    except TellModel:
        return False


def _text(store: ObjectStore, commit: str, path: str) -> str | None:
    version = store.read_file(commit, path)
    return None if version is None else version.data.decode(errors="replace")


def _toml(text: str | None) -> dict[str, object]:
    try:
        return tomllib.loads(text or "")
    except tomllib.TOMLDecodeError:
        return {}
