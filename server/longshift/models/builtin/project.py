"""A project's own style, as far as rules follow it.

Owns which settings of a project count. Its files are untrusted: only integers and words from
closed lists are taken over, never a path, a pattern or a command.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from longshift.models.builtin.rules import TARGETS, Rules, with_style

SETTINGS_FILES: Final = ("pyproject.toml", "ruff.toml", ".ruff.toml")
"""Where a project says how it is written; a later one is stronger."""


def with_project_style(rules: Rules, texts: Mapping[str, str]) -> Rules:
    """`rules` in the style that the settings files among `texts` ask for.

    The goal's own target is stronger than the project's.
    """
    values: dict[str, str] = {}
    for name in SETTINGS_FILES:
        try:
            table = tomllib.loads(texts.get(name, ""))
        except tomllib.TOMLDecodeError:
            continue  # the project's tools will say so better than we can
        values.update(_from_pyproject(table) if name == "pyproject.toml" else _from_ruff(table))
    target = rules.target or values.get("target")
    styled = with_style(rules, values)
    return replace(styled, target=target if target in TARGETS else None)


def _from_pyproject(table: Mapping[str, object]) -> dict[str, str]:
    tool = _table(table, "tool")
    values: dict[str, str] = {}
    oldest = re.search(r">= ?3\.(\d+)", str(_table(table, "project").get("requires-python", "")))
    if oldest is not None:
        values["target"] = f"py3{oldest[1]}"
    black_length = _table(tool, "black").get("line-length")
    if black_length is not None:
        values["line-length"] = str(black_length)
    return values | _from_ruff(_table(tool, "ruff"))


def _from_ruff(table: Mapping[str, object]) -> dict[str, str]:
    formatting = _table(table, "format")
    found = {
        "line-length": table.get("line-length"),
        "target": table.get("target-version"),
        "quotes": formatting.get("quote-style"),
        "indent": formatting.get("indent-style"),
    }
    return {name: str(value) for name, value in found.items() if value is not None}


def _table(parent: Mapping[str, object], name: str) -> Mapping[str, object]:
    value = parent.get(name)
    return value if isinstance(value, dict) else {}
