"""The shipped table of prices and windows, and which line of it a model is told by.

Owns `prices.toml` and the rule where its prices hold: at the vendor's own host and nowhere else,
for whoever else serves a model of that name asks what they like. Must never overrule a person.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field

from longshift.settings.model import BUILTIN, LISTED, ROLES, Known, RoleModel, Settings

OPENAI: Final = "https://api.openai.com/v1"
"""Where the openai package goes if nobody names an address."""
_SNAPSHOT: Final = re.compile(r"-(\d{8}|\d{4}-\d{2}-\d{2})$")
_Dollars = Annotated[Decimal, Field(ge=0)]


class _Line(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    input: _Dollars
    output: _Dollars
    cached_input: _Dollars | None = None
    context_tokens: Annotated[int, Field(ge=1)]


class _Vendor(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    host: str
    checked: date
    source: str
    model: tuple[_Line, ...]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    vendor: tuple[_Vendor, ...]


@dataclass(frozen=True, slots=True)
class Priced:
    """A line of the table, with the host at which its price holds."""

    host: str
    known: Known


def with_known(settings: Settings, environ: Mapping[str, str]) -> Settings:
    """The settings that also know what the table says of each role's model, and its fallback.

    Args:
        settings: what people have set.
        environ: where the openai package looks for an address that nobody has set.
    """
    models: dict[str, RoleModel] = {role: settings.model_for(role) for role in ROLES}
    fallbacks = {f"{role}.fallback": m.fallback for role, m in models.items() if m.fallback}
    known = {
        name: found
        for name, model in (*models.items(), *fallbacks.items())
        if (found := look_up(model, environ)) is not None
    }
    return settings.knowing(known)


def look_up(model: RoleModel, environ: Mapping[str, str]) -> Known | None:
    """What the table says of a model, without its price where another host serves it."""
    if model.model == BUILTIN:
        return None
    # Those who serve others' models put the vendor before the name: `openai/gpt-5.1`.
    line = table().get(_SNAPSHOT.sub("", model.model.rpartition("/")[2]))
    if line is None:
        return None
    address = model.base_url or environ.get("OPENAI_BASE_URL") or OPENAI
    if _host(address) == line.host:
        return line.known
    return replace(line.known, input_usd_per_mtok=None)


@cache
def table() -> Mapping[str, Priced]:
    """The table's lines by the model's name."""
    text = files("longshift.settings").joinpath("prices.toml").read_text(encoding="utf-8")
    read = _Table.model_validate(tomllib.loads(text, parse_float=Decimal))
    return {
        line.name: Priced(
            vendor.host,
            Known(
                input_usd_per_mtok=line.input,
                output_usd_per_mtok=line.output,
                cached_input_usd_per_mtok=line.cached_input,
                context_tokens=line.context_tokens,
                source=f"{LISTED}{vendor.checked.isoformat()}",
            ),
        )
        for vendor in read.vendor
        for line in vendor.model
    }


def _host(address: str) -> str:
    try:
        return (urlsplit(address).hostname or "").rstrip(".")
    except ValueError:
        return ""  # a variable's word, which nobody has checked
