"""What a person is told without asking: a run that ended or paused, and an agent's question.

Owns the sentences, one each. Details are in `describeRun`.
"""

from typing import TYPE_CHECKING

from lsprotocol import types

from longshift.lsp.host import Host
from longshift.lsp.words import shown

if TYPE_CHECKING:
    from longshift.domain import events
    from longshift.domain.state import Run
    from longshift.lsp.session import Session


def register(host: Host) -> None:
    """Tell of what has just happened; what happened before this session is left alone."""

    def on_fact(session: "Session", recorded: "events.Recorded") -> None:
        from longshift.domain import events

        event = recorded.event
        run = session.runs.get(event.run or "")
        if run is None or host.closing or not session.is_live(recorded):
            return
        match event:
            case events.RunFinished():
                host.say(_weight(run), _finished(run))
            case events.RunPaused():
                host.say(types.MessageType.Info, f"{run.id} is paused. {event.reason}".rstrip())
            case events.RunRecovered():
                host.say(types.MessageType.Info, _recovered(run, event))
            case events.BudgetWarned(task=None):
                host.say(
                    types.MessageType.Warning,
                    f"{run.id} has used or reserved {event.percent} % of budget.{event.kind}.",
                )
            case events.ChangeStale():
                _tell_stale(host, session, event)
            case events.QuestionAsked():
                host.spawn(_ask(host, session, event), f"asking {event.question}")
            case _:
                return

    host.listen(on_fact)


def _weight(run: "Run") -> types.MessageType:
    met = run.outcome in ("done", "stopped")
    return types.MessageType.Info if met else types.MessageType.Warning


def _finished(run: "Run") -> str:
    n = len(run.changes)
    words = (run.outcome or "").replace("_", " ")
    reason = f" {run.outcome_reason}" if run.outcome_reason else ""
    return f"{run.id} has ended: {words}, {n} change{'s' * (n != 1)} to review.{reason}"


def _recovered(run: "Run", event: "events.RunRecovered") -> str:
    done = " ".join(event.done) or "Nothing was half done."
    go_on = " It is paused: resume it to go on." if run.paused else ""
    return f"Longshift had ended while {run.id} was under way. {done}{go_on}"


def _tell_stale(host: Host, session: "Session", event: "events.ChangeStale") -> None:
    """Say that a landing met what the person is typing; once for each file of a run."""
    if host.is_first(session, f"{event.run} met {event.path}"):
        host.say(
            types.MessageType.Info,
            f"{event.change} changes lines of {event.path} that you are editing. Your text stays "
            "as it is, and the change is marked: ask for its rework where it stands.",
        )


async def _ask(host: Host, session: "Session", asked: "events.QuestionAsked") -> None:
    """Put a question to the person; with options, the one they choose is the answer."""
    sentence = shown(f"{asked.run} asks: {asked.text}")
    if not asked.options:
        host.say(
            types.MessageType.Info,
            f"{sentence} (Answer {asked.question} with longshift.answerQuestion.)",
        )
        return
    options = [types.MessageActionItem(shown(option)) for option in asked.options]
    chosen = await host.server.window_show_message_request_async(
        types.ShowMessageRequestParams(types.MessageType.Info, sentence, options)
    )
    if chosen is not None:
        await session.call(
            "answerQuestion",
            {"runId": asked.run, "questionId": asked.question, "answer": chosen.title},
        )
