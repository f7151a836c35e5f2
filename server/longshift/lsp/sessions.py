"""The repositories that the client works in, and which of them a command means.

Owns their finding, opening and closing. Must stay light at its top: what a session needs is
imported in a thread once the client is initialized.
"""

import asyncio
import importlib
import logging
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from longshift.errors import NeedsPerson, UsageError
from longshift.lsp.garbage import COLLECTOR

if TYPE_CHECKING:
    from longshift.lsp.host import Host
    from longshift.lsp.session import Session

logger = logging.getLogger(__name__)

OPENS_WITHIN_S: Final = 5.0
"""How long a question about a document waits for what an earlier process left there."""
NEEDED: Final = ("longshift.lsp.session", "longshift.lsp.link")
HEAVY: Final = ("longshift.lsp.arguments", "longshift.crew.prompts")
"""What goals take; imported behind, after what is needed to show what is there."""


class Sessions:
    """One session for each worktree that the client's folders or documents lie in."""

    def __init__(self, host: "Host") -> None:
        """Know of none yet."""
        self._host = host
        self._folders: dict[str, Path] = {}
        self._by_root: dict[Path, Session] = {}
        self._loading: asyncio.Task[None] | None = None
        self._opening: asyncio.Future[None] | None = None
        self._finding = asyncio.Lock()

    @property
    def all(self) -> list["Session"]:
        """Every session that there is."""
        return list(self._by_root.values())

    def at(self, uri: str) -> "Session | None":
        """The session of a file, if it has one already; the innermost of nested repositories."""
        place = self._host.buffers.place(uri)
        if place is None:
            return None
        roots = [root for root in self._by_root if place.is_relative_to(root)]
        return self._by_root[max(roots, key=lambda root: len(root.parts))] if roots else None

    async def holding(self, uri: str) -> "Session | None":
        """The session of a file, once the folders are open.

        An editor asks for what it shows as soon as it has opened a document, and asks once.
        """
        if self._opening is not None and not self._opening.done():
            await asyncio.wait([self._opening], timeout=OPENS_WITHIN_S)
        return self.at(uri)

    async def loaded(self) -> None:
        """Wait until the heavy modules are imported; without blocking the loop."""
        if self._loading is None:
            self._loading = asyncio.create_task(asyncio.to_thread(_load), name="loading")
        await asyncio.shield(self._loading)

    def add_folder(self, uri: str) -> None:
        """Work in a folder of the client's; one that is in no repository is remembered."""
        place = self._host.buffers.place(uri)
        if place is None:
            logger.warning("The folder %s is not on this machine.", uri)
            return
        self._folders[uri] = place.resolve()

    async def open_folders(self) -> None:
        """Find the repositories of all folders, and open what earlier processes left there.

        Raises:
            NeedsPerson: one can't be opened; the others may be.
        """
        opening = self._opening = asyncio.get_running_loop().create_future()
        try:
            await self.loaded()
            for trouble in await self._look():
                logger.warning("%s", trouble)
            for session in self.all:
                if session.has_journal:
                    await session.early_link()
        finally:
            opening.set_result(None)

    async def remove_folder(self, uri: str) -> None:
        """Let go of a folder, and of its repository where no other folder needs it."""
        place = self._folders.pop(uri, None)
        session = None if place is None else self._enclosing(place)
        if session is None or any(
            self._enclosing(one) is session for one in self._folders.values()
        ):
            return
        self._by_root.pop(session.root, None)
        await session.close()

    async def every(self) -> list["Session"]:
        """The sessions of all folders, opened, and their runs known.

        Raises:
            NeedsPerson: there is none; says why.
        """
        for session in await self.reached():
            await session.link()
        return self.all

    async def reached(self) -> list["Session"]:
        """The sessions of all folders, opened; whoever drives their runs may know more than they.

        Raises:
            NeedsPerson: there is none; says why.
        """
        await self.loaded()
        troubles = await self._look()
        if self._by_root:
            for session in self.all:
                await session.early_link()
            return self.all
        if troubles:
            raise troubles[0]
        raise NeedsPerson(
            "No folder is open in your editor, so there is no repository to work in. Nothing was "
            "done. Open a folder that is in a git repository, or name a file with `uri`."
        )

    async def chosen(self, repo: str | None, uri: str | None) -> "Session":
        """The one session that a command means.

        Args:
            repo: the root URI that the command names.
            uri: a file that it names.

        Raises:
            UsageError: several are open and none was named, or no such one.
            NeedsPerson: what was named is in no repository.
        """
        await self.loaded()
        if repo is not None:
            return await self._named(repo)
        if uri is not None:
            return await self._holding(uri)
        sessions = await self.every()
        if len(sessions) > 1:
            raise _ambiguous("Several repositories are open", sessions)
        return sessions[0]

    async def with_run(self, run_id: str, repo: str | None, uri: str | None = None) -> "Session":
        """The session whose run has an id.

        Raises:
            UsageError: none has, or several have and the command does not say which.
        """
        if repo is not None or uri is not None:
            return await self.chosen(repo, uri)
        sessions = await self.every()
        having = [session for session in sessions if run_id in session.runs]
        if len(having) > 1:
            raise _ambiguous(f"There is a run {run_id} in each of several repositories", having)
        if not having and len(sessions) > 1:
            known = sorted({run for session in sessions for run in session.state.runs})
            raise UsageError(
                f"There is no run {run_id} in any open repository. There are: "
                f"{', '.join(known) or 'none yet'}."
            )
        return (having or sessions)[0]

    async def close(self) -> None:
        """Pause what runs everywhere, durably; one that fails keeps no other from it."""
        if self._loading is not None:
            await asyncio.wait([self._loading])
        async with self._finding:
            sessions, self._by_root = self.all, {}
        results = await asyncio.gather(*(one.close() for one in sessions), return_exceptions=True)
        for error in results:
            if isinstance(error, BaseException):
                logger.error("A repository could not be closed in good order.", exc_info=error)

    def _enclosing(self, place: Path) -> "Session | None":
        roots = [root for root in self._by_root if place.is_relative_to(root)]
        return self._by_root[max(roots, key=lambda root: len(root.parts))] if roots else None

    async def _look(self) -> list[NeedsPerson]:
        """Look at every folder, again: a person may have made it a repository meanwhile."""
        troubles: list[NeedsPerson] = []
        for place in list(self._folders.values()):
            try:
                _ = await self._session(place)
            except NeedsPerson as error:
                troubles.append(error)
        return troubles

    async def _named(self, repo: str) -> "Session":
        place = self._host.buffers.place(repo)
        if place is None:
            raise UsageError(f"`repo` must be the file URI of a repository's root, not {repo!r}.")
        session = self._enclosing(place.resolve())
        if session is None and place.resolve() in self._folders.values():
            session = await self._session(place.resolve())
        if session is None:
            open_ones = ", ".join(one.root_uri for one in self.all) or "none"
            raise UsageError(f"{repo} is no open repository. Open are: {open_ones}.")
        await session.link()
        return session

    async def _holding(self, uri: str) -> "Session":
        place = self._host.buffers.place(uri)
        if place is None:
            raise UsageError(f"{uri!r} is no file of this machine. Nothing was done.")
        session = self.at(uri) or await self._session(place.parent)
        await session.link()
        return session

    async def _session(self, place: Path) -> "Session":
        async with self._finding:
            if (known := self._enclosing(place)) is not None and place == known.root:
                return known
            return await self._discover(place)

    async def _discover(self, place: Path) -> "Session":
        from longshift.lsp.session import Session
        from longshift.repository.worktree import Worktree

        worktree = await asyncio.to_thread(Worktree.discover, place)
        if worktree.root not in self._by_root:
            session = Session(self._host, worktree)
            session.settings.set_initial(self._host.options.get("settings"))
            self._by_root[worktree.root] = session
            await self._host.configure(session)
        return self._by_root[worktree.root]


def load_rest() -> None:
    """Import what goals take, so that no goal waits for it; blocking."""
    for name in HEAVY:
        importlib.import_module(name)
    COLLECTOR.settle()


def _load() -> None:
    for name in NEEDED:
        importlib.import_module(name)
    COLLECTOR.settle()


def _ambiguous(what: str, sessions: Iterable["Session"]) -> UsageError:
    uris = ", ".join(session.root_uri for session in sessions)
    return UsageError(f"{what}. Nothing was done. Say which with `repo`: {uris}.")
