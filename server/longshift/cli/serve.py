"""`longshift serve`: the language server.

Owns the options. The plain call never gets here: `main` starts the server without importing click.
"""

import click

from longshift.errors import UsageError


@click.command()
@click.option("--stdio", is_flag=True, help="Speak over standard input and output (the default).")
@click.option("--tcp", metavar="HOST:PORT", help="Listen at an address instead.")
def command(stdio: bool, tcp: str | None) -> int:
    """Serve one editor with the language server protocol."""
    if tcp is None:
        from longshift.lsp.server import serve_stdio

        return serve_stdio()
    if stdio:
        raise click.UsageError("--stdio and --tcp exclude each other")
    host, port = _address(tcp)
    from longshift.lsp.server import serve_tcp

    try:
        return serve_tcp(host, port)
    except (OSError, UnicodeError) as error:  # UnicodeError: no name of a machine is written so
        reason = (error.strerror if isinstance(error, OSError) else None) or error
        raise UsageError(
            f"Nothing can listen at {tcp}: {reason}. Choose another address."
        ) from error


def _address(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdecimal() or len(port) > 5 or int(port) > 65_535:
        raise click.UsageError(f"--tcp takes HOST:PORT, as in 127.0.0.1:4000, not {text!r}")
    return host.removeprefix("[").removesuffix("]") or "127.0.0.1", int(port)
