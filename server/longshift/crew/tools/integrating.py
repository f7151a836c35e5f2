"""Sending a submission back: `send_back`, which only an integrator has."""

from typing import Annotated

from pydantic import Field

from longshift.crew.briefs import WorkSentBack
from longshift.crew.toolbox import Arguments, End, Tool, bind


class SendBack(Arguments):
    """Arguments of `send_back`."""

    reason: Annotated[str, Field(min_length=1)]


def sending_back_tool() -> Tool[WorkSentBack]:
    """The tool by which nothing lands."""

    async def send_back(given: SendBack) -> End[WorkSentBack]:
        return End(WorkSentBack(given.reason), {"status": "sent_back"})

    return bind("send_back", SendBack, send_back, ends=True)
