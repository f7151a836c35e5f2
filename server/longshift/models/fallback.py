"""Two models as one: the second answers while the first one's endpoint is out of order.

Owns the choice between them, call by call. Must never wait for one while the other can be asked,
and never leave the first for good: as soon as its endpoint may be tried again, it is.
"""

import asyncio
from typing import Final

from longshift.models.endpoint import EndpointModel
from longshift.models.port import (
    EndpointFailed,
    EndpointUnreachable,
    KeyRefused,
    Model,
    ModelReply,
    ModelRequest,
    ModelUnknown,
    RateLimited,
)

OUT_OF_ORDER: Final = (
    EndpointFailed, EndpointUnreachable, KeyRefused, ModelUnknown, RateLimited,
)  # fmt: skip
"""What another endpoint may do better; what it would refuse alike is not among it."""
MENDED_BY_A_PERSON: Final = (KeyRefused, ModelUnknown, RateLimited)
"""Refused key, model or credit: asking again soon would change nothing."""
REFUSED_REST: Final = 20
"""Calls that go to the second at once after the first one's endpoint refused in such a way."""


class FallbackModel:
    """A role's model, and another for when it is out of order."""

    def __init__(self, first: EndpointModel, second: Model, *, holds: bool) -> None:
        """Ask `first` wherever it can be asked, and else `second`.

        Args:
            first: the one that the person chose.
            second: an endpoint's too, or the built-in one.
            holds: whether to wait, as long as it takes, while neither can be asked.
        """
        self._first = first
        self._second = second
        self._holds = holds
        self._rest = 0

    @property
    def name(self) -> str:
        """The first one's name: the one that the person chose."""
        return self._first.name

    async def complete(self, request: ModelRequest) -> ModelReply:
        """Answer a conversation; see `port.Model.complete`."""
        while True:
            reply = await self._ask_first(request)
            if reply is not None:
                return reply
            second = self._second
            if not isinstance(second, EndpointModel) or not self._holds:
                return await second.complete(request)
            if second.may_be_asked:
                try:
                    return await second.ask(request, holds=False)
                except (EndpointFailed, EndpointUnreachable, RateLimited):
                    if second.may_be_asked:
                        raise  # its endpoint is well: it is this call that can't be answered
            await self._wait_for_either(second)

    async def _ask_first(self, request: ModelRequest) -> ModelReply | None:
        """What the first one answers; None: it can't, or is not to be asked now."""
        if self._rest:
            self._rest -= 1
            return None
        if not self._first.may_be_asked:
            return None
        try:
            return await self._first.ask(request, holds=False)
        except OUT_OF_ORDER as error:
            if isinstance(error, MENDED_BY_A_PERSON) and self._first.may_be_asked:
                self._rest = REFUSED_REST
            return None

    async def _wait_for_either(self, second: EndpointModel) -> None:
        # One that could be asked, and was in vain, is nothing to wait for.
        models = [second] if self._first.may_be_asked else [second, self._first]
        waits = [asyncio.ensure_future(model.until_askable()) for model in models]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
