"""What counts as a secret, what does not, and what stands in its place."""

import base64
import json
import logging
import platform
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from longshift.screening import detector
from longshift.screening.known import KNOWN
from longshift.screening.logs import MaskingFormatter
from longshift.screening.names import names_secret
from longshift.screening.secrets import find_secrets, mask, mask_message, mask_within, placeholders
from tests.support import fake_keys

KEY = "pa/" + 'Ss+wo\\rd"9-' + fake_keys.letters("known", 20)
"""A key in use with everything in it that some spelling escapes."""


@pytest.fixture(autouse=True)
def loaded() -> None:
    assert detector.load()


@pytest.fixture
def known() -> Iterator[str]:
    KNOWN.learn(KEY, "MY_KEY")
    return KEY


def coded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


SPELLINGS = {
    "plain": KEY,
    "in a sentence": f"The key is {KEY}, he said.",
    "glued": f"x{KEY}x",
    "address": f"https://example.org/?key={quote(KEY, safe='')}&x=1",
    "json": json.dumps({"key": KEY}),
    "json with escaped slashes": json.dumps({"key": KEY}).replace("/", "\\/"),
    "hex": KEY.encode().hex(),
    "basic credentials": coded(f"me:{KEY}"),
    "base64": coded(KEY),
    "base64, shifted by two": coded(f"ab{KEY}"),
    "base64 for addresses": base64.urlsafe_b64encode(f"a{KEY}z".encode()).decode(),
    "base64 in lines": "\n".join(coded(KEY)[at : at + 16] for at in range(0, 60, 16)),
    "one letter a line": "\n".join(KEY),
    "zero-width spaces": "\u200b".join(KEY),
    "wrapped": f"{KEY[:9]}\n    {KEY[9:]}",
}


@pytest.mark.parametrize("text", SPELLINGS.values(), ids=SPELLINGS)
def test_a_known_value_is_masked_in_every_spelling(known: str, text: str) -> None:
    masked = mask(text)
    assert "[secret: MY_KEY]" in masked
    squeezed = "".join(masked.replace("\u200b", "").split())
    assert KEY[8:-8] not in squeezed
    assert coded(KEY)[8:-8] not in squeezed
    assert mask(masked) == masked


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("no-key", False),
        ("lm-studio", False),
        ("password", False),
        ("abc12345", True),
        ("a long one with blanks 1", False),
        ("correct-horse-battery", True),
    ],
)
def test_only_what_is_no_common_word_is_known_by_value(value: str, kept: bool) -> None:
    KNOWN.learn(value, "X")
    assert (mask(f"<{value}>") == "<[secret: X]>") is kept


@pytest.mark.parametrize(
    ("name", "value", "kept"),
    [
        ("GITHUB_TOKEN", "tok-1234567", True),
        ("DB_PASSWORD", "s3cret-enough", True),
        ("DATABASE_URL", "tok-1234567", False),
        ("PASSWORD_STORE_DIR", "/home/somebody/1234", False),
        ("AUTH_TOKEN_URL", "https://login.example.org/v1", False),
        ("SSH_AUTH_SOCK", "agent-1234567", False),
    ],
)
def test_variables_that_are_called_as_secrets_are(name: str, value: str, kept: bool) -> None:
    KNOWN.learn_environment({name: value})
    assert (mask(value) == f"[secret: {name}]") is kept


PASSWORD = fake_keys.letters("a password", 12)
LOOKS_SECRET = {
    "a provider's key": (f"key = '{fake_keys.provider_key()}'", "key"),
    "a token": (f"token\n{fake_keys.github_token()}\n", "key"),
    "by the detector alone": (f'slack = "{fake_keys.slack_token()}"', "slack-bot-token"),
    "a cloud's key": (f"id: {fake_keys.cloud_key()}", "key"),
    "a private key": (f"x\n{fake_keys.private_key()}y", "private key"),
    "a private key in JSON": (json.dumps(fake_keys.private_key()), "private key"),
    "half a private key": (fake_keys.private_key()[:200], "private key"),
    "a password in an address": (f"{'postgres'}://bob:{PASSWORD}@db.internal/x", None),
    "base64 of a token": (coded(f"token={fake_keys.github_token()}\n"), None),
}  # fmt: skip


@pytest.mark.parametrize(("text", "kind"), LOOKS_SECRET.values(), ids=LOOKS_SECRET)
def test_what_looks_like_a_secret(text: str, kind: str | None) -> None:
    found = find_secrets(text)
    assert len(found) == 1
    assert kind in (None, found[0].kind)
    secret = text[found[0].start : found[0].end]
    assert len(secret) >= 8
    assert secret not in mask(text)
    assert mask(mask(text)) == mask(text)


HARMLESS = [
    "",
    "sk-ecdsa-sha2-nistp256@openssh.com",
    "sk-learn-1234567",
    "task_id_1234567890_abcdefghij",
    "desk-1234567890-abcdefghij",
    '_BEGIN = "-----BEGIN ' + 'PRIVATE KEY-----"\nif line == _BEGIN:\n    read_the_key(line)\n',
    "8f14e45fceea167a5a36dedd4bea2543c8b4f0d1",
    "sha512-" + "Zm9v" * 20 + "==",
    "password = getpass()",
    "[secret: github-pat]",
    "https://user@example.org/x",
]


@pytest.mark.parametrize("text", HARMLESS)
def test_what_does_not(text: str) -> None:
    assert find_secrets(text) == []
    assert mask(text) == text


def test_real_code_raises_no_alarm() -> None:
    """The standard library's own code, without its tests."""
    folder = Path(sysconfig.get_paths()["stdlib"])
    alarms = {}
    for path in folder.rglob("*.py"):
        inside = path.relative_to(folder).parts
        if {"test", "tests", "site-packages", "dist-packages"} & set(inside):
            continue
        if found := find_secrets(path.read_text(encoding="utf-8", errors="replace")):
            alarms["/".join(inside)] = found
    assert alarms == {}


def test_a_long_text_is_looked_at_again_for_what_became_known_since() -> None:
    value = fake_keys.letters("learnt later", 30)
    text = f"{'Words. ' * 1000}{value}"
    assert find_secrets(text) == find_secrets(text) == []
    KNOWN.learn(value, "LATER")
    assert mask(text).endswith("[secret: LATER]")


def test_a_message_is_masked_within_its_json(known: str) -> None:
    token = fake_keys.github_token()
    result = json.dumps({"path": "é.py", "text": f"a\n{token}\nb {KEY}"}, ensure_ascii=False)
    message: dict[str, object] = {"role": "tool", "tool_call_id": "c1", "content": result}
    masked, kinds = mask_message(message)
    assert kinds == ("key", "MY_KEY")
    text = "a\n[secret: key]\nb [secret: MY_KEY]"
    assert json.loads(str(masked["content"])) == {"path": "é.py", "text": text}
    assert masked | {"content": result} == message


def test_a_models_own_words_are_masked_too(known: str) -> None:
    call = {"name": "submit", "arguments": json.dumps({"summary": f"uses {KEY}"})}
    message: dict[str, object] = {
        "role": "assistant",
        "content": f"I saw {KEY}",
        "reasoning_content": KEY,
        "tool_calls": [{"id": "c1", "type": "function", "function": call}],
    }
    masked, kinds = mask_message(message)
    assert kinds == ("MY_KEY",)
    assert KEY not in json.dumps(masked).replace("\\", "")
    assert KEY[-20:] not in json.dumps(masked)


def test_a_message_without_a_secret_is_the_same_object() -> None:
    message: dict[str, object] = {"role": "user", "content": '{"a":1, "b":"[secret: x]"}'}
    assert mask_message(message) == (message, ())
    assert mask_message(message)[0] is message


def test_names_keep_all_but_known_values(known: str) -> None:
    token = fake_keys.github_token()
    event = {"path": f"{token}.txt", "paths": (token, KEY), "message": token}
    assert mask_within(event, frozenset({"path", "paths"})) == {
        "path": f"{token}.txt",
        "paths": [token, "[secret: MY_KEY]"],
        "message": "[secret: key]",
    }


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a = '[secret: github-pat]'", {"[secret: github-pat]"}),
        ("[secret: MY_KEY][secret: private key]", {"[secret: MY_KEY]", "[secret: private key]"}),
        ("[secret] [secret: ] secret: x", set()),
    ],
)
def test_placeholders_are_known(text: str, found: set[str]) -> None:
    assert placeholders(text) == found


def fail_with(text: str) -> None:
    raise ValueError(text)


def test_log_lines_and_tracebacks_are_masked(known: str) -> None:
    with pytest.raises(ValueError, match="bad") as raised:
        fail_with(f"bad {KEY}")
    error = (ValueError, raised.value, raised.tb)
    record = logging.LogRecord("x", 40, "x.py", 1, "saw %s", (KEY,), error)
    line = MaskingFormatter("%(message)s").format(record)
    assert line.count("[secret: MY_KEY]") == 2
    assert KEY not in line


@pytest.mark.parametrize(
    ("name", "secret"),
    [("api_key", True), ("DB_PASSWORD", True), ("token", True), ("monkey", False)],
)
def test_names_of_secrets(name: str, secret: bool) -> None:
    assert names_secret(name) is secret


def test_nothing_is_loaded_before_it_is_needed() -> None:
    program = (
        "import sys, longshift.screening.secrets as s\n"
        "import longshift.lsp.server, longshift.cli.main\n"
        "s.mask('x')\nprint('kingfisher_sdk' in sys.modules, 'keyring' in sys.modules)"
    )
    said = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout == "False False\n"


SOCKET = {"x86_64": 41, "aarch64": 198}
"""The number of the system call `socket`, by machine."""

TRAPPED = """
import ctypes, socket, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
ends, goes_on = (6, 0, 0, 0x80000000), (6, 0, 0, 0x7FFF0000)
steps = [(0x20, 0, 0, 0), (0x15, 0, 1, int(sys.argv[1])), ends, goes_on]
code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in steps))
program = ctypes.create_string_buffer(struct.pack("@HP", len(steps), ctypes.addressof(code)))
assert libc.prctl(38, 1, 0, 0, 0) == 0
assert libc.prctl(22, 2, program, 0, 0) == 0
if sys.argv[2] == "connect":
    socket.socket()
from longshift.screening import detector
from longshift.screening.secrets import mask
assert detector.load()
print(mask(sys.stdin.read()))
"""
"""From its third line on, the kernel ends this process at its first call of `socket`."""


@pytest.mark.skipif(platform.machine() not in SOCKET, reason="the call's number is not known")
@pytest.mark.parametrize(
    ("act", "status", "said"),
    [("scan", 0, "[secret: key] [secret: slack-bot-token]\n"), ("connect", -signal.SIGSYS, "")],
)
def test_scanning_opens_no_connection(act: str, status: int, said: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", TRAPPED, str(SOCKET[platform.machine()]), act],
        input=f"{fake_keys.github_token()} {fake_keys.slack_token()}",
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (status, said), done.stderr
