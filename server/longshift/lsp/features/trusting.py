"""The question whether models may run commands in a workspace, put to the person in their editor.

Owns its words, and that it comes once for each state of a repository's configuration. Must never
record a trust that the person did not give by hand: a client that can't ask, or is not answered,
gives none.
"""

import logging
from typing import TYPE_CHECKING, Final

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from longshift.lsp.host import Host

if TYPE_CHECKING:
    from longshift.lsp.session import Session

logger = logging.getLogger(__name__)

TRUST: Final = "Trust"
NOT_NOW: Final = "Not now"


async def offer_trust(host: Host, session: "Session") -> None:
    """Ask, where a run goes on in which models may run no commands for want of trust."""
    shown = await session.question_of_trust()
    if shown is None or not host.is_first(session, shown.fingerprint):
        return
    sentence = (
        f"Do you trust {session.root}? Then models may run commands there, in the sandbox, and its "
        f"own configuration counts in full. {shown.words}"
    )
    options = [types.MessageActionItem(TRUST), types.MessageActionItem(NOT_NOW)]
    try:
        chosen = await host.server.window_show_message_request_async(
            types.ShowMessageRequestParams(types.MessageType.Warning, sentence, options)
        )
    except JsonRpcException as error:
        logger.warning("The client can't ask whether the person trusts a workspace: %s", error)
        return
    if chosen is None or chosen.title != TRUST:
        return
    await session.trust(shown)
    host.say(
        types.MessageType.Info,
        f"{session.root} is trusted as its configuration is now, until that changes. It holds for "
        "runs that start or resume from now on.",
    )
