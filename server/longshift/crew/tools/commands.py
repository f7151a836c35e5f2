"""Running a command: `run_command`, for worker and judge.

Must never start a process: the desk's sandbox does, or says why it can't.
"""

from collections.abc import Awaitable, Callable
from itertools import islice
from typing import Annotated, Final, Never, TypeAlias

from pydantic import Field

from longshift.crew.desk import CommandOutcome
from longshift.crew.texts import count_that_fit, head_and_tail
from longshift.crew.toolbox import RESULT_CHARACTERS, Arguments, Result, Tool, bind

CHANGED_CHARACTERS: Final = RESULT_CHARACTERS // 2
"""Most characters of changed paths in one result."""
LEFT_OUT_NAMED: Final = 20
"""Most paths whose change was not taken over that a result names."""

RunOnDesk: TypeAlias = Callable[[str, int], Awaitable[CommandOutcome]]
NoteRun: TypeAlias = Callable[[str, int | None], None]


class RunCommand(Arguments):
    """Arguments of `run_command`."""

    command: Annotated[str, Field(min_length=1)]
    timeout_s: Annotated[int, Field(ge=1, le=1800)] = 120


def command_tool(run_on_desk: RunOnDesk, note: NoteRun | None = None) -> Tool[Never]:
    """The tool that runs a command.

    Args:
        run_on_desk: what runs it.
        note: is told of each command that was run, and of its exit status.
    """

    async def run_command(given: RunCommand) -> Result:
        outcome = await run_on_desk(given.command, given.timeout_s)
        if note is not None:
            note(given.command, outcome.exit_status)
        changed = outcome.changed_paths
        fitting = count_that_fit(map(len, changed), CHANGED_CHARACTERS)
        rest = {"changed_paths_total": len(changed)} if fitting < len(changed) else {}
        left_out = dict(islice(outcome.left_out.items(), LEFT_OUT_NAMED))
        return {
            "exit_status": outcome.exit_status,
            "output": head_and_tail(
                outcome.output, RESULT_CHARACTERS, how_to_see="how_to_see_output"
            ),
            "timed_out": outcome.timed_out,
            "changed_paths": list(changed[:fitting]),
            **rest,
            **({"left_out": left_out} if left_out else {}),
        }

    return bind("run_command", RunCommand, run_command)
