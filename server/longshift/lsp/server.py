"""`longshift serve`: the language server, from its first byte to its exit status.

Owns the putting together of protocol, host and features. Must import nothing but LSP at its top:
`initialize` is answered before the engine is loaded.
"""

import logging
import os
import sys
from collections.abc import Callable
from typing import Final

import longshift
from longshift.lsp.features import (
    code_action,
    code_lens,
    commands,
    diagnostics,
    documents,
    lifecycle,
    notices,
    progress,
    pulling,
    resolve,
    updates,
)
from longshift.lsp.host import Host
from longshift.lsp.protocol import LongshiftLanguageServer, make_server
from longshift.screening.known import KNOWN
from longshift.screening.logs import MaskingFormatter

LOG_PLACE: Final = "the server's standard error, which your editor keeps in its log"
FEATURES: Final = (
    lifecycle,
    documents,
    commands,
    code_action,
    resolve,
    code_lens,
    diagnostics,
    pulling,
    progress,
    notices,
    updates,
)


def serve_stdio(*, background: bool = False) -> int:
    """Serve one client on standard input and output until its session ends.

    Args:
        background: have the engine in a process of its own, which outlives this one.

    Returns:
        The exit status: 0 after `shutdown`, 1 without, 130 on an interrupt, 143 on SIGTERM.
    """
    return build(background=background).serve_stdio()


def serve_tcp(
    host: str,
    port: int,
    *,
    token: str,
    on_listening: Callable[[str, int], None] | None = None,
    background: bool = False,
) -> int:
    """Serve the first client that shows the token, and nobody else.

    Args:
        host: an address of this machine that no other one reaches.
        port: 0 takes a free one.
        token: what the client must send as `initializationOptions.token`.
        on_listening: called with address and port once a client can connect.
        background: as for `serve_stdio`.

    Returns:
        The exit status, as `serve_stdio`.

    Raises:
        OSError: the address can't be listened on.
    """
    server = build(background=background)
    return server.serve_tcp(host, port, token=token, on_listening=on_listening)


def build(*, background: bool = False) -> LongshiftLanguageServer:
    """A server with every feature, serving nobody yet; logs to standard error."""
    KNOWN.learn_environment(os.environ)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(MaskingFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    server = make_server("longshift", longshift.__version__, log_place=LOG_PLACE)
    host = Host(server, background=background)
    for feature in FEATURES:
        feature.register(host)
    return server
