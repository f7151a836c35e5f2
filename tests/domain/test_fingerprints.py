"""Which reports speak of one defect: what a fingerprint heeds, and what it passes over."""

import pytest

from longshift.domain.fingerprints import LENGTH, fingerprint

ONE = ("src/a.py", "F401", "'os' imported but unused, seen 2 times", "import os\n")


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("code", "f401"),
        ("message", '"os" imported but unused, seen 12 times'),
        ("message", "`os`  imported\nbut unused, seen 1,000.5 times."),
        ("message", "\u201cos\u201d imported but unused, seen 3 times!"),
        ("message", "F401 [*] `os` imported but unused, seen 7 times"),
        ("message", "'os' Imported but unused, seen 2 times [F401]"),
        ("line", "    import   os\r\n"),
        ("line", "\timport os"),
    ],
)  # fmt: skip
def test_the_same_defect_in_other_clothes(where: str, said: str) -> None:
    assert changed(where, said) == fingerprint(*ONE)


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("path", "src/A.py"),
        ("code", "F811"),
        ("message", "'os1' imported but unused, seen 2 times"),
        ("message", "'re' imported but unused, seen 2 times"),
        ("line", "import osx\n"),
        ("line", "import Os\n"),
        ("line", "import os  # 🦀\n"),
        ("line", ""),
    ],
)
def test_another_defect(where: str, said: str) -> None:
    assert changed(where, said) != fingerprint(*ONE)


def test_parts_do_not_run_into_each_other() -> None:
    assert fingerprint("a", "b", "c d", "") != fingerprint("a", "b c", "d", "")
    assert fingerprint("a", "b", "c", "d") != fingerprint("a", "b", "", "c d")


def test_any_text_has_one() -> None:
    odd = fingerprint("a\udcff", ".*[(", "\ud800 🦀 \0", "\x85\u2028")
    assert len(odd) == LENGTH
    assert int(odd, 16) >= 0


def changed(where: str, said: str) -> str:
    parts = dict(zip(("path", "code", "message", "line"), ONE, strict=True)) | {where: said}
    return fingerprint(*parts.values())
