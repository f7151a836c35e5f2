"""What events do to a run's cycles: what each one brought, as the rules that end a run read it.

Owns the record of a cycle. Pure, like all of the fold; `domain.fold` calls it.
"""

from dataclasses import replace
from typing import Final

from longshift.domain import events as e
from longshift.domain.fold_tasks import newest, put, reopen
from longshift.domain.model import Finding, Severity, Verdict
from longshift.domain.state import CycleRecord, Phase, Run
from longshift.domain.transitions import Refused, known

WEIGHTY: Final[frozenset[Severity]] = frozenset({"error", "warning"})


def start_cycle(run: Run, event: e.CycleStarted) -> Run:
    """A cycle begins at the head as it is now."""
    if event.cycle != run.cycle + 1:
        raise Refused(f"cycle {event.cycle} after cycle {run.cycle}")
    cycle = CycleRecord(
        event.cycle, event.mode, start=run.head, start_tree=event.tree, began_with=run.usage
    )
    return replace(run, cycles=(*run.cycles, cycle), goes_on=False, idle_agents=0)


def take_verdict(run: Run, event: e.VerdictReached) -> Run:
    """A judge came to a verdict; a second one's stands in place of the first's."""
    if event.cycle != run.cycle:
        raise Refused(f"a verdict on cycle {event.cycle} in cycle {run.cycle}")
    verdict = Verdict(
        cycle=event.cycle, decision=event.decision, reason=event.reason, tasks=event.tasks
    )
    if event.tasks:  # none is running: no judge starts while one is
        run = reopen(run, event.tasks)
    last, ours = run.cycles[-1], list(map(_is_ours, run.findings.values()))
    open_ = [one for one, is_ours in zip(run.findings.values(), ours, strict=True) if is_ours]
    first = last.verdict
    cycle = replace(
        last,
        verdict=verdict,
        first_done=first.reason if first and first.decision == "done" else "",
        looks=last.looks + 1,
        standing=tuple(one.id for one in open_ if one.severity == "error"),
        weighty=sum(one.severity in WEIGHTY for one in open_),
        head=event.head,
        tree=event.tree,
        taken=run.taken,
        diff_lines=event.diff_lines,
        edits=event.edits,
        undone=event.undone,
        undone_paths=event.undone_paths,
        checks=event.checks,
    )
    return replace(run, cycles=(*run.cycles[:-1], cycle))


def take_finding(
    run: Run, event: e.FindingReported | e.FindingResolved | e.FindingDismissed
) -> Run:
    """A finding is reported, anew or again, or goes."""
    if isinstance(event, e.FindingReported):
        return _report(run, event)
    finding = known(run.findings, event.finding, "finding")
    gives_reason = isinstance(event, e.FindingDismissed) and bool(event.reason)
    if finding.state != "open" and not (finding.state == "dismissed" and gives_reason):
        raise Refused(f"finding {finding.id} is {finding.state}")
    if isinstance(event, e.FindingDismissed):
        update = {"state": "dismissed", "reason": event.reason}
        cycles = run.cycles
    else:
        update = {"state": "resolved"}
        cycles = (
            *run.cycles[:-1],
            *(replace(last, resolved=(*last.resolved, finding.id)) for last in run.cycles[-1:]),
        )
    findings = put(run.findings, finding.id, finding.model_copy(update=update))
    return replace(run, findings=findings, cycles=cycles)


def heard_anew(run: Run) -> Run:
    """The run after a person's word: what went before says nothing of what comes of it.

    The cycle that is under way counts, for it may heed what was said.
    """
    under_way = run.phase in (Phase.WORKING, Phase.JUDGING)
    return replace(run, counted_from=len(run.cycles) - under_way)


def _report(run: Run, event: e.FindingReported) -> Run:
    before, cycles = run.findings.get(event.finding), run.cycles
    if before is not None and before.state == "dismissed":
        raise Refused(f"finding {event.finding} is dismissed")
    if before is not None and before.state == "resolved" and cycles:
        cycles = (*cycles[:-1], _come_back(run, before, event))
    findings = put(run.findings, event.finding, event.detail)
    return replace(run, findings=findings, newest=newest(run, event.finding), cycles=cycles)


def _come_back(run: Run, before: Finding, event: e.FindingReported) -> CycleRecord:
    """The present cycle, in which a resolved finding is reported again.

    One that went in the same cycle was never gone: of its two judges one overlooked it. Nor was one
    that a judge had seen in a file which nobody has touched since; what a check reports can lie in
    another file than its cause. A hint is no sign of going to and fro.
    """
    cycle = run.cycles[-1]
    if before.id in cycle.resolved:
        return replace(cycle, resolved=tuple(id_ for id_ in cycle.resolved if id_ != before.id))
    was_gone = before.check or _was_touched(run, before)
    if event.detail.severity not in WEIGHTY or not was_gone:
        return cycle
    return replace(cycle, came_back=(*cycle.came_back, before.id))


def _was_touched(run: Run, finding: Finding) -> bool:
    """Whether its file differs at any step since the head that it was last seen at."""
    for at in range(len(run.steps) - 1, -1, -1):
        step = run.steps[at]
        if step.commit == finding.commit:
            return False
        if finding.path in step.paths:
            return True
    return run.started.base != finding.commit


def _is_ours(finding: Finding) -> bool:
    return finding.state == "open" and finding.origin == "run"
