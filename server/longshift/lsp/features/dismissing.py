"""`window/showMessageRequest`: why a finding was dismissed, once it is.

Owns the question and its options. A person who does not answer has dismissed the finding all the
same: the reason is worth knowing, and never in the way.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from lsprotocol import types

from longshift.lsp.host import Host

if TYPE_CHECKING:
    from longshift.lsp.session import Session

REASONS: Final = ("Not a defect", "Intended", "Not now")


async def ask_why(host: Host, session: "Session", given: Mapping[str, object]) -> None:
    """Ask, and put the answer on record."""
    finding = str(given.get("findingId"))
    chosen = await host.server.window_show_message_request_async(
        types.ShowMessageRequestParams(
            types.MessageType.Info,
            f"{finding} is dismissed, and will not be reported again. Why?",
            [types.MessageActionItem(reason) for reason in REASONS],
        )
    )
    if chosen is not None:
        await session.call("dismissFinding", {**given, "reason": chosen.title})
