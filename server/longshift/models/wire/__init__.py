"""What goes over the wire to an endpoint, in each of the two dialects that OpenAI speaks.

Owns the choice of the dialect. Conversations are kept in one form, the messages of chat
completions; the other dialect is made of them as they are sent.
"""

from longshift.models.wire import chat, responses
from longshift.models.wire.parts import Asked, Habits, MalformedAnswer, Wire

__all__ = ["Asked", "Habits", "MalformedAnswer", "Wire", "wire_for"]


def wire_for(api: str) -> Wire:
    """The dialect of a name that the settings allow."""
    return responses.RESPONSES if api == "responses" else chat.CHAT
