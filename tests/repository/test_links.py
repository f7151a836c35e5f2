"""Where links lead, as text: out of the repository by themselves, or through one another."""

from collections.abc import Callable

import pytest

from longshift.places.spelling import folded
from longshift.repository.files import SYMLINK, FileEdit
from longshift.repository.links import Links, leads_out, new_ways_out

TREE = {
    "up": b"..",
    "d/root": b"..",
    "d/deep/twice": b"../..",
    "here": b"d/deep",
    "loop": b"round",
    "round": b"loop",
    "away": b"/elsewhere",
    "d/chain": b"../away/x",
}
LINKS = Links({folded(path): target for path, target in TREE.items()})


@pytest.mark.parametrize(
    ("path", "target", "out"),
    [
        ("x", b"a.txt", False),
        ("x", b"./d//a.txt", False),
        ("d/x", b"../a.txt", False),
        ("d/x", b"..", False),
        ("x", b"missing/../a.txt", False),
        ("x", b"here/a.txt", False),
        ("x", b"here/../a.txt", False),
        ("x", b"d/root/a.txt", False),
        ("x", b"\xff\xfe", False),
        ("x", b"/etc/passwd", True),
        ("x", b"..", True),
        ("x", b"../x", True),
        ("d/x", b"../../x", True),
        ("x", b"a/../../x", True),
        ("x", b"C:/x", True),
        ("x", b"C:\\x", True),
        ("x", b"\\\\server\\share", True),
        ("x", b"..\\x", True),
        ("x", b".git/hooks", True),
        ("d/x", b"../.GIT/config", True),
        ("x", b"away", True),
        ("x", b"d/chain", True),
        ("x", b"up", True),
        ("x", b"d/root/..", True),
        ("x", b"here/../../a.txt", False),
        ("x", b"here/../../../a.txt", True),
        ("x", b"D/ROOT/../a", True),  # where case does not count
        ("x", b"d/deep/twice/../a", True),
        ("x", b"loop", True),
        ("x", b"x", False),
    ],
)
def test_where_a_link_leads(path: str, target: bytes, out: bool) -> None:
    assert leads_out(path, target, LINKS) is out


def test_links_that_lead_out_only_together(make_store: Callable) -> None:
    store, base = make_store({"d/deep/a.txt": b"a\n"})

    def link(commit: str, path: str, target: bytes) -> str:
        return store.commit_edits(commit, {path: FileEdit(target, SYMLINK)}, "link", when=0)

    alone = link(base, "x", b"d/way/../../../a")
    assert new_ways_out(store, base, alone, ["x"]) == ["x"]
    one = link(base, "x", b"d/way/../a")
    assert new_ways_out(store, base, one, ["x"]) == []
    two = link(one, "d/way", b"..")
    assert new_ways_out(store, one, two, ["d/way"]) == ["x"]
    assert new_ways_out(store, base, two, ["d/deep/a.txt"]) == [], "no link is among the changed"
    away = link(base, "away", b"/etc")
    assert new_ways_out(store, away, link(away, "y", b"d"), ["y"]) == [], "it was there before"
