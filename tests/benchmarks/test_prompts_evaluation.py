"""The evaluation of prompts: graders on recorded transcripts, and one case of each role played."""

import json

import pytest

from benchmarks.prompts.case import all_cases
from benchmarks.prompts.criteria import CRITERIA, grade
from benchmarks.prompts.evaluation import compared
from benchmarks.prompts.record import FOLDER, KINDS, scripted
from benchmarks.prompts.transcript import Transcript

CASES = {case.id: case for case in all_cases()}


def recorded(name: str, kind: str) -> Transcript:
    return Transcript.model_validate_json((FOLDER / f"{name}.{kind}.json").read_text("utf-8"))


def test_there_are_twenty_cases_and_each_is_recorded() -> None:
    roles = [case.role for case in CASES.values()]
    assert [roles.count(role) for role in ("planner", "worker", "judge")] == [7, 7, 6]
    files = {path.name for path in FOLDER.iterdir()}
    assert files == {f"{name}.{kind}.json" for name in CASES for kind in KINDS}


@pytest.mark.parametrize("name", CASES)
def test_a_good_transcript_passes(name: str) -> None:
    assert grade(recorded(name, "good"), CASES[name].criteria) == {}


@pytest.mark.parametrize("name", CASES)
def test_a_bad_transcript_fails_for_what_is_bad_in_it(name: str) -> None:
    faults = grade(recorded(name, "bad"), CASES[name].criteria)
    assert set(CASES[name].bad.fails) <= faults.keys()


def test_every_criterion_is_used_and_finds_fault_somewhere() -> None:
    used = {name for case in CASES.values() for name in case.criteria}
    found = {
        name for case in CASES.values() for name in grade(recorded(case.id, "bad"), case.criteria)
    }
    assert used == CRITERIA.keys()
    never = {"delegates_at_most", "reads_at_most", "some_task_says", "edits_within"}
    assert CRITERIA.keys() - found <= never | {"something_changed", "no_error_finding"}


@pytest.mark.parametrize(
    ("name", "kind"), [("P7", "good"), ("W3", "bad"), ("J15", "good")], ids=str
)
def test_a_case_is_played_for_real_as_it_was_recorded(name: str, kind: str) -> None:
    played = scripted(CASES[name], getattr(CASES[name], kind))
    before = recorded(name, kind)
    assert played.prompt.startswith(f"{CASES[name].role}@")
    assert [call.name for call in played.calls] == [call.name for call in before.calls]
    assert grade(played, CASES[name].criteria) == grade(before, CASES[name].criteria)


@pytest.mark.parametrize(
    ("before", "after", "change"),
    [(0, 3, "better"), (3, 1, "worse"), (2, 2, "same"), (2, 3, "unsure"), (1, 0, "unsure")],
)
def test_a_comparison_says_no_more_than_three_runs_can_tell(before, after, change) -> None:
    row = {"case": "P1", "runs": 3, "prompt": "p", "model": "m"}
    told = compared({**row, "passed": before}, {**row, "passed": after})
    assert (told["change"], told["before"], told["after"]) == (change, f"{before}/3", f"{after}/3")


def test_a_transcript_is_json_through_and_through() -> None:
    whole = recorded("J3", "good")
    assert Transcript.model_validate(json.loads(whole.model_dump_json())) == whole
