"""What a person reads when a source of settings is wrong."""

from collections.abc import Callable
from typing import Any

import pytest

from longshift.errors import UsageError
from longshift.settings import Loaded

Load = Callable[..., Loaded]

TOML = "longshift.toml"
KEY = "sk-proj-a1B2c3D4e5F6g7H8i9"


def project(text: str) -> dict[str, Any]:
    return {"files": {TOML: text}}


def models(line: str) -> dict[str, Any]:
    return project(f"[models.worker]\n{line}")


WRONG: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "near miss": (
        project("wrokers = 3"),
        (f"{TOML}: ", "`wrokers` is no setting", "Did you mean `workers`?", "strategy, integrator"),
    ),
    "hyphens": (models("base-url = 'http://h'"), ("Did you mean `models.worker.base_url`?",)),
    "in the wrong table": (
        project("usd = 3"),
        ("Did you mean `budget.usd`?", "Allowed at the top"),
    ),
    "no such role": (
        project("[models.worka]\nmodel = 'm'"),
        ("`models.worka` is no setting", "Allowed in [models]: default, planner, worker, judge"),
    ),
    "unlike anything": (project("[budget]\nzzz = 1"), ("`budget.zzz` is no setting. Allowed",)),
    "text for a number": (
        project("workers = 'x'"),
        ("`workers` must be a whole number", 'not "x"'),
    ),
    "digits as a text": (project("workers = '8'"), ("from 1 to 2000", 'not "8"')),
    "a fraction": (project("workers = 2.5"), ("from 1 to 2000, not 2.5",)),
    "a flag for a number": (project("workers = true"), ("from 1 to 2000, not true",)),
    "too few": (project("workers = 0"), ("from 1 to 2000, not 0",)),
    "too many": (project("workers = 2001"), ("from 1 to 2000, not 2001",)),
    "a table for a value": (project("[workers]\nn = 1"), ("from 1 to 2000, not a table",)),
    "a value for a table": (project("budget = 5"), ("`budget` must be a table, such as [budget]",)),
    "no such strategy": (
        project("strategy = 'anarchy'"),
        ('`strategy` must be one of "planner-worker-judge", "optimistic", "flat-locked"',),
    ),
    "optional choices": (
        models("api = 'soap'"),
        ('must be one of "chat", "responses", not "soap"',),
    ),
    "a number for a flag": (project("integrator = 1"), ("must be true or false, not 1",)),
    "a text for a list": (project("checks = 'make'"), ("must be a list of texts", 'not "make"')),
    "a number in a list": (project("exclude = ['a', 3]"), ("`exclude` must be a list of texts",)),
    "a blank text": (project("constraints = [' ']"), ('none of them empty, not " "',)),
    "a negative budget": (project("[budget]\nusd = -1"), ("a number, 0 or more, not -1",)),
    "no number": (project("[budget]\nminutes = nan"), ("a number, 0 or more, not nan",)),
    "no end": (project("[budget]\nusd = inf"), ("a number, 0 or more, not inf",)),
    "a date": (project("resume = 1999-01-01"), ('"ask", "auto", not this kind of value',)),
    "an address without scheme": (
        models("base_url = 'localhost:1'"),
        ("an http://", "localhost:1"),
    ),
    "an address with a port beyond ports": (models("base_url = 'http://h:99999'"), ("an http://",)),
    "a name with a space": (models("api_key_env = 'MY KEY'"), ("the NAME of an environment",)),
    "broken TOML": (project("workers = 3\n[budget\n"), (f"{TOML} is not valid TOML", "line 2")),
    "twice the same": (project("workers = 3\nworkers = 4"), ("is not valid TOML", "line 2")),
    "arrays without end": (project("checks = " + "[" * 50_000), (TOML, "Nothing was started")),
    "dotted without end": (project(".".join("a" * 3000) + "=1"), ("nested too deeply",)),
    "a heading of many parts": (project("[" + "a." * 20 + "a]"), ("nested too deeply",)),
    "many quoted parts": (project(r'"\"" . ' * 20 + "a=1"), ("nested too deeply",)),
    "a number without end": (project("workers = " + "9" * 5000), ("a number in it is too large",)),
    "an exponent without end": (project(f"x = 1e{'9' * 30}"), ("a number in it is too large",)),
    "a hexadecimal one": (project("workers = 0x" + "F" * 9000), ("a number in it is too large",)),
    "too large": (project("#" * (256 * 1024 + 1)), ("larger than 256 KiB",)),
    "broken pyproject of ours": (
        {"files": {"pyproject.toml": "[tool.longshift]\nworkers = = 3"}},
        ("pyproject.toml is not valid TOML", "line 2"),
    ),
    "pyproject with a text for the table": (
        {"files": {"pyproject.toml": "[tool]\nlongshift = 3"}},
        ("`tool.longshift` must be a table",),
    ),
    "the person's file": ({"person": "workers = 0"}, ("person/longshift.toml: `workers`",)),
    "the command line": ({"overrides": {"workers": 0}}, ("The command line: `workers` must",)),
    "the editor": (
        {"editor": {"budget": {"calls": "x"}}},
        ("The editor's settings: `budget.calls`",),
    ),
    "a variable's value": (
        {"environ": {"LONGSHIFT_BUDGET__CALLS": "many"}},
        ("The environment: `LONGSHIFT_BUDGET__CALLS` must be a whole number", 'not "many"'),
    ),
    "a variable's list": (
        {"environ": {"LONGSHIFT_CHECKS": "make"}},
        ('Lists are written ["one",',),
    ),
    "a variable's second line": (
        {"environ": {"LONGSHIFT_WORKERS": "1\nb=2]"}},
        ("from 1 to 2000",),
    ),
    "a variable's near miss": (
        {"environ": {"LONGSHIFT_WORKER": "3"}},
        ("`LONGSHIFT_WORKER` sets nothing", "Did you mean `LONGSHIFT_WORKERS`?"),
    ),
    "a variable for a table": (
        {"environ": {"LONGSHIFT_BUDGET": "3"}},
        ("is a whole table", "`LONGSHIFT_BUDGET__USD`"),
    ),
    "a variable for a table, in odd letters": (
        {"environ": {"LONGSHIFT_bUDGET": "3"}},
        ("is a whole table", "`LONGSHIFT_BUDGET__USD`"),
    ),
    "a variable of the bare prefix": (
        {"environ": {"LONGSHIFT_": "3"}},
        ("`LONGSHIFT_` sets nothing", "unset it"),
    ),
    "several at once": (
        project("workers = 0\nresume = 'x'"),
        ("2 settings are wrong.\n  `workers`", "\n  `resume`", "correct them"),
    ),
    "very many": (
        project("\n".join(f"k{number} = 1" for number in range(20))),
        ("20 settings are wrong", "… and 12 more."),
    ),
    "terminal escapes in a name": (project('"\\u001b[2J" = 1'), ("\\u001b[2J",)),
    "terminal escapes in a value": (project('resume = "\\u001b[2J"'), ("\\u001b[2J",)),
    "a value in any script": (project("resume = 'später'"), ('not "später"',)),
    "a name like a secret's": (project("author = 'x'"), ("`author` is no setting",)),
    "a long value": (project(f"resume = '{'x' * 5000}'"), ("xxx…",)),
}


@pytest.mark.parametrize(("given", "parts"), WRONG.values(), ids=WRONG.keys())
def test_wrong_settings_are_named(
    load: Load, given: dict[str, Any], parts: tuple[str, ...]
) -> None:
    with pytest.raises(UsageError) as caught:
        load(**given)
    message = str(caught.value)
    for part in parts:
        assert part in message
    assert "Nothing was started" in message
    assert all(char.isprintable() or char == "\n" for char in message)
    assert len(message) < 3000


SECRETS: dict[str, dict[str, Any]] = {
    "api_key in a role's table": models(f"api_key = '{KEY}'"),
    "a key without a known form": models("api_key = 'hunter2'"),
    "at the top": project(f"OPENAI_API_KEY = '{KEY}'"),
    "the key instead of its name": models(f"api_key_env = '{KEY}'"),
    "a key that could be a name": models("api_key_env = 'a94f3c2b1d0e4f5a8b7c6d5e'"),
    "in a check": project(f"checks = ['OPENAI_API_KEY={KEY} pytest']"),
    "in a model's name": models(f"model = '{KEY}'"),
    "as a name": project(f"{KEY} = 1"),
    "in an unknown table": project(f"[provider]\nvalue = '{KEY}'"),
    "in the address": models(f"base_url = 'https://me:{KEY}@host/v1'"),
    "a password in the address": models("base_url = 'https://me:hunter2@host/v1'"),
    "from the person": {"person": f"[models.default]\napi_key = '{KEY}'"},
    "from the editor": {"editor": {"models": {"default": {"apiKey": KEY}}}},
    "from a variable": {"environ": {"LONGSHIFT_API_KEY": KEY}},
    "from a variable's value": {"environ": {"LONGSHIFT_MODELS__DEFAULT__API_KEY_ENV": KEY}},
    "from a variable of another kind": {"environ": {"LONGSHIFT_WORKERS": KEY}},
    "in a trusted project, too": {**models(f"api_key = '{KEY}'"), "trusted": True},
}
WITHOUT_A_WORD_ON_KEYS = {"as a name", "a password in the address"}


@pytest.mark.parametrize("name", SECRETS)
def test_keys_are_refused_and_never_repeated(load: Load, name: str) -> None:
    with pytest.raises(UsageError) as caught:
        load(**SECRETS[name])
    message = str(caught.value)
    assert not any(part in message for part in (KEY, KEY[8:20], "hunter2", "a94f3c"))
    if name not in WITHOUT_A_WORD_ON_KEYS:
        assert "key" in message
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@pytest.mark.parametrize(
    "text",
    [
        "constraints = ['Use sk-learn-contrib as it is', 'Keep the task-1234567890123 comment']",
        "[models.default]\napi_key_env = 'AZURE_OPENAI_API_KEY_FOR_TEAM_2'",
        "[models.default]\nmodel = 'meta-llama/Llama-3.3-70B-Instruct'",
    ],
)
def test_what_only_resembles_a_key_is_taken(load: Load, text: str) -> None:
    load(person=text)
