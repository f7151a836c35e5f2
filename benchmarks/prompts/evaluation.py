"""Evaluating the prompts with a model, and comparing two evaluations.

Owns the table and the files of results. States no pass rate without a model that was asked.
"""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, get_args

from benchmarks import prompt_checks
from benchmarks.prompts.case import Case, all_cases
from benchmarks.prompts.criteria import grade
from benchmarks.result import Result
from longshift.domain.model import Outcome
from longshift.settings import BUILTIN, default_person_file, load_settings

TELLS_NOTHING: Final = 2
"""Runs of a case that may differ between two evaluations by chance alone, where three were made."""


def evaluate(names: Sequence[str], *, runs: int, save: Path | None) -> Result:
    """Check the prompts; play the cases where a model is configured."""
    problems = prompt_checks.check_all()
    for problem in problems:
        print(f"- {problem}")
    figures = {"static_problems": float(len(problems))}
    limits = {"static_problems": ("max", 0.0)}
    cases = [case for case in all_cases() if not names or case.id in names]
    conditions: dict[str, str | int | float] = {"cases": len(cases)}
    rows = [row for case in cases if (row := _row(case, runs)) is not None]
    if rows:
        print(_table(rows))
        conditions["runs_a_case"] = runs
        for role in ("planner", "worker", "judge"):
            of_role = [row for row in rows if row["role"] == role and _was_played(row)]
            if of_role:
                passed = sum(row["passed"] == row["runs"] for row in of_role)
                figures[f"{role}_pass_rate"] = passed / len(of_role)
    else:
        conditions["evaluated"] = "nothing: no model is configured"
    if save:
        save.write_text(json.dumps(rows, indent=1), encoding="utf-8")
    return Result("prompts", figures, conditions, limits)


def _row(case: Case, runs: int) -> dict[str, Any] | None:
    """A case's line of the table; None where its role has no model behind an endpoint."""
    from benchmarks.prompts.playing import play

    loaded = load_settings(
        overrides={},
        environ=os.environ,
        editor=None,
        project_root=None,
        person_file=default_person_file(),
        trusts=lambda _: False,
    )
    model = loaded.settings.model_for(case.role)
    if model.model == BUILTIN:
        return None
    table = loaded.settings.models.default.model_dump(exclude_none=True, exclude={"fallback"})
    own = getattr(loaded.settings.models, case.role)
    table |= own.model_dump(exclude_none=True, exclude={"fallback"})
    played = [play(case, table, os.environ) for _ in range(runs)]
    faults = [grade(one, case.criteria) for one in played]
    first = next((f"{name}: {why}" for each in faults for name, why in each.items()), "")
    lost = next((one.ended for one in played if one.ended not in get_args(Outcome)), "")
    costs = [one.cost_usd for one in played]
    return {
        "case": case.id,
        "role": case.role,
        "model": played[0].model or model.model,
        "prompt": played[0].prompt,
        "passed": sum(not each for each in faults),
        "runs": runs,
        "calls": sum(one.n_calls for one in played),
        "tokens": sum(one.tokens for one in played),
        "cost_usd": None if None in costs else sum(cost or 0 for cost in costs),
        "first_fault": f"not played: {lost}" if lost else first,
    }


def _was_played(row: dict[str, Any]) -> bool:
    """Whether it tells of the prompts: an endpoint out of reach tells nothing of them."""
    return not str(row["first_fault"]).startswith("not played")


def _table(rows: Sequence[dict[str, Any]]) -> str:
    keys = list(rows[0])
    lines = [f"| {' | '.join(keys)} |", f"|{'---|' * len(keys)}"]
    lines += [f"| {' | '.join(_cell(row[key]) for key in keys)} |" for row in rows]
    return "\n".join(lines)


def _cell(value: object) -> str:
    if value is None:
        return "unknown"
    return f"{value:.4f}" if isinstance(value, float) else str(value).replace("|", "/")


def compare(before: Path, after: Path) -> Result:
    """Say of each case whether it got better or worse from one saved evaluation to another."""
    old = {row["case"]: row for row in json.loads(before.read_text("utf-8"))}
    new = {row["case"]: row for row in json.loads(after.read_text("utf-8"))}
    rows = [compared(old[name], new[name]) for name in old if name in new]
    if rows:
        print(_table(rows))
    changes = [row["change"] for row in rows]
    figures = {name: float(changes.count(name)) for name in ("better", "worse", "same", "unsure")}
    missing = sorted(old.keys() ^ new.keys())
    return Result("prompts", figures, {"only_in_one": ", ".join(missing) or "none"})


def compared(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """One case of two evaluations: `unsure` where so few runs can't tell the difference."""
    share_before, share_after = old["passed"] / old["runs"], new["passed"] / new["runs"]
    difference = abs(share_after - share_before) * min(old["runs"], new["runs"])
    change = "better" if share_after > share_before else "worse"
    if share_after == share_before:
        change = "same"
    elif difference < TELLS_NOTHING:
        change = "unsure"
    return {
        "case": new["case"],
        "change": change,
        "before": f"{old['passed']}/{old['runs']}",
        "after": f"{new['passed']}/{new['runs']}",
        "prompt_before": old["prompt"],
        "prompt_after": new["prompt"],
        "model_before": old["model"],
        "model_after": new["model"],
    }
