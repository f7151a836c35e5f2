"""From outside: a key is nowhere but in the header of requests, and the doctor tells none."""

import json
import logging
from pathlib import Path

import pytest

from longshift.cli.logs import log_to
from tests.scripted_model import ScriptedServer
from tests.support import fake_keys
from tests.support.cli_shell import Shell
from tests.support.repository_git import GitRepository

KEY = fake_keys.provider_key("at the shell")


def call(name: str, **arguments: object) -> dict[str, object]:
    return {"name": name, "arguments": arguments}


def turn(*calls: dict[str, object], **more: object) -> dict[str, object]:
    return {"calls": list(calls), **more}


TASK = {
    "title": f"Write {KEY}",
    "instructions": f"Use {KEY}",
    "paths": [f"{KEY}.txt"],
    "acceptance": [KEY],
}
ECHOES = {
    "flows": [
        {
            "role": "planner",
            "turns": [
                turn(call("add_task", **TASK), call("ask_person", question=KEY, options=[KEY])),
                turn(call("finish", summary=KEY, evidence=KEY), text=KEY),
            ],
        },
        {
            "role": "worker",
            "turns": [
                turn(call("write_file", path="a.txt", content=KEY), call(f"tool_{KEY}")),
                turn(call("write_file", path=f"{KEY}.txt", content="x")),
                turn(call("run_command", command=f"echo {KEY}")),
                turn(call("submit", summary=KEY)),
                turn(call("write_file", path="a.txt", content="fine\n")),
                turn(call("delete_file", path=f"{KEY}.txt")),
                turn(call("submit", summary=KEY, concerns=KEY, findings=[KEY])),
            ],
        },
        {
            "role": "judge",
            "turns": [
                turn(
                    call(
                        "report_finding",
                        path="a.txt",
                        line=1,
                        message=KEY,
                        code=KEY,
                        severity="info",
                    ),
                    call("read_file", path=KEY),
                ),
                turn(call("verdict", reason=KEY, decision="done"), text=KEY),
            ],
        },
    ]
}


@pytest.mark.parametrize("source", ["variable", "file"])
def test_a_key_is_nowhere_but_in_the_header(
    endpoint: Shell, scripted: ScriptedServer, nobodys_machine: Path, source: str
) -> None:
    scripted.play(ECHOES)
    environ = dict(endpoint.environ)
    if source == "variable":
        environ["OPENAI_API_KEY"] = KEY
    else:
        environ["LONGSHIFT_MODELS__DEFAULT__API_KEY_FILE"] = "~/key"
        (nobodys_machine / "key").write_text(f"{KEY}\n")
        (nobodys_machine / "key").chmod(0o600)
    shell = Shell(endpoint.root, environ)
    done = shell.longshift("run", f"Make it so with {KEY}", "--json")
    assert done.lines[-1]["outcome"] == "done"
    said = [shell.longshift(*words.split()) for words in ("status R1", "log R1", "log R1 --json")]
    seen = {"stdout": done.out, "stderr": done.err}
    seen |= {f"look {number}": one.out + one.err for number, one in enumerate(said)}
    for place in (endpoint.root, nobodys_machine):
        for file in place.rglob("*"):
            if file.is_file() and file.name != "key":
                seen[str(file)] = file.read_bytes().decode("latin-1")
    store = GitRepository(endpoint.root / ".git" / "longshift" / "objects.git")
    objects = store.git_bytes("cat-file", "--batch-all-objects", "--batch", "--buffer")
    seen["objects"] = objects.decode("latin-1")
    assert "Write [secret: " in seen["objects"]
    seen |= {f"request {n}": r.raw.decode() for n, r in enumerate(scripted.requests)}
    assert [name for name, text in seen.items() if KEY in text] == []
    assert any(name.endswith("journal.sqlite") for name in seen)
    assert {request.headers["authorization"] for request in scripted.requests} == {f"Bearer {KEY}"}


def test_the_builtin_model_edits_around_a_secret(shell: Shell) -> None:
    token = fake_keys.github_token()
    (shell.root / "one.py").write_text(f'import os\n\nTOKEN = "{token}"\n')
    shell.git("commit", "--quiet", "--all", "--message=Hold a token")
    done = shell.longshift("run", "Remove unused imports", "--json")
    assert done.lines[-1]["outcome"] == "done"
    assert shell.git("show", "refs/longshift/R1/head:one.py") == f'\nTOKEN = "{token}"\n'
    assert token not in done.out + done.err
    assert [line for line in done.lines if line["event"] == "finding.reported"] == []


def test_the_log_file_holds_no_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_TOKEN", KEY)
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    try:
        log_to(tmp_path)
        logging.getLogger("longshift.test").warning("It is %s.", KEY)
    finally:
        for handler in set(root.handlers) - set(before):
            root.removeHandler(handler)
            handler.close()
        root.setLevel(level)
        logging.getLogger("longshift").setLevel(logging.NOTSET)
    text = (tmp_path / "logs" / "longshift.log").read_text(encoding="utf-8")
    assert text.endswith("It is [secret: SOME_TOKEN].\n")


@pytest.mark.parametrize(
    ("environ", "state", "words"),
    [
        ({"OPENAI_API_KEY": KEY}, "ok", "key in OPENAI_API_KEY"),
        ({"LONGSHIFT_MODELS__DEFAULT__API_KEY_FILE": "key"}, "ok", "key in the file key"),
        ({"LONGSHIFT_MODELS__DEFAULT__API_KEY_FILE": "open"}, "bad", "chmod 600"),
        ({"LONGSHIFT_MODELS__DEFAULT__API_KEY_FILE": "{root}/key"}, "bad", "inside the repository"),
        (
            {"LONGSHIFT_MODELS__DEFAULT__API_KEY_KEYRING": "longshift/me"},
            "ok",
            "key in the keyring's entry longshift/me",
        ),
        (
            {"LONGSHIFT_MODELS__DEFAULT__API_KEY_KEYRING": "longshift/you"},
            "bad",
            "keyring set longshift you",
        ),
    ],
)
def test_the_doctor_tells_where_the_key_is_and_never_the_key(
    endpoint: Shell,
    scripted: ScriptedServer,
    nobodys_machine: Path,
    environ: dict[str, str],
    state: str,
    words: str,
) -> None:
    scripted.play({})
    for place, mode in ((nobodys_machine / "key", 0o600), (nobodys_machine / "open", 0o644),
                        (endpoint.root / "key", 0o600)):  # fmt: skip
        place.write_text(KEY)
        place.chmod(mode)
    entries = nobodys_machine / "keyring.json"
    entries.write_text(json.dumps({"longshift": {"me": KEY}}))
    keyring = {
        "PYTHON_KEYRING_BACKEND": "tests.support.file_keyring.FileKeyring",
        "TEST_KEYRING": str(entries),
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    given = {name: value.format(root=endpoint.root) for name, value in environ.items()}
    shell = Shell(endpoint.root, {**endpoint.environ, **keyring, **given})
    done = shell.longshift("doctor", "--offline", "--json", status=None)
    checks = {check["name"]: check for check in json.loads(done.out)["checks"]}
    assert checks["model planner"]["state"] == state
    assert words in checks["model planner"]["text"] + checks["model planner"]["mend"]
    assert "kingfisher" in checks["secrets"]["text"]
    assert scripted.requests == []  # offline
    assert KEY not in done.out + done.err
