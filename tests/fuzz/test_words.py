"""What a person may write on a command line, and what a repository may have printed there.

Two properties. Any words on the command line are done or refused in a sentence with the right
exit status, never with a traceback. And no text of a repository or a model, printed, can steer a
terminal. They matter because the command line is the way out when an editor fails, and because
escapes in a file's name have taken over terminals before.
"""

import os
import subprocess
import unicodedata
from pathlib import Path

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from longshift.cli.commands.diff import coloured
from longshift.cli.commands.serve import _address
from longshift.cli.deciding import targets_of
from longshift.cli.terminal import clean, one_line
from longshift.errors import UsageError
from longshift.review.decisions import Target, parse_target
from tests.fuzz.replay import ODD_TEXTS, replayed, tries
from tests.support import warm
from tests.support.domain_history import History
from tests.support.repository_git import GitRepository

WORDS = st.lists(
    st.sampled_from(["C", "C1", "c1", ":", "::", "1", "0", "-1", "٣", "²", "9" * 5000, "a/b", "..",
                     "[", "]", "[::1]", "127.0.0.1", "localhost", "65535", "65536", "%", " "])
    | ODD_TEXTS | st.text(max_size=5),
    max_size=6,
).map("".join)  # fmt: skip


@tries(400)
@given(WORDS)
def test_a_target_is_one_or_is_refused(text: str) -> None:
    try:
        target = parse_target(text)
    except UsageError:
        with pytest.raises(UsageError):
            targets_of(History().run, [text], everything=False)
        return
    assert targets_of(History().run, [text], everything=False) == [target]
    assert isinstance(target, Target)
    assert target.change_id[0] == "C"
    assert text.startswith(target.change_id)


@tries(400)
@given(WORDS)
def test_an_address_is_one_or_is_refused(text: str) -> None:
    try:
        host, port = _address(text)
    except (click.UsageError, UsageError):
        return
    assert host
    assert 0 <= port <= 65_535


TEXTS = st.lists(
    st.sampled_from(["\x1b[2J", "\x1b]0;title\x07", "\x9b31m", "\r", "\b", "\x7f", "\0", "\u202e",
                     "\u2066", "\u200f", "\u061c", "\ud800", "[red]", "+a", "-b", "@@ -1 +1 @@",
                     "diff --git a/f b/f", "\n", "\t", "\u2028", "\x85", "\ufeff", ":smile:"])
    | st.text(max_size=5),
    max_size=9,
).map("".join)  # fmt: skip
STEERING = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}


def assert_harmless(text: str) -> None:
    text.encode()
    for letter in text:
        assert letter in "\n\t" or unicodedata.category(letter) != "Cc"
        assert unicodedata.bidirectional(letter) not in STEERING
        assert letter not in "\u061c\u200e\u200f"


@tries(400)
@given(TEXTS)
def test_nothing_printed_steers_a_terminal(text: str) -> None:
    assert_harmless(clean(text))
    assert clean(clean(text)) == clean(text)
    line = one_line(text, 40)
    assert_harmless(line)
    assert len(line) <= 40
    assert "\n" not in line
    shown = coloured(text).plain
    assert_harmless(shown)
    assert shown == clean(text).removesuffix("\n")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    repository = GitRepository.create(tmp_path_factory.mktemp("repository"))
    repository.commit({"a.py": b"a = 1\n"})
    return repository.root


@replayed("words")
def test_the_corpus_is_done_or_refused(root: Path, data: bytes) -> None:
    """Each file is a command line, one argument a line."""
    arguments = data.removesuffix(b"\n").split(b"\n")
    ended = subprocess.run(
        [*warm.command(), *map(os.fsdecode, arguments)],
        cwd=root,
        env={**os.environ, "PYTHONWARNINGS": "error"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    assert ended.returncode in (0, 1, 2)
    for said in (ended.stdout, ended.stderr):
        assert b"Traceback" not in said
        assert b"defect of Longshift" not in said
        assert b"\x1b" not in said
    if ended.returncode == 2:
        assert ended.stderr
