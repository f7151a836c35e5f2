"""Log lines without secrets. Owns the formatter that every handler of ours has."""

import logging

from longshift.screening.secrets import mask


class MaskingFormatter(logging.Formatter):
    """Formats a record, its traceback included, and masks what looks like a secret in it."""

    def format(self, record: logging.LogRecord) -> str:
        """The line as it is written."""
        return mask(super().format(record))
