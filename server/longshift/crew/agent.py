"""The equal agent, while it chooses: reads the list of tasks, adds to it, claims one; never edits.

Owns how its tools, prompt and first message come together. The task itself is done by a worker's
conversation (`crew.worker`), as it would be for any other task.
"""

from longshift.crew.briefs import AgentBrief, AgentOutcome
from longshift.crew.compaction import Lasting
from longshift.crew.conversation import CallAllowance, converse
from longshift.crew.desk import ChooserDesk
from longshift.crew.opening import agent_opening
from longshift.crew.roles import role_prompt
from longshift.crew.toolbox import Toolbox
from longshift.crew.tools.choosing import choosing_tools
from longshift.crew.tools.reading import reading_tools


async def choose(desk: ChooserDesk, brief: AgentBrief) -> AgentOutcome:
    """Choose one task, adding to the list what is missing there.

    Raises:
        NeedsPerson: a budget is spent or the model is out of reach.
        CancelledError: the run was stopped.
    """
    limit, locking = brief.limits.agent, desk.lock is not None
    return await converse(
        desk,
        Toolbox(
            "locking_agent" if locking else "agent",
            [*reading_tools(desk), *choosing_tools(desk, brief)],
        ),
        system=role_prompt(brief.prompts, "agent", calls=limit, locking=locking),
        opening=agent_opening(brief),
        allowance=CallAllowance(limit),
        lasting=Lasting(brief.goal.text, brief.constraints),
    )
