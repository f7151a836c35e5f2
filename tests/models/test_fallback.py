"""Two models as one: who answers when."""

import pytest

from longshift.models.config import ModelConfig
from longshift.models.ledger import Ledger
from longshift.models.port import ModelRequest, PromptTooLong
from longshift.models.registry import open_models
from tests.models.test_endpoint import script, status
from tests.scripted_model import running_server

ASK = ModelRequest([{"role": "user", "content": "Hello."}])


@pytest.fixture(scope="module")
def second():
    with running_server() as running:
        yield running


async def opened(server, second):
    other = ModelConfig("small", second.base_url)
    config = ModelConfig("large", server.base_url, fallback=other)
    return await open_models(
        dict.fromkeys(("planner", "worker", "judge"), config), Ledger(), {}, holds=True
    )


@pytest.mark.parametrize("fault", [status(401, times=99), status(404, times=99)])
async def test_a_refused_key_or_model_is_asked_again_only_now_and_then(server, second, fault):
    server.play(script(fault))
    second.play(script())
    async with await opened(server, second) as models:
        for _ in range(25):
            assert (await models.worker.complete(ASK)).model == "small"
    assert (len(server.requests), len(second.requests)) == (2, 25)


async def test_what_another_would_refuse_alike_is_not_asked_twice(server, second):
    server.play(script(status(413)))
    second.play(script())
    async with await opened(server, second) as models:
        with pytest.raises(PromptTooLong):
            await models.worker.complete(ASK)
    assert not second.requests


@pytest.mark.parametrize("planner_has_one", [True, False])
async def test_an_outage_is_told_only_where_somebody_waits_for_its_end(
    server, second, monkeypatch, planner_has_one
):
    monkeypatch.setattr("longshift.models.endpoint.FIRST_WAIT_S", 0.0)
    server.play(script(status(500, times=99)))
    second.play(script())
    alone = ModelConfig("large", server.base_url)
    both = ModelConfig("large", server.base_url, fallback=ModelConfig("small", second.base_url))
    configs = {"planner": both if planner_has_one else alone, "worker": both, "judge": both}
    told = []
    async with await open_models(configs, Ledger(), {}, holds=True) as models:
        models.on_outage(told.append)
        assert (await models.worker.complete(ASK)).model == "small"
    assert any(told) is not planner_has_one


async def test_with_both_away_the_first_that_is_well_again_answers(server, second, monkeypatch):
    monkeypatch.setattr("longshift.models.endpoint.FIRST_WAIT_S", 0.0)
    monkeypatch.setattr("longshift.models.breaker.FIRST_PAUSE_S", 0.02)
    server.play(script(status(503, times=7)))
    second.play(script(status(503, times=999)))
    told = []
    async with await opened(server, second) as models:
        models.on_outage(told.append)
        assert (await models.worker.complete(ASK)).model == "large"
    out = [reason is not None for reason in told]
    assert out[-1] is False
    assert True in out


async def test_without_credit_the_first_is_asked_again_only_now_and_then(server, second):
    server.play(script(status(429, "Pay.", "insufficient_quota", times=99)))
    second.play(script())
    async with await opened(server, second) as models:
        for _ in range(25):
            assert (await models.worker.complete(ASK)).model == "small"
    assert len(server.requests) == 2
