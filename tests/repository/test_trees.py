"""Trees: an entry replaced in a tree's bytes is the tree that is written anew, always."""

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from longshift.repository import trees
from longshift.repository.files import EXECUTABLE, REGULAR, FileEdit
from longshift.repository.store import ObjectStore
from tests.support.repository_git import GitRepository

MakeStore = Callable[[dict[str, bytes | None]], tuple[ObjectStore, str]]
NAMES = ["b", "a 100644 b", "100644 b", "b 0", "é", "b.x", "d/b", "d/a 100644 b", "d/e/b", "b0/x"]
"""Some of them are the end of another's entry."""
EDITS = st.dictionaries(
    st.sampled_from(NAMES),
    st.one_of(
        st.none(),
        st.builds(
            FileEdit, st.sampled_from([b"", b"0", b"1"]), st.sampled_from([REGULAR, EXECUTABLE])
        ),
    ),
    max_size=len(NAMES),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(steps=st.lists(EDITS, min_size=1, max_size=4))
def test_a_spliced_tree_is_what_is_written_anew(
    steps: list[dict[str, FileEdit | None]], make_store: MakeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, base = _store(make_store)
    tree = store.objects.tree_of(base)
    for edits in steps:
        spliced = store.write_edits(tree, edits)
        with monkeypatch.context() as patched:
            patched.setattr(trees, "_MOST_SPLICED", 0)
            assert store.write_edits(tree, edits) == spliced
        tree = spliced
    GitRepository(store.git_dir).git("cat-file", "-e", tree)


_STORES: list[tuple[ObjectStore, str]] = []


def _store(make_store: MakeStore) -> tuple[ObjectStore, str]:
    """One store for all examples."""
    if not _STORES:
        _STORES.append(make_store(dict.fromkeys(NAMES, b"0")))
    return _STORES[0]


def test_modes_that_old_programs_padded_are_written_anew(make_store: MakeStore) -> None:
    store, base = make_store({"d/a": b"0", "z": b"0"})
    folder = store.find(base, "d")
    file = store.find(base, "z")
    assert folder
    assert file
    padded = b"040000 d\0%b100644 z\0%b" % tuple(bytes.fromhex(one.oid) for one in (folder, file))
    tree = store.objects.write_tree(padded)
    edited = store.write_edits(tree, {"d/a": FileEdit(b"1")})
    assert b"040000" not in store.objects.read_tree(edited)
