"""The planner: reads the code and makes tasks, or delegates a slice; never edits.

Owns how its tools, prompt and first message come together. A sub-planner is a planner with a
slice and without `delegate`.
"""

from longshift.crew.briefs import PlannerBrief, PlannerOutcome
from longshift.crew.compaction import Lasting
from longshift.crew.conversation import CallAllowance, converse
from longshift.crew.desk import PlannerDesk
from longshift.crew.opening import planner_opening
from longshift.crew.roles import role_prompt
from longshift.crew.toolbox import Toolbox
from longshift.crew.tools.asking import asking_tool
from longshift.crew.tools.planning import planning_tools
from longshift.crew.tools.reading import reading_tools


async def plan(desk: PlannerDesk, brief: PlannerBrief) -> PlannerOutcome:
    """Plan one cycle, or one slice of it; tasks go over the desk as they are added.

    Raises:
        NeedsPerson: a budget is spent or the model is out of reach.
        CancelledError: the run was stopped.
    """
    sub_planner = brief.is_sub_planner
    limit = brief.limits.sub_planner if sub_planner else brief.limits.planner
    allowance = CallAllowance(limit)
    return await converse(
        desk,
        Toolbox(
            "sub_planner" if sub_planner else "planner",
            [
                *reading_tools(desk),
                *planning_tools(desk, brief, allowance),
                asking_tool(desk.ask_person),
            ],
        ),
        system=role_prompt(brief.prompts, "planner", calls=limit, sub_planner=sub_planner),
        opening=planner_opening(brief),
        allowance=allowance,
        lasting=Lasting(brief.goal.text, brief.constraints),
    )
