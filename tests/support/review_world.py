"""Runs for review's tests: real commits in a real store, and a state folded from real events."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from longshift.domain import events as e
from longshift.domain.fold import apply
from longshift.domain.model import Goal, HunkDecision, TaskPlan
from longshift.domain.state import Run, State
from longshift.repository.files import REGULAR, FileEdit
from longshift.repository.store import ObjectStore
from longshift.review.proposals import Proposals
from longshift.review.shapes import Effect, PendingHunk, PresentFile, RenameFile, WriteFile

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
File = bytes | FileEdit | None


@dataclass
class Person:
    """The person's files in memory: buffers where they have one open, else the disk."""

    files: dict[str, FileEdit] = field(default_factory=dict)
    buffers: dict[str, str] = field(default_factory=dict)

    def read(self, path: str) -> PresentFile | None:
        file = self.files.get(path)
        mode = file.mode if file else REGULAR
        if path in self.buffers:
            return PresentFile(text=self.buffers[path], mode=mode, version=1)
        return None if file is None else PresentFile(data=file.data, mode=mode)

    def perform(self, effects: Iterable[Effect]) -> None:
        for effect in effects:
            match effect:
                case WriteFile(path=path, data=data, mode=mode):
                    self.files[path] = FileEdit(data, mode)
                case RenameFile(old_path=old, path=path):
                    self.files[path] = self.files.pop(old)
                case _:
                    del self.files[effect.path]


class World:
    """One run, step by step."""

    def __init__(self, store: ObjectStore, files: Mapping[str, File]) -> None:
        self.store = store
        self.proposals = Proposals(store)
        self.state = State()
        self.person = Person(
            {path: as_edit(file) for path, file in files.items() if file is not None}
        )
        root = store.objects.write_commit(store.write_edits(None, {}), [], "root", 0)
        base = self._commit(root, self.person.files)
        self._record(e.RunStarted(run="R1", goal=Goal(text="g"), repo="/r", base=base))
        self._record(e.CycleStarted(run="R1", cycle=1))

    @property
    def run(self) -> Run:
        return self.state.runs["R1"]

    def land(self, files: Mapping[str, File], title: str = "do it") -> str:
        """Land edits of files (None deletes) as one change; gives its id."""
        run = self.run
        task, change = run.next_task_id, self.state.next_id("C")
        commit = self._commit(run.head, files)
        paths = tuple(sorted(files))
        self._record(e.TaskAdded(run="R1", task=task, plan=TaskPlan(title=title, instructions="")))
        self._record(e.AttemptStarted(run="R1", task=task, attempt=1, base=run.head))
        landing = {
            "run": "R1",
            "task": task,
            "attempt": 1,
            "change": change,
            "commit": commit,
            "parent": run.head,
            "paths": paths,
        }
        self._record(e.LandingIntended.model_validate(landing))
        self._record(e.TaskLanded.model_validate(landing))
        return change

    def decide(
        self, change: str, path: str, hunks: Iterable[int], decision: HunkDecision, reason: str = ""
    ) -> None:
        self._record(
            e.ChangeDecided(
                run="R1",
                change=change,
                path=path,
                hunks=tuple(hunks),
                decision=decision,
                reason=reason,
            )
        )

    def take(self, head: Mapping[str, File]) -> None:
        """Begin the next cycle: take the person's files; `head` says what then stands at the head.

        The merge itself is the engine's; a test names its outcome.
        """
        run = self.run
        self._record(e.JudgeStarted(run="R1", cycle=run.cycle))
        verdict = {"run": "R1", "cycle": run.cycle, "decision": "continue", "reason": "go on"}
        self._record(e.VerdictReached.model_validate(verdict))
        present = {path: self.person.read(path) for path in {*self.person.files}}
        files: dict[str, File] = dict.fromkeys(self.store.list_files(run.taken))
        for path, file in present.items():
            assert file is not None
            data = file.text.encode() if file.text is not None else file.data
            files[path] = FileEdit(data or b"", file.mode)
        taken = self._commit(run.taken, files)
        moved = self._commit(run.head, head)
        self._record(e.HeadMoved(run="R1", head=moved, taken=taken, paths=tuple(sorted(head))))
        self._record(e.CycleStarted(run="R1", cycle=run.cycle + 1))

    def hunks(self, path: str | None = None) -> tuple[PendingHunk, ...]:
        if path is None:
            return self.proposals.of_run(self.run, self.person)
        return self.proposals.of_path(self.run, path, self.person)

    def accept(self, *hunks: PendingHunk) -> None:
        """Accept pending hunks: write them into the person's files, then record."""
        self.person.perform(self.proposals.file_effects(self.run, hunks, self.person))
        for hunk in hunks:
            self.decide(hunk.change_id, hunk.path, [hunk.hunk], "accepted")

    def _commit(self, parent: str, files: Mapping[str, File]) -> str:
        edits = {path: None if file is None else as_edit(file) for path, file in files.items()}
        return self.store.commit_edits(parent, edits, "step", when=0)

    def _record(self, event: e.Event) -> None:
        record = e.Recorded(seq=self.state.seq + 1, time=NOON, event=event)
        self.state = apply(self.state, record)


def as_edit(file: bytes | FileEdit) -> FileEdit:
    return file if isinstance(file, FileEdit) else FileEdit(file)
