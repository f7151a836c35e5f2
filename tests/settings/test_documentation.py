"""`docs/configuration.md` names every setting, its default, what it allows and who may set it."""

import re
import tomllib
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple

from longshift.settings import Settings
from longshift.settings.keys import all_keys, allowed, flat
from longshift.settings.problems import checked
from longshift.settings.rules import PROJECT_MAY, voice

PAGE = Path(__file__).parents[2] / "docs" / "configuration.md"
TABLES = ("default", "planner", "worker", "judge")


class Row(NamedTuple):
    allowed: str
    default: object
    voice: str


def documented() -> dict[str, Row]:
    rows: dict[str, Row] = {}
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("| `"):
            continue
        name, _, words, default, who = cells
        value = tomllib.loads(f"v = {default.strip('`')}")["v"] if default != "left out" else None
        for table in TABLES if "*" in name else ("",):
            key = name.strip("`").replace("*", table)
            rows[key] = Row(words, value, who)
            if "*" in name:
                rows[f"models.{table}.fallback.{key.rpartition('.')[2]}"] = rows[key]
    return rows


def test_the_page_and_the_model_agree() -> None:
    defaults = flat(Settings().model_dump())
    expected = {
        key: Row(
            allowed(key),
            list(defaults[key]) if isinstance(defaults[key], tuple) else defaults[key],
            voice(key),
        )
        for key in all_keys()
    }
    assert documented() == expected


def test_each_key_has_one_rule_and_each_rule_a_key_and_a_reason() -> None:
    for key in all_keys():
        assert sum(fnmatchcase(key, pattern) for pattern, _, _ in PROJECT_MAY) == 1, key
    for pattern, _, reason in PROJECT_MAY:
        assert any(fnmatchcase(key, pattern) for key in all_keys()), pattern
        assert reason


def test_what_is_filled_in_is_as_the_page_says() -> None:
    told = dict(
        re.findall(
            r"`models\.\*\.(\w+)`[^|]*\|[^|]*left out(?: everywhere)?: `?(\w+)`?",
            PAGE.read_text(encoding="utf-8"),
        )
    )
    model = Settings().model_for("worker")
    for name in ("model", "api_key_env", "api", "timeout_s", "max_output_tokens"):
        assert str(getattr(model, name)).removesuffix(".0") == told[name]


def test_the_examples_are_right() -> None:
    examples = re.findall(r"```toml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    values = [checked("The example", tomllib.loads(example)) for example in examples]
    assert values[0]["models.planner.reasoning_effort"] == "high"
    assert "models.default.cached_input_usd_per_mtok" in values[-1]
