"""A whole review at random: typing, deciding, undoing, landing, cycles, restarts, checkouts.

Through the protocol, under the profile of each editor. What must hold is in `Play`: nothing typed
is lost, no hunk is applied twice, no buffer is corrupted, and no decision changes by itself.
"""

import itertools
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.support.examples import IS_LONG, examples
from tests.support.lsp_journey import PROFILES
from tests.support.review_play import Stage, make_template

STEPS = 100
EXAMPLES = examples(8, times=126)
ENDS_WITHIN_S = 3 * 3600 if IS_LONG else 240
"""Eight hundred steps take ten seconds on two cores that do nothing else."""
AT = st.integers(0, 40)
EDITS = st.lists(st.tuples(AT, st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=3)


class Review(RuleBasedStateMachine):
    """One review; `folder`, `template` and `profile` are set on a subclass for each test."""

    folder: ClassVar[Path]
    template: ClassVar[Path]
    profile: ClassVar[str]
    numbers: ClassVar["itertools.count[int]"]

    def __init__(self) -> None:
        super().__init__()
        self.stage = Stage(self.template, self.folder / str(next(self.numbers)), self.profile)
        self.play = self.stage.play

    @initialize(edits=EDITS)
    def begin(self, edits):
        self.stage.do(self.play.begin())
        self.stage.do(self.play.land(0, edits))

    def teardown(self):
        self.stage.close()

    # The person types.

    def _document(self, at):
        documents = self.play.documents()
        return documents[at % len(documents)]

    @precondition(lambda self: self.play.documents())
    @rule(which=AT, at=AT)
    def insert_line(self, which, at):
        self._in_loop(self.play.insert_line, self._document(which), at)

    @precondition(lambda self: self.play.documents())
    @rule(which=AT, at=AT, column=AT)
    def insert_inside(self, which, at, column):
        self._in_loop(self.play.insert_inside, self._document(which), at, column)

    @precondition(lambda self: self.play.documents())
    @rule(which=AT, at=AT)
    def erase_line(self, which, at):
        self._in_loop(self.play.erase_line, self._document(which), at)

    @precondition(lambda self: self.play.documents())
    @rule(which=AT, back=st.booleans())
    def undo_or_redo(self, which, back):
        self._in_loop(self.play.undo if back else self.play.redo, self._document(which))

    @precondition(lambda self: self.play.documents())
    @rule(which=AT, what=st.sampled_from(["save", "reload", "close"]))
    def file(self, which, what):
        self._in_loop(getattr(self.play, what), self._document(which))

    @rule(at=AT)
    def open_another(self, at):
        self._in_loop(self.play.open_another, at)

    @rule()
    def checkout(self):
        self._in_loop(self.play.checkout)

    # The person decides.

    def _hunk(self, at, *states):
        keys = self.stage.do(self.play.in_state(*states))
        return keys[at % len(keys)] if keys else None

    @rule(at=AT)
    def accept(self, at):
        if key := self._hunk(at, "pending"):
            self.stage.do(self.play.accept(key))

    @rule(at=AT, types=st.booleans())
    def accept_by_action(self, at, types):
        def type_between():
            self.play.insert_line(self._document(at), at)

        self.stage.do(self.play.accept_by_action(at, type_between if types else None))

    @rule(at=AT)
    def reject(self, at):
        if key := self._hunk(at, "pending", "stale"):
            self.stage.do(self.play.reject(key))

    @rule(at=AT)
    def rework(self, at):
        if key := self._hunk(at, "pending", "stale", "rejected"):
            self.stage.do(self.play.rework(key))

    @rule(at=AT)
    def take_back(self, at):
        if key := self._hunk(at, "accepted", "rejected", "rework"):
            self.stage.do(self.play.take_back(key))

    @rule(at=AT)
    def decide_what_can_not_be(self, at):
        """A decision that does not fit is refused, and nothing happens."""
        if key := self._hunk(at, "superseded", "rejected"):
            self.stage.do(self.play.accept_refused(key))

    @rule(at=AT, command=st.sampled_from(["acceptAll", "acceptAll", "rejectAll"]))
    def decide_all(self, at, command):
        self.stage.do(self.play.decide_all(command, at))

    # The crew lands.

    @rule(at=AT, edits=EDITS)
    def land(self, at, edits):
        self.stage.do(self.play.land(at, edits))

    @rule(at=AT, what=st.sampled_from(["land_ragged", "land_rename", "land_deletion"]))
    def land_rarely(self, at, what):
        self.stage.do(getattr(self.play, what)(at))

    @rule()
    def land_new_file(self):
        self.stage.do(self.play.land_new_file())

    @rule(at=AT)
    def land_again(self, at):
        self.stage.do(self.play.land_again(at))

    @rule()
    def next_cycle(self):
        self.stage.do(self.play.next_cycle())

    @rule()
    def restart(self):
        self.stage.do(self.play.restart())

    @invariant()
    def holds(self):
        if self.play.connected is not None:
            self.stage.do(self.play.check())

    def _in_loop(self, doing, *arguments):
        async def do():
            doing(*arguments)

        self.stage.do(do())


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    return make_template(tmp_path_factory.mktemp("template") / "project")


@pytest.mark.timeout(ENDS_WITHIN_S)
@pytest.mark.parametrize("profile", PROFILES)
def test_whatever_is_done_nothing_is_lost(profile, template, tmp_path):
    class OfProfile(Review):
        pass

    OfProfile.folder, OfProfile.template, OfProfile.profile = tmp_path, template, profile
    OfProfile.numbers = itertools.count()
    run_state_machine_as_test(
        OfProfile,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
