"""A worker's isolated view of the code: a commit plus an overlay of its own edits.

Pure in memory: nothing is written anywhere, and making one costs nothing. One worker's tools at a
time use it; it has no locks. Mistakes of a model are `TellModel`, and
`OutOfBounds` where it reached for what is not its own. No symbolic link is ever followed.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from types import MappingProxyType
from typing import Final, TypeAlias

from longshift.errors import OutOfBounds, TellModel
from longshift.places.spelling import names_gitmodules
from longshift.repository import hunks
from longshift.repository.files import (
    REGULAR,
    SUBMODULE,
    SYMLINK,
    Edits,
    FileEdit,
    FileVersion,
    is_plain_file,
)
from longshift.repository.globs import parse_globs
from longshift.repository.links import Links, leads_out, links_of
from longshift.repository.newcomers import Newcomers
from longshift.repository.paths import checked_file_path, checked_folder_path
from longshift.repository.replacing import find_to_replace
from longshift.repository.search import Match, Query
from longshift.repository.store import ObjectStore
from longshift.repository.textfile import TextFile, decode

Withholds: TypeAlias = Callable[[str, Callable[[], bytes]], bool]
"""Whether a committed file, by its path and what reads it, is kept from whoever works here."""

LARGEST_WRITTEN_BYTES: Final = 10_000_000
"""Of a file that a tool writes; one that is larger already may be made smaller."""
MOST_WRITTEN_BYTES: Final = 50_000_000
"""Of all files that one attempt has written: hundreds of workspaces are in memory at once."""


class Workspace:
    """One attempt's files.

    Attributes:
        commit: what the edits lie over.
    """

    def __init__(self, store: ObjectStore, commit: str, withholds: Withholds | None = None) -> None:
        """Look at a commit, but for the files that are withheld; None: all of them."""
        self.commit = commit
        self._store = store
        self._withholds = withholds
        self._edits: dict[str, FileEdit | None] = {}
        self._state = 0

    # Looking.

    def list_files(self, path: str = ".", glob: str | None = None) -> list[str]:
        """List files in the order of their paths.

        Args:
            path: a folder, or one file.
            glob: as in .gitignore: without a slash it is matched against names at any depth,
                with one against paths from the repository's root or from `path`.

        Raises:
            TellModel: there is nothing at the path, or the glob is malformed.
        """
        folder = checked_folder_path(path)
        committed = self._store.list_files(self.commit)
        kept = (name for name in committed if name not in self._edits)
        added = (name for name, edit in self._edits.items() if edit is not None)
        inside = f"{folder}/" if folder else ""
        chosen = [name for name in (*kept, *added) if name.startswith(inside) or name == folder]
        if folder and not chosen:
            self._newcomers().check_meaning(folder)
            raise TellModel("nothing_there", path=path, obstacle=self._obstacle(folder))
        if glob is not None:
            chosen = _matching(chosen, glob, inside)
        return sorted(chosen)

    def read_text(self, path: str) -> TextFile:
        """Read a text file, line ends and all.

        Raises:
            TellModel: no such file, or not a text file.
        """
        return self._text_file(checked_file_path(path))

    def search(
        self, pattern: str, path: str = ".", glob: str | None = None, limit: int = 200
    ) -> list[Match]:
        """Search lines of text files by a Python regular expression; see `search.Query`.

        Args:
            pattern: matched anywhere in a line.
            path: a folder, or one file.
            glob: as in `list_files`.
            limit: the search ends after so many matching lines.

        Raises:
            TellModel: bad pattern or path, or the search took too long.
        """
        query = Query(pattern)
        return query.search(self._contents(self.list_files(path, glob)), limit)

    def read(self, path: str) -> FileEdit | None:
        """Give a file as it stands, whatever its kind; None where there is none."""
        return self._file(checked_file_path(path))

    def checked_scope(self, path: str) -> str:
        """Give the canonical form of a path to work on, which need not be there yet; "" is all.

        Raises:
            OutOfBounds, TellModel: nothing can be there.
        """
        name = checked_folder_path(path)
        if name:
            self._newcomers().check_meaning(name)
        return name

    def is_withheld(self, path: str) -> bool:
        """Whether the commit has a file at a path that may be neither read nor changed here."""
        entry = self._store.find(self.commit, path)
        if entry is None or self._withholds is None or not is_plain_file(entry.mode):
            return False
        return self._withholds(path, partial(self._store.objects.read_blob, entry.oid))

    # Editing.

    def edit_file(self, path: str, old_text: str, new_text: str, replace_all: bool = False) -> int:
        r"""Replace text in a file; encoding, mode and line ends stay as they are.

        Args:
            path: an existing text file.
            old_text: what stands there; in a file of CRLF lines, "\n" matches their ends.
            new_text: what shall stand there.
            replace_all: replace each occurrence; without it there must be exactly one.

        Returns:
            How many occurrences were replaced.

        Raises:
            TellModel: no such text, more than one, or nothing to do.
            OutOfBounds: it would become too large.
        """
        name = checked_file_path(path)
        file = self._text_file(name)
        old, new, count = find_to_replace(name, file, old_text, new_text, replace_all=replace_all)
        # Before it is made: a few characters become gigabytes where all of them are replaced.
        self._check_size(name, len(file.text) + count * (len(new) - len(old)))
        data = file.encode(file.text.replace(old, new))
        self._check_size(name, len(data))
        self._put(name, FileEdit(data, self._mode(name)))
        return count

    def write_file(self, path: str, content: str) -> None:
        """Write a whole text file; over an existing one its conventions are kept.

        Raises:
            TellModel: the path can't be a file here.
            OutOfBounds: it would become too large.
        """
        name = checked_file_path(path)
        self._refuse_withheld(name)
        self._check_writable(name)
        self._check_size(name, len(content))
        existing = self._file(name)
        file = (decode(existing.data) if existing else None) or TextFile("")
        data = file.encode(file.adapt(content))
        self._check_size(name, len(data))
        self._put(name, FileEdit(data, existing.mode if existing else REGULAR))

    def delete_file(self, path: str) -> None:
        """Delete a file, symlink or submodule entry.

        Raises:
            TellModel: there is none.
        """
        name = checked_file_path(path)
        self._existing(name)
        self._put(name, None)

    def move_file(self, path: str, new_path: str) -> None:
        """Move a file to a path where none is, with its mode and content.

        Raises:
            TellModel: there is no such file, or the new path is taken or can't be a file.
        """
        name, target = checked_file_path(path), checked_file_path(new_path)
        self._refuse_withheld(target)
        file = self._existing(name)
        if self._file(target) is not None:
            raise TellModel("path_taken", path=target)
        self._put(name, None)
        try:
            self._check_writable(target)
            if file.mode == SYMLINK:
                links = links_of(self._store, self.commit, self._edits)
                _refuse_link(target, file.data, links)
        except TellModel:
            self._put(name, file)
            raise
        self._put(target, file)

    # What was done.

    @property
    def edits(self) -> Edits:
        """The overlay, read only: what differs from the commit; None is a deletion."""
        return MappingProxyType(self._edits)

    @property
    def state(self) -> int:
        """A number for the files as they are: the same files, the same number; this process only.

        Kept up to date as edits are laid, so that asking for it costs nothing.
        """
        return hash((self.commit, self._state))

    @property
    def is_changed(self) -> bool:
        """Whether anything differs from the commit."""
        return bool(self._edits)

    def changed_paths(self) -> list[str]:
        """List the paths that differ from the commit, sorted."""
        return sorted(self._edits)

    def changes(self) -> Iterator[tuple[str, bytes | None, bytes | None]]:
        """Give each changed path with its content before and after, in the order of paths."""
        for name in self.changed_paths():
            old, new = self._committed(name), self._edits[name]
            yield name, old.data if old else None, new.data if new else None

    def diff(self) -> str:
        """Give the overlay as a unified diff against the commit, in the order of paths."""
        parts = []
        for name in self.changed_paths():
            old = self._committed(name)
            parts.append(hunks.unified(old.as_edit() if old else None, self._edits[name], name))
        return "".join(parts)

    def rebase_onto(self, commit: str, edits: Mapping[str, FileEdit | None]) -> None:
        """Move to another commit and lay other edits over it, as a `landing.Conflict` asks."""
        self.commit = commit
        self._edits = {}
        self._state = 0
        for name, edit in edits.items():
            self._put(name, edit)

    def take_over(self, edits: Mapping[str, FileEdit | None]) -> dict[str, TellModel]:
        """Lay edits over the files that a command made, which may have named them as it liked.

        Returns:
            The paths that were left as they are here, each with the reason.
        """
        refused: dict[str, TellModel] = {}
        before = {name: self._edits[name] for name in edits.keys() & self._edits.keys()}
        for name in (name for name, edit in edits.items() if edit is None):
            self._put(name, None)
        written = [
            (name, edit)
            for name, edit in sorted(edits.items(), key=lambda one: one[0])
            if edit is not None
        ]
        beside = self._newcomers()
        for name, edit in written:
            try:
                self._check_taken(name, beside)
            except TellModel as error:
                refused[name] = error
            else:
                self._put(name, edit)
                beside.add(name)
        for name, way_out in self._ways_out(written).items():
            refused[name] = way_out
            del self._edits[name]
            if name in before:
                self._edits[name] = before[name]
        return refused

    # Beneath.

    def _ways_out(self, taken: Iterable[tuple[str, FileEdit]]) -> dict[str, TellModel]:
        """The links among what was taken that are refused, now that all of it is in its place."""
        new = [(name, edit) for name, edit in taken if edit.mode == SYMLINK]
        links = links_of(self._store, self.commit, self._edits) if new else Links({})
        refused: dict[str, TellModel] = {}
        for name, edit in new:
            if self._edits.get(name) == edit:
                try:
                    _refuse_link(name, edit.data, links)
                except TellModel as error:
                    refused[name] = error
        return refused

    def _check_taken(self, name: str, beside: Newcomers) -> None:
        self._refuse_withheld(name)
        if checked_file_path(name) != name:
            raise OutOfBounds("path", "path_not_canonical", path=name)
        if beside.is_folder(name) or any(self._file(above) for above in _folders_above(name)):
            raise TellModel("not_writable", path=name, obstacle=self._obstacle(name))
        if self._file(name) is None:
            beside.check(name)

    def _put(self, name: str, edit: FileEdit | None) -> None:
        """Lay an edit over the commit; one that changes nothing is dropped instead."""
        if name in self._edits:
            self._state ^= hash((name, self._edits[name]))
        committed = self._committed(name)
        if edit == (committed.as_edit() if committed else None):
            self._edits.pop(name, None)
        else:
            self._edits[name] = edit
            self._state ^= hash((name, edit))

    def _file(self, name: str) -> FileEdit | None:
        if name in self._edits:
            return self._edits[name]
        version = self._committed(name)
        return None if version is None else version.as_edit()

    def _committed(self, name: str) -> FileVersion | None:
        return self._store.read_file(self.commit, name)

    def _mode(self, name: str) -> int:
        file = self._file(name)
        return file.mode if file else REGULAR

    def _contents(self, names: list[str]) -> Iterator[tuple[str, bytes]]:
        listing = self._store.list_files(self.commit)
        for name in names:
            edit = self._edits.get(name)
            if edit is not None and is_plain_file(edit.mode):
                yield name, edit.data
            elif edit is None and is_plain_file(listing[name].mode):
                read = partial(self._store.objects.read_blob, listing[name].oid)
                if self._withholds is None or not self._withholds(name, read):
                    yield name, read()

    def _refuse_withheld(self, name: str) -> None:
        if self.is_withheld(name):
            raise OutOfBounds("secret", "file_withheld", path=name)

    def _existing(self, name: str) -> FileEdit:
        self._refuse_withheld(name)
        file = self._file(name)
        if file is None:
            self._newcomers().check_meaning(name)
            raise TellModel("no_such_file", path=name, obstacle=self._obstacle(name))
        return file

    def _text_file(self, name: str) -> TextFile:
        file = self._existing(name)
        if file.mode == SYMLINK:
            target = file.data.decode("utf-8", "replace")
            raise TellModel("file_is_link", path=name, target=target)
        if file.mode == SUBMODULE:
            raise TellModel("file_is_submodule", path=name)
        text = decode(file.data)
        if text is None:
            raise TellModel("file_is_binary", path=name, size=len(file.data))
        return text

    def _check_writable(self, name: str) -> None:
        """Refuse what a tree can't hold or what would leave it.

        Invariant: no edit lies beneath a file or symlink, on a folder, or on a symlink.
        """
        if self._newcomers().is_folder(name):
            raise TellModel("file_is_folder", path=name)
        file = self._file(name)
        if file is not None and not is_plain_file(file.mode):
            raise TellModel("not_written_through", path=name)
        if obstacle := self._obstacle(name):
            raise TellModel("not_writable", path=name, obstacle=obstacle)
        if file is None:
            self._newcomers().check(name)

    def _check_size(self, name: str, size: int) -> None:
        """Refuse what would grow beyond what a file, and an attempt, may write.

        Raises:
            OutOfBounds: it would.
        """
        before = self._file(name)
        if before is not None and size <= len(before.data):
            return
        if size > LARGEST_WRITTEN_BYTES:
            most = LARGEST_WRITTEN_BYTES
            raise OutOfBounds("size", "file_too_large", path=name, size=size, most=most)
        edits = self._edits.items()
        total = size + sum(len(edit.data) for path, edit in edits if edit and path != name)
        if total > MOST_WRITTEN_BYTES:
            most = MOST_WRITTEN_BYTES
            raise OutOfBounds("size", "workspace_full", path=name, size=total, most=most)

    def _newcomers(self) -> Newcomers:
        return Newcomers(self._store, self.commit, self._edits)

    def _obstacle(self, name: str) -> Mapping[str, str] | None:
        """What stands where a path needs a folder, or its file; None: nothing does."""
        for above in _folders_above(name):
            file = self._file(above)
            if file is not None:
                kind = {SYMLINK: "symlink", SUBMODULE: "submodule"}.get(file.mode, "file")
                return {"path": above, "kind": kind}
        return {"path": name, "kind": "folder"} if self._newcomers().is_folder(name) else None


def _folders_above(name: str) -> Iterator[str]:
    """The folders on the way to a path, the topmost first."""
    parts = name.split("/")
    return ("/".join(parts[:depth]) for depth in range(1, len(parts)))


def _refuse_link(name: str, target: bytes, links: Links) -> None:
    """Refuse a link that leads out of the repository, or that git would obey.

    Raises:
        OutOfBounds: it does.
    """
    if names_gitmodules(name.rsplit("/", 1)[-1]):
        raise OutOfBounds("path", "link_read_by_git", path=name)
    if leads_out(name, target, links):
        shown = target.decode("utf-8", "replace")
        raise OutOfBounds("path", "link_leads_out", path=name, target=shown)


def _matching(names: list[str], glob: str, inside: str) -> list[str]:
    try:
        spec = parse_globs([glob])
    except ValueError as error:
        raise TellModel("glob_unreadable", glob=glob, problem=str(error)) from None
    return [
        name
        for name in names
        if spec.match_file(name) or (inside and spec.match_file(name.removeprefix(inside)))
    ]
