"""The map of a repository: definitions of every language, weights, closeness, bounds."""

import time

import pytest

from longshift.repository.outline import LARGEST_BYTES, MOST_DEFINITIONS, outline
from longshift.repository.overview import Overviews
from longshift.repository.store import ObjectStore
from longshift.repository.worktree import Worktree
from tests.support.repository_git import GitRepository

OUTLINES = {
    "a.py": (
        (
            "import x\n@p\nclass A(B):\n    x = 1\n    def m(self, a: int = 1) -> str:\n"
            "        def inner(): pass\nasync def f(\n    a,\n    b):\n    pass\n"
        ),
        ["class A(B)", "  def m(self, a: int = 1) -> str", "async def f( a, b)"],
    ),
    "a.js": (
        "export class A extends B { m(a) { } }\nexport default function f(a, b) { }\n",
        ["class A extends B", "  m(a)", "function f(a, b)"],
    ),
    "a.ts": (
        "export interface I { x: number }\ntype T = string;\nclass A<T> { private m(a: T): T {} }",
        ["interface I", "type T = string", "class A<T>", "  private m(a: T): T"],
    ),
    "a.tsx": ("export function F(p: P) { return <b/> }\n", ["function F(p: P)"]),
    "a.go": (
        "package x\ntype S struct { a int }\nfunc (s *S) M(a int) error { return nil }\n",
        ["S struct", "func (s *S) M(a int) error"],
    ),
    "a.rs": (
        "pub struct S { a: i32 }\nimpl S { pub fn new() -> S { S { a: 1 } } }\nmod m { fn q() {} }",
        ["pub struct S", "impl S", "  pub fn new() -> S", "mod m", "fn q()"],
    ),
    "A.java": (
        "public class A extends B { public void m(int x) { } }\nrecord R(int a) {}\n",
        ["public class A extends B", "  public void m(int x)", "record R(int a)"],
    ),
    "a.c": (
        "struct s { int a; };\nstatic int f(int a) { return 1; }\nchar *g(void) { return 0; }\n",
        ["struct s", "static int f(int a)", "char *g(void)"],
    ),
    "a.cpp": (
        "namespace n { class A : public B { }; int f() { return 1; } }\nvoid A::m() { }\n",
        ["namespace n", "class A : public B", "int f()", "void A::m()"],
    ),
    "a.cs": (
        "namespace N { public class A : B { public int M(int x) { return 1; } } }\n",
        ["namespace N", "public class A : B", "  public int M(int x)"],
    ),
    "a.rb": (
        "module M\n  class A < B\n    def m(x)\n      x\n    end\n  end\nend\n",
        ["module M", "class A < B", "  def m(x)"],
    ),
    "a.php": (
        "<?php class A extends B { public function m($x) { } }\nfunction f($a) { }\n",
        ["class A extends B", "  public function m($x)", "function f($a)"],
    ),
    "a.kt": (
        'class A(val x: Int) : B() { fun m(a: Int): String { return "" } }\nfun f() { }\n',
        ["class A(val x: Int) : B()", "  fun m(a: Int): String", "fun f()"],
    ),
    "a.swift": (
        'class A: B { func m(a: Int) -> String { return "" } }\nprotocol P { }\n',
        ["class A: B", "  func m(a: Int) -> String", "protocol P"],
    ),
    "a.sh": ("f() { echo; }\n", ["f()"]),
    "a.md": ("# def f():\n", []),
    "binary.py": ("def f():\0 pass\n", []),
    "broken.py": ("def f(:\nclass A:\n  def m(self): pass\n", ["class A", "  def m(self)"]),
}


@pytest.mark.parametrize("path", OUTLINES)
def test_a_file_is_its_main_definitions(path):
    text, expected = OUTLINES[path]
    found = [f"{'  ' * one.depth}{one.line}" for one in outline(path, text.encode())]
    assert found[-len(expected) :] == expected if path == "broken.py" else found == expected


@pytest.mark.parametrize(
    "text",
    ["(" * 150_000, "class A:\n" + " def m(self): pass\n" * 9_000, "x" * (LARGEST_BYTES + 1)],
    ids=["deep", "many", "large"],
)
def test_a_hostile_file_costs_little(text):
    began = time.process_time()
    assert len(outline("a.py", text.encode())) <= MOST_DEFINITIONS
    assert time.process_time() - began < 5  # no figure: without bounds it takes minutes


@pytest.fixture
def repository(tmp_path):
    person = GitRepository.create(tmp_path / "r")
    files = {
        "core/engine.py": b"class Engine:\n    def start_engine(self): pass\n",
        "core/helper.py": b"def rarely_used(): pass\n",
        "app/main.py": b"from core.engine import Engine\nEngine().start_engine()\n",
        "app/other.py": b"from core.engine import Engine\ndef other_entry(): Engine()\n",
        "app/lonely.py": b"def lonely(): pass\n",
        "z/uses.py": b"other_entry()\ndef user_of_other(): pass\n",
        "keys/.env.py": b"SECRET = 1\ndef shown_to_nobody(): pass\n",
        "readme.md": b"Engine and start_engine\n",
    }
    commit = person.commit(files)
    store = ObjectStore.open(Worktree.discover(person.root))
    yield store, commit
    store.close()


def withholds(path, read):
    return path.startswith("keys/")


def paths_of(text):
    return [line for line in text.splitlines() if not line.startswith(" ")]


def test_the_files_that_others_speak_of_come_first(repository):
    store, commit = repository
    text = Overviews(store).at(commit, withholds).text((), 10_000)
    assert paths_of(text)[:2] == ["core/engine.py", "app/other.py"]
    assert "  class Engine\n    def start_engine(self)" in text
    assert "shown_to_nobody" not in text
    assert "keys/" not in text


def test_it_is_the_same_from_a_process_of_its_own(repository, monkeypatch):
    store, commit = repository
    text = Overviews(store).at(commit, withholds).text((), 10_000)
    monkeypatch.setattr("longshift.repository.overview.WORTH_IT_BYTES", 0)
    assert Overviews(store).at(commit, withholds).text((), 10_000) == text


def test_a_tasks_own_files_come_first_then_what_is_tied_to_them(repository):
    store, commit = repository
    text = Overviews(store).at(commit, withholds).text(["app/other.py"], 10_000)
    order = paths_of(text)
    assert order[0] == "app/other.py"
    assert set(order[1:3]) == {"core/engine.py", "z/uses.py"}
    assert order.index("app/lonely.py") < order.index("core/helper.py")


@pytest.mark.parametrize("characters", [0, 60, 120])
def test_no_more_is_shown_than_there_is_room_for(repository, characters):
    store, commit = repository
    assert len(Overviews(store).at(commit, withholds).text((), characters)) <= characters


def test_a_commit_is_looked_at_once_and_alike(repository):
    store, commit = repository
    overviews = Overviews(store)
    first = overviews.at(commit, withholds)
    assert overviews.at(commit, withholds) is first
    again = Overviews(store).at(commit, withholds)
    assert again.text((), 10_000) == first.text((), 10_000)
