"""The checks of `longshift doctor`: what a run needs, and how to mend what is missing.

Owns these checks and their words. Changes nothing, and tells of a key only whether it is set.
Endpoints are called by `asking`, once each, unless the person wants to stay offline.
"""

import asyncio
import importlib.metadata
import logging
import os
import platform
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit

from longshift.cli import asking
from longshift.cli.session import journal_path, owner_of, running_runs
from longshift.engine.desks.desk import WINDOW_TOKENS
from longshift.engine.spending import model_config
from longshift.errors import LongshiftError
from longshift.journal.client import ControlClient, OwnerSilent, about_silence
from longshift.journal.lease import OwnerAlive
from longshift.journal.reader import JournalReader
from longshift.journal.schema import require_sound_sqlite
from longshift.models.builtin.ruff import Ruff
from longshift.models.builtin.rules import Rules
from longshift.models.keys import read_key
from longshift.repository.gitcommand import run_git
from longshift.repository.worktree import NoRepository, Worktree, way_out
from longshift.sandbox.cage import open_cage
from longshift.sandbox.policy import Refusal, SandboxPolicy
from longshift.screening import detector
from longshift.settings import (
    BUILTIN,
    ROLES,
    RoleModel,
    Settings,
    Trust,
    default_person_file,
    default_trust_folder,
    load_settings,
)

log = logging.getLogger(__name__)

OLDEST_GIT: Final = (2, 38)
ANSWERS_WITHIN_S: Final = 2.0
State = Literal["ok", "warn", "bad"]


@dataclass(frozen=True, slots=True)
class Check:
    """What was found of one thing.

    Attributes:
        name: what was looked at.
        state: `bad` is in the way of a run, `warn` is not.
        text: what was found.
        mend: what to do about it; empty where nothing has to be done.
    """

    name: str
    state: State
    text: str
    mend: str = ""


def examine(folder: Path, *, asks: bool = True) -> Iterator[Check]:
    """Look at everything, as seen from a folder; each check as soon as it is done.

    Args:
        folder: the repository, or a folder in it.
        asks: whether each model behind an endpoint is asked for a tool call.
    """
    yield _guarded("python", _python)
    yield _guarded("git", _git)
    yield _guarded("sqlite", _sqlite)
    yield _guarded("ruff", _ruff)
    worktree, found = _repository(folder)
    yield found
    settings, checks = _settings(worktree.root if worktree else folder)
    yield from checks
    kept_out = (worktree.root, worktree.common_dir) if worktree else ()
    yield from _models(settings, os.environ, kept_out, asks=asks)
    yield _guarded("secrets", _secrets)
    yield _guarded("sandbox", lambda: _sandbox(settings))
    if worktree is not None:
        yield _guarded("state", lambda: _state(worktree))


def _guarded(name: str, check: Callable[[], Check]) -> Check:
    """A check whose failure is its finding."""
    try:
        return check()
    except LongshiftError as error:
        return Check(name, "bad", str(error), "See the sentence before.")


def _python() -> Check:
    return Check("python", "ok", f"{platform.python_version()} at {sys.executable}")


def _git() -> Check:
    said = run_git(["--version"], cwd=Path.cwd()).output.decode("utf-8", "replace").strip()
    version = re.search(r"(\d+)\.(\d+)", said)
    if version and (int(version[1]), int(version[2])) >= OLDEST_GIT:
        return Check("git", "ok", said)
    wanted = ".".join(map(str, OLDEST_GIT))
    return Check("git", "bad", f"{said} is too old.", f"Install git {wanted} or newer.")


def _sqlite() -> Check:
    # The binding's version is SQLite's with one part more.
    version = ".".join(importlib.metadata.version("apsw").split(".")[:3])
    require_sound_sqlite(version)
    return Check("sqlite", "ok", f"{version}, with apsw")


def _ruff() -> Check:
    try:
        found = asyncio.run(Ruff().inspect("doctor.py", "import os\n", Rules(select=("F401",))))
    except (LongshiftError, OSError) as error:
        return Check("ruff", "bad", f"It does not start: {error}.", "`pip install ruff`")
    version = importlib.metadata.version("ruff")
    if found.refused or not found.changed:
        return Check("ruff", "bad", f"{version} does not answer.", "`pip install --upgrade ruff`")
    return Check("ruff", "ok", f"{version}, the builtin model's hands")


def _repository(folder: Path) -> tuple[Worktree | None, Check]:
    try:
        worktree = Worktree.discover(folder.absolute())
    except NoRepository as error:
        return None, Check("repository", "warn", str(error), "Call this in a repository.")
    except LongshiftError as error:
        return None, Check("repository", "bad", str(error), "See the sentence before.")
    operation = worktree.operation_in_progress()
    if operation:
        text = f"{worktree.root} is in the middle of a {operation}."
        mend = f"Finish it, or `{way_out(operation)}`; until then no run is started."
        return worktree, Check("repository", "bad", text, mend)
    for needed in (worktree.root, worktree.common_dir, worktree.state_dir):
        if needed.exists() and not os.access(needed, os.R_OK | os.W_OK | os.X_OK):
            text = f"{needed} can't be written."
            mend = "Check who owns it, its permissions, and how its disk is mounted."
            return worktree, Check("repository", "bad", text, mend)
    return worktree, Check("repository", "ok", str(worktree.root))


def _settings(root: Path) -> tuple[Settings, list[Check]]:
    """The settings that hold, or the defaults where they can't be read."""
    trust = Trust(default_trust_folder())
    try:
        standing = trust.standing(root)
        loaded = load_settings(
            overrides={},
            environ=os.environ,
            editor=None,
            project_root=root,
            trusts=trust.for_file(root),
        )
    except LongshiftError as error:
        return Settings(), [Check("settings", "bad", str(error), "See the sentence before.")]
    said = sorted({origin for origin in loaded.origins.values() if origin != "default"})
    where = (
        f"from {', '.join(said)}"
        if said
        else f"all defaults; yours go into {default_person_file()}"
    )
    checks = [Check("settings", "ok", where)]
    checks += [Check("settings", "warn", sentence) for sentence in loaded.notices]
    mend = f"If you know what it says: `longshift trust {root}`." if standing == "changed" else ""
    state: State = "warn" if standing == "changed" else "ok"
    may = "may" if standing == "trusted" else "may not"
    text = f"this workspace's own configuration is {standing}, so models {may} run commands in it"
    checks.append(Check("trust", state, text, mend))
    return loaded.settings, checks


def _models(
    settings: Settings, environ: Mapping[str, str], kept_out: Sequence[Path], *, asks: bool
) -> Iterator[Check]:
    """Each role's model and its fallback: where its key is, and what it answers."""
    named = list(_named(settings))
    found = [_model(name, model, environ, kept_out) for name, model in named]
    may_be_asked = [
        model_config(model)
        for check, (_, model) in zip(found, named, strict=True)
        if asks and check.state == "ok" and model.model != BUILTIN
    ]
    answers: Mapping[asking.Endpoint, asking.Answer] = {}
    if may_be_asked:
        answers = asyncio.run(asking.ask_each(may_be_asked, environ, kept_out))
    for check, (_, model) in zip(found, named, strict=True):
        answer = answers.get(asking.endpoint_of(model_config(model), environ))
        yield check if answer is None or check.state != "ok" else _joined(check, answer)


def _named(settings: Settings) -> Iterator[tuple[str, RoleModel]]:
    for role in ROLES:
        model = settings.model_for(role)
        yield f"model {role}", model
        if model.fallback is not None:
            yield f"fallback {role}", model.fallback


def _joined(check: Check, answer: asking.Answer) -> Check:
    """What is known of a model, and what came when it was asked."""
    if answer.state == "ok":
        return replace(check, text=f"{check.text}; {answer.text}")
    where, _, _ = check.text.partition(", ")
    return Check(check.name, answer.state, f"{where}: {answer.text}", answer.mend)


def _model(
    name: str, model: RoleModel, environ: Mapping[str, str], kept_out: Sequence[Path]
) -> Check:
    if model.model == BUILTIN:
        return Check(name, "ok", "builtin: rules, without network and key")
    address = model.base_url or environ.get("OPENAI_BASE_URL") or ""
    host = (urlsplit(address).hostname or "?") if address else "the openai package's endpoint"
    config = model_config(model)
    try:
        key = read_key(config, environ, kept_out)
    except LongshiftError as error:
        mend = 'See the sentence before, or set `model = "builtin"`.'
        return Check(name, "bad", f"{model.model} at {host}. {error}", mend)
    if key:
        text = f"{model.model} at {host}, key in {_source(model)}"
        return Check(name, "ok", text + _unknown(model))
    if address:
        return Check(name, "ok", f"{model.model} at {host}, without a key{_unknown(model)}")
    return Check(
        name,
        "bad",
        f"{model.model} at {host}, and {model.api_key_env} is not set.",
        f"Put the key into {model.api_key_env}, name another source in `api_key_env`, "
        '`api_key_file` or `api_key_keyring`, or set `model = "builtin"`.',
    )


def _unknown(model: RoleModel) -> str:
    """What the settings and the shipped table leave open of a model, as the end of a sentence."""
    notes = ""
    if model.context_tokens is None:
        notes += f"; window unknown, {WINDOW_TOKENS:,} tokens are taken (`context_tokens`)"
    if not model.price_source:
        notes += "; price unknown (`input_usd_per_mtok`, `output_usd_per_mtok`)"
    return notes


def _source(model: RoleModel) -> str:
    if model.api_key_file is None and model.api_key_keyring is None:
        return model.api_key_env
    return model_config(model).key_source


def _secrets() -> Check:
    return Check("secrets", "ok", detector.describe())


def _sandbox(settings: Settings) -> Check:
    policy = SandboxPolicy(mode=settings.sandbox.mode, network=settings.sandbox.network)
    cage = asyncio.run(open_cage(policy))
    if isinstance(cage, Refusal):
        # Runs go on without commands, so it is in nobody's way.
        return Check("sandbox", "warn", cage.reason, cage.remedy)
    return Check("sandbox", "warn" if policy.mode == "none" else "ok", cage.profile)


def _state(worktree: Worktree) -> Check:
    path = journal_path(worktree)
    if not path.exists():
        return Check("state", "ok", "no run was started in this repository yet")
    with JournalReader.open(path) as reader:
        reader.check()
        state = reader.state()
    size = sum(file.stat().st_size for file in worktree.state_dir.rglob("*") if file.is_file())
    listed = ", ".join(f"{run.id} {run.outcome or run.lifecycle}" for run in state.runs.values())
    text = f"{worktree.state_dir}: sound, {size / 1e6:.1f} MB; {listed or 'no runs'}"
    owner = owner_of(worktree)
    if owner is None:
        stranded = [run.id for run in running_runs(state)]
        if stranded:
            mend = "; ".join(f"`longshift resume {id_}`" for id_ in stranded)
            return Check("state", "warn", f"{text}; nobody drives {', '.join(stranded)}", mend)
        return Check("state", "ok", f"{text}; nobody owns it now")
    if not asyncio.run(_answers(owner)):
        return Check("state", "bad", f"{text}; its owner is silent", about_silence(owner.pid))
    return Check("state", "ok", f"{text}; process {owner.pid} owns it")


async def _answers(owner: OwnerAlive) -> bool:
    """Whether an owner says anything; one that is just beginning or ending has no door."""
    if owner.address is None:
        return True
    try:
        async with await ControlClient.connect(owner.address, owner.pid) as client:
            await client.call("listAgents", timeout_s=ANSWERS_WITHIN_S)
    except OwnerSilent:
        return False
    except LongshiftError:
        log.info("the owner has just ended, or is of an earlier version")
    return True
