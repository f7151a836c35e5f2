"""What a repository's own files say of its checks, read from a commit and never run.

Owns the reading: bounded, of plain files alone, and a file that is broken says nothing. Blocking.
"""

import configparser
import json
import tomllib
from collections.abc import Mapping, Sequence
from typing import Final

from longshift.repository.files import is_plain_file
from longshift.repository.store import ObjectStore

LARGEST_BYTES: Final = 256_000
"""A larger file of configuration is not read."""

Table = Mapping[str, object]


class Sources:
    """The files of one commit."""

    def __init__(self, store: ObjectStore, commit: str) -> None:
        """Look at a commit."""
        self._store = store
        self._commit = commit
        self.paths = store.list_files(commit)

    def has(self, *paths: str) -> bool:
        """Whether there is any of these files."""
        return any(path in self.paths for path in paths)

    def text(self, path: str) -> str:
        """A file's text; "" where there is none that is read."""
        version = self._store.read_file(self._commit, path) if path in self.paths else None
        if version is None or not is_plain_file(version.mode) or len(version.data) > LARGEST_BYTES:
            return ""
        return version.data.decode("utf-8-sig", "replace")

    def toml(self, path: str) -> Table:
        """A file of TOML; empty where it is broken."""
        try:
            return tomllib.loads(self.text(path))
        except (tomllib.TOMLDecodeError, RecursionError):
            return {}

    def json(self, path: str) -> Table:
        """A file of JSON; empty where it is broken, or no object."""
        try:
            return table(json.loads(self.text(path) or "{}"))
        except (ValueError, RecursionError):
            return {}

    def sections(self, path: str) -> Sequence[str]:
        """The sections of an INI file; none where it is broken."""
        parser = configparser.ConfigParser(strict=False, interpolation=None)
        try:
            parser.read_string(self.text(path))
        except configparser.Error:
            return ()  # not ours to mend, and no reason to stop
        return parser.sections()


def table(value: object, *keys: str) -> Table:
    """The table that stands below these keys; empty where there is none."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}
