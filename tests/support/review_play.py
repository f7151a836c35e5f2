"""A person, their editor and a crew that lands, for the stateful test of a whole review.

Everything is real but the crew: its landings are made as commits and facts, exactly as the engine
makes them. Every line of every text is told apart from every other, so that a line that is lost,
doubled, glued or brought back is seen at once.
"""

import asyncio
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from pygls.exceptions import JsonRpcException

from longshift.domain import events as e
from longshift.domain.decide import BeginCycle
from longshift.domain.model import Goal, TaskPlan, TaskState
from longshift.domain.state import Run
from longshift.engine.cycle import begin_cycle
from longshift.engine.engine import Engine
from longshift.engine.owning.ownership import Owner
from longshift.engine.ports import StillPresent
from longshift.repository.files import FileEdit
from longshift.repository.hunks import line_hunks, split_lines
from longshift.review.shapes import PendingHunk
from tests.support.lsp_inprocess import Connected, connect
from tests.support.lsp_journey import Document, Editor, make_repository

SETTINGS: Final = {"checks": [], "sandbox": {"mode": "none"}}
# A number that something was typed into is none: its first digits may be another's.
TYPED: Final = re.compile(r"typed \d+\b(?!«)|«\d+»")
LANDED: Final = re.compile(r"landed \d+\.\d+\b(?!«)")
OPEN: Final = ("a.txt", "c.txt")
"""What the person has open from the start; `b.txt` is not."""
RUN: Final = "R1"

Key = tuple[str, str, int]
States = Mapping[Key, tuple[str, str]]
Texts = dict[str, str]


def base_files() -> Texts:
    a = "".join(f"a base {n} 🦀\n" for n in range(8))
    b = "".join(f"b base {n}\n" for n in range(6)).removesuffix("\n")
    c = "".join(f"\tc base {n} 🧪🧪\r\n" for n in range(6))
    return {"a.txt": a, "b.txt": b, "c.txt": c}


def make_template(folder: Path) -> Path:
    """A repository with two branches, copied for each play."""
    root = make_repository(folder, base_files())
    git(root, "checkout", "-q", "-b", "other")
    (root / "b.txt").write_bytes(base_files()["b.txt"].replace("b base 2", "b other 2").encode())
    git(root, "commit", "-q", "-a", "-m", "Other")
    git(root, "checkout", "-q", "main")
    return root


def git(root: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["git", *arguments], cwd=root, capture_output=True, check=False)


def contents(text: str) -> list[str]:
    return [line.rstrip("\r\n") for line in split_lines(text)]


@dataclass
class Play:
    """One review from its start; each method is a step that a person or the crew can make."""

    root: Path
    profile: str
    connected: Connected | None = None
    known: set[str] = field(default_factory=set)
    """Every line that anybody ever wrote whole."""
    history: dict[str, list[str]] = field(default_factory=dict)
    """By URI, what the editor's undo goes back to."""
    undone: dict[str, list[str]] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)
    """What was typed and is known to the crew since: workers may propose to change it."""
    odd: set[str] = field(default_factory=set)
    """Files whose hunks are hard to tell apart: moved, gone, or with a last end come or gone."""
    left: dict[str, str] = field(default_factory=dict)
    """By URI, buffers whose file was there before a decision, with their text."""
    numbers: int = 0
    branch: str = "main"

    # Beginning, end, and the end in between.

    async def begin(self) -> None:
        for text in base_files().values():
            self.known.update(contents(text))
        self.known.add("b other 2")
        await self._connect()
        for path in OPEN:
            self._open(path)
        engine = await self.engine()
        loaded = await engine.settings({})
        taken, started = await engine.starts.prepare(Goal(text="Review"), loaded.settings, {})
        del taken
        await engine.starts.pin(started)
        record = engine.shop.chronicle.record
        await record(started, e.CycleStarted(run=RUN, cycle=1))
        await record(e.RunPaused(run=RUN, reason="The test lands by itself."))

    async def end(self) -> None:
        if self.connected is not None:
            await self.connected.close()

    async def restart(self) -> None:
        """The server ends and starts again; the editor keeps its buffers."""
        before = await self.states()
        documents = {
            uri: document
            for uri, document in self.editor.documents.items()
            if not self._is_left_behind(document)
        }
        await self.end()
        await self._connect()
        for document in documents.values():
            self._open(self.path(document), document.text)
        assert await self.states() == before, "a restart changed what is to be reviewed"

    async def _connect(self) -> None:
        self.connected = await connect([self.root], self.profile, SETTINGS)

    # What there is.

    @property
    def editor(self) -> Editor:
        assert self.connected is not None
        return self.connected.editor

    async def engine(self) -> Engine:
        assert self.connected is not None
        session = await self.connected.host.sessions.chosen(None, None)
        owner = (await session.link())._owner  # type: ignore[attr-defined]
        assert isinstance(owner, Owner)
        return owner.engine

    async def run(self) -> Run:
        return (await self.engine()).shop.chronicle.run(RUN)

    async def states(self) -> dict[Key, tuple[str, str]]:
        """Every hunk with its state and reason, as `describeRun` has them before they are sent."""
        await self._settle()
        assert self.connected is not None
        session = await self.connected.host.sessions.chosen(None, None)
        run: Any = await session.describe(RUN)
        return {
            (change["id"], file["path"], hunk["hunk"]): (hunk["state"], hunk["reason"])
            for change in run["changes"]
            for file in change["files"]
            for hunk in file["hunks"]
        }

    async def in_state(self, *states: str) -> list[Key]:
        return [key for key, (state, _) in (await self.states()).items() if state in states]

    def path(self, document: Document) -> str:
        return document.uri.removeprefix(self.root.as_uri() + "/")

    def texts(self) -> Texts:
        """What the person has, open or not."""
        found = {
            path.name: path.read_bytes().decode()
            for path in sorted(self.root.iterdir())
            if path.is_file()
        }
        for document in self.editor.documents.values():
            if not self._is_left_behind(document):
                found[self.path(document)] = document.text
        return found

    def _is_left_behind(self, document: Document) -> bool:
        """Whether a decision took a buffer's file away, and the editor left it open.

        The person sees no file there any more, and closes it when they next look.
        """
        place = self.root / self.path(document)
        return self.left.get(document.uri) == document.text and not place.exists()

    # What the person does in their editor.

    def documents(self) -> list[Document]:
        """Those that the person works on."""
        every = (self.editor.documents[uri] for uri in sorted(self.editor.documents))
        return [document for document in every if not self._is_left_behind(document)]

    def insert_line(self, document: Document, at: int) -> None:
        lines = split_lines(document.text)
        place, end = at % (len(lines) + 1), line_end(document.text)
        line = self._typed()
        if place == len(lines) and lines and not lines[-1].endswith("\n"):
            self._edit(document, len(document.text), len(document.text), end + line)
        else:
            offset = sum(map(len, lines[:place]))
            self._edit(document, offset, offset, line + end)

    def insert_inside(self, document: Document, at: int, column: int) -> None:
        lines = split_lines(document.text)
        if not lines:
            return
        number = at % len(lines)
        content = lines[number].rstrip("\r\n")
        within = column % (len(content) + 1)
        self.numbers += 1
        offset = sum(map(len, lines[:number])) + within
        self._edit(document, offset, offset, f"«{self.numbers}»")

    def erase_line(self, document: Document, at: int) -> None:
        lines = split_lines(document.text)
        if lines:
            number = at % len(lines)
            offset = sum(map(len, lines[:number]))
            self._edit(document, offset, offset + len(lines[number]), "")

    def undo(self, document: Document) -> bool:
        if not self.history.get(document.uri):
            return False
        self.undone.setdefault(document.uri, []).append(document.text)
        self._replace(document, self.history[document.uri].pop())
        return True

    def redo(self, document: Document) -> bool:
        if not self.undone.get(document.uri):
            return False
        self.history.setdefault(document.uri, []).append(document.text)
        self._replace(document, self.undone[document.uri].pop())
        return True

    def save(self, document: Document) -> None:
        if self._is_left_behind(document):
            return  # or a file that was moved would be there twice
        self.editor.save(document, self.root / self.path(document))

    def reload(self, document: Document) -> None:
        """Take what the disk has, as after `:edit!`."""
        place = self.root / self.path(document)
        if place.exists():
            self._remember(document)
            self._replace(document, place.read_bytes().decode())

    def close(self, document: Document) -> None:
        """Close a buffer; like most editors, only what was saved."""
        place = self.root / self.path(document)
        if place.exists() and place.read_bytes().decode() == document.text:
            self.editor.close(document)
            self._forget(document.uri)

    def open_another(self, at: int) -> None:
        shut = [p for p in self.texts() if (self.root / p).as_uri() not in self.editor.documents]
        if shut:
            self._open(shut[at % len(shut)])

    def checkout(self) -> None:
        """Go to the other branch, as far as git lets them; editors reload what was saved."""
        before = {d.uri: self._disk(d) for d in self.documents()}
        left = [d for d in self.editor.documents.values() if d.uri not in before]
        wanted = "other" if self.branch == "main" else "main"
        if git(self.root, "checkout", "-q", wanted).returncode == 0:
            self.branch = wanted
        for document in left:
            if self._disk(document) is not None:  # back again, and another than the buffer says
                self.editor.close(document)
                self._forget(document.uri)
        for document in self.documents():
            if before.get(document.uri) == document.text != self._disk(document):
                self.reload(document)

    # What the person decides.

    async def accept(self, key: Key) -> None:
        """By the command alone; the editor is asked to edit."""
        before, at_first = await self.states(), self.texts()
        answer = await self._decide("acceptChange", key)
        if answer is None:
            return
        after = await self.states()
        assert after[key][0] == "accepted", (key, answer, after[key])
        self._check_others(before, after, {key})
        await self._check_undo(key, before, at_first)

    async def accept_by_action(self, at: int, type_between: Callable[[], None] | None) -> None:
        """As from the menu, perhaps typing between looking at it and choosing."""
        documents = self.documents()
        if not documents:
            return
        document = documents[at % len(documents)]
        found = await self.editor.actions(document, only=["quickfix.longshift.accept"])
        if not found:
            return
        action = found[at % len(found)]
        if type_between is not None:
            type_between()
        before, texts = await self.states(), self.texts()
        self._remember(document)
        answer = await self._tried(self.editor.pick(action))
        self._check_texts(texts)
        if answer is None:
            return
        [named] = action.command.arguments
        key = (named["changeId"], named["path"], named["hunk"])
        after = await self.states()
        assert after[key][0] == "accepted", (key, after[key])
        self._check_others(before, after, {key})

    async def accept_refused(self, key: Key) -> None:
        """Accept what can't be; the answer says so, and nothing is another."""
        before, texts = await self.states(), self.texts()
        assert await self._decide("acceptChange", key) is None
        assert (await self.states(), self.texts()) == (before, texts)

    async def reject(self, key: Key) -> None:
        await self._says("rejectChange", key, "rejected")

    async def rework(self, key: Key) -> None:
        await self._says("reworkChange", key, "rework")

    async def take_back(self, key: Key) -> None:
        before = (await self.states())[key][0]
        texts = self.texts()
        answer = await self._decide("undoDecision", key)
        if answer is not None and before in ("rejected", "rework"):
            assert self.texts() == texts, "taking back a rejection changed a text"
            assert (await self.states())[key][0] != before
        elif answer is not None:
            after = (await self.states())[key]
            assert after[0] in ("pending", "stale", "superseded"), (key, after)

    async def decide_all(self, command: str, at: int) -> None:
        paths = sorted(self.texts())
        uri = (self.root / paths[at % len(paths)]).as_uri()
        for document in self.documents():
            self._remember(document)
        texts = self.texts()
        await self._tried(self.editor.command(command, runId=RUN, uri=uri))
        self._check_texts(texts)
        if command == "rejectAll":
            assert self.texts() == texts
        await self._settle()

    async def _says(self, command: str, key: Key, state: str) -> None:
        before, texts = await self.states(), self.texts()
        answer = await self._decide(command, key)
        assert self.texts() == texts, f"{command} changed a text"
        if answer is not None:
            after = await self.states()
            # Where something else builds on a rejected hunk, that stands for it from now on.
            assert after[key][0] in (state, "superseded"), after[key]
            assert after[key][0] == state or before[key][0] == "rejected"
            self._check_others(before, after, {key})

    async def _decide(self, command: str, key: Key) -> Any:
        change, path, hunk = key
        texts = self.texts()
        for document in self.documents():
            self._remember(document)
        answer = await self._tried(
            self.editor.command(command, runId=RUN, changeId=change, path=path, hunk=hunk)
        )
        self._check_texts(texts)
        await self._settle()
        return answer

    async def _tried(self, doing: Any) -> Any:
        """What it gives, or None where it is refused; a refusal changes no text."""
        texts = self.texts()
        self.left |= {d.uri: d.text for d in self.documents() if self._disk(d) is not None}
        try:
            return await doing
        except ValueError:  # the editor refuses the edit of a text that has changed since
            assert self.texts() == texts
            return None
        except JsonRpcException as error:
            refusal = error
        assert refusal.code in (-32602, -32803), refusal
        assert self.texts() == texts, f"a refusal changed a text: {refusal.message}"
        return None

    # What the crew does.

    async def land(self, at: int, edits: list[tuple[int, int, int]]) -> None:
        """Land replacements of lines (start, how many go, how many come) in one file."""
        path, text = await self._head_file(at)
        if path is None:
            return
        end, lines = line_end(text), split_lines(text)
        self.numbers += 1
        count = 0
        for start, removed, added in edits:
            place = start % (len(lines) + 1)
            new = [f"landed {self.numbers}.{count + n} 🔁{end}" for n in range(added)]
            count += added
            if new and place == len(lines) and lines and not lines[-1].endswith("\n"):
                lines[-1] += end
                new[-1] = new[-1].removesuffix(end)
            lines[place : place + removed] = new
        self.known.update(line.rstrip("\r\n") for line in lines)
        await self._commit({path: "".join(lines)})

    async def land_ragged(self, at: int) -> None:
        """Land the removal of the last line end, or its return."""
        path, text = await self._head_file(at)
        if path is not None and text:
            end = line_end(text)
            bare = text.removesuffix(end)
            self.odd.add(path)
            await self._commit({path: bare if bare != text else text + end})

    async def land_rename(self, at: int) -> None:
        path, text = await self._head_file(at)
        if path is not None and text:
            self.numbers += 1
            self.odd |= {path, f"n{self.numbers}.txt"}
            await self._commit({path: None, f"n{self.numbers}.txt": text})

    async def land_new_file(self) -> None:
        self.numbers += 1
        lines = [f"landed {self.numbers}.{n}" for n in range(2)]
        self.known.update(lines)
        await self._commit({f"n{self.numbers}.txt": "".join(f"{line}\n" for line in lines)})

    async def land_deletion(self, at: int) -> None:
        path, _ = await self._head_file(at)
        if path is not None:
            self.odd.add(path)
            await self._commit({path: None})

    async def land_again(self, at: int) -> None:
        """Land once more, word for word and at the same place, what was rejected and taken out."""
        run, store = await self.run(), (await self.engine()).shop.store
        found = [
            (change, path, number)
            for change in run.changes.values()
            for (path, number), said in change.decisions.items()
            if said.decision == "rejected"
        ]
        if not found:
            return
        change, path, number = found[at % len(found)]
        steps = [step.commit for step in run.steps]
        later = steps[steps.index(change.commit) :]
        if not all(store.read_file(commit, path) for commit in later):
            return  # the file was away meanwhile: the one of this name is another
        before, after = (store.read_file(c, path) for c in (change.parent, change.commit))
        head = store.read_file(run.head, path)
        if before is None or after is None or head is None:
            return
        hunks = line_hunks(before.data.decode(), after.data.decode())
        lines = split_lines(head.data.decode())
        if number > len(hunks) or not hunks[number - 1].old_lines:
            return
        old, new = hunks[number - 1].old_lines, hunks[number - 1].new_lines
        starts = [i for i in range(len(lines)) if tuple(lines[i : i + len(old)]) == old]
        if len(starts) != 1 or not all(line.endswith("\n") for line in (*old, *new)):
            return
        lines[starts[0] : starts[0] + len(old)] = new
        again = await self._commit({path: "".join(lines)})
        for key, (state, _) in (await self.states()).items():
            assert key[0] != again or state != "pending", "a rejected hunk was proposed again"

    async def next_cycle(self) -> None:
        engine, run = await self.engine(), await self.run()
        texts, before, offered = self.texts(), await self.states(), await self.pending()
        record = engine.shop.chronicle.record
        await record(e.JudgeStarted(run=RUN, cycle=run.cycle))
        verdict = {"run": RUN, "cycle": run.cycle, "decision": "continue", "reason": "go on"}
        await record(e.VerdictReached.model_validate(verdict))
        room = await engine._outfitter.room_again(RUN)
        try:
            await begin_cycle(room, BeginCycle(run.cycle + 1, "plan"))
        finally:
            await room.models.aclose()
            await room.checkouts.close()
        assert self.texts() == texts, "a new cycle changed a text of the person's"
        head = await self.head_texts()
        wanted, kept = ({*TYPED.findall("".join(t.values()))} for t in (texts, head))
        assert wanted - self.taken <= kept, f"the head lacks what was typed: {wanted - kept}"
        self.taken |= wanted
        after = await self.states()
        run = await self.run()
        back = {
            (change.id, *key)
            for change in run.changes.values()
            for key, said in change.decisions.items()
            if said.decision == "pending"  # taken back, and so out of the head if it was there
        }
        for key, (state, reason) in after.items():
            assert state != "pending" or before[key][0] != "rejected", f"{key} came back"
            if before[key][0] != "pending" or state == "pending" or key in back:
                continue
            # Neighbours that can't be told apart any more are one hunk from then on.
            assert self._is_carried(offered[key], head), (key, state, reason)

    async def pending(self) -> dict[Key, PendingHunk]:
        engine, run = await self.engine(), await self.run()
        hunks = engine.shop.proposals.of_run(run, StillPresent(engine.shop.hand.present()))
        return {(h.change_id, h.path, h.hunk): h for h in hunks if h.state == "pending"}

    def _is_carried(self, hunk: PendingHunk, head: Texts) -> bool:
        """Whether the head still does what a hunk would have done; each line is there once."""
        if hunk.kind != "edit":
            return hunk.path in self.odd or not hunk.new_text
        old, new = ({*contents(text)} for text in (hunk.old_text, hunk.new_text))
        has = {line for text in head.values() for line in contents(text)}
        return new - old <= has and not has & (old - new)

    async def head_texts(self) -> Texts:
        store, run = (await self.engine()).shop.store, await self.run()
        return {
            path: version.data.decode()
            for path in sorted(store.list_files(run.head))
            if (version := store.read_file(run.head, path)) is not None
        }

    async def _head_file(self, at: int) -> tuple[str | None, str]:
        texts = await self.head_texts()
        if not texts:
            return None, ""
        path = sorted(texts)[at % len(texts)]
        return path, texts[path]

    async def _commit(self, files: Mapping[str, str | None]) -> str:
        """Land edits as one change, as the engine records it; of a rework that waits, if any."""
        engine, run = await self.engine(), await self.run()
        edits = {p: None if t is None else FileEdit(t.encode()) for p, t in files.items()}
        commit = engine.shop.store.commit_edits(run.head, edits, "Land", when=0)
        waiting = [t.id for t in run.tasks.values() if t.state is TaskState.WAITING]
        task = waiting[0] if waiting else run.next_task_id
        change = engine.shop.chronicle.state.next_id("C")
        if not waiting:
            plan = TaskPlan(title=f"do {task}", instructions="As it says.")
            await engine.shop.chronicle.record(e.TaskAdded(run=RUN, task=task, plan=plan))
        landing = {
            "run": RUN,
            "task": task,
            "attempt": 1,
            "change": change,
            "commit": commit,
            "parent": run.head,
            "paths": tuple(sorted(files)),
        }
        await engine.shop.chronicle.record(
            e.AttemptStarted(run=RUN, task=task, attempt=1, base=run.head)
        )
        await engine.shop.chronicle.record(e.LandingIntended.model_validate(landing))
        assert engine.shop.store.swap_head(RUN, run.head, commit)
        await engine.shop.chronicle.record(e.TaskLanded.model_validate(landing))
        return change

    # What must hold.

    async def check(self) -> None:
        """Whatever was done: texts are whole, and the server has the same ones."""
        await self._settle()
        assert self.connected is not None
        documents = self.connected.host.server.workspace.text_documents
        for document in self.documents():
            assert documents[document.uri].source == document.text, "the server has another text"
        texts = self.texts()
        for path, text in texts.items():
            strange = [line for line in contents(text) if line not in self.known]
            assert not strange, f"lines in {path} that nobody wrote: {strange}"
        twice = Counter(LANDED.findall("".join(texts.values())))
        assert max(twice.values(), default=1) == 1, f"applied twice: {twice.most_common(1)}"

    def _check_texts(self, before: Texts) -> None:
        """What the server did to the texts took nothing that no worker had seen, nor doubled it."""
        was, now = (
            Counter(TYPED.findall("".join(texts.values()))) for texts in (before, self.texts())
        )
        lost = {one for one in was - now if one not in self.taken}
        assert not lost, f"lost {lost}"
        assert max(now.values(), default=1) == 1, f"doubled: {now.most_common(1)}"

    def _check_others(
        self,
        before: Mapping[Key, tuple[str, str]],
        after: Mapping[Key, tuple[str, str]],
        but: set[Key],
    ) -> None:
        """A decision on one hunk leaves all others as decidable as they were."""
        for key, (state, reason) in before.items():
            held = "proposes again" in reason  # for as long as what it repeats is rejected
            if key not in but and not held and state in ("pending", "rejected", "rework"):
                assert after[key][0] == state or self._is_of_own(after[key]), (key, after[key])

    def _is_of_own(self, word: tuple[str, str]) -> bool:
        """Whether a hunk is stale by lines that the person did type: what parted them may be gone.

        Two insertions at one place are not put in an order by us.
        """
        named = re.search(r"lines? (\d+)(?: to (\d+))? (?:was|were) changed by you", word[1])
        if word[0] != "stale" or named is None:
            return False
        lines = range(int(named[1]) - 1, int(named[2] or named[1]))
        return any(
            TYPED.search(text_line)
            for text in self.texts().values()
            for number, text_line in enumerate(contents(text))
            if number in lines
        )

    async def _check_undo(self, key: Key, before: States, texts: Texts) -> None:
        """To undo in the editor what was accepted makes it pending; to redo it, accepted."""
        changed = [d for d in self.documents() if texts.get(self.path(d)) != d.text]
        if len(changed) != 1 or self.path(changed[0]) not in texts:
            return  # written on the disk, or a file that moved
        [document] = changed
        own = await self._is_beside_own(key, texts[self.path(document)])
        self.undo(document)
        if self.texts() == texts and not own:
            assert (await self.states())[key][0] == before[key][0]
        self.redo(document)
        assert (await self.states())[key][0] == "accepted"

    async def _is_beside_own(self, key: Key, text: str) -> bool:
        """Whether a hunk touched lines that the person had changed: to undo it then reads like to
        amend it.
        """
        run, store = await self.run(), (await self.engine()).shop.store
        change = run.changes[key[0]]
        after, taken = store.read_file(change.commit, key[1]), store.read_file(run.taken, key[1])
        if after is None or taken is None:
            return True
        mine = {contents(text)[i] for i in _beside(taken.data.decode(), text)}
        return any(
            contents(text)[i] in mine for i in _beside(text, after.data.decode(), of_new=False)
        )

    # Parts.

    def _typed(self) -> str:
        self.numbers += 1
        return f"typed {self.numbers} 😀"

    def _open(self, path: str, text: str | None = None) -> None:
        self.editor.open(self.root / path, text)

    def _disk(self, document: Document) -> str | None:
        place = self.root / self.path(document)
        return place.read_bytes().decode() if place.exists() else None

    def _edit(self, document: Document, start: int, end: int, text: str) -> None:
        self._remember(document)
        self.editor._change(document, [(start, end, text)])
        self.known.update(contents(document.text))

    def _replace(self, document: Document, text: str) -> None:
        self.editor._change(document, [(0, len(document.text), text)])

    def _remember(self, document: Document) -> None:
        steps = self.history.setdefault(document.uri, [])
        if not steps or steps[-1] != document.text:
            steps.append(document.text)
        self.undone.pop(document.uri, None)

    def _forget(self, uri: str) -> None:
        self.history.pop(uri, None)
        self.undone.pop(uri, None)

    async def _settle(self) -> None:
        await self.editor.settle()


def _beside(old: str, new: str, *, of_new: bool = True) -> set[int]:
    """The lines that differ and their neighbours, of the new text or of the old one."""
    found: set[int] = set()
    for hunk in line_hunks(old, new):
        start, lines = (
            (hunk.new_start, hunk.new_lines) if of_new else (hunk.old_start, hunk.old_lines)
        )
        found |= {*range(start - 1, start + len(lines) + 1)}
    count = len(split_lines(new if of_new else old))
    return {line for line in found if 0 <= line < count}


def line_end(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def copy_of(template: Path, root: Path) -> Path:
    shutil.copytree(template, root, symlinks=True)
    return root


class Stage:
    """A loop of its own for a play, so that a machine without `async` can drive it."""

    def __init__(self, template: Path, root: Path, profile: str) -> None:
        self.runner = asyncio.Runner()
        self.play = Play(copy_of(template, root), profile)

    def do(self, doing: Any) -> Any:
        return self.runner.run(doing)

    def close(self) -> None:
        try:
            self.runner.run(self.play.end())
        finally:
            self.runner.close()
            shutil.rmtree(self.play.root)
