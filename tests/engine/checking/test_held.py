"""What a check prints of the head, held against what it prints of the base: what is blamed."""

import tomllib
from pathlib import Path
from types import SimpleNamespace

import pytest

from longshift.engine.checking import checks
from longshift.repository.files import REGULAR, FileDifference, FileVersion
from longshift.sandbox.policy import CommandResult

DATA = Path(__file__).parent / "data" / "held"
CASES = [
    pytest.param(case, id=f"{file.stem}: {case['name']}")
    for file in sorted(DATA.glob("*.toml"))
    for case in tomllib.loads(file.read_text())["case"]
]


class Store:
    """The files of both commits; one that was renamed is there under both names."""

    def __init__(self, files, renamed):
        self.files = {
            path: FileVersion(
                REGULAR, ("x\n" * text if isinstance(text, int) else text).encode(), ""
            )
            for path, text in files.items()
        }
        self.renamed = renamed

    def list_files(self, _):
        return self.files

    def read_file(self, _, path):
        return self.files.get(path)

    def differences(self, *_):
        return [
            FileDifference(new, old, "rename", self.files[old], self.files[new])
            for new, old in self.renamed.items()
        ]


async def at_once(do, *given):
    return do(*given)


@pytest.mark.parametrize("case", CASES)
async def test_what_is_blamed(case, monkeypatch):
    """`base` and `head` are a status and an output, the same on every try, or a list of such."""
    tries = {name: case[name] if isinstance(case[name][0], list) else [case[name]] * 9
             for name in ("base", "head")}  # fmt: skip
    left = {name: iter(each) for name, each in tries.items()}

    async def run(room, cage, who, commit, command, timeout_s):
        status, output = next(left[commit])
        return CommandResult(status, output, truncated=False, timed_out=False, duration_s=1.0)

    monkeypatch.setattr(checks, "run_and_discard", run)
    store = Store(case["files"], case.get("renamed", {}))
    room = SimpleNamespace(
        cage=None, off_loop=at_once, store=store, checkouts=SimpleNamespace(folder="/work")
    )
    of_run = checks.Checks(room, [case.get("command", "make test")])
    [check] = await of_run.run("head", "base", lambda _: None)
    found = [f"{one.origin} {one.path}:{one.line} {one.code}" for one in check.findings]
    assert (check.new_failure, found) == (case["new_failure"], case["found"])
