"""Every way in which an endpoint may answer, over real HTTP."""

import asyncio
import json
import socket
from decimal import Decimal

import pytest

from longshift.models.clients import Clients, Credentials
from longshift.models.config import ModelConfig
from longshift.models.endpoint import MALFORMED_TRIES, MAX_TRIES, EndpointModel
from longshift.models.ledger import Budget, BudgetExceeded, Ledger
from longshift.models.port import (
    EndpointFailed,
    EndpointUnreachable,
    KeyRefused,
    ModelReply,
    ModelRequest,
    ModelUnknown,
    PromptTooLong,
    RateLimited,
    ReplyMalformed,
    RequestRefused,
    TokenUsage,
    ToolCall,
)

ASK = ModelRequest([{"role": "user", "content": "Hello, wörld \U0001f600"}])
USAGE = {
    "prompt_tokens": 100,
    "completion_tokens": 20,
    "prompt_tokens_details": {"cached_tokens": 60},
    "completion_tokens_details": {"reasoning_tokens": 5},
}


def script(*faults, **turn):
    """A script that gives these faults, then this turn."""
    answer = {"text": "Well.", **turn, "faults": faults}
    return {"flows": [{"role": "other", "turns": [answer], "then": "repeat"}]}


def status(code, message="", code_word=None, **fault):
    return {
        "kind": "status",
        "status": code,
        "body": {"error": {"message": message, "code": code_word}},
        **fault,
    }


async def test_a_reply_says_all_that_came(wire):
    wired = await wire(
        script(
            text="Two calls.",
            calls=[
                {"name": "read_file", "arguments": {"path": "ä.py"}},
                {"name": "search", "arguments": '{"pattern": '},
            ],
            usage=USAGE,
        ),
        input_usd_per_mtok=Decimal(1),
        output_usd_per_mtok=Decimal(10),
    )
    reply = await wired.model.complete(ASK)
    good, garbage = reply.tool_calls
    assert (reply.text, reply.finish_reason, reply.model) == (
        "Two calls.",
        "tool_calls",
        "scripted",
    )
    assert (good.name, json.loads(good.arguments)) == ("read_file", {"path": "ä.py"})
    assert garbage.arguments == '{"pattern": '  # told to the crew as the model wrote it …
    sent_back = reply.message["tool_calls"]
    assert [call["id"] for call in sent_back] == [good.id, garbage.id]
    assert sent_back[1]["function"]["arguments"] == "{}"  # … but fit to be sent again
    assert reply.usage == TokenUsage(100, 20, cached_tokens=60, reasoning_tokens=5)
    assert wired.ledger.totals.cost_usd == Decimal("0.0003")


async def test_a_request_holds_what_was_asked_for(wire):
    wired = await wire(script(), reasoning_effort="auto", max_output_tokens=77)
    tool = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
    looking = ModelRequest(ASK.messages, [tool], effort="high", required_tool="look")
    await wired.model.complete(looking)
    await wired.model.complete(ModelRequest(ASK.messages, effort="low", max_output_tokens=5))
    first, second = (request.body for request in wired.server.requests)
    assert first == {
        "model": "scripted",
        "max_tokens": 77,
        "reasoning_effort": "high",
        "tools": [tool],
        "tool_choice": {"type": "function", "function": {"name": "look"}},
        "messages": list(ASK.messages),
    }
    assert second == {
        "model": "scripted",
        "max_tokens": 5,
        "reasoning_effort": "low",
        "messages": list(ASK.messages),
    }
    headers = wired.server.requests[0].headers
    assert headers["authorization"] == "Bearer test-key"
    assert headers["content-type"] == "application/json"


async def test_a_conversations_requests_share_their_beginning(wire):
    wired = await wire(script())
    messages = [{"role": "user", "content": "First."}]
    first = await wired.model.complete(ModelRequest(messages))
    await wired.model.complete(ModelRequest([*messages, first.message]))
    shorter, longer = (request.raw for request in wired.server.requests)
    assert longer.startswith(shorter.removesuffix(b"]}"))


PASSING = [
    pytest.param(status(429, headers={"retry-after": "7"}), [7.0], 0, id="429 with a wait"),
    pytest.param(status(429, headers={"retry-after-ms": "250"}), [0.25], 0, id="429 in ms"),
    pytest.param(status(429, headers={"retry-after": "soon"}), [0.5], 0, id="429 unreadable"),
    pytest.param(
        status(429, headers={"retry-after": "9999"}), [120.0], 0, id="429 too long a wait"
    ),
    pytest.param(status(408, times=2), [0.25, 0.5], 0, id="408 twice"),
    pytest.param(status(409), [0.25], 0, id="409"),
    pytest.param(status(500, times=5), [0.25, 0.5, 1.0, 2.0, 4.0], 0, id="500 five times"),
    pytest.param(status(503), [0.25], 0, id="503"),
    pytest.param({"kind": "drop"}, [0.25], 1, id="dropped"),
    pytest.param({"kind": "garbage"}, [0.25], 1, id="broken JSON"),
    pytest.param({"kind": "empty"}, [0.25], 1, id="no choices"),
    pytest.param({"kind": "body", "body": None}, [0.25], 1, id="null"),
    pytest.param({"kind": "body", "body": "hello"}, [0.25], 1, id="a text"),
    pytest.param({"kind": "body", "body": {"choices": [7]}}, [0.25], 1, id="wrong shape"),
    pytest.param(
        {"kind": "body", "body": {"error": {"message": "Busy."}}}, [0.25], 1, id="error with 200"
    ),
]


@pytest.mark.parametrize(("fault", "waits_s", "estimated"), PASSING)
async def test_what_may_pass_is_tried_again(wire, fault, waits_s, estimated):
    wired = await wire(script(fault))
    reply = await wired.model.complete(ASK)
    assert reply.text == "Well."
    assert wired.waits_s == waits_s
    totals = wired.ledger.totals
    assert totals.calls == len(wired.server.requests) == len(waits_s) + 1
    # A failed try that may have been billed is booked with our estimate, others with nothing.
    assert totals.estimated_calls == estimated


LASTING = [
    (status(401, "Bad key SECRET."), KeyRefused, ["401", "TEST_KEY", "api_key_env"]),
    (status(403, "Not you, SECRET."), KeyRefused, ["403", "TEST_KEY"]),
    (status(404, "No such model."), ModelUnknown, ["No such model", "`base_url`"]),
    (status(400, "Bad tools."), RequestRefused, ["Bad tools", "400"]),
    (status(400, "No.", "context_length_exceeded"), PromptTooLong, ["too long"]),
    (status(400, "This model's maximum context length is 8192 tokens."), PromptTooLong, ["8192"]),
    (status(400, "the request exceeds the available context size"), PromptTooLong, []),
    (status(413), PromptTooLong, ["413"]),
    (status(429, "Pay.", "insufficient_quota"), RateLimited, ["no credit", "Pay."]),
]
EXHAUSTING = [
    (status(429, times=99), RateLimited, ["rate limit", "Lower `workers`"]),
    (status(502, "Down.", times=99), EndpointFailed, ["502", "Down."]),
    ({"kind": "garbage", "times": 99}, ReplyMalformed, ["not JSON", "/v1"]),
    ({"kind": "drop", "times": 99}, EndpointUnreachable, ["Can't reach", "`base_url`"]),
]
REFUSALS = [
    *((*row, 1) for row in LASTING),
    *((*row, MALFORMED_TRIES if row[1] is ReplyMalformed else MAX_TRIES) for row in EXHAUSTING),
]


@pytest.mark.parametrize(("fault", "error", "words", "calls"), REFUSALS)
async def test_what_does_not_pass_is_told_to_the_person(wire, fault, error, words, calls):
    wired = await wire(script(fault), key="SECRET", api_key_env="TEST_KEY")
    with pytest.raises(error) as caught:
        await wired.model.complete(ASK)
    told = str(caught.value)
    host = wired.server.base_url.removeprefix("http://").removesuffix("/v1")
    assert all(word in told for word in (*words, host, "scripted", "kept")), told
    assert "SECRET" not in told
    assert "/v1/chat" not in told
    assert wired.ledger.totals.calls == len(wired.server.requests) == calls


REPLIES = [
    ({"content": None}, "stop", "", (), "stop"),
    ({"content": "Half a sen"}, "length", "Half a sen", (), "length"),
    (
        {"content": [{"type": "text", "text": "In "}, {"text": "parts"}]},
        "stop",
        "In parts",
        (),
        "stop",
    ),
    ({"content": None, "refusal": "No."}, "stop", "No.", (), "content_filter"),
    ({"content": "x"}, "eos", "x", (), "other"),
    ({"content": "x"}, None, "x", (), "other"),
    ({"tool_calls": None}, "stop", "", (), "stop"),
    (
        {"tool_calls": [{"function": {"name": "a", "arguments": {"b": 1}}}]},
        "stop",
        "",
        (ToolCall("call_1_0", "a", '{"b": 1}'),),
        "tool_calls",
    ),
    (
        {"tool_calls": [{"id": "x", "function": {"name": None, "arguments": None}}]},
        "length",
        "",
        (ToolCall("x", "", "{}"),),
        "length",
    ),
]


@pytest.mark.parametrize(("message", "finish", "text", "calls", "reason"), REPLIES)
async def test_odd_replies_have_a_defined_meaning(wire, message, finish, text, calls, reason):
    body = {
        "choices": [{"message": message, "finish_reason": finish}],
        "usage": {"prompt_tokens": -1},
    }
    wired = await wire(script({"kind": "body", "body": body}))
    reply = await wired.model.complete(ASK)
    assert (reply.text, reply.tool_calls, reply.finish_reason) == (text, calls, reason)
    assert reply.usage.estimated
    assert reply.usage.input_tokens == -(-len(wired.server.requests[0].raw) // 4)
    assert reply.model == "scripted"
    assert reply.message["content"] is not None or reply.message["tool_calls"]


async def test_what_an_endpoint_wants_back_with_a_call_goes_back(wire):
    signed = {"google": {"thought_signature": "AY89"}}
    function = {"name": "look", "arguments": "{}"}
    calls = [{"id": "a", "function": function, "extra_content": signed}, {"function": function}]
    body = {"choices": [{"message": {"tool_calls": calls, "reasoning_content": "Hm."}}]}
    wired = await wire(script({"kind": "body", "body": body}))
    message = (await wired.model.complete(ASK)).message
    assert message["reasoning_content"] == "Hm."
    assert [call.get("extra_content") for call in message["tool_calls"]] == [signed, None]
    assert "extra_content" not in message["tool_calls"][1]


async def test_the_endpoints_name_for_the_limit_is_learnt(wire):
    told = "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."
    flow = {"role": "other", "turns": [{"faults": [status(400, told)]}], "times": 1}
    wired = await wire({"flows": [flow]})
    await wired.model.complete(ASK)
    await wired.model.complete(ASK)
    limits = [{"max_tokens", "max_completion_tokens"} & set(r.body) for r in wired.server.requests]
    assert limits == [{"max_tokens"}, {"max_completion_tokens"}, {"max_completion_tokens"}]
    assert wired.waits_s == []


async def test_a_reply_that_never_ends_is_given_up(wire):
    wired = await wire(script({"kind": "endless"}), timeout_s=0.1)
    assert (await wired.model.complete(ASK)).text == "Well."
    assert wired.ledger.totals.estimated_calls == 1


async def test_nobody_listening_is_told_with_its_cause():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    clients = Clients()

    async def sleep(seconds):
        pass

    url = f"http://127.0.0.1:{port}/v1"
    model = EndpointModel(
        ModelConfig(model="m"), clients.client(Credentials(url, "k")), Ledger(), sleep=sleep
    )
    with pytest.raises(EndpointUnreachable, match=rf"127\.0\.0\.1:{port} .*[Cc]onnect"):
        await model.complete(ASK)
    await clients.aclose()


async def test_no_call_passes_the_budget_whatever_fails(wire):
    wired = await wire(script(status(500, times=3)), Budget(calls=20))
    outcomes = await asyncio.gather(
        *(wired.model.complete(ASK) for _ in range(50)), return_exceptions=True
    )
    assert len(wired.server.requests) == 20
    assert wired.ledger.totals.calls == 20
    assert {type(outcome) for outcome in outcomes} == {ModelReply, BudgetExceeded}


async def test_a_short_budget_shortens_the_reply_that_is_asked_for(wire):
    wired = await wire(script(), Budget(tokens=2_000), max_output_tokens=100_000)
    await wired.model.complete(ASK)
    sent = wired.server.requests[0]
    assert 1_900 < sent.body["max_tokens"] < 2_000


async def test_a_cancelled_call_is_booked(wire):
    wired = await wire(script(signal="there", wait_for=["never"]))
    task = asyncio.create_task(wired.model.complete(ASK))
    await asyncio.to_thread(wired.server.asked.wait, 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    totals = wired.ledger.totals
    assert (totals.calls, totals.estimated_calls) == (1, 1)
    assert totals.input_tokens > 0


@pytest.mark.parametrize("size", [7_900_000, 8_100_000])
async def test_an_answer_without_measure_is_not_read_to_its_end(wire, size):
    body = {"choices": [{"message": {"content": "x" * size}}]}
    wired = await wire(script({"kind": "body", "body": body, "times": 1}))
    reply = await wired.model.complete(ASK)
    assert (len(reply.text), len(wired.server.requests)) == ((size, 1) if size < 8e6 else (5, 2))


async def test_no_key_is_sent_after_a_redirect(wire):
    wired = await wire(script(status(307, headers={"location": "http://127.0.0.1:9/v1"})))
    with pytest.raises(RequestRefused, match=r"sends elsewhere \(307\)"):
        await wired.model.complete(ASK)
    assert len(wired.server.requests) == 1


async def test_a_call_waits_while_its_endpoint_is_out_of_order(wire):
    wired = await wire(script(status(503, times=9)), holds=True)
    told = []
    wired.client.breaker.on_change(told.append)
    reply = await wired.model.complete(ASK)
    assert reply.text == "Well."
    assert wired.pauses_s == [2.0, 4.0, 8.0, 16.0, 32.0]  # open after five, then four tries fail
    assert [reason is not None for reason in told] == [True] * 5 + [False]
    assert "503" in told[0]
    assert wired.ledger.totals.calls == len(wired.server.requests) == 10


async def test_a_call_that_alone_keeps_failing_is_no_outage(wire):
    failing = {"role": "other", "match": "poison", "turns": [{"faults": [status(500, times=99)]}]}
    fine = {"role": "other", "turns": [{"text": "Well."}], "then": "repeat"}
    wired = await wire({"flows": [failing, fine]}, holds=True)
    poison = ModelRequest([{"role": "user", "content": "poison"}])

    async def others():
        while True:
            await wired.model.complete(ASK)

    going = asyncio.create_task(others())
    with pytest.raises(EndpointFailed):
        await wired.model.complete(poison)
    going.cancel()
    assert not wired.client.breaker.is_open


async def test_who_waited_for_a_place_when_the_breaker_opened_sends_nothing(wire):
    failing = {"role": "other", "times": 1, "turns": [{"faults": [status(503, times=9)]}]}
    fine = {"role": "other", "turns": [{"text": "Well."}], "then": "repeat"}
    wired = await wire({"flows": [failing, fine]}, holds=True, max_concurrency=1)
    sent = []
    wired.client.breaker.on_change(lambda _: sent.append(len(wired.server.requests)))
    await asyncio.gather(*(wired.model.complete(ASK) for _ in range(12)))
    assert sent == [5, 6, 7, 8, 9, 10]  # open after five; then one call at a time, until it is well
