"""A model's key, from where the person's settings say that it is.

Owns the three sources: a variable, a file of the person's own, an entry of the system's keyring.
Must never let a key into a message; whoever is given one tells `screening` of it, so that nobody
else does either. Reading may wait for a disk or for a keyring to be unlocked: off the loop.
"""

import os
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from longshift.errors import UsageError
from longshift.models.config import ModelConfig
from longshift.models.port import KeyMissing
from longshift.screening.known import KNOWN

MOST_BYTES: Final = 65_536
_NOTHING: Final = "so nothing was started"


def read_key(config: ModelConfig, environ: Mapping[str, str], kept_out: Sequence[Path] = ()) -> str:
    """The key of a model; empty where its variable is.

    Args:
        config: says where the key is.
        environ: the environment.
        kept_out: folders in which no file may hold a key: the repository and its git folder.

    Raises:
        KeyMissing: the file or the entry has none, or it can't be read, or it can't be a key.
        UsageError: the file lies where others get it with the code.
    """
    if config.api_key_file is not None:
        key = _from_file(config.api_key_file, environ, kept_out)
    elif config.api_key_keyring is not None:
        key = _from_keyring(config.api_key_keyring)
    else:
        key = environ.get(config.api_key_env, "").strip()
    if not key.isascii() or not key.isprintable() or " " in key:
        raise KeyMissing(
            f"{_capital(config.key_source)} holds no usable key: it has blanks or characters in "
            f"it that no key has, {_NOTHING}. Put the key alone there."
        )
    KNOWN.learn(key, _kind(config))
    return key


def _kind(config: ModelConfig) -> str:
    """What stands in the key's place where it is masked: the name of a variable tells nothing."""
    in_variable = config.api_key_file is None and config.api_key_keyring is None
    return config.api_key_env if in_variable else "key in use"


def _from_file(named: str, environ: Mapping[str, str], kept_out: Sequence[Path]) -> str:
    place = _place(named, environ)
    where = f"The file {place}, named by `api_key_file`,"
    try:
        real = place.resolve(strict=True)
        if any(real.is_relative_to(folder.resolve()) for folder in kept_out):
            raise UsageError(
                f"{where} lies inside the repository, where it gets around with the code. "
                "Nothing was started. Move it out, for instance beside your own settings, and name "
                "it there."
            )
        with os.fdopen(os.open(real, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)), "rb") as file:
            _refuse_open_to_others(where, place, os.fstat(file.fileno()))
            text = file.read(MOST_BYTES).decode("utf-8", "replace").strip()
    except (OSError, RuntimeError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else None
        raise KeyMissing(
            f"{where} can't be read: {(reason or str(error)).rstrip('.')}, {_NOTHING}. Put the key "
            "there, and nothing else, or name another source of it under `[models]`."
        ) from error
    if not text:
        raise KeyMissing(f"{where} is empty, {_NOTHING}. Put the key there, and nothing else.")
    return text


def _place(named: str, environ: Mapping[str, str]) -> Path:
    """The path that a setting names; a relative one starts at the person's home, as `~` does."""
    home = Path(environ.get("HOME") or Path.home())
    if named == "~" or named.startswith(("~/", "~\\")):
        return home / named[2:]
    return home / named


def _refuse_open_to_others(where: str, place: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise KeyMissing(f"{where} is no file, {_NOTHING}. Put the key into a file of its own.")
    if os.name != "posix":
        return  # permissions there are lists that the mode does not show
    if status.st_mode & 0o077:
        raise KeyMissing(
            f"{where} can be read by others ({stat.S_IMODE(status.st_mode):03o}), {_NOTHING}. "
            f"Run `chmod 600 {place}`; if others may have read it, replace the key."
        )
    if status.st_uid not in (os.geteuid(), 0):
        raise KeyMissing(
            f"{where} belongs to another user, who can change it, {_NOTHING}. Copy it to a file "
            "of your own and name that."
        )


def _from_keyring(entry: str) -> str:
    service, _, user = entry.rpartition("/")
    import keyring
    import keyring.errors

    try:
        key = keyring.get_password(service, user)
    except keyring.errors.NoKeyringError as error:
        raise KeyMissing(
            f"There is no keyring on this machine to take the entry {entry} from, {_NOTHING}. "
            "Install or start one (Secret Service on Linux), or use `api_key_env` or "
            "`api_key_file` under `[models]`."
        ) from error
    except Exception as error:  # noqa: BLE001 - backends are plugins and raise what they like
        raise KeyMissing(
            f"The system's keyring did not give the entry {entry} ({type(error).__name__}), "
            f"{_NOTHING}. Unlock the keyring and allow the access, then try again."
        ) from None  # its words may hold what it read
    if not (key or "").strip():
        raise KeyMissing(
            f"The system's keyring has no entry {entry}, {_NOTHING}. Put the key there with "
            f"`keyring set {service} {user}`, or correct `api_key_keyring` under `[models]`."
        )
    return str(key).strip()


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]
