"""Files that look like secrets: by their names, and by what is in them.

Owns the list, and which files the person lets through. Knows paths and bytes, not trees: who holds
the files asks. What is untracked and looks like a secret never leaves the person's folder; what is
tracked stands in their history, and is withheld from agents alone.
"""

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Final

from pathspec import GitIgnoreSpec

from longshift.errors import UsageError
from longshift.screening.secrets import find_secrets

_DATA: Final = "conf cfg csv db enc env gpg ini json json5 plist properties toml txt xml yaml yml"

_GLOBS: Final = (
    ".env", ".env.*", "*.env", ".envrc", "!.env.example", "!.env.sample", "!.env.template",
    "!.env.dist", "!.env.defaults", "!example.env", "!sample.env",
    "*.pem", "*.key", "*.p12", "*.pfx", "*.jks", "*.keystore", "*.kdbx", "*.kdb", "*.ppk",
    "*.asc", "*.p8", "*.pkcs8", "*.pkcs12", "*.der", "*.agekey", "*.gpg", "*.ovpn", "*.tfvars",
    "id_rsa*", "id_dsa*", "id_ecdsa*", "id_ed25519*", "!id_*.pub",
    ".netrc", "_netrc", ".pgpass", ".my.cnf", ".mylogin.cnf", ".htpasswd", ".npmrc", ".pypirc",
    ".yarnrc.yml", ".git-credentials", ".dockercfg", ".boto", ".s3cfg", ".vault-token",
    ".terraformrc", "terraform.rc", "auth.json", "kubeconfig", "*.kubeconfig",
    "credentials", "*credentials*.json", "client_secret*.json", "service-account*.json",
    "service_account*.json", "*.secret", "*.secrets", "*.tfstate", "*.tfstate.*",
    *(f"{name}.{ending}" for name in ("secret", "secrets", "credentials")
      for ending in _DATA.split()),
    ".aws/", ".azure/", ".ssh/", ".gnupg/", ".kube/", ".docker/config.json",
    ".config/gcloud/", ".password-store/",
)  # fmt: skip
_BY_NAME: Final = GitIgnoreSpec.from_lines(_GLOBS)
_LITERALS: Final = re.compile(
    "|".join(
        re.escape(max(glob.strip("/").split("*"), key=len))
        for glob in _GLOBS
        if not glob.startswith("!")
    )
)
"""Of each glob what every match of it has in it: one search spares most paths the hundred globs."""

_ARMOURED: Final = GitIgnoreSpec.from_lines(["*.pem", "*.key", "*.asc", "*.p8", "*.pkcs8"])
"""Endings of certificates, signatures and locales as well as of keys: what is in them tells."""
_CONFIGURING: Final = GitIgnoreSpec.from_lines([".npmrc", ".yarnrc.yml", ".envrc"])
"""Files that many commands need, and that only sometimes hold a secret."""
_CREDENTIAL: Final = re.compile(rb"auth|token|passw|secret|_key|apikey", re.IGNORECASE)
_BINARY_KEYS: Final = GitIgnoreSpec.from_lines(["*.der"])

LARGEST_BYTES: Final = 5_000_000
"""A larger file is not looked into."""


class SecretFiles:
    """Which files look like secrets, but for those that the person lets through."""

    def __init__(self, allowed: Sequence[str] = ()) -> None:
        """Let these globs through, written as in a .gitignore.

        Raises:
            UsageError: one is malformed.
        """
        try:
            self._allowed = GitIgnoreSpec.from_lines(allowed)
        except ValueError as error:
            raise UsageError(
                f"A glob in `allow_secret_files` is malformed: {error}. Nothing was started. "
                "Write it as in a .gitignore file."
            ) from error

    def why_left_out(self, path: str, read: Callable[[], bytes | None]) -> str | None:
        """Why an untracked file stays out of a snapshot; None: it does not.

        Args:
            path: from the repository's root.
            read: gives its bytes; None where they are not to be looked at.
        """
        if self._allowed.match_file(path):
            return None
        if _is_called_so(path):
            return "it is untracked and looks like a secret"
        kind = _kind_inside(read())
        return f"it is untracked and has what looks like a secret in it ({kind})" if kind else None

    def withholds(self, path: str, read: Callable[[], bytes]) -> bool:
        """Whether a tracked file is kept from models and their commands."""
        if not _is_called_so(path) or self._allowed.match_file(path):
            return False
        if _ARMOURED.match_file(path):
            return b"PRIVATE KEY" in read()
        if _CONFIGURING.match_file(path):
            return _CREDENTIAL.search(read()) is not None
        return not _BINARY_KEYS.match_file(path)


@lru_cache(maxsize=100_000)
def _is_called_so(path: str) -> bool:
    """Whether a file is called like a secret; asked of every file of a tree, again and again."""
    return _LITERALS.search(path) is not None and bool(_BY_NAME.match_file(path))


def _kind_inside(data: bytes | None) -> str | None:
    if not data or len(data) > LARGEST_BYTES or b"\0" in data[:8000]:
        return None
    found = find_secrets(data.decode("utf-8", "replace"))
    return found[0].kind if found else None
