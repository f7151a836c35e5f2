"""Which hunks take a word of the person's own: by path, content, kind of file and links."""

from collections.abc import Callable, Mapping

import pytest

from longshift.repository.files import SUBMODULE, SYMLINK, FileEdit
from longshift.repository.links import links_of
from longshift.review.flags import flags_in, protected_paths
from tests.support.review_world import File, World

MakeWorld = Callable[[Mapping[str, File]], World]
TEN = b"".join(b"line %d\n" % n for n in range(10))
OURS = b"[tool.longshift]\nchecks = ['x']\n"
MODULE = FileEdit(b"a" * 40, SUBMODULE)


def link(target: bytes) -> FileEdit:
    return FileEdit(target, SYMLINK)


# name: base, landings, expected flags (a word of each) by change and path
FLAGS: dict[str, tuple[dict[str, File], list[dict[str, File]], dict[str, str]]] = {
    "ordinary": ({"a.py": TEN}, [{"a.py": TEN + b"x\n", "b.py": b"x\n"}], {}),
    "by its path": (
        {"a.py": TEN},
        [{"a.py": b"x\n" + TEN, ".vscode/tasks.json": b"{}\n"}],
        {"C1:.vscode/tasks.json": "editor"},
    ),
    "deleted": ({".envrc": TEN}, [{".envrc": None}], {"C1:.envrc": "shell"}),
    "moved away": (
        {".github/workflows/ci.yml": TEN},
        [{".github/workflows/ci.yml": None, "ci.yml": TEN}],
        {"C1:ci.yml": "CI"},
    ),
    "moved there": (
        {"ci.yml": TEN},
        [{"ci.yml": None, ".github/workflows/ci.yml": TEN}],
        {"C1:.github/workflows/ci.yml": "CI"},
    ),
    "edited, then moved there by a later landing": (
        {"ci.yml": TEN},
        [{"ci.yml": b"x\n" + TEN}, {"ci.yml": None, ".github/workflows/ci.yml": b"x\n" + TEN}],
        {"C1:ci.yml": "CI", "C2:.github/workflows/ci.yml": "CI"},
    ),
    "our own table": (
        {"pyproject.toml": b"[project]\n"},
        [{"pyproject.toml": b"[project]\nname = 'x'\n"}, {"pyproject.toml": b"[project]\n" + OURS}],
        {"C2:pyproject.toml": "Longshift"},
    ),
    "our own table, in a file that an earlier landing made": (
        {},
        [{"pyproject.toml": b"[project]\n"}, {"pyproject.toml": b"[project]\n" + OURS}],
        {"C1:pyproject.toml": "Longshift", "C2:pyproject.toml": "Longshift"},
    ),
    "a link within": ({"a.py": TEN}, [{"l": link(b"a.py")}], {}),
    "a link that leads out": ({}, [{"l": link(b"../../x")}], {"C1:l": "leads out"}),
    "a link that leads out through another": (
        {"l": link(b"/etc")},
        [{"m": link(b"l/passwd")}],
        {"C1:m": "leads out"},
    ),
    "a link in a folder's place": ({}, [{".vscode": link(b"conf")}], {"C1:.vscode": "editor"}),
    "where such a link leads": (
        {".vscode": link(b"conf"), ".github/workflows": link(b"../ci")},
        [{"conf/tasks.json": b"{}\n", "ci/x.yml": b"x\n", "configure": b"x\n"}],
        {"C1:conf/tasks.json": "editor", "C1:ci/x.yml": "CI"},
    ),
    "where a link leads that comes later": (
        {},
        [{"conf/tasks.json": b"{}\n"}, {".vscode": link(b"conf")}],
        {"C1:conf/tasks.json": "editor", "C2:.vscode": "editor"},
    ),
    "a submodule": ({"sub": MODULE}, [{"sub": FileEdit(b"b" * 40, SUBMODULE)}], {"C1:sub": "git"}),
    "a new submodule": ({}, [{"sub": MODULE}], {"C1:sub": "git"}),
}


def short(flag: str) -> str:
    words = ("editor", "shell", "CI", "Longshift", "leads out", "git")
    return next(word for word in words if word in flag)


@pytest.mark.parametrize("case", FLAGS)
def test_hunks_are_flagged(world: MakeWorld, case: str) -> None:
    base, landings, expected = FLAGS[case]
    it = world(base)
    for files in landings:
        it.land(files)
    flagged = {f"{h.change_id}:{h.path}": short(h.flag) for h in it.hunks() if h.flag}
    assert flagged == expected


@pytest.mark.parametrize("case", FLAGS)
def test_a_diff_names_what_the_hunks_are_flagged_for(world: MakeWorld, case: str) -> None:
    base, landings, expected = FLAGS[case]
    it = world(base)
    for files in landings:
        it.land(files)
    run = it.run
    differences = it.store.differences(run.taken, run.head)
    flags = flags_in(run, run.changes, differences, links_of(it.store, run.head))
    heads = {key.partition(":")[2] for key in expected}
    moved = {"ci.yml"} if "moved there by" in case else set()
    assert set(flags) == heads - moved


def test_paths_alone_say_what_a_landing_protects(world: MakeWorld) -> None:
    it = world({"a.py": TEN})
    change = it.land({"a.py": b"x\n" + TEN, ".envrc": b"x\n", "longshift.toml": b"\n"})
    assert list(protected_paths(it.run, change)) == [".envrc", "longshift.toml"]
