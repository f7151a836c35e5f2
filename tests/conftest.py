"""What holds for every test: no key, no setting and no trust of the machine's user is seen."""

import gc
import itertools
import os
import re
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from longshift.screening import detector
from longshift.screening.known import KNOWN
from tests.support import warm
from tests.support.examples import IS_LONG, examples

settings.register_profile("default", deadline=None, derandomize=True, database=None)
settings.register_profile("long", deadline=None, max_examples=examples(100))
settings.load_profile("long" if IS_LONG else "default")

NUMBERS = itertools.count()
RULES = Path(__file__).parents[1] / ".cache" / "secret-rules"


# A shell that starts the suite in the background lets it ignore this, and its children with it:
# the tests that press Ctrl-C would wait for ever.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_configure(config: pytest.Config) -> None:
    """Do once what several workers would each do: compile the detector's rules, import all."""
    if hasattr(config, "workerinput"):
        return
    os.environ["KF_RULE_CACHE_DIR"] = str(RULES)
    if not RULES.exists():
        detector.load()
    if config.getoption("numprocesses", None):
        warm.command()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with those that may take longer: else one worker ends with them, alone."""
    items.sort(key=lambda item: item.get_closest_marker("timeout") is None)


def pytest_collection_finish() -> None:
    """What is imported stays: no collection of garbage need look at it in each of the tests."""
    gc.freeze()


@pytest.fixture(scope="session")
def runtime_dir() -> Iterator[Path]:
    """A place for sockets, whose paths may be no longer than 100 bytes; gone with the session."""
    with tempfile.TemporaryDirectory(prefix="ls-") as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def places(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    """Where each test has its folders; gone at the end where no test has failed.

    To list thousands of folders for a free name, and to remove each tree by itself, took a seventh
    of the suite's time.
    """
    folder = tmp_path_factory.mktemp("places")
    yield folder
    if not request.session.testsfailed:
        subprocess.run(["rm", "-rf", "--", folder], check=False)


@pytest.fixture
def tmp_path(request: pytest.FixtureRequest, places: Path) -> Path:
    """A folder of the test's own, in the place of pytest's."""
    name = re.sub(r"\W", "_", request.node.name)[:30]
    folder = places / f"{name}{next(NUMBERS)}"
    folder.mkdir()
    return folder


@pytest.fixture(autouse=True)
def nobodys_machine(
    places: Path, monkeypatch: pytest.MonkeyPatch, runtime_dir: Path
) -> Iterator[Path]:
    """A home of the test's own, and an environment without the user's settings and keys."""
    home = places / f"home{next(NUMBERS)}"
    home.mkdir()
    for name in list(os.environ):
        if name.startswith(("LONGSHIFT_", "OPENAI_", "GIT_")):
            monkeypatch.delenv(name)
    for name, folder in {
        "HOME": ".",
        "XDG_CONFIG_HOME": ".config",
        "XDG_DATA_HOME": ".local/share",
        "XDG_STATE_HOME": ".local/state",
        "XDG_CACHE_HOME": ".cache",
    }.items():
        monkeypatch.setenv(name, str(home / folder))
    # One compiled set of rules for all tests and their children: compiling takes seconds.
    monkeypatch.setenv("KF_RULE_CACHE_DIR", str(RULES))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime_dir))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    # Else each new repository is given a dozen samples of hooks, which nobody runs.
    monkeypatch.setenv("GIT_TEMPLATE_DIR", "")
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "A Person")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "person@example.invalid")
    yield home
    KNOWN.forget()


@pytest.fixture
def no_collector() -> Iterator[None]:
    """No search for cycles, as for hours in a server whose person types: what is left, stays."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()
