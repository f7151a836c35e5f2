"""The console script: from the words on the command line to an exit status.

Owns the exit statuses of CONTRACT section 3, and that no traceback reaches a screen. Imports next
to nothing, since an editor waits for `longshift serve`.
"""

import errno
import logging
import os
import signal
import sys
from typing import Final

from longshift.errors import LongshiftError, NeedsPerson, UsageError

DONE: Final = 0
NOT_MET: Final = 1
WRONG_USAGE: Final = 2
INTERRUPTED: Final = 130
ENDING_SIGNALS: Final = ("SIGTERM", "SIGHUP")
"""Of a closed terminal and an ordinary kill; not all of them are known everywhere."""

log = logging.getLogger(__name__)


def main() -> int:
    """Run the command that `sys.argv` names; returns the exit status."""
    arguments = sys.argv[1:]
    try:
        if arguments in (["serve"], ["serve", "--stdio"]):
            from longshift.lsp.server import serve_stdio

            return serve_stdio()
        if sorted(arguments) in (["--background", "serve"], ["--background", "--stdio", "serve"]):
            from longshift.lsp.server import serve_stdio

            return serve_stdio(background=True)
        return _run_command(arguments)
    except LongshiftError as error:
        _complain(str(error))
        return WRONG_USAGE if isinstance(error, UsageError) else NOT_MET
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        _forget_stdout()
        return NOT_MET
    except Exception:
        from longshift.cli.logs import log_file, log_to

        if log_file() is None:
            log_to(None)
        log.exception("a defect ended `longshift %s`", arguments[0] if arguments else "")
        _complain(
            "A defect of Longshift ended this command. What was journalled is kept: look with "
            f"`longshift status`. The log has the details, for a report: {log_file()}"
        )
        return NOT_MET


def _run_command(arguments: list[str]) -> int:
    from longshift.cli.app import dispatch
    from longshift.cli.logs import log_to

    if arguments[:1] != ["serve"]:  # the server has ways of its own to end and to log
        _end_like_ctrl_c()
        log_to(None)
    for stream in (sys.stdout, sys.stderr):
        # A terminal that can't show a character must not end the command.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    _refuse_vanished_folder()
    try:
        status = dispatch(arguments)
        sys.stdout.flush()
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise NeedsPerson(
            f"There is no room to write: {error}. What was journalled is kept: make room, then "
            "look with `longshift status`."
        ) from error
    return status


def _refuse_vanished_folder() -> None:
    try:
        os.getcwd()  # noqa: PTH109 - pathlib costs an import where an editor waits
    except FileNotFoundError as error:
        raise UsageError(
            "The folder that you are in is gone. Nothing was done. Change to one that is there."
        ) from error


def _end_like_ctrl_c() -> None:
    """Let a closed terminal and an ordinary kill pause a run as durably as Ctrl-C does.

    What a script starts with `&` ignores Ctrl-C, and with it whatever is raised in its place: there
    `session.run_async` hears of a kill.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        return
    for name in ENDING_SIGNALS:
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, lambda *_: signal.raise_signal(signal.SIGINT))


def _complain(message: str) -> None:
    from longshift.cli.terminal import complain

    complain(message)


def _forget_stdout() -> None:
    """Whoever read us has left: write nothing more, not even what Python flushes at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
