"""Which one of several sources of a key counts, and who may name one."""

from collections.abc import Callable
from typing import Any

import pytest

from longshift.errors import UsageError
from longshift.settings import Loaded

Load = Callable[..., Loaded]
TOML = "longshift.toml"

COUNTS: dict[str, tuple[str, tuple[str, str | None, str | None]]] = {
    "none": ("", ("OPENAI_API_KEY", None, None)),
    "of the default": (
        "[models.default]\napi_key_file = '~/k'",
        ("OPENAI_API_KEY", "~/k", None),
    ),
    "a role's own over the default's": (
        "[models.default]\napi_key_file = '~/k'\n[models.judge]\napi_key_keyring = 'a/b'",
        ("OPENAI_API_KEY", None, "a/b"),
    ),
    "a role's variable over the default's file": (
        "[models.default]\napi_key_file = '~/k'\n[models.judge]\napi_key_env = 'X'",
        ("X", None, None),
    ),
}


@pytest.mark.parametrize(("person", "counts"), COUNTS.values(), ids=COUNTS)
def test_a_roles_own_source_alone_counts(
    load: Load, person: str, counts: tuple[str, str | None, str | None]
) -> None:
    judge = load(person=person).settings.model_for("judge")
    assert (judge.api_key_env, judge.api_key_file, judge.api_key_keyring) == counts


TWO: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "in one file": (
        {"person": "[models.default]\napi_key_file = 'k'\napi_key_env = 'X'"},
        ("`models.default.api_key_env` (set by", "`models.default.api_key_file` (set by"),
    ),
    "in two places": (
        {
            "person": "[models.judge]\napi_key_file = 'k'",
            "environ": {"LONGSHIFT_MODELS__JUDGE__API_KEY_KEYRING": "a/b"},
        },
        ("set by LONGSHIFT_MODELS__JUDGE__API_KEY_KEYRING in the environment", "Keep one"),
    ),
}


@pytest.mark.parametrize(("said", "told"), TWO.values(), ids=TWO)
def test_two_sources_in_one_table_are_refused(
    load: Load, said: dict[str, Any], told: tuple[str, ...]
) -> None:
    with pytest.raises(UsageError) as refused:
        load(**said)
    for words in (*told, "Nothing was started"):
        assert words in str(refused.value)


@pytest.mark.parametrize("entry", ["noslash", "/me", "service/", "a\x07/b", ""])
def test_an_entry_that_names_no_service_and_user(load: Load, entry: str) -> None:
    with pytest.raises(UsageError, match="an entry of the system's keyring, as service/user"):
        load(overrides={"models": {"default": {"api_key_keyring": entry}}})


@pytest.mark.parametrize(
    "line",
    [
        "[models.default]\napi_key_file = '/etc/shadow'",
        "[models.judge]\napi_key_keyring = 'their/entry'",
        "allow_secret_files = ['.env']",
    ],
)
def test_a_project_names_no_source_and_lets_no_file_through_until_it_is_trusted(
    load: Load, line: str
) -> None:
    loaded = load(files={TOML: line})
    assert loaded.settings == load().settings
    assert "not trusted" in loaded.notices[0]
    assert load(files={TOML: line}, trusted=True).settings != loaded.settings
