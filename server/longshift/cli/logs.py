"""Where this process writes its log.

Owns the log's file: in the repository's state folder once that is known, else among the person's
own logs. Nothing is logged to the screen, and no secret is.
"""

import logging
import logging.handlers
import os
from pathlib import Path
from typing import Final

from longshift.screening.known import KNOWN
from longshift.screening.logs import MaskingFormatter

MOST_BYTES: Final = 2 * 1024 * 1024
KEPT: Final = 2


def log_to(state_dir: Path | None) -> None:
    """Write the log into a repository's state folder; None: no repository is known yet.

    The file appears with its first line, so that looking at a repository writes nothing into it.
    """
    KNOWN.learn_environment(os.environ)
    root = logging.getLogger()
    for handler in _ours(root):
        root.removeHandler(handler)
        handler.close()
    handler = _Log(_file(state_dir))
    handler.setFormatter(
        MaskingFormatter("%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s")
    )
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    logging.getLogger("longshift").setLevel(logging.INFO)


def log_file() -> Path | None:
    """The file that is written to; None before `log_to`."""
    handlers = _ours(logging.getLogger())
    return Path(handlers[0].baseFilename) if handlers else None


class _Log(logging.handlers.RotatingFileHandler):
    """A file of bounded size; a log that can't be written stops nothing and says nothing."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, maxBytes=MOST_BYTES, backupCount=KEPT, delay=True, encoding="utf-8")

    def emit(self, record: logging.LogRecord) -> None:
        Path(self.baseFilename).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        super().emit(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        del record


def _ours(root: logging.Logger) -> list[_Log]:
    return [handler for handler in root.handlers if isinstance(handler, _Log)]


def _file(state_dir: Path | None) -> Path:
    if state_dir is not None:
        return state_dir / "logs" / "longshift.log"
    import platformdirs

    return platformdirs.user_log_path("longshift", appauthor=False) / "longshift.log"
