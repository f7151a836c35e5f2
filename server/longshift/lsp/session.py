"""One repository that the client works in: its link, its person's files, its hunks and findings.

Owns the way from a command or a question of a feature to the engine, and what was computed for
open buffers. Never drives a run, and never decides: it asks, and remembers until facts or texts
change.
"""

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Final, ParamSpec, TypeVar

from lsprotocol import types

from longshift.engine.ports import SystemClock
from longshift.engine.restriction import refuse_restricted
from longshift.errors import NeedsPerson
from longshift.journal.wire import Json
from longshift.lsp.configuration import EditorSettings
from longshift.lsp.garbage import COLLECTOR
from longshift.lsp.hand import EditorHand
from longshift.lsp.latest import Latest
from longshift.lsp.link import Link, Side, open_link
from longshift.lsp.positions import Lines
from longshift.lsp.present import EditorPresent
from longshift.lsp.reviewing import FileReview, ReviewHunk
from longshift.precedence import PRECEDENCE
from longshift.repository.worktree import Worktree
from longshift.review.shapes import PendingHunk
from longshift.settings import (
    LetIn,
    Loaded,
    Trust,
    default_trust_folder,
    load_settings,
    what_trust_lets_in,
)

if TYPE_CHECKING:
    from longshift.domain.events import Recorded
    from longshift.domain.state import Run, State
    from longshift.lsp.host import Host
    from longshift.lsp.placements import Findings
    from longshift.review.proposals import Proposals


P = ParamSpec("P")
T = TypeVar("T")

MOVES_HUNKS: Final = frozenset({"task.landed", "head.moved", "change.decided"})
ABOUT_FINDINGS: Final = frozenset({"finding.reported", "finding.resolved", "finding.dismissed"})
ANSWERED_AT_ONCE: Final = frozenset({"listRuns", "listConstraints"})
"""Commands that need nothing of the runs in this process."""
LEARNS_AFTER_S: Final = 0.3
"""How long a guest's own reading of the runs is left, unless somebody needs them: it computes, and
would keep the editor's first questions waiting, which who drives the runs can answer."""
MOST_WAITS: Final = 10
"""How often that is waited again, while there are still such questions."""
WRITES_TEXT: Final = frozenset({"acceptChange", "acceptAll", "undoDecision"})
"""Commands that put text before the person."""


class Session:
    """One worktree. Its link is opened at the first need, and anew when an owner is gone."""

    def __init__(self, host: "Host", worktree: Worktree) -> None:
        """Work in a worktree, of which nothing is opened yet."""
        self.host: Final = host
        self.worktree: Final = worktree
        self.root: Final = worktree.root
        self._homes: dict[str, bool] = {}
        self.root_uri: Final = worktree.root.as_uri()
        self.hand: Final = EditorHand(host, worktree.root)
        self.settings: Final = EditorSettings(ignored=host.client.restricted)
        self._findings: Findings | None = None
        self._learnt = asyncio.Event()
        self._n_early = 0
        """Grows when a question begins or ends that the owner answers for a guest that learns."""
        self._link: Link | None = None
        self._opening = asyncio.Lock()
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="review")
        self._reviews: Latest[FileReview] = Latest("review")
        self._is_closed = False
        self._since = SystemClock().now()
        self.epoch = 0
        """Grows with each fact that can move hunks."""

    @property
    def has_journal(self) -> bool:
        """Whether an earlier process left runs here."""
        return (self.worktree.state_dir / "journal.sqlite").exists()

    @property
    def findings(self) -> "Findings":
        """Where the findings of its runs stand."""
        from longshift.lsp.placements import Findings  # not light

        if self._findings is None:
            self._findings = Findings(self)
        return self._findings

    @property
    def is_open(self) -> bool:
        """Whether its runs are known."""
        return self._link is not None and self._link.is_ready

    @property
    def is_learning(self) -> bool:
        """Whether another process drives its runs, which are not known here yet."""
        return self._link is not None and not self._link.is_ready

    def sees(self, path: str) -> bool:
        """Whether who drives the runs sees what this editor shows of a file."""
        return self._link is not None and self._link.sees(path)

    @property
    def state(self) -> "State":
        """Everything that is known here."""
        if self._link is not None and self._link.is_ready:
            return self._link.state
        from longshift.domain.state import State

        return State()

    @property
    def repo_named(self) -> str | None:
        """The root URI where a command must name it, because the client works in several."""
        return self.root_uri if len(self.host.sessions.all) > 1 else None

    @property
    def runs(self) -> "dict[str, Run]":
        """The runs of this worktree by id; another worktree of the repository has its own."""
        if not self.is_open:
            return {}
        return {id_: run for id_, run in self.state.runs.items() if self._is_home_of(run)}

    def _is_home_of(self, run: "Run") -> bool:
        folder = run.started.repo
        if folder not in self._homes:  # it asks the disk
            self._homes[folder] = self.worktree.is_home_of(folder)
        return self._homes[folder]

    @property
    def proposals(self) -> "Proposals | None":
        """The hunks of its runs; None: they are not known yet."""
        return self._link.proposals if self._link is not None and self._link.is_ready else None

    @property
    def has_findings(self) -> bool:
        """Whether any run has a finding to show."""
        return any(run.findings for run in self.runs.values())

    def is_live(self, recorded: "Recorded") -> bool:
        """Whether a fact happened in this session, not before it."""
        return recorded.time >= self._since

    async def link(self) -> Link:
        """The link to the runs, opened where it is not yet, once the runs are known.

        Raises:
            NeedsPerson: it can't be opened; says why.
        """
        link = await self.early_link()
        if not link.is_ready:
            await link.ready()
        return link

    async def early_link(self) -> Link:
        """The same, while the runs may not be known here yet: whoever drives them is asked then.

        Raises:
            NeedsPerson: it can't be opened; says why.
        """
        async with self._opening:
            if self._link is None or self._link.is_lost:
                if self.host.closing:
                    raise NeedsPerson("The language server is ending. Nothing was done.")
                lost = self._link
                if lost is not None and lost.is_owner:
                    self._link = None
                    await lost.close()  # it holds the repository
                    lost = None
                self._link = await self._open()
                self.epoch += 1
                if lost is not None:
                    await self._catch_up(self._link, lost)
                if self._link.is_ready:
                    self._become_known()
                    # With a link that was lost, catching up has told of them.
                    for recorded in self._link.recent if lost is None else ():
                        self._on_fact(recorded)
                else:
                    self.host.spawn(self._learn(self._link), "reading the runs")
            return self._link

    async def _open(self) -> Link:
        restricted = self.host.client.restricted
        side = Side(
            hand=self.hand,
            settings=self.settings,
            listener=self._on_fact,
            on_lost=self._on_lost,
            tell=partial(self.host.say, types.MessageType.Warning),
            restricted=restricted,
            since=self._since,
        )
        background = self.host.background and not restricted
        return await open_link(self.worktree, side, background=background)

    async def _learn(self, link: Link) -> None:
        """Have a guest learn the runs, once its editor's first questions have been answered."""
        for _ in range(MOST_WAITS):
            asked = self._n_early
            await asyncio.sleep(LEARNS_AFTER_S)
            if link.is_ready or asked == self._n_early:
                break
        try:
            await link.ready()
            for recorded in link.recent:
                self._on_fact(recorded)
            self._become_known()
        finally:
            self._learnt.set()

    async def until_learnt(self) -> None:
        """Wait until a guest knows the runs, or can't; at once for an owner."""
        if self.is_learning:
            await self._learnt.wait()

    @contextlib.contextmanager
    def _asking_early(self) -> Iterator[None]:
        self._n_early += 1
        try:
            yield
        finally:
            self._n_early += 1

    def _become_known(self) -> None:
        COLLECTOR.settle()
        self.epoch += 1
        self.host.opened(self)

    async def _catch_up(self, link: Link, lost: Link) -> None:
        """Tell of what happened while nobody was followed, and let go of the link that was lost."""
        await link.ready()
        after = lost.state.seq if lost.is_ready else 0  # it may have been lost before it knew any
        for recorded in await self.off_loop(self._facts, after, link.state.seq):
            if self.is_live(recorded):
                self._on_fact(recorded)
        self.host.spawn(lost.close(), "hanging up")

    def _facts(self, after: int, last: int) -> "list[Recorded]":
        from longshift.journal.reader import JournalReader

        with JournalReader.open(self.worktree.state_dir / "journal.sqlite") as reader:
            return [one for one in reader.read(after=after) if one.seq <= last]

    async def call(self, command: str, arguments: Mapping[str, object]) -> Json:
        """Carry a command out, here or in the process that owns the repository.

        Raises:
            UsageError: it does not fit.
            NeedsPerson: it can't be done as things stand.
        """
        if self.host.client.restricted:
            refuse_restricted(command, self.root)
        link = await self.early_link() if command in ANSWERED_AT_ONCE else await self.link()
        if not link.is_owner:
            await self._check_guest(command, arguments)
        with contextlib.nullcontext() if link.is_ready else self._asking_early():
            result = await link.call(command, arguments)
        if command == "forgetRun":  # no fact tells of it
            self.epoch += 1
            self.host.opened(self)
        return result

    async def describe(self, run_id: str) -> Json:
        """A run, whole, with its hunks and findings where they stand in this editor."""
        from longshift.engine.describe import describe_in_present

        link = await self.link()
        run = link.state.runs.get(run_id)
        if link.is_owner or run is None:
            return await link.call("describeRun", {"runId": run_id})
        present = self.hand.present()
        now = datetime.now(UTC)
        return await self.off_loop(
            describe_in_present, run, self.root_uri, link.proposals, present, now, link.others
        )

    async def review(self, path: str) -> FileReview:
        """The hunks of one file against what the person has at this moment.

        The file's text is read before the first `await`.
        """
        return await self.review_in(path, self.hand.present())

    def review_in(self, path: str, present: EditorPresent) -> Awaitable[FileReview]:
        """The same against files that were read already; it is to be awaited."""
        buffer = present.buffers.get(path)
        if self._link is None or buffer is None:
            return self._review(path, present)
        key = (self.epoch, self.repo_named, buffer.version, buffer.text)
        return asyncio.shield(self._reviews.get(path, key, lambda: self._review(path, present)))

    async def _review(self, path: str, present: EditorPresent) -> FileReview:
        buffer, repo, encoding = present.buffers.get(path), self.repo_named, self._encoding
        text, version = (buffer.text, buffer.version) if buffer else (None, None)
        found: Sequence[tuple[str, PendingHunk]] = ()
        link = self._link
        if link is not None and link.is_ready:
            from longshift.review.of_file import hunks_of

            runs = tuple(run for run in self.runs.values() if run.changes)
            found = await self.off_loop(hunks_of, link.proposals, runs, path, present, link.others)
        elif link is not None and not link.is_lost:
            with self._asking_early():
                found = await link.file_hunks(path)
        hunks = tuple(ReviewHunk(run_id, hunk) for run_id, hunk in found)
        return FileReview(repo, path, text, version, hunks, Lines(text or "", encoding))

    def expect(self, one: ReviewHunk, text: str) -> None:
        """Say what the buffer will read once the editor has applied an action's edit."""
        if self._link is not None:
            self._link.expect(one.run_id, one.hunk, text)

    async def file_at(self, commit: str, path: str) -> bytes | None:
        """The content of a file at a commit of a run."""
        link = await self.link()
        version = await self.off_loop(link.store.read_file, commit, path)
        return version.data if version is not None else None

    async def check_settings(self) -> tuple[str, ...]:
        """Read the settings as a run would, and give their notices.

        Raises:
            UsageError: one of them is wrong; names it.
        """
        return (await self.off_loop(self._load)).notices

    async def question_of_trust(self) -> LetIn | None:
        """What the person is to be asked before models run commands here; None: nothing.

        Raises:
            UsageError: the project's configuration can't be read.
        """
        return await self.off_loop(self._question_of_trust)

    async def trust(self, shown: LetIn) -> None:
        """Record that the person trusts the workspace as it was shown to them.

        Raises:
            NeedsPerson: the record can't be kept.
        """
        await self.off_loop(Trust(default_trust_folder()).trust, self.root, shown.fingerprint)

    async def off_loop(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do blocking work on another thread.

        Raises:
            NeedsPerson: the session is closed.
        """
        if self._is_closed:
            raise NeedsPerson(f"{self.root} was closed meanwhile. Nothing was done.")
        loop = asyncio.get_running_loop()
        with PRECEDENCE.person():
            return await loop.run_in_executor(self._threads, lambda: work(*args, **kwargs))

    def forget_closed(self, path: str) -> None:
        """Drop what was computed for a buffer that was closed."""
        self._reviews.forget(path)
        if self._findings is not None:
            self._findings.forget(path)

    async def close(self) -> None:
        """Pause what runs, durably, and let go."""
        async with self._opening:
            link, self._link = self._link, None
        if link is not None:
            await link.close()
        self._is_closed = True
        self._threads.shutdown(wait=True)

    @property
    def _encoding(self) -> str:
        return self.host.client.encoding

    def _on_fact(self, recorded: "Recorded") -> None:
        if recorded.event.event in MOVES_HUNKS:
            self.epoch += 1
        elif recorded.event.event in ABOUT_FINDINGS:
            self.findings.renew()
        self.host.tell(self, recorded)

    def _on_lost(self) -> None:
        if self.host.closing or self._is_closed:
            return
        # At once: where the owner was closed, its runs go on in whoever takes them over.
        self.host.spawn(self.link(), "going on without the process that owned the repository")

    def _load(self) -> Loaded:
        return load_settings(
            overrides={},
            environ=os.environ,
            editor=self.settings,
            project_root=self.root,
            trusts=Trust(default_trust_folder()).for_file(self.root),
        )

    def _question_of_trust(self) -> LetIn | None:
        from longshift.engine.outfitting import may_choose_commands

        standing = Trust(default_trust_folder()).standing(self.root)
        if standing == "trusted" or not may_choose_commands(self._load().settings):
            return None
        shown = what_trust_lets_in(self.root)
        if standing == "untrusted":
            return shown
        return replace(shown, words=f"It changed since you trusted it. {shown.words}")

    async def _check_guest(self, command: str, arguments: Mapping[str, object]) -> None:
        """Refuse what the owner would do to a file of which it does not see the text here."""
        if command in WRITES_TEXT:
            await self._check_saved(arguments)

    async def _check_saved(self, arguments: Mapping[str, object]) -> None:
        present = self.hand.present()
        paths = await self._paths_written(arguments, present)
        unsaved = [path for path in paths if not (self.sees(path) or present.is_saved(path))]
        if unsaved:
            raise NeedsPerson(
                f"{', '.join(unsaved)} has unsaved text here, and another Longshift owns this "
                "repository: it can't see this text. Nothing was changed. Save, "
                "then decide again."
            )

    async def _paths_written(
        self, arguments: Mapping[str, object], present: EditorPresent
    ) -> list[str]:
        path, change_id = arguments.get("path"), arguments.get("changeId")
        run = self.state.runs.get(str(arguments.get("runId")))
        if isinstance(path, str):
            return [path]
        if run is None or (isinstance(change_id, str) and change_id not in run.changes):
            return []
        if isinstance(change_id, str):
            return list(run.changes[change_id].paths)
        landed = {path for change in run.changes.values() for path in change.paths}
        return [path for path in present.buffers if path in landed]
