"""What `longshift doctor` says of a model that it asked for one tool call."""

import json

import pytest

from longshift.cli.asking import ask, ask_each
from longshift.models.config import ModelConfig
from tests.scripted_model import ScriptedServer
from tests.support import fake_keys
from tests.support.cli_shell import Shell

KEY = fake_keys.provider_key("of the doctor")
GOOD = {"calls": [{"name": "read_file", "arguments": {"path": "README.md"}}]}


def play(scripted: ScriptedServer, *faults: object, **turn: object) -> None:
    flow = {"role": "other", "turns": [{**turn, "faults": faults}], "then": "repeat"}
    scripted.play({"flows": [flow]})


def status(code: int, message: str | None = None, **fault: object) -> dict[str, object]:
    body = {"error": {"message": message}} if message else {"nothing": "to see"}
    return {"kind": "status", "status": code, "body": body, "times": 9, **fault}


NO_TOOLS = (
    status(404, "No endpoints found that support tool use"),
    status(400, '"auto" tool choice requires --enable-auto-tool-choice'),
    status(400, "m does not support tools"),
    status(500, "tools param requires --jinja flag"),
)
UNLIKE = {"calls": [{"name": "read_file", "arguments": '{"pa'}]}
CUT = {"text": "Hm", "finish_reason": "length"}
ANSWERS = [
    # (what the endpoint does, the reply it gives, state, words of the text, words of what to do)
    (None, GOOD, "ok", "it called a tool after", ""),
    (status(500, times=1), GOOD, "ok", "it called a tool after", ""),
    (status(401, f"No such key {KEY}"), {}, "bad", "refused the key (401)", "MY_KEY"),
    (status(404, "The model `x` does not exist"), {}, "bad", "not know this model", "`model`"),
    (status(404), {}, "bad", "no such API at this address (404)", "`base_url`"),
    *((fault, {}, "bad", "refuses tools", "tool calls alone") for fault in NO_TOOLS),
    (status(400, f"Not known: {KEY}"), {}, "bad", "refused the request (400)", "of this model"),
    (status(400, "Function tools with reasoning_effort"), {}, "bad", "(400)", '`api = "resp'),
    (status(429, headers={"retry-after-ms": "1"}), {}, "bad", "rate limit", "max_concurrency"),
    (status(503), {}, "bad", "keeps failing (503)", "whether the endpoint is well"),
    ({"kind": "garbage", "times": 9}, {}, "bad", "no answer of a model", "`base_url`"),
    (None, {"text": f"Sure! {KEY}"}, "bad", "made none; it said 'Sure!", "--jinja"),
    (None, {"calls": [{"name": "look"}]}, "bad", "that it was not given", "tool calls alone"),
    (None, UNLIKE, "bad", "no JSON object", "tool calls alone"),
    (None, CUT, "warn", "no tool call within the 1,000 tokens", "reasoning_effort"),
]


@pytest.fixture(autouse=True)
def no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("longshift.models.endpoint.FIRST_WAIT_S", 0.0)


@pytest.mark.parametrize(("fault", "reply", "state", "text", "mend"), ANSWERS)
async def test_what_is_said(scripted: ScriptedServer, fault, reply, state, text, mend) -> None:
    play(scripted, *((fault,) if fault else ()), **reply)
    config = ModelConfig("scripted", scripted.base_url, "MY_KEY")
    answer = await ask(config, {"MY_KEY": KEY})
    assert answer.state == state, answer
    assert text in answer.text
    assert mend in answer.mend
    assert bool(answer.mend) is (state != "ok")
    assert KEY not in answer.text + answer.mend
    assert "Everything landed" not in answer.text + answer.mend


async def test_no_server_and_an_endless_answer(scripted: ScriptedServer) -> None:
    gone = await ask(ModelConfig("m", "http://127.0.0.1:9/v1"), {})
    assert gone.state == "bad"
    assert "Can't reach the endpoint 127.0.0.1:9" in gone.text
    assert "`base_url`" in gone.mend
    play(scripted, {"kind": "endless"})
    slow = await ask(ModelConfig("m", scripted.base_url), {}, within_s=0.2)
    assert (slow.state, slow.text) == ("bad", "no answer within 0.2 s")
    play(scripted, status(429, headers={"retry-after": "60"}))
    limited = await ask(ModelConfig("m", scripted.base_url), {}, within_s=0.2)
    assert "rate limit is reached (429)" in limited.text


@pytest.mark.parametrize("api", ["chat", "responses"])
async def test_a_call_is_asked_for_and_not_forced(scripted: ScriptedServer, api: str) -> None:
    play(scripted, **GOOD)
    config = ModelConfig("m", scripted.base_url, api=api, reasoning_effort="auto")
    assert len(await ask_each([config, config], {})) == 1
    (asked,) = scripted.requests
    assert (asked.api, asked.body["tools"][0]["type"]) == (api, "function")
    assert "tool_choice" not in asked.body
    assert "low" in (asked.body.get("reasoning_effort"), *asked.body.get("reasoning", {}).values())
    assert 1_000 in asked.body.values()


def test_the_doctor_asks_each_model_once_and_tells_what_is_unknown(
    endpoint: Shell, scripted: ScriptedServer
) -> None:
    play(scripted, **GOOD)
    environ = {
        "LONGSHIFT_MODELS__JUDGE__MODEL": "gpt-5.1",
        "LONGSHIFT_MODELS__JUDGE__INPUT_USD_PER_MTOK": "0",
        "LONGSHIFT_MODELS__JUDGE__OUTPUT_USD_PER_MTOK": "0",
        "LONGSHIFT_MODELS__WORKER__FALLBACK__MODEL": "second",
        "LONGSHIFT_MODELS__WORKER__FALLBACK__BASE_URL": "http://127.0.0.1:9/v1",
    }
    shell = Shell(endpoint.root, {**endpoint.environ, **environ})
    done = shell.here("doctor", "--json", status=1)
    checks = {check["name"]: check for check in json.loads(done.out)["checks"]}
    assert sorted(request.model for request in scripted.requests) == ["gpt-5.1", "scripted"]
    assert {tuple(check) for check in checks.values()} == {("name", "state", "text", "mend")}
    planner, judge = checks["model planner"]["text"], checks["model judge"]["text"]
    assert "window unknown, 128,000 tokens are taken" in planner
    assert "price unknown" in planner
    assert "it called a tool" in planner
    assert "unknown" not in judge
    assert (checks["model worker"]["state"], checks["fallback worker"]["state"]) == ("ok", "bad")
    assert "Can't reach the endpoint 127.0.0.1:9" in checks["fallback worker"]["text"]
