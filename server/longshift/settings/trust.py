"""Whether the person trusts a workspace: its own configuration, and commands of models in it.

Owns the records of trust: one small file for each trusted folder, among the person's data and
outside every repository, so that nothing a repository holds can vouch for itself. Must never
trust by default: a record that is missing, unreadable or for another content is no trust.
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import platformdirs
from pydantic import BaseModel, ConfigDict, ValidationError

from longshift.errors import NeedsPerson
from longshift.settings.rules import voice
from longshift.settings.sources import ProjectFile, from_file, project_prompts, read_project

Standing = Literal["trusted", "changed", "untrusted"]

_LARGEST_RECORD_BYTES: Final = 64 * 1024


class _Record(BaseModel):
    """One folder's trust. A new shape gets a new version; an unknown one is no trust."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    version: Literal[1] = 1
    root: str
    fingerprint: str


def default_trust_folder() -> Path:
    """The place that the platform has for a person's data."""
    return platformdirs.user_data_path("longshift", appauthor=False) / "trust"


@dataclass(frozen=True, slots=True)
class Trust:
    """The person's trust in the configuration of projects, as recorded in a folder of theirs."""

    folder: Path

    def standing(self, root: Path) -> Standing:
        """How a project stands now: `changed` if its configuration is not what was trusted.

        Raises:
            UsageError: the project's configuration can't be read.
        """
        record = self._record(root)
        if record is None:
            return "untrusted"
        return "trusted" if record.fingerprint == fingerprint(root) else "changed"

    def for_file(self, root: Path) -> Callable[[ProjectFile | None], bool]:
        """Whether the person trusts a project with this very file, as it was read."""
        record = self._record(root)
        return lambda file: (
            record is not None and record.fingerprint == _digest(file, project_prompts(root))
        )

    def covers_prompts(self, root: Path, prompts: Mapping[str, str]) -> bool:
        """Whether the person trusts a project with these very overrides of prompts, by name."""
        record = self._record(root)
        file = read_project(root).file
        return record is not None and record.fingerprint == _digest(file, prompts)

    def is_trusted(self, root: Path) -> bool:
        """Whether the configuration counts in full, exactly as it is now."""
        return self.standing(root) == "trusted"

    def trust(self, root: Path, as_seen: str | None = None) -> None:
        """Trust a project's configuration as it is now, until it changes.

        Args:
            root: the project's folder.
            as_seen: the `fingerprint` of what the person was shown; None: of what is there now.
                If it has changed meanwhile, the project counts as changed, not as trusted.

        Raises:
            UsageError: the configuration can't be read.
            NeedsPerson: the record can't be kept, or not outside of the project.
        """
        if self._lies_in(root):
            raise NeedsPerson(
                f"What you said of trust was not kept: {self.folder} lies in {root} itself, so the "
                "project could write its own trust. Nothing changed. Set XDG_DATA_HOME to a "
                "folder outside of it and try again."
            )
        record = _Record(root=_identity(root), fingerprint=as_seen or fingerprint(root))
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _write_whole(self._path(root), record.model_dump_json().encode())
        except OSError as error:
            raise _not_kept(self.folder, error) from error

    def revoke(self, root: Path) -> bool:
        """Take trust back.

        Returns:
            whether there was any.

        Raises:
            NeedsPerson: the record can't be removed; the project is still trusted.
        """
        try:
            self._path(root).unlink()
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError as error:
            raise _not_kept(self.folder, error) from error
        return True

    def _path(self, root: Path) -> Path:
        return self.folder / f"{hashlib.sha256(_identity(root).encode()).hexdigest()}.json"

    def _lies_in(self, root: Path) -> bool:
        return self.folder.resolve().is_relative_to(root.resolve())

    def _record(self, root: Path) -> _Record | None:
        if self._lies_in(root):
            return None
        try:
            with self._path(root).open("rb") as file:
                record = _Record.model_validate_json(file.read(_LARGEST_RECORD_BYTES))
        except (OSError, ValidationError):
            return None
        return record if record.root == _identity(root) else None


@dataclass(frozen=True, slots=True)
class LetIn:
    """What a person is told before they trust a project, or as they do."""

    words: str
    fingerprint: str
    """Of the configuration that the words speak of."""


def what_trust_lets_in(root: Path) -> LetIn:
    """What a project's configuration asks for that only trust gives it.

    Raises:
        UsageError: the configuration can't be read, or a key or value in it is wrong.
    """
    file, prompts = read_project(root).file, project_prompts(root)
    told = f" Its words for {', '.join(sorted(prompts))} count." if prompts else ""
    if file is None:
        return LetIn(f"It has no configuration of its own.{told}", _digest(None, prompts))
    said = from_file(file.path, file.tables).values
    keys = [f"`{key}`" for key in said if voice(key) != "anyone"]
    words = (
        f"{file.path.name} sets {', '.join(keys)}."
        if keys
        else f"{file.path.name} asks for nothing more."
    )
    return LetIn(f"{words}{told}", _digest(file, prompts))


def fingerprint(root: Path) -> str:
    """A digest of the configuration that counts in a project; of its absence, too.

    Of a `pyproject.toml` only our own table is taken, so that a new dependency ends no trust.

    Raises:
        UsageError: the configuration can't be read.
    """
    return _digest(read_project(root).file, project_prompts(root))


def _digest(file: ProjectFile | None, prompts: Mapping[str, str]) -> str:
    content: list[object] = [file.path.name, file.tables] if file else []
    if prompts:
        content.append({"prompts": dict(prompts)})
    text = json.dumps(content, sort_keys=True, default=repr)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _identity(root: Path) -> str:
    """A folder's one name, whichever way it was come by."""
    return os.path.normcase(root.resolve())


def _write_whole(path: Path, data: bytes) -> None:
    """All of it or nothing, readable by nobody else (mkstemp makes it 0600)."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    try:
        with open(descriptor, "wb") as file:  # noqa: PTH123  from a descriptor, not a path
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _not_kept(folder: Path, error: OSError) -> NeedsPerson:
    why = error.strerror or "it can't be written"
    return NeedsPerson(
        f"What you said of trust was not kept: {folder}: {why}. Nothing changed. "
        "Make that folder writable for you and try again."
    )
