"""Two models as one: the second answers while the first one's endpoint is out of order.

Owns the choice between them, call by call. Must never wait for the first while the second can be
asked, and never leave the first for good: as soon as its endpoint may be tried again, it is.
"""

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

OUT_OF_ORDER = (EndpointFailed, EndpointUnreachable, KeyRefused, ModelUnknown, RateLimited)
"""What another endpoint may do better; what it would refuse alike is not among it."""
REFUSED_REST = 20
"""Calls that go to the second at once after the first refused key, model or credit."""


class FallbackModel:
    """A role's model, and another for when it is out of order."""

    def __init__(self, first: EndpointModel, second: Model) -> None:
        """Ask `first` wherever it can be asked, and else `second`."""
        self._first = first
        self._second = second
        self._rest = 0

    @property
    def name(self) -> str:
        """The first one's name: the one that the person chose."""
        return self._first.name

    async def complete(self, request: ModelRequest) -> ModelReply:
        """Answer a conversation; see `port.Model.complete`."""
        if self._rest:
            self._rest -= 1
        elif self._first.may_be_asked:
            try:
                return await self._first.ask(request, holds=False)
            except OUT_OF_ORDER as error:
                if isinstance(error, KeyRefused | ModelUnknown):
                    self._rest = REFUSED_REST
        return await self._second.complete(request)
