"""The integrator: joins one worker's submission with the run's head, or sends it back.

Owns how its tools, prompt and first message come together. An extra role that a run may have, to
be measured against having none.
"""

from longshift.crew.briefs import (
    IntegratorBrief,
    IntegratorOutcome,
    Unfinished,
    WorkerBrief,
    WorkUnfinished,
)
from longshift.crew.commands_run import CommandsRun
from longshift.crew.compaction import Lasting
from longshift.crew.conversation import CallAllowance, converse
from longshift.crew.desk import WorkerDesk
from longshift.crew.opening import integrator_opening
from longshift.crew.roles import role_prompt
from longshift.crew.toolbox import Toolbox
from longshift.crew.tools.commands import command_tool
from longshift.crew.tools.editing import editing_tools
from longshift.crew.tools.handing_in import find_markers, submit_tool
from longshift.crew.tools.integrating import sending_back_tool
from longshift.crew.tools.reading import reading_tools


async def integrate(desk: WorkerDesk, brief: IntegratorBrief) -> IntegratorOutcome:
    """Deal with one submission, which the desk's workspace holds, laid over the head.

    Raises:
        NeedsPerson: a budget is spent or the model is out of reach.
        CancelledError: the run was stopped.
    """
    limit = brief.limits.integrator
    allowance, ran = CallAllowance(limit), CommandsRun()
    markers = await desk.off_loop(find_markers, desk.workspace, brief.clashes)
    # The gates have spoken to the worker; a second time they would speak to the wrong one.
    handing_in = WorkerBrief(brief.goal, brief.task, gates="off", limits=brief.limits)

    def note(command: str, exit_status: int | None) -> None:
        ran.note(command, exit_status, desk.workspace.state)

    ended = await converse(
        desk,
        Toolbox(
            "integrator",
            [
                *reading_tools(desk),
                *editing_tools(desk),
                command_tool(desk.run_command, note),
                submit_tool(desk, handing_in, allowance, ran, markers),
                sending_back_tool(),
            ],
        ),
        system=role_prompt(brief.prompts, "integrator", calls=limit),
        opening=integrator_opening(brief),
        allowance=allowance,
        lasting=Lasting(brief.goal.text, brief.constraints, commands=lambda: ran.last),
    )
    return WorkUnfinished("model", ended.reason) if isinstance(ended, Unfinished) else ended
