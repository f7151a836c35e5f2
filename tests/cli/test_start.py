"""What a call costs before it does anything, and what `doctor` finds."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.cli_shell import Shell, write_files
from tests.support.warm import COLD

HEAVY = ("openai", "pygls", "pygit2", "apsw", "jinja2", "pydantic", "longshift.engine")
NOT_FOR_SERVE = ("click", "rich", "openai", "longshift.cli.app")
STARTS = [
    (["--help"], 0, HEAVY),
    (["--version"], 0, HEAVY),
    (["nonsense"], 2, HEAVY),
    (["serve"], None, NOT_FOR_SERVE),
]


@pytest.mark.parametrize(("arguments", "status", "unwanted"), STARTS, ids=lambda v: str(v)[:20])
def test_a_start_imports_no_more_than_it_needs(shell: Shell, arguments, status, unwanted) -> None:
    python, *rest = COLD
    done = subprocess.run(
        [python, "-X", "importtime", *rest, *arguments],
        cwd=shell.root,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    timed = [line.split("|")[2].strip() for line in done.stderr.splitlines() if "|" in line]
    assert "longshift.cli.main" in timed
    assert not set(unwanted) & set(timed)
    if status is not None:
        assert done.returncode == status


def test_a_reader_that_leaves_is_no_error(shell: Shell) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [*COLD, "--help"], stdout=writing, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, "")


def test_a_defect_is_told_in_a_sentence_and_logged(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(arguments: list[str]) -> int:
        raise RuntimeError(f"not foreseen: {arguments}")

    monkeypatch.setattr("longshift.cli.app.dispatch", fail)
    done = shell.here("status", status=1)
    assert "A defect of Longshift ended this command." in done.err
    log = Path(done.err.replace("\n", "").rpartition("report: ")[2])
    assert "RuntimeError: not foreseen" in log.read_text(encoding="utf-8")


def test_doctor_inside_and_outside_a_repository(shell: Shell, tmp_path: Path) -> None:
    done = shell.here("doctor", "--json")
    report = json.loads(done.out)
    assert report["ok"] is True
    states = {check["name"]: check["state"] for check in report["checks"]}
    names = ("python", "git", "sqlite", "ruff", "repository", "settings", "model worker", "state")
    assert {states[name] for name in names} == {"ok"}
    assert "sandbox" in states
    assert sys.executable in shell.here("doctor", cwd=tmp_path).out
    shell.git("init", "--quiet", "--bare", str(tmp_path / "bare.git"))
    assert "is a bare repository" in shell.here("doctor", cwd=tmp_path / "bare.git", status=1).out


def test_doctor_finds_a_repository_that_can_not_be_written(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As root every folder can be written, so the answer of the system is put in its place."""
    sealed = shell.root / ".git"
    asked = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: path != sealed and asked(path, mode))
    done = json.loads(shell.here("doctor", "--offline", "--json", status=1).out)
    [found] = [one for one in done["checks"] if one["name"] == "repository"]
    assert (found["state"], found["text"]) == ("bad", f"{sealed} can't be written.")
    assert shell.git("status", "--porcelain") == ""


def test_doctor_names_what_is_wrong_and_tells_no_key(shell: Shell) -> None:
    environ = {
        "LONGSHIFT_MODELS__PLANNER__MODEL": "some-model",
        "LONGSHIFT_MODELS__JUDGE__MODEL": "some-model",
        "LONGSHIFT_MODELS__JUDGE__API_KEY_ENV": "JUDGE_KEY",
        "JUDGE_KEY": "a-secret-of-the-test",
    }
    write_files(shell.root, {"longshift.toml": 'checks = ["true"]\n'})
    (shell.root / ".git" / "MERGE_HEAD").touch()
    done = Shell(shell.root, environ).here("doctor", "--offline", "--json", status=1)
    checks = {check["name"]: check for check in json.loads(done.out)["checks"]}
    assert checks["model planner"]["state"] == "bad"
    assert "OPENAI_API_KEY" in checks["model planner"]["mend"]
    assert checks["model judge"]["state"] == "ok"
    assert checks["model worker"]["text"].startswith("builtin")
    assert checks["repository"]["state"] == "bad"
    assert "a-secret-of-the-test" not in done.out + done.err


def test_trust_counts_until_the_configuration_changes(shell: Shell) -> None:
    write_files(shell.root, {"longshift.toml": 'checks = ["true"]\n'})
    shell.here("trust")
    assert "workspace's own configuration is trusted" in shell.here("doctor").out
    write_files(shell.root, {"longshift.toml": 'checks = ["false"]\n'})
    assert "workspace's own configuration is changed" in shell.here("doctor").out
    assert "no longer trusted" in shell.here("trust", "--revoke").out
    assert "is not trusted" in shell.here("trust", "--revoke").out
