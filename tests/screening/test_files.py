"""Which files look like secrets."""

import pytest

from longshift.errors import UsageError
from longshift.screening import detector
from longshift.screening.files import SecretFiles
from tests.support import fake_keys

PRIVATE = fake_keys.private_key().encode()
CERTIFICATE = b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"

FILES = {
    ".env": (True, True),
    "web/.env.local": (True, True),
    ".env.example": (False, False),
    "id_rsa": (True, True),
    "deploy/id_ed25519.old": (True, True),
    "id_rsa.pub": (False, False),
    "config/credentials.yml": (True, True),
    "src/credentials.py": (False, False),
    "secrets.toml": (True, True),
    "src/secrets.rs": (False, False),
    ".aws/config": (True, True),
    "prod.tfvars": (True, True),
    "service-account-prod.json": (True, True),
    "README.md": (False, False),
    "monkey": (False, False),
}
"""By name alone: whether it stays out of a snapshot, and whether a tracked one is withheld."""


@pytest.mark.parametrize(("path", "left_out", "withheld"), [(p, *w) for p, w in FILES.items()])
def test_by_name(path: str, left_out: bool, withheld: bool) -> None:
    files = SecretFiles()
    assert bool(files.why_left_out(path, lambda: b"x = 1\n")) is left_out
    assert files.withholds(path, lambda: b"x = 1\n") is withheld
    allowed = SecretFiles([path])
    assert allowed.why_left_out(path, lambda: PRIVATE) is None
    assert not allowed.withholds(path, lambda: PRIVATE)


@pytest.mark.parametrize(
    ("path", "data", "left_out", "withheld"),
    [
        ("tests/server.pem", PRIVATE, True, True),
        ("tests/ca.pem", CERTIFICATE, True, False),
        (".npmrc", b"registry=https://npm.example.org\n", True, False),
        (".npmrc", b"//npm.example.org/:_authToken=x\n", True, True),
        ("po/de.key", b"greeting = hallo\n", True, False),
        ("notes.txt", PRIVATE, True, False),
        ("notes.txt", f"token: {fake_keys.github_token()}\n".encode(), True, False),
        ("notes.txt", b"\0" + PRIVATE, False, False),
        ("notes.txt", b"nothing to see\n", False, False),
    ],
)
def test_by_what_is_in_them(path: str, data: bytes, left_out: bool, withheld: bool) -> None:
    detector.load()
    files = SecretFiles()
    assert bool(files.why_left_out(path, lambda: data)) is left_out
    assert files.withholds(path, lambda: data) is withheld


def test_a_reason_never_holds_the_secret() -> None:
    token = fake_keys.github_token()
    why = SecretFiles().why_left_out("notes.txt", token.encode)
    assert why == "it is untracked and has what looks like a secret in it (key)"


def test_a_malformed_glob_is_told() -> None:
    with pytest.raises(UsageError, match=r"`allow_secret_files` is malformed.*Nothing was started"):
        SecretFiles(["!"])
