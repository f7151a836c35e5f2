"""The index of open documents: what it says of any number, opened, changed and closed."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from lsprotocol import types

from longshift.lsp.buffers import Buffers
from longshift.lsp.protocol.text import OpenDocuments

MANY = 10_000


class Client:
    """Opens, changes and closes documents as the server's own handlers take note of it."""

    def __init__(self) -> None:
        sync = types.TextDocumentSyncKind.Incremental
        self.documents = OpenDocuments(None, sync, [], "utf-16")
        self.buffers = Buffers(SimpleNamespace(workspace=self.documents))

    def open(self, uri: str, text: str, version: int = 1) -> None:
        self.documents.put_text_document(types.TextDocumentItem(uri, "x", version, text))
        self.buffers.changed(uri)

    def type(self, uri: str, text: str) -> None:
        start = types.Position(0, 0)
        change = types.TextDocumentContentChangePartial(types.Range(start, start), text)
        here = types.VersionedTextDocumentIdentifier(2, uri)
        self.documents.update_text_document(here, change)
        self.buffers.changed(uri)

    def close(self, uri: str) -> None:
        self.documents.remove_text_document(uri)
        self.buffers.changed(uri)


@pytest.fixture
def client() -> Client:
    return Client()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path.resolve()


def texts(client: Client, root: Path) -> dict[str, str]:
    return {path: buffer.text for path, buffer in client.buffers.below(root).items()}


def test_a_picture_never_changes(client: Client, root: Path) -> None:
    a, b = (root / "a.py").as_uri(), (root / "b c.py").as_uri()
    client.open(a, "a")
    first = client.buffers.below(root)
    client.open(b, "b")
    client.type(a, "typed ")
    second = client.buffers.below(root)
    assert second is client.buffers.below(root)
    client.close(a)
    assert {path: buffer.text for path, buffer in first.items()} == {"a.py": "a"}
    assert {path: buffer.text for path, buffer in second.items()} == {
        "a.py": "typed a", "b c.py": "b"
    }  # fmt: skip
    assert texts(client, root) == {"b c.py": "b"}
    assert client.buffers.at("a.py", root) is None
    assert client.buffers.uri("b c.py", root) == b


def test_what_is_no_file_of_the_root(client: Client, root: Path) -> None:
    for uri in (
        "untitled:Untitled-1",
        "longshift:/R1/C1.diff",
        (root.parent / "beside.py").as_uri(),
        (root / ".git" / "config").as_uri(),
    ):
        client.open(uri, "x")
    assert texts(client, root) == {}
    assert client.buffers.at(".git/config", root) is None
    assert set(texts(client, root.parent)) == {
        "beside.py", f"{root.name}/.git/config"
    }  # fmt: skip


@pytest.mark.parametrize("name", ["a#b.py", "a?b.py", "100%.py", "a%20b.py", "é 😀.py", "a+b&c.py"])
def test_names_that_mean_something_in_a_uri(client: Client, root: Path, name: str) -> None:
    uri = (root / name).as_uri()
    client.open(uri, "x")
    client.type(uri, "y")
    assert texts(client, root) == {name: "yx"}
    for found in (client.buffers.at(name, root), client.buffers.find(uri, root)):
        assert found is not None
        assert (found.uri, found.path, found.text) == (uri, name, "yx")
    client.close(uri)
    assert client.buffers.at(name, root) is None


def test_one_file_under_two_names(client: Client, root: Path) -> None:
    (root / "real").mkdir()
    (root / "link").symlink_to("real")
    real, link = (root / "real" / "f").as_uri(), (root / "link" / "f").as_uri()
    client.open(real, "first")
    client.open(link, "second")
    assert texts(client, root) == {"real/f": "second"}
    client.type(real, "older ")
    assert texts(client, root) == {"real/f": "second"}
    client.close(link)
    assert texts(client, root) == {"real/f": "older first"}
    found = client.buffers.at("real/f", root)
    assert found is not None
    assert found.uri == real


def test_a_document_whose_file_was_taken_away(client: Client, root: Path) -> None:
    uri = (root / "f").as_uri()
    client.open(uri, "x")
    buffer = client.buffers.at("f", root)
    assert buffer is not None
    client.buffers.set_aside(buffer, root)
    assert texts(client, root) == {}
    assert client.buffers.at("f", root) is None
    client.type(uri, "y")
    assert texts(client, root) == {"f": "yx"}


def test_ten_thousand_documents(client: Client, root: Path) -> None:
    uris = [(root / f"folder{n % 50}" / f"file {n}.py").as_uri() for n in range(MANY)]
    for n, uri in enumerate(uris):
        client.open(uri, f"{n}")
    before = client.buffers.below(root)
    assert len(before) == MANY
    client.type(uris[4_321], "typed ")
    after = client.buffers.below(root)
    changed = {path for path in after if after[path] is not before[path]}
    assert changed == {"folder21/file 4321.py"}  # nothing was made anew for the others
    found = client.buffers.at("folder21/file 4321.py", root)
    assert found is not None
    assert (found.text, found.uri) == ("typed 4321", uris[4_321])
    client.close(uris[0])
    assert len(texts(client, root)) == MANY - 1
