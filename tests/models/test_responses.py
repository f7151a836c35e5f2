"""The dialect of `/responses`: the same conversations, and reasoning that is carried over."""

import json

import pytest

from longshift.models.port import JsonSchema, ModelRequest, ReplyMalformed, TokenUsage
from longshift.models.wire import Asked, Habits, wire_for
from tests.models.test_endpoint import ASK, script, status

TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
SCHEMA = JsonSchema("point", {"type": "object", "properties": {"x": {"type": "integer"}}})
LONG = [
    {"role": "system", "content": "You look."},
    {"role": "user", "content": "Look."},
    {
        "role": "assistant",
        "content": "I look.",
        "reasoning_items": [{"type": "reasoning", "id": "rs_1", "encrypted_content": "xyz"}],
        "tool_calls": [
            {"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
        ],
    },
    {"role": "tool", "tool_call_id": "c1", "content": '{"seen": 1}'},
]


def sent(api, request, habits=None, effort="low"):
    return json.loads(wire_for(api).encode(request, Asked("m", effort, 99, habits or Habits())))


def test_a_conversation_becomes_items() -> None:
    request = ModelRequest(LONG, [TOOL], required_tool="look", schema=SCHEMA)
    assert sent("responses", request) == {
        "model": "m",
        "max_output_tokens": 99,
        "store": False,
        "include": ["reasoning.encrypted_content"],
        "reasoning": {"effort": "low"},
        "tools": [
            {"type": "function", "name": "look", "parameters": {"type": "object"}, "strict": False}
        ],
        "tool_choice": {"type": "function", "name": "look"},
        "text": {
            "format": {
                "type": "json_schema",
                "name": "point",
                "schema": SCHEMA.schema,
                "strict": True,
            }
        },
        "instructions": "You look.",
        "input": [
            {"role": "user", "content": "Look."},
            {"type": "reasoning", "id": "rs_1", "encrypted_content": "xyz"},
            {"role": "assistant", "content": "I look."},
            {"type": "function_call", "call_id": "c1", "name": "look", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c1", "output": '{"seen": 1}'},
        ],
    }


def test_the_other_dialect_never_sees_that_reasoning() -> None:
    body = sent("chat", ModelRequest(LONG, schema=SCHEMA))
    assert "reasoning_items" not in json.dumps(body)
    assert body["messages"][2] == {k: v for k, v in LONG[2].items() if k != "reasoning_items"}
    assert body["response_format"]["json_schema"]["schema"] == SCHEMA.schema


@pytest.mark.parametrize(
    ("words", "missing"),
    [
        ("Encrypted content is not supported with this model.", {"include"}),
        ("Unknown parameter: 'include'.", {"include"}),
        ("response_format json_schema is not available", {"text"}),
        ("Something else.", set()),
    ],
)
def test_what_an_endpoint_refuses_is_not_asked_again(words, missing) -> None:
    request = ModelRequest(LONG, schema=SCHEMA)
    before = sent("responses", request)
    after = sent("responses", request, Habits().after(words))
    assert before.keys() - after.keys() == missing


@pytest.mark.parametrize("api", ["chat", "responses"])
def test_the_requests_of_a_conversation_share_their_beginning(api) -> None:
    wire, asked = wire_for(api), Asked("m", None, 99, Habits())
    for length in range(2, len(LONG)):
        shorter = wire.encode(ModelRequest(LONG[:length], [TOOL]), asked)
        longer = wire.encode(ModelRequest(LONG[: length + 1], [TOOL]), asked)
        assert longer.startswith(shorter.removesuffix(b"]}"))


async def test_reasoning_comes_back_with_the_next_request(wire) -> None:
    turns = [
        {"reasoning": "deep", "calls": [{"name": "look"}], "usage": USAGE},
        {"text": "Seen."},
    ]
    wired = await wire({"flows": [{"role": "other", "turns": turns}]}, api="responses")
    first = await wired.model.complete(ModelRequest(ASK.messages, [TOOL]))
    assert (first.finish_reason, first.tool_calls[0].name) == ("tool_calls", "look")
    assert first.usage == TokenUsage(100, 20, cached_tokens=60, reasoning_tokens=5)
    result = {"role": "tool", "tool_call_id": first.tool_calls[0].id, "content": "{}"}
    second = await wired.model.complete(
        ModelRequest([*ASK.messages, first.message, result], [TOOL])
    )
    assert (second.text, second.finish_reason) == ("Seen.", "stop")
    carried = wired.server.requests[1].body["input"][1]
    assert carried["encrypted_content"] == "unreadable:peed"
    assert [request.api for request in wired.server.requests] == ["responses"] * 2


USAGE = {
    "prompt_tokens": 100,
    "completion_tokens": 20,
    "prompt_tokens_details": {"cached_tokens": 60},
    "completion_tokens_details": {"reasoning_tokens": 5},
}
ANSWERS = [
    ({"output": []}, "stop", ""),
    ({"output": [7, {"type": "web_search"}, {}]}, "stop", ""),
    (
        {"output": [{"type": "message", "content": [{"type": "refusal", "refusal": "No."}]}]},
        "content_filter",
        "No.",
    ),
    (
        {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}
        | {"output": [{"type": "message", "content": [{"type": "output_text", "text": "Hal"}]}]},
        "length",
        "Hal",
    ),
    ({"output": [{"type": "function_call", "name": "a", "arguments": {"b": 1}}]}, "tool_calls", ""),
]


@pytest.mark.parametrize(("answer", "finish", "text"), ANSWERS)
def test_odd_answers_have_a_defined_meaning(answer, finish, text) -> None:
    reply = wire_for("responses").read(json.dumps(answer).encode(), "m", 100, 3)
    assert (reply.finish_reason, reply.text) == (finish, text)
    assert all(call.id == "call_3_0" for call in reply.tool_calls)
    assert reply.usage.estimated


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"message": "Busy."}},
        {"status": "failed", "output": [], "error": {"message": "Broken."}},
        {"output": "hello"},
        [],
    ],
)
async def test_what_is_no_response_is_told(wire, body) -> None:
    wired = await wire(script({"kind": "body", "body": body, "times": 9}), api="responses")
    with pytest.raises(ReplyMalformed):
        await wired.model.complete(ASK)


async def test_an_endpoint_that_hands_no_reasoning_over_is_asked_without(wire) -> None:
    refusal = status(400, "Encrypted content is not supported with this model.")
    flow = {"role": "other", "turns": [{"text": "Well.", "faults": [refusal]}], "times": 1}
    wired = await wire({"flows": [flow]}, api="responses")
    assert (await wired.model.complete(ASK)).text == "Well."
    assert ["include" in request.body for request in wired.server.requests] == [True, False]
