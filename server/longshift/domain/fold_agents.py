"""What events do to a run's equal agents, and to the lock on its list of tasks.

Pure, like all of the fold; `domain.fold` calls it. Owns no rule of the lock: who gets it, and for
how long, is `engine.strategies`' own, and here is only what has happened.
"""

from collections.abc import Mapping
from datetime import datetime

from longshift.domain import events as e
from longshift.domain.copies import replace
from longshift.domain.fold_tasks import put
from longshift.domain.model import AgentRecord, ListLock
from longshift.domain.state import Run
from longshift.domain.transitions import Refused, known


def start_agent(run: Run, event: e.AgentStarted) -> Run:
    """An equal agent comes to the list."""
    if event.agent in run.agents:
        raise Refused(f"agent {event.agent} was started before")
    agent = AgentRecord(id=event.agent, cycle=run.cycle)
    return replace(run, agents=put(run.agents, agent.id, agent), unheard=False)


def finish_agent(run: Run, event: e.AgentFinished) -> Run:
    """An equal agent has ended, or was ended."""
    agent = known(run.agents, event.agent, "agent")
    if agent.state != "running":
        raise Refused(f"agent {agent.id} is {agent.state}")
    idle = event.outcome != "interrupted" and not agent.claims
    ended = agent.model_copy(update={"state": event.outcome, "summary": event.summary})
    agents = put(run.agents, agent.id, ended)
    return replace(run, agents=agents, idle_agents=run.idle_agents + idle)


def claim(run: Run, agent_id: str) -> Run:
    """An equal agent has claimed a task."""
    agent = known(run.agents, agent_id, "agent")
    if agent.state != "running":
        raise Refused(f"agent {agent.id} is {agent.state}")
    claimed = agent.model_copy(update={"claims": agent.claims + 1})
    return replace(run, agents=put(run.agents, agent.id, claimed), idle_agents=0)


def lock(run: Run, event: e.TasksLocked, time: datetime) -> Run:
    """An equal agent has the list to itself."""
    agent = known(run.agents, event.agent, "agent")
    if run.list_lock is not None:
        raise Refused(f"the list of tasks is locked by {run.list_lock.agent}")
    return replace(run, list_lock=ListLock(agent=agent.id, since=time))


def unlock(run: Run, event: e.TasksUnlocked) -> Run:
    """The list is free again."""
    if run.list_lock is None or run.list_lock.agent != event.agent:
        raise Refused(f"the list of tasks is not locked by {event.agent}")
    return replace(run, list_lock=None)


def interrupted(agents: Mapping[str, AgentRecord]) -> Mapping[str, AgentRecord]:
    """The agents once none is at work any more."""
    return {
        id_: one.model_copy(update={"state": "interrupted"}) if one.state == "running" else one
        for id_, one in agents.items()
    }
