"""What the landings propose for one file, whatever the person does meanwhile.

Owns the step from a lineage to a weave, and which hunks there are. It depends on commits alone, so
it is computed once for each head; `assess` sets it against the person's present file.
"""

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from functools import cached_property

from longshift.domain.model import Decision
from longshift.domain.state import Run
from longshift.repository.files import FileVersion
from longshift.repository.hunks import LineHunk, split_lines
from longshift.repository.links import Links
from longshift.repository.store import ObjectStore
from longshift.review.flags import flag_of, task_paths
from longshift.review.lineage import WHOLE_FILE, Histories, Touch
from longshift.review.taking import take
from longshift.review.texts import Encoding, common_encoding, is_text
from longshift.review.weave import Ref, Weave


@dataclass(frozen=True)
class Landed:
    """One landing's hunks on the file.

    Attributes:
        touch: what it did.
        hunks: its line hunks; none where the content has no lines.
        of: how many numbered hunks it has.
        mode_hunk: the number of the hunk that changes the executable bit, if it does.
        flag: why the file takes a word of the person's own; "": it does not.
    """

    touch: Touch
    hunks: Sequence[LineHunk]
    of: int
    mode_hunk: int | None
    flag: str = ""

    @property
    def change_id(self) -> str:
        """The change that the landing made."""
        assert self.touch.change_id is not None, "a landing has its change"
        return self.touch.change_id

    def refs(self) -> list[Ref]:
        """All its hunks, by number."""
        return [Ref(self.touch.step, number) for number in range(1, self.of + 1)]

    def line_hunk(self, ref: Ref) -> LineHunk | None:
        """The lines of one of its hunks; None for one of the whole file, or of its mode."""
        whole = self.touch.kind in WHOLE_FILE or ref.number > len(self.hunks)
        return None if whole else self.hunks[ref.number - 1]


@dataclass(frozen=True)
class Side:
    """One file between what was last taken from the person and the run's head.

    Attributes:
        path: its path at the head; for a deleted file, where it was.
        taken_path: where the taken commit has it; None: nowhere.
        taken: the file as taken.
        head: the file at the head; None: deleted.
        landed: the landings that touched it, oldest first.
        weave: its lines; None where any version of it is no text.
        encoding: how its bytes are read.
        since: the first step after the taking; hunks of earlier ones went through it.
        takings: the steps in which the person's text was taken, and rejected hunks taken out.
        names: the names that the file had in the run and no other has since, oldest first.
    """

    path: str
    taken_path: str | None
    taken: FileVersion | None
    head: FileVersion | None
    landed: tuple[Landed, ...]
    weave: Weave | None
    encoding: Encoding
    since: int
    takings: tuple[int, ...]
    names: tuple[str, ...]

    @cached_property
    def by_step(self) -> Mapping[int, Landed]:
        """The landings by their step."""
        return {landed.touch.step: landed for landed in self.landed}

    @cached_property
    def refs(self) -> tuple[Ref, ...]:
        """Every hunk, in landing order."""
        return tuple(ref for landed in self.landed for ref in landed.refs())

    @cached_property
    def taken_lines(self) -> list[str]:
        """The lines of the file as taken."""
        return _lines(self.taken, self.encoding)

    @cached_property
    def head_lines(self) -> list[str]:
        """The lines of the file at the head."""
        return _lines(self.head, self.encoding)

    @cached_property
    def head_writers(self) -> Sequence[Ref | None]:
        """The hunk that wrote each line of the head; None: no hunk of the run did."""
        lines = self.weave.lines if self.weave is not None else ()
        return [line.writer for line in lines if line.remover is None]

    def whole_file_refs(self, kind: str) -> list[Ref]:
        """The hunks that make, remove or rename the whole file, in landing order."""
        return [Ref(touch.step, 1) for touch in self._whole_file if touch.kind == kind]

    @cached_property
    def _whole_file(self) -> Sequence[Touch]:
        return [one.touch for one in self.landed if one.touch.kind in WHOLE_FILE]

    @cached_property
    def parts(self) -> frozenset[Ref]:
        """The hunks that still have a part in the file's lines."""
        return frozenset(self.weave.refs() if self.weave is not None else ())

    def earlier_names(self, accepted: Set[Ref]) -> list[str]:
        """Where the person may have the file under a name that it had before, the newest first.

        A file that they never gave was only ever theirs where they accepted what made it, or a
        later hunk that stands for that.
        """
        names = list(self.names)
        if self.taken_path is not None:
            names = names[names.index(self.taken_path) :]
        else:
            made = self.whole_file_refs("create")
            if not made or not any(ref >= made[0] for ref in accepted):
                return []
        return [name for name in reversed(names) if name != self.path]

    def left_names(self, accepted: Set[Ref]) -> list[str]:
        """The names from which the person moved the file by accepting a renaming.

        A file that stands there while the moved one does is another: a checkout brings it.
        """
        renames = [ref for ref in self.whole_file_refs("rename") if ref in accepted]
        moved = self.by_step[renames[-1].step].touch.path if renames else None
        return list(self.names[: self.names.index(moved)]) if moved in self.names else []

    def leads_to(
        self,
        landed: Sequence[Landed],
        taken: FileVersion | None,
        takings: Sequence[int],
        encoding: Encoding,
    ) -> bool:
        """Whether these landings are this side's and later ones, on the same taken text."""
        mine = [one.touch for one in self.landed]
        return (
            self.weave is not None
            and bool(mine)
            and (self.encoding, self.takings, self.taken) == (encoding, takings, taken)
            and [one.touch for one in landed[: len(mine)]] == mine
        )

    @property
    def is_renamed(self) -> bool:
        """Whether the taken text has the file under another name than the head."""
        return self.taken_path is not None and self.taken_path != self.path

    @cached_property
    def stored_text(self) -> str:
        """The text that says how the file is stored: as taken, else as landed."""
        return "".join(self.taken_lines or self.head_lines)

    @cached_property
    def standing(self) -> frozenset[Ref]:
        """The hunks of which something is still to be seen in the head's lines."""
        return frozenset(self.weave.standing() if self.weave is not None else ())

    def key(self, ref: Ref) -> tuple[str, str, int]:
        """Change, path and number of a hunk: what decisions name."""
        landed = self.by_step[ref.step]
        return landed.change_id, landed.touch.path, ref.number

    def is_mode(self, ref: Ref) -> bool:
        """Whether the hunk changes the executable bit and nothing else."""
        return self.by_step[ref.step].mode_hunk == ref.number

    def decisions(self, run: Run) -> dict[Ref, Decision]:
        """What the person has said of the hunks, last."""
        said: dict[Ref, Decision] = {}
        for landed in self.landed:
            decisions = run.changes[landed.change_id].decisions
            for ref in landed.refs() if decisions else ():
                decision = decisions.get((landed.touch.path, ref.number))
                if decision is not None:
                    said[ref] = decision
        return said


def build_side(
    store: ObjectStore,
    histories: Histories,
    run: Run,
    path: str,
    links: Links,
    encoding: Encoding | None = None,
    earlier: Side | None = None,
) -> Side:
    """Put together what the landings propose for the file at one path of the head.

    Args:
        store: where the commits are.
        histories: lineages from the same store.
        run: the run.
        path: the path at the head; for a deleted file, where it was.
        links: those of the head.
        encoding: how to read its bytes; None: UTF-8 if every version is.
        earlier: the same file's after fewer steps, perhaps: most often one landing has come, and
            what the others did need not be woven again.
    """
    lineage = histories.of(run, path)
    touches = lineage.touches
    takings = histories.takings(run)
    since = takings[-1] + 1 if takings else 0
    names = lineage.names[:1] if since == 0 else lineage.names_until(since - 1)
    # Where a merge could not follow a rename, the file of the old name is there as well.
    own = [name for name in names if name not in lineage.reused]
    taken_path, taken = _taken(store, run.taken, own)
    head = store.read_file(run.head, path)
    encoding = encoding or common_encoding(_contents(touches, taken))
    all_text = all(touch.is_text for touch in touches) and is_text(taken) and is_text(head)
    landed = tuple(
        replace(one, flag=_flag(run, one.touch, path, taken, head, links))
        for one in (_landed(touch, encoding) for touch in touches if touch.change_id)
    )
    weave = None
    if earlier is not None and all_text and earlier.leads_to(landed, taken, takings, encoding):
        weave = _grown(earlier, landed)
    elif all_text:
        weave = _weave(touches, landed, taken, since, encoding)
    return Side(
        path,
        taken_path,
        taken,
        head,
        landed,
        weave,
        encoding,
        since,
        takings,
        tuple(name for name in lineage.names if name not in lineage.reused),
    )


def _flag(
    run: Run,
    touch: Touch,
    path: str,
    taken: FileVersion | None,
    head: FileVersion | None,
    links: Links,
) -> str:
    """Why a landing's hunks on the file take a word of their own."""
    assert touch.change_id is not None, "a landing has its change"
    names = (touch.path_before, path, touch.path)
    tasks = task_paths(run, touch.change_id)
    flag = flag_of(names, tasks, touch.before, touch.after, links)
    if not flag and touch.kind in WHOLE_FILE:
        # The whole file comes or goes as it is at the head, later landings' lines among it.
        flag = flag_of((*names, path), tasks, taken, head, links)
    return flag


def _taken(
    store: ObjectStore, commit: str, names: Sequence[str]
) -> tuple[str | None, FileVersion | None]:
    for name in reversed(names):
        version = store.read_file(commit, name)
        if version is not None:
            return name, version
    return None, None


def _contents(touches: Sequence[Touch], taken: FileVersion | None) -> Iterator[bytes]:
    versions = [taken, *(v for touch in touches for v in (touch.before, touch.after))]
    return (version.data for version in versions if version is not None and is_text(version))


def _landed(touch: Touch, encoding: Encoding) -> Landed:
    hunks = touch.line_hunks(encoding) if touch.is_text else []
    if touch.kind in WHOLE_FILE or not touch.is_text:
        return Landed(touch, hunks, 1, None)
    mode_hunk = len(hunks) + 1 if touch.changes_mode else None
    return Landed(touch, hunks, len(hunks) + (mode_hunk is not None), mode_hunk)


def _weave(
    touches: Sequence[Touch],
    landed: Sequence[Landed],
    taken: FileVersion | None,
    since: int,
    encoding: Encoding,
) -> Weave:
    by_step = {one.touch.step: one for one in landed}
    first = touches[0].before if touches else taken
    weave = Weave(_lines(first, encoding))
    early = [touch for touch in touches if touch.step < since]
    for touch in early:
        _tread(weave, touch, by_step, encoding)
    if since:
        last = max((one.refs()[-1] for one in landed if one.touch.step < since), default=None)
        take(weave, _lines(taken, encoding), last)
        if taken is not None:
            weave.maker = None
    for touch in touches[len(early) :]:
        _tread(weave, touch, by_step, encoding)
    return weave


def _grown(earlier: Side, landed: Sequence[Landed]) -> Weave:
    """The weave of an earlier side, with what landed since."""
    assert earlier.weave is not None, "a text has its weave"
    weave, by_step = earlier.weave.copy(), {one.touch.step: one for one in landed}
    for one in landed[len(earlier.landed) :]:
        _tread(weave, one.touch, by_step, earlier.encoding)
    return weave


def woven(touches: Sequence[Touch], landed: Sequence[Landed], encoding: Encoding) -> Weave:
    """All lines that a file had since the run's start, whatever was taken in between.

    What the person's own text did to the head has no hunk: its lines are in every choice.

    Args:
        touches: all steps that touched it, oldest first, at least one; each of a text.
        landed: the landings among them.
        encoding: how the bytes are read.
    """
    return _weave(touches, landed, touches[0].before, 0, encoding)


def _tread(weave: Weave, touch: Touch, by_step: dict[int, Landed], encoding: Encoding) -> None:
    landed = by_step.get(touch.step)
    if landed is None:
        weave.overwrite(touch.line_hunks(encoding))
        return
    if touch.kind in ("create", "delete"):
        weave.join_all(Ref(touch.step, 1))
    weave.land(landed.hunks, touch.refs(list(landed.hunks)))
    if touch.kind == "create":
        weave.maker = Ref(touch.step, 1)


def _lines(version: FileVersion | None, encoding: Encoding) -> list[str]:
    return [] if version is None else split_lines(version.data.decode(encoding))
