"""Playing a case: a real run of the engine; one role has the model, the others a script.

Owns the way from a case to a transcript. The scripted roles speak over HTTP like any model; their
server is the one that the tests use, so cases are played from a checkout.
"""

import asyncio
import json
import os
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from benchmarks.prompts.case import Case, Role
from benchmarks.prompts.transcript import Call, Transcript
from longshift.domain import events
from longshift.domain.fold import fold
from longshift.domain.model import Goal
from longshift.domain.state import Run
from longshift.engine.outfitting import Surroundings
from longshift.engine.owning.ownership import Owner, connect
from longshift.engine.ports import DiskHand, SystemClock
from longshift.journal.reader import JournalReader
from longshift.repository.worktree import Worktree
from longshift.sandbox.cage import Refusal, open_cage
from longshift.sandbox.policy import SandboxPolicy
from longshift.settings import ROLES, Trust
from tests.scripted_model import running_server

RUN: Final = "R1"
MOST_MINUTES: Final = 20.0


def play(case: Case, model: Mapping[str, Any], environ: Mapping[str, str]) -> Transcript:
    """Play a case once.

    Args:
        case: which.
        model: the settings of the model in the case's role, as in `[models.default]`.
        environ: where its key is looked up.
    """
    with tempfile.TemporaryDirectory(prefix="longshift-case-") as name, running_server() as others:
        folder = Path(name)
        others.play({"flows": _script(case), "defaults": {}})
        scripted = {"model": "scripted", "base_url": others.base_url, "api_key_env": "NO_KEY"}
        models = {role: dict(model if role == case.role else scripted) for role in ROLES}
        return asyncio.run(_play(case, folder, models, environ))


async def _play(
    case: Case, folder: Path, models: Mapping[Role, Any], environ: Mapping[str, str]
) -> Transcript:
    root = folder / "repository"
    _make_repository(root, case.repository)
    worktree = Worktree.discover(root)
    trust = Trust(folder / "trust")
    trust.trust(root)
    overrides = {
        "models": models,
        "checks": list(case.checks),
        "budget": {"cycles": 1, "minutes": MOST_MINUTES},
    }
    owner = await connect(
        worktree,
        Surroundings(
            environ=environ,
            clock=SystemClock(),
            hand=DiskHand(root),
            overrides=overrides,
            trust=trust,
            person_file=folder / "none.toml",
        ),
    )
    assert isinstance(owner, Owner)
    ended = asyncio.Event()

    def hear(record: events.Recorded) -> None:
        if isinstance(record.event, events.RunFinished | events.RunPaused):
            ended.set()

    owner.engine.listen(hear)
    try:
        for text in case.constraints:
            await owner.engine.add_constraint(text)
        await owner.engine.start(Goal(text=case.goal), {})
        await ended.wait()
    finally:
        await owner.close()
    transcript = _transcript(case, worktree)
    return await _with_hidden(case, transcript, folder)


def _make_repository(root: Path, files: Mapping[str, str]) -> None:
    root.mkdir()
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    said = ("-c", "user.name=Case", "-c", "user.email=case@localhost")
    for order in (["init", "-q", "-b", "main"], ["add", "-A"], [*said, "commit", "-qm", "Begin"]):
        subprocess.run(["git", *order], cwd=root, check=True, capture_output=True)


def _script(case: Case) -> list[dict[str, Any]]:
    """What the other roles do: plan the case's tasks, do them, or be content."""
    told = [task.model_dump(exclude={"writes", "summary"}) for task in case.tasks]
    adds = [{"name": "add_task", "arguments": one} for one in told]
    names = " ".join(f"T{number}" for number, _ in enumerate(told, 1)) or "README.md:1"
    finish = {"name": "finish", "arguments": {"summary": "Planned.", "evidence": names}}
    flows: list[dict[str, Any]] = [
        {"role": "planner", "turns": [{"calls": adds}, *[{"calls": [finish]}] * 2]}
    ]
    for task in case.tasks:
        writes = [
            {"name": "write_file", "arguments": {"path": path, "content": text}}
            for path, text in task.writes.items()
        ]
        said = {"summary": task.summary, "deviations": "As it was needed."}
        submit = {"calls": [{"name": "submit", "arguments": said}]}
        turns = [*([{"calls": writes}] if writes else []), submit, submit]
        flows.append({"role": "worker", "match": task.title, "turns": turns})
    return flows


def _transcript(case: Case, worktree: Worktree) -> Transcript:
    with JournalReader.open(worktree.state_dir / "journal.sqlite") as reader:
        records = list(reader.read())
        state = fold(records)
        run = state.runs[RUN]
        first = {"planner": "P", "worker": "T1.", "judge": "judge"}[case.role]
        talks = [
            reader.conversation(RUN, name)[-1]
            for name in reader.conversations(RUN)
            if name.startswith(first)
        ]
    calls = [call for talk in talks for call in _calls([json.loads(one) for one in talk])]
    changed, added = _changes(worktree, run)
    usage = run.usage_by_role.get(case.role)
    opened = _opened(records, case.role)
    verdict = run.cycles[-1].verdict if run.cycles else None
    return Transcript(
        calls=tuple(calls),
        changed=changed,
        added_lines=added,
        findings=tuple(
            f.model_dump(include={"path", "line", "severity", "code", "message", "origin"})
            for f in run.findings.values()
        ),
        verdict=verdict.decision if verdict else "",
        reason=verdict.reason if verdict else "",
        constraints=tuple(k.id for k in state.constraints.values() if not k.lifted),
        prompt=_prompt(opened, case.role),
        model=opened.model if opened else "",
        n_calls=usage.calls if usage else 0,
        tokens=usage.input_tokens + usage.output_tokens if usage else 0,
        cost_usd=None if usage is None or usage.cost_usd is None else float(usage.cost_usd),
        ended=run.outcome or run.pause_reason,
    )


def _opened(records: list[events.Recorded], role: Role) -> events.ConversationOpened | None:
    for record in records:
        event = record.event
        if isinstance(event, events.ConversationOpened) and event.role == role:
            return event
    return None


def _prompt(opened: events.ConversationOpened | None, role: Role) -> str:
    version, _, digest = (opened.prompts.get(role, "") if opened else "").partition(" ")
    return f"{role}@{version} {digest[:8]}"


def _calls(messages: list[dict[str, Any]]) -> list[Call]:
    results = {m["tool_call_id"]: m["content"] for m in messages if m["role"] == "tool"}
    return [
        Call(
            name=call["function"]["name"],
            arguments=_object(call["function"]["arguments"]),
            result=_object(results.get(call["id"], '{"error": "never run"}')),
        )
        for message in messages
        for call in message.get("tool_calls") or ()
    ]


def _object(text: str) -> dict[str, Any]:
    value = json.loads(text)
    return value if isinstance(value, dict) else {}


def _changes(worktree: Worktree, run: Run) -> tuple[dict[str, str | None], tuple[str, ...]]:
    span = [f"refs/longshift/{RUN}/base", f"refs/longshift/{RUN}/head"]
    if run.published is None:
        return {}, ()
    paths = _git(worktree.root, "diff", "--name-only", "-z", *span).split("\0")
    added = [
        line[1:]
        for line in _git(worktree.root, "diff", "-U0", *span).splitlines()
        if line.startswith("+") and not line.startswith("+++")
    ]
    return {path: _text(worktree.root, span[1], path) for path in paths if path}, tuple(added)


def _text(root: Path, commit: str, path: str) -> str | None:
    shown = subprocess.run(["git", "show", f"{commit}:{path}"], cwd=root, capture_output=True)  # noqa: PLW1510
    return shown.stdout.decode("utf-8", "replace") if shown.returncode == 0 else None


def _git(root: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True)
    return done.stdout.decode("utf-8", "replace")


async def _with_hidden(case: Case, transcript: Transcript, folder: Path) -> Transcript:
    """Run the hidden command on the result, in the cage: a model wrote what it runs."""
    if not case.hidden_command:
        return transcript
    cage = await open_cage(SandboxPolicy())
    if isinstance(cage, Refusal):
        return transcript.model_copy(update={"ended": f"not played: {cage.message}"})
    result = await asyncio.to_thread(_lay_out, case, transcript, folder, cage.owner)
    done = await cage.run(case.hidden_command, result, timeout_s=60)
    return transcript.model_copy(update={"hidden_exit": done.exit_status})


def _lay_out(
    case: Case, transcript: Transcript, folder: Path, owner: tuple[int, int] | None
) -> Path:
    """The result as files, the hidden ones beside them."""
    result = folder / "result"
    for path, text in {**case.repository, **transcript.changed, **case.hidden}.items():
        if text is not None:
            (result / path).parent.mkdir(parents=True, exist_ok=True)
            (result / path).write_text(text, encoding="utf-8")
    if owner is not None:
        folder.chmod(0o755)
        for place in (result, *result.rglob("*")):
            os.chown(place, *owner)
    return result
