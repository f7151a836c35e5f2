"""`longshift serve`: the language server.

Owns the options, and that TCP is for this machine and for whoever has the token. The plain call
never gets here: `main` starts the server without importing click.
"""

import ipaddress
import os
import secrets
import sys
from collections.abc import MutableMapping
from typing import Final

import click

from longshift.errors import UsageError

TOKEN_VARIABLE: Final = "LONGSHIFT_TOKEN"  # noqa: S105 -- the name of a variable
SHORTEST_TOKEN: Final = 16
"""Characters: fewer could be guessed."""


@click.command()
@click.option("--stdio", is_flag=True, help="Speak over standard input and output (the default).")
@click.option("--tcp", metavar="HOST:PORT", help="Listen at an address of this machine instead.")
@click.option("--background", is_flag=True, help="Let runs go on when the editor is closed.")
def command(stdio: bool, tcp: str | None, background: bool) -> int:
    """Serve one editor with the language server protocol.

    With --tcp, the client must send the token that is printed as initializationOptions.token.
    """
    if tcp is None:
        from longshift.lsp.server import serve_stdio

        return serve_stdio(background=background)
    if stdio:
        raise click.UsageError("--stdio and --tcp exclude each other")
    host, port = _address(tcp)
    token, is_own = take_token(os.environ)
    from longshift.lsp.server import serve_tcp

    def tell(host: str, port: int) -> None:
        shown = f"as in {TOKEN_VARIABLE}" if is_own else token
        place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        sys.stderr.write(f"longshift: listening at {place}; token: {shown}\n")
        sys.stderr.flush()

    try:
        return serve_tcp(host, port, token=token, on_listening=tell, background=background)
    except OSError as error:
        raise UsageError(
            f"Nothing can listen at {tcp}: {error.strerror or error}. Choose another address."
        ) from error


def take_token(environ: MutableMapping[str, str]) -> tuple[str, bool]:
    """The token that a client must show, and whether it is the person's own.

    The person's is taken out of the environment, so that no process that is started later has it.

    Raises:
        UsageError: the person's is too short.
    """
    own = environ.pop(TOKEN_VARIABLE, "")
    if not own:
        return secrets.token_urlsafe(32), False
    if len(own) < SHORTEST_TOKEN:
        raise UsageError(
            f"{TOKEN_VARIABLE} has fewer than {SHORTEST_TOKEN} characters, so that it could be "
            "guessed. Nothing was started. Set a longer one, or unset it to have one made."
        )
    return own, True


def _address(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdecimal() or len(port) > 5 or int(port) > 65_535:
        raise click.UsageError(f"--tcp takes HOST:PORT, as in 127.0.0.1:4000, not {text!r}")
    return _loopback(host.removeprefix("[").removesuffix("]")), int(port)


def _loopback(host: str) -> str:
    """An address that no other machine reaches; nobody is asked what a name stands for."""
    if host.lower() in ("", "localhost"):
        return "127.0.0.1"
    try:
        is_loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_loopback = False
    if not is_loopback:
        raise UsageError(
            f"{host!r} is no loopback address, so others could reach the server there. Nothing was "
            "started. Use 127.0.0.1, ::1 or localhost; from another machine, come through an ssh "
            "tunnel: `ssh -L PORT:127.0.0.1:PORT HOST`."
        )
    return host
