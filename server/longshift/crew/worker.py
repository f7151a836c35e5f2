"""The worker: does one task in its own workspace and submits; knows of no other worker.

Owns how its tools, prompt and first message come together.
"""

from longshift.crew.briefs import Unfinished, WorkerBrief, WorkerOutcome, WorkUnfinished
from longshift.crew.commands_run import CommandsRun
from longshift.crew.compaction import Lasting
from longshift.crew.conversation import CallAllowance, converse
from longshift.crew.desk import WorkerDesk
from longshift.crew.effort import Effort
from longshift.crew.opening import worker_opening
from longshift.crew.roles import role_prompt
from longshift.crew.toolbox import Toolbox
from longshift.crew.tools.commands import command_tool
from longshift.crew.tools.editing import editing_tools
from longshift.crew.tools.handing_in import handing_in_tools
from longshift.crew.tools.reading import reading_tools


async def work(desk: WorkerDesk, brief: WorkerBrief) -> WorkerOutcome:
    """Make one attempt at a task.

    Raises:
        NeedsPerson: a budget is spent or the model is out of reach.
        CancelledError: the run was stopped.
    """
    allowance = CallAllowance(brief.limits.worker)
    ran = CommandsRun()

    def note(command: str, exit_status: int | None) -> None:
        ran.note(command, exit_status, desk.workspace.state)

    ended = await converse(
        desk,
        Toolbox(
            "worker",
            [
                *reading_tools(desk),
                *editing_tools(desk),
                command_tool(desk.run_command, note),
                *handing_in_tools(desk, brief, allowance, ran),
            ],
        ),
        system=role_prompt(brief.prompts, "worker", calls=brief.limits.worker),
        opening=worker_opening(brief),
        allowance=allowance,
        lasting=Lasting(brief.goal.text, brief.constraints, commands=lambda: ran.last),
        effort=Effort(desk.workspace.state),
    )
    if isinstance(ended, Unfinished):
        out_of_turns = ended.cause == "turn_limit"
        return WorkUnfinished("turn_limit" if out_of_turns else "model", ended.reason)
    return ended
