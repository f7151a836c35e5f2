"""`codeAction/resolve`: the edit of the action that the person picked, against the live buffer.

Never answers with an edit for another text: an action whose hunk is gone comes back without edit
and command, and the person is told what became of it.
"""

from collections.abc import Mapping

from lsprotocol import types

from longshift.errors import LongshiftError, UsageError
from longshift.lsp.host import Host


def register(host: Host) -> None:
    """Resolve the actions that accept a hunk; all others come back as they are."""

    @host.server.feature(types.CODE_ACTION_RESOLVE)
    async def resolve(action: types.CodeAction) -> types.CodeAction:
        if action.data is None or action.edit is not None:
            return action
        try:
            action.edit = await _edit(host, action)
        except LongshiftError as error:
            host.say(types.MessageType.Warning, str(error))
            action.command = None
            if host.client.takes_disabled:
                action.disabled = types.CodeActionDisabled(str(error))
        return action


async def _edit(host: Host, action: types.CodeAction) -> types.WorkspaceEdit | None:
    await host.sessions.loaded()
    from longshift.lsp.arguments import repository_path
    from longshift.lsp.resolving import edit_of, named_hunk

    uri, named = _named(action)
    repo = named.get("repo")
    session = await host.sessions.chosen(repo if isinstance(repo, str) else None, uri)
    review = await session.review(repository_path(session, uri))
    one = named_hunk(review, named)
    if one.hunk.state == "accepted":
        return None  # the buffer holds it already; the command records it
    return edit_of(host.client, session, review, one)


def _named(action: types.CodeAction) -> tuple[str, Mapping[str, object]]:
    """The document and the hunk that an action is about; the hunk is its command's argument."""
    data, command = action.data, action.command
    uri = data.get("uri") if isinstance(data, Mapping) else None
    arguments = command.arguments if command is not None else None
    if isinstance(uri, str) and arguments and isinstance(arguments[0], Mapping):
        return uri, arguments[0]
    raise UsageError("This action is none of Longshift's hunks. Nothing was changed.")
