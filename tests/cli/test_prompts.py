"""Prompts, listed and shown."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from longshift.cli.commands import prompts
from longshift.cli.commands.prompts import command
from longshift.crew.prompts import library
from longshift.errors import UsageError


def asked(*arguments: str) -> str:
    done = CliRunner().invoke(command, arguments, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_every_prompt_is_listed_with_its_version_and_what_it_trusts() -> None:
    lines = {line.split()[0]: line for line in asked().splitlines()}
    assert sorted(lines) == library().all_names()
    worker = library().prompt("worker")
    assert f"{worker.head.version}  effort medium, 900 to 1200 tokens; calls" in lines["worker"]
    assert "[path]" in lines["errors/no_such_file"]
    listed = json.loads(asked("--json"))["prompts"]
    assert [one["name"] for one in listed] == library().all_names()
    by_name = {one["name"]: one for one in listed}
    assert by_name["worker"]["digest"] == worker.digest
    assert by_name["errors/no_such_file"]["inputs"]["path"] == {"trusted": False}


def test_what_overrides_a_prompt_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prompts, "default_person_file", lambda: tmp_path / "longshift.toml")
    file = tmp_path / "prompts" / "worker.md"
    assert "overridden" not in asked("--repo", str(tmp_path))
    file.parent.mkdir()
    file.write_text("x", encoding="utf-8")
    lines = [" ".join(line.split()) for line in asked("--repo", str(tmp_path)).splitlines()]
    assert lines[-1] == f"overridden by {file}"
    listed = json.loads(asked("--json", "--repo", str(tmp_path)))["prompts"]
    assert [one["overriddenBy"] for one in listed if one["overriddenBy"]] == [[str(file)]]


def test_one_prompt_is_shown_as_it_stands() -> None:
    assert library().prompt("worker").body in asked("show", "worker")
    shown = json.loads(asked("show", "errors/no_such_file", "--json"))
    assert shown["body"] == library().prompt("errors/no_such_file").body


def test_a_name_that_is_no_prompt_is_refused() -> None:
    with pytest.raises(UsageError, match="no prompt nothing"):
        CliRunner().invoke(command, ["show", "nothing"], catch_exceptions=False)
