"""The protocol, spoken with a real model behind a real server where one is named.

`LONGSHIFT_TEST_LLM=1 OPENAI_BASE_URL=… LONGSHIFT_TEST_LLM_MODEL=…` name it; `OPENAI_API_KEY` is its
key, if it wants one, and `LONGSHIFT_TEST_LLM_API=responses` has the other dialect spoken.
"""

import os

import pytest

from longshift.models.config import ModelConfig
from tests.scripted_model import running_server
from tests.support.llm_protocol import EXCHANGES, Exchange, calls_a_tool, opened

# Read here: no test sees the variables of the machine's user.
BASE_URL = os.environ.get("OPENAI_BASE_URL", "")
KEY = os.environ.get("OPENAI_API_KEY", "") or "no-key"
MODEL = os.environ.get("LONGSHIFT_TEST_LLM_MODEL", "")
API = os.environ.get("LONGSHIFT_TEST_LLM_API", "chat")
IS_NAMED = os.environ.get("LONGSHIFT_TEST_LLM") == "1" and bool(BASE_URL) and bool(MODEL)

CALL = {"calls": [{"name": "look_up", "arguments": {"city": "Paris"}}], "reasoning": "hm"}
SCRIPT = {
    "flows": [
        {"role": "other", "match": "Look it up", "turns": [CALL, {"text": "2.1 million."}]},
        {"role": "other", "match": "JSON", "turns": [{"text": '{"city": "Paris", "large": true}'}]},
        {"role": "other", "match": "number", "turns": [{"text": "A number."}], "then": "repeat"},
    ],
}


@pytest.mark.skipif(not IS_NAMED, reason="no real model is named (`make test-llm`)")
@pytest.mark.timeout(900)
@pytest.mark.parametrize("exchange", EXCHANGES, ids=lambda one: one.__name__)
async def test_a_real_server(exchange: Exchange) -> None:
    config = ModelConfig(MODEL, BASE_URL, api="responses" if API == "responses" else "chat")
    async with opened(config, KEY) as (model, ledger):
        await exchange(model, ledger)


@pytest.mark.parametrize("api", ["chat", "responses"])
async def test_the_same_with_the_scripted_server(api: str) -> None:
    with running_server() as server:
        for exchange in EXCHANGES:
            server.play(SCRIPT)
            async with opened(ModelConfig("m", server.base_url, api=api), "key") as (model, ledger):
                await exchange(model, ledger)
            assert {request.api for request in server.requests} == {api}


async def test_a_server_that_makes_no_calls_does_not_pass() -> None:
    with running_server() as server:
        async with opened(ModelConfig("m", server.base_url), "key") as (model, ledger):
            with pytest.raises(AssertionError):
                await calls_a_tool(model, ledger)
