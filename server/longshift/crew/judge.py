"""The judge: looks at the run's head at the end of a cycle and says how to go on.

Owns how its tools, prompt and first message come together.
"""

from longshift.crew.briefs import JudgeBrief, JudgeOutcome
from longshift.crew.compaction import Lasting
from longshift.crew.conversation import CallAllowance, converse
from longshift.crew.desk import JudgeDesk
from longshift.crew.opening import judge_opening
from longshift.crew.roles import role_prompt
from longshift.crew.toolbox import Toolbox
from longshift.crew.tools.asking import asking_tool
from longshift.crew.tools.commands import command_tool
from longshift.crew.tools.judging import judging_tools
from longshift.crew.tools.reading import reading_tools


async def judge(desk: JudgeDesk, brief: JudgeBrief) -> JudgeOutcome:
    """Judge the run's head; findings go over the desk as they are reported.

    Raises:
        NeedsPerson: a budget is spent or the model is out of reach.
        CancelledError: the run was stopped.
    """
    return await converse(
        desk,
        Toolbox(
            "judge",
            [
                *reading_tools(desk),
                *judging_tools(desk, brief),
                command_tool(desk.run_command),
                asking_tool(desk.ask_person),
            ],
        ),
        system=role_prompt(brief.prompts, "judge", calls=brief.limits.judge),
        opening=judge_opening(brief),
        allowance=CallAllowance(brief.limits.judge),
        lasting=Lasting(brief.goal.text, brief.constraints),
    )
