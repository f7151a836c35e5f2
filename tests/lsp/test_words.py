"""What an editor shows of others' words: no secret, and nothing that hides or turns text."""

from lsprotocol import types

from longshift.domain.model import Finding
from longshift.errors import NeedsPerson
from longshift.lsp.findings import PlacedFinding, _words
from longshift.lsp.problems import Where, on_diagnostics
from longshift.lsp.protocol.answers import answer_to
from longshift.lsp.words import shown
from longshift.review.placing import Standing
from longshift.screening.known import KNOWN
from tests.support import fake_keys

RLO = "\u202e"
TOKEN = fake_keys.github_token()


def test_words_are_made_plain() -> None:
    KNOWN.learn("a-key-in-use-1", "MY_KEY")
    assert shown(f"a{RLO}b {TOKEN} a-key-in-use-1") == "a[U+202E]b [secret: key] [secret: MY_KEY]"


def test_a_title_can_not_be_turned_round() -> None:
    here = types.Range(types.Position(0, 0), types.Position(0, 1))
    diagnostic = types.Diagnostic(here, f"rename{RLO}evil {TOKEN}")
    fix, *_ = on_diagnostics(Where(None, "file:///a", {}), [diagnostic])
    assert fix.title == "Longshift: fix “rename[U+202E]evil [secret: key]”"


def test_a_finding_and_an_error_are_plain() -> None:
    finding = Finding(
        id="F1", path="a", line=1, severity="error", code="x", message=f"a{RLO}", commit="c",
        suggestion=f"use {TOKEN}",
    )  # fmt: skip
    standing = Standing(finding, "a", True, 0, 0, None, None)
    assert _words(PlacedFinding(None, standing)) == "a[U+202E]\nuse [secret: key]"
    answer = answer_to(NeedsPerson(f"refused {TOKEN}{RLO}"), "x", "the log").to_wire()
    assert answer["message"] == "refused [secret: key][U+202E]"
