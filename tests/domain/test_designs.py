"""Design notes: each topic is decided once, and anew only by whom it may be."""

import pytest

from longshift.domain.designs import may_revise, standing_note
from longshift.domain.transitions import Refused
from tests.support.domain_history import History

# P1 plans all of it; P2 and P3 have slices, P4 a slice of P2's. P5 plans the next cycle, P6 below.
THIS_CYCLE = "begin; planning; under P1; under P1; under P2"
NEXT_CYCLE = "planned P1; planned P2; planned P3; planned P4; judge; say replan; begin; planning"


@pytest.mark.parametrize(
    ("made_by", "revised_by", "allowed"),
    [
        ("P1", "P1", True),
        ("P1", "P2", False),
        ("P1", "P4", False),
        ("P2", "P1", True),
        ("P2", "P2", True),
        ("P2", "P3", False),
        ("P2", "P4", False),
        ("P4", "P2", True),
        ("P4", "P1", True),
        ("P4", "P3", False),
        ("P4", "P5", True),
        ("P1", "P5", True),
        ("P1", "P6", False),
        ("P2", "P6", False),
    ],
)
def test_who_may_decide_anew(made_by: str, revised_by: str, allowed: bool) -> None:
    told = History().tell(f"{THIS_CYCLE}; note {made_by} exit codes")
    if revised_by in ("P5", "P6"):
        told.tell(f"{NEXT_CYCLE}; under P5")
    [note] = told.run.designs.values()
    assert may_revise(told.run, revised_by, note) is allowed
    if allowed:
        told.tell(f"note {revised_by} D1 exit codes")
        [note] = told.run.designs.values()
        assert (note.decision, note.planner) == (f"{revised_by} says", revised_by)
        assert note.cycle == told.run.cycle
    else:
        with pytest.raises(Refused, match="not for planner"):
            told.tell(f"note {revised_by} D1 exit codes")


@pytest.mark.parametrize(
    ("topic", "same"),
    [
        ("exit codes", True),
        ("Exit-Codes!", True),
        ("EXIT  CODES", True),
        ("exit codes of main", False),
        ("exitcodes", False),
        ("???", False),
    ],
)
def test_a_topic_is_one_however_it_is_spelled(topic: str, same: bool) -> None:
    told = History().tell(f"{THIS_CYCLE}; note P1 Exit codes; note P1 !!!")
    assert (standing_note(told.run, topic) is not None) is same
    told.tell(f"note P1 D1 {topic}") if same else told.tell(f"note P2 {topic}")
    assert len(told.run.designs) == (2 if same else 3)


@pytest.mark.parametrize(
    ("history", "reason"),
    [
        ("begin; note P1 names", "no planner"),
        ("begin; planning; planned P1; note P1 names", "planner P1 is finished"),
        ("begin; planning; note P1 names; note P1 names", "D1 stands on the topic of D2"),
        ("begin; planning; note P1 names; note P1 D1 others", "on another topic"),
        ("begin; planning; planned P1; judge; note P1 names", "while run R1 is judging"),
    ],
)
def test_what_no_planner_may_note_is_refused(history: str, reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        History().tell(history)


def test_notes_outlast_a_replan_and_their_ids_are_not_used_again() -> None:
    told = History().tell(f"{THIS_CYCLE}; note P2 names; note P1 codes; {NEXT_CYCLE}")
    assert list(told.run.designs) == ["D1", "D2"]
    assert told.state.next_id("D") == "D3"
