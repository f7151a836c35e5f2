"""`longshift review`: keys in, and what stands in the person's files and in the journal after."""

import json
import os
import pty
import shutil
import signal
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cli.test_second_process import held
from tests.scripted_model import ScriptedServer
from tests.support import warm
from tests.support.cli_shell import WITHIN_S, Done, Shell, raise_signal
from tests.support.engine_world import edit, judge, planner, task, turn, worker, write

LINES = "one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\n"
CRLF = LINES.replace("\n", "\r\n")
SHOUTED = [edit("one", "ONE"), edit("four", "FOUR"), edit("eight", "EIGHT")]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, scripted: ScriptedServer) -> tuple[Shell, Path]:
    """A repository with a run that has three hunks in one file, a protected file and a new one.

    Beside it, a copy to begin from: the run is made once, and each test has it as it was.
    """
    root = tmp_path_factory.mktemp("made") / "ein Paket"
    root.mkdir()
    environ = {
        "LONGSHIFT_MODELS__DEFAULT__BASE_URL": scripted.base_url,
        "LONGSHIFT_MODELS__DEFAULT__MODEL": "scripted",
        "LONGSHIFT_GATES": "off",
        "LONGSHIFT_CHECKS": "[]",
    }
    shell = Shell(root, environ)
    shell.git("init", "--quiet", "--initial-branch=main")
    (root / "a.py").write_text(LINES)
    shell.git("add", "a.py")
    # Made before a test's own environment is: nobody has a name here.
    who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
    shell.git(*who, "commit", "--quiet", "--message=Lines")
    shouting = [call | {"arguments": call["arguments"] | {"path": "a.py"}} for call in SHOUTED]
    flows = [
        planner(task("shout", "a.py", "z.txt")),
        worker("shout", turn(*shouting, write(".envrc", "x=1\n"), write("z.txt", "z\n"))),
        *judge("done"),
    ]
    scripted.play({"flows": flows, "defaults": {}})
    shell.longshift("run", "Shout")
    shutil.copytree(root, root.parent / "as made", symlinks=True)
    return shell, root.parent / "as made"


@pytest.fixture
def crew(made: tuple[Shell, Path]) -> Shell:
    """The shell with that run, nothing decided."""
    shell, kept = made
    shutil.rmtree(shell.root)
    shutil.copytree(kept, shell.root, symlinks=True)
    return shell


def states(shell: Shell) -> str:
    """The hunks' states, by path and number, pending ones left out."""
    run = json.loads(shell.here("status", "R1", "--json").out)
    each = [
        f"{file['path']}:{hunk['hunk']} {hunk['state']}"
        for change in run["changes"]
        for file in change["files"]
        for hunk in file["hunks"]
        if hunk["state"] != "pending"
    ]
    return ", ".join(each)


def editor(shell: Shell, script: str, name: str = "GIT_EDITOR") -> Shell:
    """The same shell with an editor: a shell script whose `$1` is the file."""
    place = shell.root.parent / "an editor"
    place.write_text(f"#!/bin/sh\n{script}\n")
    place.chmod(0o700)
    return Shell(shell.root, {**shell.environ, name: f"'{place}'"})


@dataclass(frozen=True)
class Keys:
    """What is typed, in order; what becomes of the hunks, and of the file's lines."""

    typed: str
    states: str
    lines: str = LINES
    said: str = ""


TURNED = {"ONE": LINES.replace("one", "ONE")}
ALL_THREE = LINES.replace("one", "ONE").replace("four", "FOUR").replace("eight", "EIGHT")
ROWS = [
    Keys("", "", said="nothing decided; 5 hunks left to decide"),
    Keys("q\ny\n", ""),
    # The first is .envrc, which is protected: to accept it takes a second word.
    Keys("y\n\nq\n", "", said="Your shell acts on it when you enter the folder. Accept all the"),
    Keys("y\ny\n", ".envrc:1 accepted", said="Protected: your shell acts on it"),
    Keys("a\nq\n", "", said="which is protected. Say y on each"),
    Keys("s\ny\n", "a.py:1 accepted", TURNED["ONE"], "1 accepted; 4 hunks left"),
    Keys("s\ny\nn\nToo loud.\n", "a.py:1 accepted, a.py:2 rejected", TURNED["ONE"]),
    Keys("s\nn\n\n", "a.py:1 rejected"),
    Keys("s\nn\n", "", said="nothing decided"),  # it ended before the reason
    Keys("s\na\n", "a.py:1 accepted, a.py:2 accepted, a.py:3 accepted", ALL_THREE),
    Keys("s\nj\na\n", "a.py:2 accepted, a.py:3 accepted", ALL_THREE.replace("ONE", "one")),
    Keys("s\nd\nNo.\n", "a.py:1 rejected, a.py:2 rejected, a.py:3 rejected"),
    Keys("s\ny\nu\nq\n", "", said="nothing decided"),
    Keys("s\na\nu\nq\n", ""),
    Keys("u\n", "", said="Nothing was decided here yet"),
    Keys("k\n", "", said="no undecided hunk before"),
    Keys("s\nj\nk\ny\n", "a.py:1 accepted", TURNED["ONE"]),
    Keys("s\ns\ny\ns\ns\n", "a.py:2 accepted", LINES.replace("four", "FOUR"), "4 hunks left"),
    Keys("s\nr\n\nq\n", "", said="needs your words"),
    Keys("w\n", "", said="Do: shout. Did shout."),
    Keys("x\n", "", said="w - why: its task"),
    Keys("\n\n", ""),
    Keys("y\ny\nd\nNo.\ny\n", ".envrc:1 accepted, a.py:1 rejected, a.py:2 rejected, "
         "a.py:3 rejected, z.txt:1 accepted", said="nothing is left to decide"),
]  # fmt: skip


def said(done: Done) -> str:
    return " ".join((done.out + done.err).split())


@pytest.mark.parametrize("row", ROWS, ids=lambda row: repr(row.typed))
def test_keys(crew: Shell, row: Keys) -> None:
    done = crew.here("review", "R1", typed=row.typed)
    assert states(crew) == row.states
    assert (crew.root / "a.py").read_text() == row.lines
    assert row.said in said(done)
    assert "\x1b" not in done.out
    assert crew.git("diff", "--cached") == ""
    assert list(crew.root.parent.glob("longshift-*")) == []


def test_a_hunk_is_shown_amid_the_present_text(crew: Shell) -> None:
    (crew.root / "a.py").write_text("zero\n" + LINES.replace("three", "THREE"))
    shown = crew.here("review", "R1", typed="s\ns\n").out
    assert "a.py C1, hunk 1 of 3, +1 \N{MINUS SIGN}1 T1: shout" in " ".join(shown.split())
    assert "@@ -1,5 +1,5 @@\n zero\n-one\n+ONE\n two\n THREE\n four\n" in shown
    assert "@@ -2,7 +2,7 @@\n one\n two\n THREE\n-four\n+FOUR\n five\n six\n seven\n" in shown


def test_a_stale_hunk_says_why_and_offers_no_acceptance(crew: Shell) -> None:
    (crew.root / "a.py").write_text(LINES.replace("one", "mine"))
    done = crew.here("review", "R1", typed="s\ny\nr\nKeep mine.\n")
    assert "It no longer fits: line 1 was changed by you since" in said(done)
    assert "Rework or reject this hunk [n,r,s,d,j,k,u,w,q,?]?" in said(done)
    assert "ask for rework, or reject it" in said(done)
    assert states(crew) == "a.py:1 rework"
    assert "longshift resume R1" in said(done)
    [run] = json.loads(crew.here("status", "--json").out)["runs"]
    assert (run["state"], run["tasks"][-1]["state"]) == ("paused", "waiting")


def test_rejections_of_a_whole_file_make_one_rule(crew: Shell) -> None:
    crew.here("review", "R1", typed="s\nd\nToo loud.\n")
    rules = json.loads(crew.here("constraint", "list", "--json").out)["constraints"]
    assert [rule["text"].startswith("Too loud.") for rule in rules] == [True]


@pytest.mark.parametrize(
    ("script", "lines", "state", "words"),
    [
        ("sed -i s/ONE/Uno/ \"$1\"", LINES.replace("one", "Uno"), "a.py:1 accepted", ""),
        ("sed -i '1i# a\\nzwei' \"$1\"", "# a\nzwei\n" + TURNED["ONE"], "a.py:1 accepted", ""),
        ("sed -i 1s/.*/one\\\\nONE/ \"$1\"", "one\n" + TURNED["ONE"], "a.py:1 accepted", ""),
        (":", TURNED["ONE"], "a.py:1 accepted", "1 accepted"),
        ("sed -i 1d \"$1\"", LINES, "", "You saved no lines"),
        (": > \"$1\"", LINES, "", "line of dashes is gone"),
        ("sed -i s/ONE/one/ \"$1\"", LINES, "", "what stands there already"),
        ("sed -i s/ONE/Uno/ \"$1\"; exit 3", LINES, "", "ended with 3. Nothing was decided"),
        ("sed -i s/ONE/AKIAIOSFODNN7EXAMPLF/ \"$1\"", LINES, "", "looks like a secret"),
    ],
)  # fmt: skip
def test_an_edited_hunk(crew: Shell, script: str, lines: str, state: str, words: str) -> None:
    shell = editor(crew, script)
    done = shell.here("review", "R1", typed="s\ne\nq\n")
    assert (crew.root / "a.py").read_text() == lines
    assert states(crew) == state
    assert words in said(done)


def test_an_edited_hunk_is_taken_back_as_long_as_it_stands(crew: Shell) -> None:
    shell = editor(crew, 'sed -i s/FOUR/vier/ "$1"')
    shell.here("review", "R1", typed="s\ns\ne\nu\nq\n")
    assert (crew.root / "a.py").read_text() == LINES
    assert states(crew) == ""
    shell.here("review", "R1", typed="s\ns\ne\nq\n")
    assert (crew.root / "a.py").read_text() == LINES.replace("four", "vier")
    assert states(crew) == "a.py:2 accepted"


def test_what_the_editor_is_given(crew: Shell) -> None:
    seen = crew.root.parent / "seen"
    script = f'stat -c "%a %n" "$1" "${{1%/*}}" > "{seen}"; cat "$1" >> "{seen}"'
    editor(crew, script, "VISUAL").here("review", "R1", typed="s\ne\n")
    mode, folder, *text = seen.read_text().splitlines()
    assert mode.startswith("600 ")
    assert mode.endswith(".py")
    assert folder.startswith("700 ")
    assert text[0] == "ONE"
    assert all(line.startswith("# ") for line in text[1:])
    assert not Path(folder[4:]).exists()


def test_an_untrusted_repository_chooses_no_editor(crew: Shell) -> None:
    script = "touch ran"
    for choose in (script, "false"):
        crew.git("config", "core.editor", choose)
        calm = Shell(crew.root, {**crew.environ, "VISUAL": "false"})
        done = calm.here("review", "R1", typed="s\ne\n")
        assert "The editor `false` ended with 1" in said(done)
    assert not (crew.root / "ran").exists()
    crew.here("trust")
    crew.git("config", "core.editor", script)
    calm.here("review", "R1", typed="s\ne\n")
    assert (crew.root / "ran").exists()


def test_what_changed_since_it_was_shown_is_shown_again(crew: Shell) -> None:
    # The person's editor, standing for another window, changes the very lines of the hunk.
    shell = editor(crew, f"sed -i s/one/mine/ '{crew.root}/a.py'")
    done = shell.here("review", "R1", typed="s\ne\nq\n")
    assert "hunk 1 of C1 in a.py is stale (line 1 was changed by you since" in said(done)
    assert said(done).count("a.py C1, hunk 1 of 3") == 2
    assert "It no longer fits" in said(done)
    assert (crew.root / "a.py").read_text() == LINES.replace("one", "mine")
    assert states(crew) == "a.py:1 stale"


def test_which_run_is_meant(crew: Shell) -> None:
    assert "R1: nothing decided" in said(crew.here("review"))
    crew.here("accept", "R1", "--all", "--protected")
    assert "Nothing of R1 is left to decide." in said(crew.here("review", "R1"))
    assert "Its runs: R1." in said(crew.here("review", status=2))
    assert "There is no run R7" in said(crew.here("review", "R7", status=2))


def test_a_file_of_other_line_ends_keeps_them(endpoint: Shell, scripted: ScriptedServer) -> None:
    (endpoint.root / "a.txt").write_bytes(CRLF.encode())
    flows = [
        planner(task("shout", "a.txt")),
        worker("shout", turn(edit("one", "ONE"))),
        *judge("done"),
    ]
    scripted.play({"flows": flows, "defaults": {}})
    endpoint.longshift("run", "Shout")
    editor(endpoint, 'sed -i s/ONE/Un\\\\no/ "$1"').here("review", typed="e\n")
    assert (endpoint.root / "a.txt").read_bytes() == CRLF.replace("one", "Un\r\no").encode()
    assert states(endpoint) == "a.txt:1 accepted"


def test_it_goes_through_who_drives_the_run(endpoint: Shell, scripted: ScriptedServer) -> None:
    scripted.play(held("go"))
    with endpoint.started("run", "Write both", "--json") as run:
        run.wait_for("task.landed", task="T1")
        assert "1 accepted" in said(endpoint.here("review", "R1", typed="y\n"))
        assert (endpoint.root / "a.txt").read_text() == "a\n"
        [shown] = json.loads(endpoint.here("status", "--json").out)["runs"]
        assert shown["state"] == "running"
        raise_signal(scripted.base_url, "go")
        run.end(status=0)
    assert states(endpoint) == "a.txt:1 accepted"


@pytest.fixture
def terminal(crew: Shell) -> Callable[..., tuple[int, str]]:
    """Runs `longshift review` on a pseudo-terminal: type each key once its prompt stands there."""

    def run(*typed: bytes, **environ: str) -> tuple[int, str]:
        person, theirs = pty.openpty()
        env = {"TERM": "xterm-256color", **os.environ, **crew.environ, **environ}
        process = subprocess.Popen(
            [*warm.COLD, "review", "R1"],
            cwd=crew.root, env=env, stdin=theirs, stdout=theirs, stderr=theirs,
            start_new_session=True,
        )  # fmt: skip
        os.close(theirs)
        seen = b""
        for key in typed:
            told = len(seen)
            while b"]? " not in seen[told:]:
                seen += os.read(person, 4096)
            if key == b"\x03":
                process.send_signal(signal.SIGINT)
            else:
                os.write(person, key)
        status = process.wait(WITHIN_S)
        os.close(person)
        return status, seen.decode()

    return run


def test_on_a_terminal_it_has_colours(
    crew: Shell, terminal: Callable[..., tuple[int, str]]
) -> None:
    status, seen = terminal(b"s\n", b"y\n", b"\x04")
    assert status == 0
    assert "\x1b[1;32m+" in seen
    assert (crew.root / "a.py").read_text() == TURNED["ONE"]


def test_without_colours_ctrl_c_ends_it_and_loses_nothing(
    crew: Shell, terminal: Callable[..., tuple[int, str]]
) -> None:
    status, seen = terminal(b"s\n", b"y\n", b"\x03", NO_COLOR="1")
    assert status == 130
    assert "\x1b[32" not in seen
    assert states(crew) == "a.py:1 accepted"
