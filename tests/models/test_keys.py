"""Where a key comes from, and what is said where it can't."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import keyring.core
import pytest
from keyring.backends import fail

from longshift.errors import LongshiftError, UsageError
from longshift.models.clients import find_credentials
from longshift.models.config import ModelConfig
from longshift.models.keys import read_key
from longshift.models.port import KeyMissing
from longshift.screening.secrets import mask
from tests.support import fake_keys

KEY = fake_keys.provider_key("of the file")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "home"
    (home / "keys").mkdir(parents=True)
    return home


@pytest.fixture
def entries(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """The test's own keyring, chosen through keyring's own configuration."""
    file = tmp_path / "keyring.json"
    file.write_text(json.dumps({"longshift": {"me": f"{KEY}\n"}, "a/b": {"me": KEY}}))
    monkeypatch.setenv("TEST_KEYRING", str(file))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "tests.support.file_keyring.FileKeyring")
    backend = keyring.core.load_env()
    assert backend is not None
    keyring.set_keyring(backend)
    yield file
    keyring.set_keyring(fail.Keyring())


def put(place: Path, data: bytes = f"{KEY}\n".encode(), mode: int = 0o600) -> Path:
    place.write_bytes(data)
    place.chmod(mode)
    return place


@pytest.mark.parametrize("named", ["keys/k", "~/keys/k", "{home}/keys/k", "link"])
def test_a_key_from_a_file(home: Path, named: str) -> None:
    put(home / "keys" / "k")
    (home / "link").symlink_to(home / "keys" / "k")
    config = ModelConfig("m", api_key_file=named.format(home=home))
    assert read_key(config, {"HOME": str(home), "OPENAI_API_KEY": "other"}) == KEY
    assert mask(f"<{KEY}>") == "<[secret: key in use]>"


def open_to(mode: int) -> Callable[[Path], object]:
    return lambda home: put(home / "k", mode=mode)


def linked_into_repository(home: Path) -> None:
    put(home / "repo" / "k")
    (home / "k").symlink_to(home / "repo" / "k")


BAD_FILES: dict[str, tuple[Callable[[Path], object], type[LongshiftError], str]] = {
    "not there": (
        lambda _: None,
        KeyMissing,
        "by `api_key_file`, can't be read: No such",
    ),
    "for the group": (open_to(0o640), KeyMissing, r"read by others \(640\).*`chmod 600 .*/k`"),
    "for all": (open_to(0o604), KeyMissing, r"read by others \(604\)"),
    "empty": (lambda h: put(h / "k", b" \n"), KeyMissing, "is empty"),
    "a folder": (lambda h: (h / "k").mkdir(), KeyMissing, "can't be read: Is a dir"),
    "a pipe": (lambda h: os.mkfifo(h / "k", 0o600), KeyMissing, "is no file"),
    "two lines": (lambda h: put(h / "k", b"a-key-1\nb"), KeyMissing, "holds no usable key"),
    "in a circle": (lambda h: (h / "k").symlink_to(h / "k"), KeyMissing, "can't be read"),
    "reached into the repository": (linked_into_repository, UsageError, "inside the repository"),
}


@pytest.mark.parametrize(("make", "kind", "said"), BAD_FILES.values(), ids=BAD_FILES)
def test_a_file_that_can_give_no_key(
    home: Path, make: Callable[[Path], object], kind: type[LongshiftError], said: str
) -> None:
    (home / "repo").mkdir()
    make(home)
    with pytest.raises(kind, match=said) as refused:
        read_key(ModelConfig("m", api_key_file="k"), {"HOME": str(home)}, [home / "repo"])
    assert "othing was started" in str(refused.value)
    assert KEY not in str(refused.value)


@pytest.mark.parametrize("inside", ["repo/k", "repo/.git/k", "git folder/k"])
def test_a_file_in_the_repository_or_its_git_folder_is_refused(home: Path, inside: str) -> None:
    (home / inside).parent.mkdir(parents=True)
    put(home / inside)
    kept_out = [home / "repo", home / "git folder"]
    with pytest.raises(UsageError, match="Move it out"):
        read_key(ModelConfig("m", api_key_file=inside), {"HOME": str(home)}, kept_out)


@pytest.mark.parametrize("entry", ["longshift/me", "a/b/me"])
def test_a_key_from_the_keyring(entries: Path, entry: str) -> None:
    credentials = find_credentials(ModelConfig("m", api_key_keyring=entry), {})
    assert credentials.key == KEY
    assert KEY not in repr(credentials)


def test_a_keyring_without_the_entry_says_how_to_put_it_there(entries: Path) -> None:
    with pytest.raises(KeyMissing, match=r"no entry longshift/you.*`keyring set longshift you`"):
        read_key(ModelConfig("m", api_key_keyring="longshift/you"), {})


def test_a_locked_keyring_says_so(entries: Path) -> None:
    entries.write_text(KEY)
    with pytest.raises(KeyMissing, match=r"longshift/me \(KeyringLocked\).*Unlock") as refused:
        read_key(ModelConfig("m", api_key_keyring="longshift/me"), {})
    assert KEY not in str(refused.value)


def test_a_machine_without_a_keyring_says_so() -> None:
    keyring.set_keyring(fail.Keyring())
    with pytest.raises(KeyMissing, match=r"no keyring on this machine.*`api_key_env`"):
        read_key(ModelConfig("m", api_key_keyring="longshift/me"), {})


def test_no_model_is_asked_for_a_key_that_it_does_not_need(home: Path) -> None:
    config = ModelConfig("m", base_url="http://127.0.0.1:9/v1")
    assert find_credentials(config, {"HOME": str(home)}).key == "no-key"
