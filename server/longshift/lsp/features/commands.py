"""`workspace/executeCommand`: every command takes one object and is answered at once.

Owns which repository a command goes to and the way from URIs to paths. Never carries one out:
the engine does, and it checks whatever is passed on.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Final

from lsprotocol.types import ErrorCodes, LSPAny, MessageType

from longshift.errors import UsageError
from longshift.lsp.features.dismissing import ask_why
from longshift.lsp.features.showing import explain, show_change, why
from longshift.lsp.features.trusting import offer_trust
from longshift.lsp.host import Host
from longshift.lsp.protocol import LongshiftLanguageServer, LspError, Written, written
from longshift.lsp.sessions import load_rest

if TYPE_CHECKING:
    from longshift.lsp.session import Session

Given = dict[str, object]
Json = Mapping[str, object]
Handler = Callable[[Host, str, Given], Awaitable[Json]]

LONG: Final = frozenset({"listRuns", "describeRun"})
"""Commands whose answers grow with their runs."""
ANSWER_WITHIN_S: Final = 1.5
"""A decision that waits longer for the editor is answered as pending and goes on: an editor that
is blocked by the command can't show its change before it has the answer."""


def register(host: Host) -> None:
    """Register every command under its name with the prefix `longshift.`."""
    for name, handler in HANDLERS.items():
        host.server.command(f"longshift.{name}")(_command(host, name, handler))


def _command(host: Host, name: str, handler: Handler) -> Callable[..., Awaitable[Json | Written]]:
    async def run(_: LongshiftLanguageServer, *arguments: LSPAny) -> Json | Written:
        result = await handler(host, name, _one_object(name, arguments))
        # A run with thousands of tasks is megabytes.
        return await asyncio.to_thread(written, result, parts=4) if name in LONG else result

    return run


def _one_object(name: str, arguments: tuple[object, ...]) -> Given:
    if not arguments or arguments == (None,):
        return {}
    if len(arguments) > 1 or not isinstance(arguments[0], Mapping):
        raise LspError(
            ErrorCodes.InvalidParams,
            f"longshift.{name} takes one object as its only argument. Nothing was done.",
        )
    return dict(arguments[0])


async def _start_goal(host: Host, name: str, given: Given) -> Json:
    await asyncio.to_thread(load_rest)
    from longshift.lsp.arguments import goal_for_engine, parse_goal

    repo = _word(name, given, "repo", keep=False)
    goal = parse_goal(given)
    session = await host.sessions.chosen(repo, goal.uri)
    arguments = await session.off_loop(goal_for_engine, session, goal)
    result = await session.call(name, arguments)
    for notice in _texts(result.get("notices")):
        host.notice(session, notice)
    host.spawn(offer_trust(host, session), "asking for trust")
    return {**result, "repo": session.root_uri}


async def _of_run(host: Host, name: str, given: Given) -> Json:
    session = await _session_of(host, name, given)
    return await session.call(name, given)


async def _resume(host: Host, name: str, given: Given) -> Json:
    session = await _session_of(host, name, given)
    result = await session.call(name, given)
    host.spawn(offer_trust(host, session), "asking for trust")
    return result


async def _describe(host: Host, name: str, given: Given) -> Json:
    session = await _session_of(host, name, given)
    if set(given) != {"runId"}:
        return await session.call(name, given)  # the engine names what does not fit
    return await session.describe(str(given["runId"]))


async def _list(host: Host, name: str, given: Given) -> Json:
    """What all repositories list together, or the one that was named."""
    repo = _word(name, given, "repo", keep=False)
    sessions = [await host.sessions.chosen(repo, None)] if repo else await host.sessions.reached()
    listed: dict[str, list[object]] = {}
    for session in sessions:
        for key, values in (await session.call(name, given)).items():
            entries = values if isinstance(values, list) else []
            listed.setdefault(key, []).extend({**one, "repo": session.root_uri} for one in entries)
    return listed


async def _add_constraint(host: Host, name: str, given: Given) -> Json:
    session = await host.sessions.chosen(_word(name, given, "repo", keep=False), None)
    return {**await session.call(name, given), "repo": session.root_uri}


async def _lift_constraint(host: Host, name: str, given: Given) -> Json:
    repo = _word(name, given, "repo", keep=False)
    sessions = await host.sessions.every()
    if repo is None and len(sessions) > 1:
        id_ = _word(name, given, "constraintId", keep=True)
        having = [one for one in sessions if id_ in one.state.constraints]
        repo = having[0].root_uri if len(having) == 1 else None
    session = await host.sessions.chosen(repo, None)
    return await session.call(name, given)


async def _decide(host: Host, name: str, given: Given) -> Json:
    """Decide on hunks: of one change, or of everything pending."""
    session = await _session_of(host, name, given)
    deciding = asyncio.ensure_future(session.call(name, given))
    done, _ = await asyncio.wait([deciding], timeout=ANSWER_WITHIN_S)
    if done:
        _tell_left(host, deciding.result())
        return deciding.result()
    host.spawn(_finish(host, deciding), f"longshift.{name}")
    return {**given, "state": "pending"}


async def _finish(host: Host, deciding: "asyncio.Future[dict[str, object]]") -> None:
    _tell_left(host, await deciding)


def _tell_left(host: Host, answer: Json) -> None:
    """Tell which files an acceptance left, because programs that a person trusts act on them."""
    left = _texts(answer.get("protected"))
    if left:
        host.say(
            MessageType.Warning,
            f"Protected, and left as {'they are' if len(left) > 1 else 'it is'}: "
            f"{', '.join(left)}. Open each to see why, and accept it there.",
        )


async def _show(host: Host, name: str, given: Given) -> Json:
    session = await _session_of(host, name, given)
    result = await session.call(name, given)
    host.spawn(show_change(host, session, result), "showing a change")
    return result


async def _explain(host: Host, name: str, given: Given) -> Json:
    """Why a change was made: its task and what its worker said, in a few lines."""
    session = await _session_of(host, name, given)
    change_id = _word(name, given, "changeId", keep=True)
    text = why(session, str(given["runId"]), change_id or "")
    host.say(MessageType.Info, text)
    return {**given, "text": text}


async def _dismiss(host: Host, name: str, given: Given) -> Json:
    """Dismiss a finding at once; the person may say why while work goes on."""
    ask = given.pop("ask", None) is True and not given.get("reason")
    session = await _session_of(host, name, given)
    result = await session.call(name, given)
    if ask and host.client.asks:
        host.spawn(ask_why(host, session, given), "asking for a reason")
    return result


async def _explain_finding(host: Host, name: str, given: Given) -> Json:
    """What is known of findings: message, evidence, reporter, the change that wrote the line."""
    session = await _session_of(host, name, given)
    named = given.get("findingIds")
    one = _word(name, given, "findingId", keep=True)
    ids = [one] if one is not None else _texts(named)
    text = "\n\n".join([await explain(session, str(given["runId"]), id_) for id_ in ids])
    if not text:
        raise UsageError(f"{name}: `findingId`: name a finding.")
    host.say(MessageType.Info, text)
    return {**given, "text": text}


async def _session_of(host: Host, name: str, given: Given) -> "Session":
    """The session that a command on a run means; `repo` and `uri` are taken out, `uri` as path."""
    repo = _word(name, given, "repo", keep=False)
    uri = _word(name, given, "uri", keep=False)
    run_id = _word(name, given, "runId", keep=True)
    if run_id is None:
        raise UsageError(f"{name}: `runId`: name a run. Nothing was done.")
    session = await host.sessions.with_run(run_id, repo, uri)
    if uri is not None:
        from longshift.lsp.arguments import repository_path

        given.setdefault("path", repository_path(session, uri))
    return session


def _word(name: str, given: Given, key: str, *, keep: bool) -> str | None:
    word = given.get(key)
    if not keep:
        given.pop(key, None)
    if word is not None and not isinstance(word, str):
        raise UsageError(f"{name}: `{key}`: a string was expected. Nothing was done.")
    return word


def _texts(value: object) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list | tuple) else []


HANDLERS: Final[Mapping[str, Handler]] = {
    "startGoal": _start_goal,
    "listRuns": _list,
    "describeRun": _describe,
    "listAgents": _list,
    "pauseRun": _of_run,
    "resumeRun": _resume,
    "stopRun": _of_run,
    "steerRun": _of_run,
    "answerQuestion": _of_run,
    "addConstraint": _add_constraint,
    "listConstraints": _list,
    "liftConstraint": _lift_constraint,
    "acceptChange": _decide,
    "rejectChange": _decide,
    "reworkChange": _decide,
    "undoDecision": _decide,
    "acceptAll": _decide,
    "rejectAll": _decide,
    "fixFinding": _of_run,
    "dismissFinding": _dismiss,
    "showChange": _show,
    "listHunks": _of_run,
    "showHunk": _of_run,
    "exportRun": _of_run,
    "forgetRun": _of_run,
    "explainChange": _explain,
    "explainFinding": _explain_finding,
}
