"""A project's folder and a person's file of a test's own, and the settings loaded from them."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from longshift.settings import Loaded, load_settings


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


@pytest.fixture
def person_file(tmp_path: Path) -> Path:
    folder = tmp_path / "person"
    folder.mkdir()
    return folder / "longshift.toml"


@pytest.fixture
def load(root: Path, person_file: Path) -> Callable[..., Loaded]:
    def load_from(
        *,
        files: Mapping[str, str] | None = None,
        person: str | None = None,
        environ: Mapping[str, str] | None = None,
        overrides: Mapping[str, Any] | None = None,
        editor: Mapping[str, Any] | None = None,
        trusted: bool = False,
    ) -> Loaded:
        for name, text in (files or {}).items():
            (root / name).write_bytes(text.encode())
        if person is not None:
            person_file.write_text(person, encoding="utf-8")
        return load_settings(
            overrides=overrides or {},
            environ=environ or {},
            editor=editor,
            project_root=root,
            person_file=person_file,
            trusts=lambda _: trusted,
        )

    return load_from
