"""Opening the models of three roles."""

import subprocess
import sys
from decimal import Decimal

import pytest

from longshift.models.config import ModelConfig
from longshift.models.ledger import Ledger
from longshift.models.port import KeyMissing, ModelRequest
from longshift.models.registry import open_models

ASK = ModelRequest([{"role": "user", "content": "Hello."}])
RULES = ModelConfig()


def for_all(config):
    return dict.fromkeys(("planner", "worker", "judge"), config)


async def test_each_role_speaks_to_its_own_model(server):
    server.play({})
    ledger = Ledger()
    configs = {
        "planner": ModelConfig(
            "large",
            server.base_url,
            "MY_KEY",
            input_usd_per_mtok=Decimal(1),
            output_usd_per_mtok=Decimal(1),
        ),
        "worker": ModelConfig("small", server.base_url),
        "judge": RULES,
    }
    async with await open_models(configs, ledger, {"MY_KEY": "abc\n"}) as models:
        names = [each.name for each in (models.planner, models.worker, models.judge)]
        assert names == ["large", "small", "builtin"]
        await models.planner.complete(ASK)
        assert ledger.totals.cost_usd
        await models.worker.complete(ASK)
        await models.judge.complete(ASK)
    sent = [(each.model, each.headers["authorization"]) for each in server.requests]
    # An endpoint of the person's own choosing may want no key; the rules send nothing at all.
    assert sent == [("large", "Bearer abc"), ("small", "Bearer no-key")]
    assert ledger.totals.calls == 2
    assert ledger.totals.cost_usd is None


async def test_the_packages_own_variable_names_an_endpoint_too(server):
    server.play({})
    environ = {"OPENAI_BASE_URL": server.base_url}
    async with await open_models(for_all(ModelConfig("m")), Ledger(), environ) as models:
        await models.judge.complete(ASK)
    assert len(server.requests) == 1


@pytest.mark.parametrize("key", [{}, {"MY_KEY": ""}, {"MY_KEY": "  "}, {"OPENAI_API_KEY": "x"}])
async def test_a_missing_key_is_told_before_anything_is_sent(key):
    config = ModelConfig("gpt", api_key_env="MY_KEY")
    with pytest.raises(KeyMissing, match=r"gpt.*MY_KEY.*`api_key_env`.*`base_url`.*builtin"):
        await open_models({**for_all(RULES), "judge": config}, Ledger(), key)


@pytest.mark.parametrize("key", ["sk-a\nsk-b", "sk-é", "sk a"], ids=ascii)
async def test_a_key_that_cannot_be_sent_is_told_before_anything_is_sent(key):
    config = ModelConfig("gpt", api_key_env="MY_KEY")
    with pytest.raises(KeyMissing, match="MY_KEY holds no usable key") as refused:
        await open_models({**for_all(RULES), "judge": config}, Ledger(), {"MY_KEY": key})
    assert key not in str(refused.value)


def test_rules_alone_import_no_client():
    code = (
        "import asyncio, sys\n"
        "from longshift.models.config import ModelConfig\n"
        "from longshift.models.ledger import Ledger\n"
        "from longshift.models.registry import open_models\n"
        "roles = dict.fromkeys(('planner', 'worker', 'judge'), ModelConfig())\n"
        "asyncio.run(open_models(roles, Ledger(), {}))\n"
        "print({'openai', 'aiohttp', 'httpx2'} & set(sys.modules))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
