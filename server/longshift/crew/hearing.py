"""What reaches an agent in the midst of its conversation: the person's words, and others' news.

Owns how these are told. What agents wrote is told as data, and cut: a model may write anything.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from longshift.crew.desk import Desk
from longshift.crew.prompts import say
from longshift.crew.texts import start_that_fits
from longshift.domain.model import Task

TEXT_CHARACTERS: Final = 600
"""Most characters of each text of a report."""
MOST_FINDINGS: Final = 5


def words_of_person(desk: Desk) -> list[str]:
    """What a person has said and this agent has not heard, a message each."""
    return [
        say("person_message", text=said.text, question=said.question)
        for said in desk.take_messages()
    ]


def news_of_others(desk: Desk) -> list[str]:
    """What other agents did that this one has not heard, a message for each kind."""
    news = desk.take_news()
    told = []
    if news.designs:
        notes = [
            {"id": one.id, "topic": one.topic, "decision": one.decision} for one in news.designs
        ]
        told.append(say("designs_noted", notes=notes))
    if news.tasks:
        told.append(say("workers_report", reports=[report(task) for task in news.tasks]))
    return told


def report(task: Task) -> Mapping[str, str | Sequence[str]]:
    """What a planner is told of how a task ended."""
    last = task.attempts[-1]
    handoff = last.handoff
    texts = {
        "summary": handoff.summary,
        "reason": last.reason,
        "concerns": handoff.concerns,
        "deviations": handoff.deviations,
    }
    findings = [start_that_fits(one, TEXT_CHARACTERS) for one in handoff.findings[:MOST_FINDINGS]]
    return {
        "task": task.id,
        "title": task.plan.title,
        "state": str(task.state),
        **{name: start_that_fits(text, TEXT_CHARACTERS) for name, text in texts.items() if text},
        **({"findings": findings} if findings else {}),
    }
