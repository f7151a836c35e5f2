"""The shipped table of prices: where it holds, where it does not, and whose word comes first."""

from decimal import Decimal

import pytest

from longshift.errors import UsageError
from longshift.settings.prices import table

OPENAI, ANTHROPIC = "https://api.openai.com/v1", "https://api.anthropic.com/v1/"
PROXY = "https://llm.example.com/v1"
TABLE, HAND = "the table of 2026-11-26", "the settings"
LISTED = ("1.25", "0.125", "10.00", 400_000, TABLE)
WINDOW = (None, None, None, 400_000, "")
UNKNOWN = (None, None, None, None, "")

CASES = {
    "no address at all is OpenAI's": ({"model": "gpt-5.1"}, {}, LISTED),
    "a dated snapshot": ({"model": "gpt-5.1-2025-11-13"}, {}, LISTED),
    "OpenAI's by name": ({"model": "gpt-5.1", "base_url": OPENAI}, {}, LISTED),
    "OpenAI's by the environment": ({"model": "gpt-5.1"}, {"OPENAI_BASE_URL": OPENAI}, LISTED),
    "a proxy by the environment": ({"model": "gpt-5.1"}, {"OPENAI_BASE_URL": PROXY}, WINDOW),
    "a broken address in the environment": (
        {"model": "gpt-5.1"},
        {"OPENAI_BASE_URL": "https://[broken"},
        WINDOW,
    ),
    "a setting before the environment": (
        {"model": "gpt-5.1", "base_url": PROXY},
        {"OPENAI_BASE_URL": OPENAI},
        WINDOW,
    ),
    "a host that only ends like it": (
        {"model": "gpt-5.1", "base_url": "https://eu.api.openai.com/v1"},
        {},
        WINDOW,
    ),
    "another vendor's host": ({"model": "gpt-5.1", "base_url": ANTHROPIC}, {}, WINDOW),
    "a vendor before the name": ({"model": "openai/gpt-5.1", "base_url": PROXY}, {}, WINDOW),
    "another model with the same beginning": ({"model": "gpt-5.1-codex"}, {}, UNKNOWN),
    "a model that nobody knows": ({"model": "m"}, {}, UNKNOWN),
    "no price of what is cached": (
        {"model": "claude-sonnet-5-5", "base_url": ANTHROPIC},
        {},
        ("2.00", None, "10.00", 1_000_000, TABLE),
    ),
    "a person's own price": (
        {"model": "gpt-5.1", "input_usd_per_mtok": 1.0, "output_usd_per_mtok": 2.0},
        {},
        ("1.0", None, "2.0", 400_000, HAND),
    ),
    "a person's own half": (
        {"model": "gpt-5.1", "cached_input_usd_per_mtok": 1.0},
        {},
        (None, "1.0", None, 400_000, ""),
    ),
    "a person's own window": (
        {"model": "gpt-5.1", "context_tokens": 9_000},
        {},
        ("1.25", "0.125", "10.00", 9_000, TABLE),
    ),
    "the builtin model": ({"model": "builtin"}, {}, UNKNOWN),
}


@pytest.mark.parametrize(("said", "environ", "expected"), CASES.values(), ids=CASES)
def test_a_price_holds_where_the_vendor_itself_serves_the_model(load, said, environ, expected):
    overrides = {"models": {"default": said}, "budget": {"usd": 0}}
    model = load(overrides=overrides, environ=environ).settings.model_for("worker")
    prices = (
        model.input_usd_per_mtok, model.cached_input_usd_per_mtok, model.output_usd_per_mtok
    )  # fmt: skip
    told = tuple(None if price is None else str(price) for price in prices)
    assert (*told, model.context_tokens, model.price_source) == expected


def test_each_role_and_its_fallback_have_their_own_price(load):
    tables = {
        "default": {"model": "gpt-5.1"},
        "worker": {"model": "gpt-5-nano", "fallback": {"model": "gpt-5-mini"}},
        "judge": {"fallback": {"model": "gpt-5-mini", "base_url": PROXY}},
    }
    settings = load(overrides={"models": tables}).settings
    worker, judge = settings.model_for("worker"), settings.model_for("judge")
    assert worker.input_usd_per_mtok == Decimal("0.05")
    assert worker.fallback.input_usd_per_mtok == Decimal("0.25")
    assert (judge.input_usd_per_mtok, judge.fallback.priced) == (Decimal("1.25"), False)


def test_a_limit_in_dollars_holds_for_a_model_of_the_table(load):
    known = {"models": {"default": {"model": "gpt-5.1"}}}
    assert load(overrides=known).settings.budget.usd == 5
    assert load(overrides=known).notices == ()
    elsewhere = {"models": {"default": {"model": "gpt-5.1", "base_url": PROXY}}}
    assert load(overrides=elsewhere).settings.budget.usd == 0
    with pytest.raises(UsageError, match=r'price of the model "gpt-5\.1"'):
        load(overrides={**elsewhere, "budget": {"usd": 1.0}})
    known["models"]["worker"] = {"fallback": {"model": "m"}}
    with pytest.raises(UsageError, match=r'price of the model "m" \(worker\)'):
        load(overrides={**known, "budget": {"usd": 1.0}})


def test_an_untrusted_project_lowers_no_price_of_the_table(load):
    free = "input_usd_per_mtok = 0\noutput_usd_per_mtok = 0\n"
    mine = {"models": {"default": {"model": "gpt-5.1"}}}
    for project in (f"[models.default]\n{free}", f"[models.worker.fallback]\nmodel='m'\n{free}"):
        loaded = load(overrides=mine, files={"longshift.toml": project})
        model = loaded.settings.model_for("worker")
        assert (model.price_source, len(loaded.notices)) == (TABLE, 2 + ("fallback" in project))
        assert "is known; it was ignored" in loaded.notices[0]
    theirs = f"[models.default]\nmodel = 'gpt-5.1'\n{free}"
    for trusted, source in ((False, TABLE), (True, HAND)):
        loaded = load(files={"longshift.toml": theirs}, trusted=trusted)
        assert loaded.settings.model_for("judge").price_source == source
    unlisted = {"longshift.toml": f"[models.default]\nmodel = 'm'\n{free}"}
    assert load(files=unlisted).settings.model_for("judge").price_source == HAND


def test_the_table_costs_no_less_for_what_is_cached_and_has_a_date():
    for name, line in table().items():
        known = line.known
        assert (known.cached_input_usd_per_mtok or 0) <= known.input_usd_per_mtok, name
        assert known.input_usd_per_mtok < known.output_usd_per_mtok, name
