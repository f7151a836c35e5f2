"""Asking the person: `ask_person`, for planner and judge.

Never waits: the answer comes later, as a message of the person's.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Never, TypeAlias

from pydantic import Field

from longshift.crew.toolbox import Arguments, Result, Tool, bind

AskOnDesk: TypeAlias = Callable[[str, Sequence[str]], Awaitable[str]]


class AskPerson(Arguments):
    """Arguments of `ask_person`."""

    question: Annotated[str, Field(min_length=1)]
    options: tuple[str, ...] = ()


def asking_tool(ask_on_desk: AskOnDesk) -> Tool[Never]:
    """The tool that asks the person."""

    async def ask_person(given: AskPerson) -> Result:
        return {"question": await ask_on_desk(given.question, given.options)}

    return bind("ask_person", AskPerson, ask_person)
