"""Code actions on problems: on diagnostics of any server, and on findings of ours.

Owns their wording and the goals that they start. A finding is mended in its own run; what other
servers report becomes a goal of its own, of which they are only the part that the client sent.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from lsprotocol import types

from longshift.lsp.actions import DISMISS, EXPLAIN, GOAL, LONGEST_REASON, Action, named, short, wire

MOST_AT_ONCE: Final = 100
"""Findings that one command has mended, and diagnostics that one goal is given."""


@dataclass(frozen=True, slots=True)
class Where:
    """Where the person stands.

    Attributes:
        repo: the root URI of the repository, where the client works in several; else None.
        uri: the document.
        open_findings: of this file, the ids of the open ones by run.
        asks: whether the client can put a question to the person.
    """

    repo: str | None
    uri: str
    open_findings: Mapping[str, Sequence[str]]
    asks: bool = False


def is_ours(one: types.Diagnostic) -> bool:
    """Whether a diagnostic is a finding."""
    data = one.data if isinstance(one.data, Mapping) else {}
    return one.source == "longshift" and {"runId", "findingId"} <= data.keys()


def on_diagnostics(where: Where, diagnostics: Sequence[types.Diagnostic]) -> Iterator[Action]:
    """What can be done about each diagnostic, then about all of the file and of the workspace."""
    others = [one for one in diagnostics if not is_ours(one)]
    for one in diagnostics:
        if is_ours(one):
            yield from _on_finding(where, one)
        else:
            yield _on_other(where, one)
    if len(others) < len(diagnostics):
        yield from _on_findings_of_file(where)
    if others:
        yield from _on_all(where, others)


def _on_finding(where: Where, one: types.Diagnostic) -> Iterator[Action]:
    message = short(one.message, LONGEST_REASON)
    data = one.data if isinstance(one.data, Mapping) else {}
    finding: dict[str, object] = {
        **named(where.repo),
        "runId": data["runId"],
        "findingId": data["findingId"],
    }
    asking = {"ask": True} if where.asks else {}
    yield Action(f"Longshift: fix “{message}”", GOAL, "fixFinding", finding, None, one)
    yield Action(
        f"Dismiss: “{message}”", DISMISS, "dismissFinding", {**finding, **asking}, None, one
    )
    yield Action(f"Explain: “{message}”", EXPLAIN, "explainFinding", finding, None, one)


def _on_findings_of_file(where: Where) -> Iterator[Action]:
    for run_id, ids in where.open_findings.items():
        if len(ids) > 1:
            of_run = f" ({run_id})" if len(where.open_findings) > 1 else ""
            title = f"Longshift: fix all {len(ids)} findings of this file with the crew{of_run}"
            arguments = {
                **named(where.repo),
                "runId": run_id,
                "findingIds": list(ids[:MOST_AT_ONCE]),
            }
            yield Action(title, GOAL, "fixFinding", arguments)


def _on_other(where: Where, one: types.Diagnostic) -> Action:
    message = short(one.message, LONGEST_REASON)
    arguments = {**_goal(where, "fix_diagnostic", [one]), "range": wire(one.range)}
    return Action(f"Longshift: fix “{message}”", GOAL, "startGoal", arguments, None, one)


def _on_all(where: Where, others: Sequence[types.Diagnostic]) -> Iterator[Action]:
    # A client sends what stands where its person stands: the goal has the crew look for the rest.
    count = f"{len(others)} " if len(others) > 1 else ""
    title = f"Longshift: fix all {count}problems of this file with the crew"
    yield Action(title, GOAL, "startGoal", _goal(where, "fix_file", others))
    title = "Longshift: fix all problems in the workspace with the crew"
    yield Action(title, GOAL, "startGoal", _goal(where, "fix_workspace", others))


def _goal(
    where: Where, template: str, diagnostics: Iterable[types.Diagnostic]
) -> dict[str, object]:
    told = [_wire_diagnostic(one) for one in diagnostics]
    return {
        "goal": "",
        "template": template,
        "uri": where.uri,
        "diagnostics": told[:MOST_AT_ONCE],
    }


def _wire_diagnostic(one: types.Diagnostic) -> dict[str, object]:
    return {
        "range": wire(one.range),
        "message": one.message,
        "code": one.code,
        "source": one.source,
    }
