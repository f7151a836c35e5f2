"""Whatever is wrong is told in a sentence, with the right exit status and without a traceback."""

import socket
import subprocess
from pathlib import Path

import pytest

from tests.scripted_model import ScriptedServer
from tests.support.cli_shell import Shell, write_files
from tests.support.warm import COLD

REFUSED_CALLS = [
    # (arguments, exit status, words of the message)
    (["run"], 2, "Missing argument 'GOAL'"),
    (["run", "  "], 2, "The goal is empty"),
    (["run", "x", "--workers", "many"], 2, "'many' is not a valid integer"),
    (["run", "x", "--workers", "0"], 2, "`workers` must be a whole number from 1 to 2000"),
    (["run", "x", "--strategy", "chaos"], 2, "planner-worker-judge"),
    (["run", "x", "--model", "some-model"], 2, "OPENAI_API_KEY"),
    (["run", "x", "--model", "some-model", "--budget-usd", "1"], 2, "the price"),
    (["run", "x", "--max-cycles", "-1"], 2, "`budget.cycles` must be a whole number, 0 or more"),
    (["run", "x", "--repo", "nowhere"], 2, "There is no folder"),
    (["rum", "x"], 2, "No such command 'rum'"),
    (["review", "R1"], 2, "There is no run R1"),
    (["run", "x", "--colour"], 2, "No such option '--colour'"),
    (["serve", "--tcp", "localhost"], 2, "--tcp takes HOST:PORT"),
    (["serve", "--tcp", "h:99999"], 2, "--tcp takes HOST:PORT"),
    (["serve", "--tcp", "0.0.0.0:0"], 2, "is no loopback address"),
    (["serve", "--tcp", "[::]:0"], 2, "ssh tunnel"),
    (["serve", "--tcp", "192.0.2.1:0"], 2, "is no loopback address"),
    (["serve", "--tcp", "localhost.example.com:0"], 2, "is no loopback address"),
    (["status", "R7"], 2, "There is no run R7 in this repository. Its runs: none yet."),
    (["log", "R7"], 2, "There is no run R7"),
    (["diff", "R7", "C1"], 2, "There is no run R7"),
    (["accept", "R7", "--all"], 2, "There is no run R7"),
    (["steer", "R7", "hello"], 2, "There is no run R7"),
    (["answer", "R7", "Q1", "yes"], 2, "There is no run R7"),
    (["forget", "R7"], 2, "There is no run R7"),
    (["forget"], 2, "Name one run, or say --all"),
    (["pause"], 2, "nothing to pause"),
    (["resume"], 2, "nothing to resume"),
    (["stop"], 2, "nothing to stop"),
    (["constraint", "lift", "K3"], 2, "No constraint K3 holds here"),
    (["constraint", "add", " "], 2, "The rule is empty"),
    (["trust", "nowhere"], 2, "There is no folder nowhere"),
]


@pytest.mark.parametrize(("arguments", "status", "words"), REFUSED_CALLS, ids=lambda v: str(v)[:40])
def test_wrong_calls(shell: Shell, arguments: list[str], status: int, words: str) -> None:
    done = shell.here(*arguments, status=status)
    assert done.out == ""
    assert words in done.err
    assert shell.git("status", "--porcelain") == ""


SETTINGS = [
    ({"longshift.toml": "wrokers = 2\n"}, {}, ["longshift.toml", "wrokers", "workers"]),
    ({"longshift.toml": 'workers = "two"\n'}, {}, ["longshift.toml", "a whole number"]),
    ({"longshift.toml": "workers = \n"}, {}, ["longshift.toml", "line 1"]),
    ({}, {"LONGSHIFT_WORKERS": "many"}, ["LONGSHIFT_WORKERS", "a whole number"]),
    ({}, {"LONGSHIFT_WROKERS": "2"}, ["LONGSHIFT_WROKERS"]),
]


@pytest.mark.parametrize(("files", "environ", "words"), SETTINGS, ids=lambda v: str(v)[:40])
def test_wrong_settings(shell: Shell, files, environ, words) -> None:
    write_files(shell.root, files)
    done = Shell(shell.root, environ).here("run", "x", status=2)
    assert all(word in done.err for word in words), done.err
    assert not (shell.root / ".git" / "longshift" / "journal.sqlite").exists()


def test_places_that_are_no_repository(shell: Shell, tmp_path: Path) -> None:
    bare, plain = tmp_path / "bare.git", tmp_path / "plain"
    plain.mkdir()
    shell.git("clone", "--quiet", "--bare", ".", str(bare))
    for command in (["run", "x"], ["status"], ["accept", "R1", "--all"]):
        assert "git init" in shell.here(*command, status=2, cwd=plain).err
        assert "bare repository" in shell.here(*command, status=2, cwd=bare).err
    assert list(plain.iterdir()) == []


MIDDLES = [
    # (what git leaves in its folder, what it is called, what ends it)
    ("rebase-merge", "a rebase", "git rebase --abort"),
    ("BISECT_LOG", "a bisect", "git bisect reset"),
]


def test_a_folder_that_is_gone(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    ended = subprocess.run(
        ["sh", "-c", 'rmdir "$PWD"; exec "$@"', "sh", *COLD, "doctor"],
        cwd=gone,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("longshift: The folder that you are in is gone.")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a full device")
def test_an_output_that_is_full(shell: Shell) -> None:
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run(
            [*COLD, "status"], cwd=shell.root, stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert ended.returncode == 1
    assert ended.stderr.startswith(b"longshift: There is no room to write")


@pytest.mark.parametrize(("mark", "called", "way_out"), MIDDLES)
def test_a_repository_in_the_middle_of_something(
    shell: Shell, mark: str, called: str, way_out: str
) -> None:
    (shell.root / ".git" / mark).mkdir()
    done = shell.here("run", "x", status=2)
    assert f"in the middle of {called}" in done.err
    assert way_out in done.err


ENDPOINTS = [
    # (what the endpoint answers, words of the reason)
    ({"status": 401}, ["refused the key", "OPENAI_API_KEY"]),
    ({"status": 404}, ["knows no such model", "base_url"]),
    ({"status": 413}, ["too long"]),
]


@pytest.mark.parametrize(("answer", "words"), ENDPOINTS, ids=lambda v: str(v)[:40])
def test_endpoints_that_refuse(endpoint: Shell, scripted: ScriptedServer, answer, words) -> None:
    faults = [{"kind": "status", "times": 50, **answer}]
    scripted.play({"flows": [{"role": "planner", "turns": [{"faults": faults}]}]})
    done = endpoint.here("run", "x", "--json", status=1)
    assert done.lines[-1]["event"] == "run.paused"
    assert all(word in done.err for word in [*words, "longshift resume R1"]), done.err


def test_an_address_that_is_taken(shell: Shell) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        done = shell.here("serve", "--tcp", address, status=2)
    assert f"Nothing can listen at {address}" in done.err


def test_a_damaged_journal_is_told_and_left_alone(shell: Shell) -> None:
    journal = shell.root / ".git" / "longshift" / "journal.sqlite"
    write_files(journal.parent, {"journal.sqlite": "This is no database." * 100})
    before = journal.read_bytes()
    for command in (["status"], ["doctor"]):
        done = shell.here(*command, status=1)
        assert "journal" in done.err + done.out
    assert journal.read_bytes() == before
