"""A server with nothing but pygls, for other servers to be measured against.

Run as `python -m benchmarks.bare_server [ACTIONS]`: it answers every `textDocument/codeAction`
with that many lazy actions, 0 by default. Imports nothing of Longshift.
"""

import logging
import sys

from lsprotocol import types
from pygls.lsp.server import LanguageServer


def make_bare_server(n_actions: int) -> LanguageServer:
    """Return a plain server that offers `n_actions` code actions, resolved lazily."""
    server = LanguageServer("bare", "1")

    @server.feature(
        types.TEXT_DOCUMENT_CODE_ACTION,
        types.CodeActionOptions([types.CodeActionKind.QuickFix], resolve_provider=True),
    )
    def code_action(params: types.CodeActionParams) -> list[types.CodeAction]:
        uri = params.text_document.uri
        return [
            types.CodeAction(
                f"Accept: change {number} (+1 \N{MINUS SIGN}1, hunk {number} of {n_actions})",
                kind=types.CodeActionKind.QuickFix,
                data={"uri": uri, "hunk": number},
            )
            for number in range(1, n_actions + 1)
        ]

    @server.feature(types.CODE_ACTION_RESOLVE)
    def resolve(action: types.CodeAction) -> types.CodeAction:
        return action

    return server


if __name__ == "__main__":
    logging.getLogger("pygls").setLevel(logging.WARNING)
    make_bare_server(int(sys.argv[1]) if len(sys.argv) > 1 else 0).start_io()
