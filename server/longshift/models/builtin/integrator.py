"""The built-in integrator: what fits lands; what clashes goes back to whom rules can help.

Owns nothing but that choice. Must never join two texts: no rule knows what either side meant, and
the worker computes its fixes anew on the present head.
"""

from longshift.models.builtin.conversation import Ask, Conversation, Step


def next_step(conversation: Conversation) -> Step:
    """The integrator's next answer."""
    refused = next((done.error for done in reversed(conversation.named("submit"))), None)
    if refused:
        return _send_back(f"It could not be landed: {refused}")
    clashes = conversation.brief.clashes
    if clashes:
        return _send_back(f"It clashes with what landed meanwhile: {', '.join(clashes)}.")
    said = "It fits the head."
    return Step(said, (Ask("submit", {"summary": said}),))


def _send_back(reason: str) -> Step:
    return Step(reason, (Ask("send_back", {"reason": reason}),))
