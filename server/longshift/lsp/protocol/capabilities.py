"""Say in `initialize` what this server can do.

Owns the corrections to the capabilities that pygls computes. Never advertises what no feature
was registered for.

pygls 2.1.1 leaves out `codeActionProvider.resolveProvider` and `workspace.textDocumentContent`
though their handlers are registered, and advertises pulled diagnostics to clients that can't pull
or can't be told to ask again, which would wait for them in vain (none of them reported upstream).
It does choose the position encoding rightly: the client's first among utf-8, utf-16 and utf-32,
utf-16 where it names none.
"""

from collections.abc import Mapping

from lsprotocol import types
from pygls.capabilities import get_capability


def complete_capabilities(
    server: types.ServerCapabilities,
    client: types.ClientCapabilities,
    features: Mapping[str, object],
    options: Mapping[str, object],
) -> None:
    """Add to `server` what pygls left out.

    Args:
        server: as pygls built it; changed in place.
        client: decides whether options may be sent at all.
        features: the registered handlers by method.
        options: the options given at their registration, by method.
    """
    if types.TEXT_DOCUMENT_CODE_ACTION in features:
        server.code_action_provider = _code_actions(
            client, options.get(types.TEXT_DOCUMENT_CODE_ACTION), features
        )
    # Registered for all, since the client is not known then.
    if get_capability(client, "text_document.diagnostic") is None or not get_capability(
        client, "workspace.diagnostics.refresh_support"
    ):
        server.diagnostic_provider = None
    content = options.get(types.WORKSPACE_TEXT_DOCUMENT_CONTENT)
    if (
        types.WORKSPACE_TEXT_DOCUMENT_CONTENT in features
        and isinstance(content, types.TextDocumentContentOptions)
        and get_capability(client, "workspace.text_document_content") is not None
        and server.workspace is not None
    ):
        server.workspace.text_document_content = content


def _code_actions(
    client: types.ClientCapabilities, options: object, features: Mapping[str, object]
) -> types.CodeActionOptions | bool:
    # The specification forbids options to clients that know commands only.
    if get_capability(client, "text_document.code_action.code_action_literal_support") is None:
        return True
    given = options if isinstance(options, types.CodeActionOptions) else types.CodeActionOptions()
    return types.CodeActionOptions(
        code_action_kinds=given.code_action_kinds,
        documentation=given.documentation,
        resolve_provider=types.CODE_ACTION_RESOLVE in features,
        work_done_progress=given.work_done_progress,
    )
