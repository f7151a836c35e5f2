"""Decisions from the command line, and how they are told: what `accept` and `reject` share.

Owns the words for what was decided. Writing into files is the engine's business.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict
from rich.console import Console

from longshift.cli.main import DONE, NOT_MET
from longshift.cli.session import Link
from longshift.cli.terminal import one_line, say
from longshift.cli.told import counted
from longshift.domain.state import Run
from longshift.errors import UsageError
from longshift.review.decisions import Target, parse_target


class _Hunk(BaseModel):
    model_config = ConfigDict(extra="ignore")

    hunk: int
    state: str
    reason: str = ""


class _File(BaseModel):
    model_config = ConfigDict(extra="ignore")

    path: str
    flag: str | None = None
    hunks: tuple[_Hunk, ...]


class _Change(BaseModel):
    model_config = ConfigDict(extra="ignore")

    id: str
    files: tuple[_File, ...]


class _Described(BaseModel):
    """What `describeRun` says that is needed here."""

    model_config = ConfigDict(extra="ignore")

    changes: tuple[_Change, ...]

    def written(self, after: "_Described") -> Counter[str]:
        """How many hunks were pending here and are accepted afterwards, by path."""
        accepted = after.keys("accepted")
        return Counter(key[1] for key in self.keys("pending") if key in accepted)

    def keys(self, state: str) -> list[tuple[str, str, int]]:
        """The hunks in one state: change, path and number."""
        return [
            (change.id, file.path, hunk.hunk)
            for change in self.changes
            for file in change.files
            for hunk in file.hunks
            if hunk.state == state
        ]

    def protected(self) -> dict[str, str]:
        """The files that are pending and take a word of their own: `CHANGE:PATH`, and why."""
        return {
            f"{change.id}:{file.path}": file.flag
            for change in self.changes
            for file in change.files
            if file.flag and any(hunk.state == "pending" for hunk in file.hunks)
        }

    def stale(self) -> list[str]:
        """The hunks that no longer fit, each with the reason."""
        return [
            f"{change.id}:{file.path}:{hunk.hunk}  {hunk.reason}"
            for change in self.changes
            for file in change.files
            for hunk in file.hunks
            if hunk.state == "stale"
        ]


async def accept_all(link: Link, console: Console, run_id: str, *, protected: bool = False) -> int:
    """Write everything that is pending into the person's files, and tell what was written.

    Args:
        link: to the process that drives the run.
        console: where it is told.
        run_id: the run.
        protected: whether files that take a word of their own are meant too.

    Returns:
        The exit status: 1 where something of it no longer fits.
    """
    before = await _describe(link, run_id)
    await link.call("acceptAll", {"runId": run_id, **({"protected": True} if protected else {})})
    after = await _describe(link, run_id)
    written, left, stale = before.written(after), after.protected(), after.stale()
    if written:
        hunks = counted(written.total(), "hunk")
        say(
            console,
            f"Wrote {hunks} into {counted(len(written), 'file')}; nothing was staged or committed:",
        )
        for path, number in sorted(written.items()):
            say(console, f"  {one_line(path)} ({counted(number, 'hunk')})")
    elif left:
        say(console, "Nothing was written.")
    else:
        say(console, f"Nothing of {run_id} is pending; nothing was written.")
    _tell_left(console, run_id, left)
    if stale:
        say(console, "Not written, because it no longer fits your text:", "yellow")
        for line in stale:
            say(console, f"  {one_line(line)}", "yellow")
    return NOT_MET if stale else DONE


async def reject_all(link: Link, console: Console, run_id: str) -> int:
    """Turn down everything that is pending."""
    answer = await link.call("rejectAll", {"runId": run_id})
    number = answer.get("hunks")
    count = number if isinstance(number, int) else 0
    say(console, f"Rejected {counted(count, 'hunk')} of {run_id}; later plans will obey that.")
    return DONE


def targets_of(run: Run, written: Sequence[str], *, everything: bool) -> list[Target]:
    """The targets that a person wrote, each `CHANGE[:PATH[:HUNK]]`.

    A path of the change is taken for one even where it ends in a colon and a number.

    Raises:
        UsageError: one of them is of no such form, or none is named and not everything either.
    """
    if everything == bool(written):
        raise UsageError(
            f"Name changes of {run.id} ({', '.join(run.changes) or 'it has none'}), or say --all. "
            "Nothing was decided."
        )
    return [_target(run, text) for text in written]


async def decide_each(
    link: Link,
    console: Console,
    command: Literal["acceptChange", "rejectChange"],
    run: Run,
    targets: Sequence[Target],
    more: Mapping[str, object],
) -> None:
    """Decide on one target after the other, and tell each; the first refusal ends it.

    Args:
        link: to the process that drives the run.
        console: where it is told.
        command: what is decided.
        run: the run.
        targets: what is decided on.
        more: further arguments of the command.
    """
    for target in targets:
        named = {"changeId": target.change_id, "path": target.path, "hunk": target.hunk}
        said = {name: value for name, value in named.items() if value is not None}
        answer = await link.call(command, {"runId": run.id, **more, **said})
        say(console, f"{one_line(':'.join(map(str, said.values())))}: {answer['state']}.")
        left = answer.get("protected")
        if isinstance(left, list):
            flags = (await _describe(link, run.id)).protected()
            keys = [f"{target.change_id}:{path}" for path in left]
            _tell_left(console, run.id, {key: flags.get(key, "") for key in keys})


def _tell_left(console: Console, run_id: str, left: Mapping[str, str]) -> None:
    """Tell which files wait for a word of their own, and how it is given."""
    if not left:
        return
    say(console, "Left as they are, because programs that you trust act on them:", "yellow")
    for target, why in left.items():
        say(console, f"  {one_line(target)}  {why}", "yellow")
    first = next(iter(left))
    say(console, f"Look at each, then name it: `longshift accept {run_id} {one_line(first)}`.")


def _target(run: Run, text: str) -> Target:
    change_id, _, rest = text.partition(":")
    change = run.changes.get(change_id)
    return Target(change_id, rest) if change and rest in change.paths else parse_target(text)


async def _describe(link: Link, run_id: str) -> _Described:
    return _Described.model_validate(await link.call("describeRun", {"runId": run_id}))
