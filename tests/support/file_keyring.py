"""A keyring of the test's own: entries in a JSON file that a variable names."""

import json
import os
from pathlib import Path

from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked


class FileKeyring(KeyringBackend):
    """Reads `{"service": {"user": "secret"}}`; a file that is no JSON is a locked keyring."""

    priority = 1

    def get_password(self, service: str, username: str) -> str | None:
        try:
            entries = json.loads(Path(os.environ["TEST_KEYRING"]).read_text(encoding="utf-8"))
        except ValueError:
            raise KeyringLocked("locked") from None
        return entries.get(service, {}).get(username)

    def set_password(self, service: str, username: str, password: str) -> None:
        raise NotImplementedError

    def delete_password(self, service: str, username: str) -> None:
        raise NotImplementedError
