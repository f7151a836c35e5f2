from pathlib import Path

import pytest

from longshift.repository.store import ObjectStore
from tests.support.review_cases import play

CASES = sorted((Path(__file__).parent / "data").glob("*.case"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_case(store: ObjectStore, case: Path) -> None:
    found = play(store, case)
    assert found, "a case expects something"
    assert [actual for _, actual in found] == [expected for expected, _ in found]
