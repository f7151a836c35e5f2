"""Rules that go across sources: what a project may say, and what its prices can hold.

Owns whose word counts for what. Pure: reads no file and no environment.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Final

from longshift.errors import UsageError
from longshift.settings.model import ROLES, Role, Settings
from longshift.settings.problems import shown
from longshift.settings.sources import DEFAULT, Layer

_GUARDED_ENDINGS: Final = (".base_url", ".api_key_env")


def is_guarded(key: str) -> bool:
    """Whether a project may set a key only once the person trusts it.

    These decide where code and keys are sent, and what is run on the person's machine.
    """
    return key == "checks" or key.startswith("sandbox.") or key.endswith(_GUARDED_ENDINGS)


def hold_project(
    layer: Layer, *, root: Path, trusted: bool, person_file: Path
) -> tuple[Layer, tuple[str, ...]]:
    """A project's layer without what a project may not say, and a notice for each such key."""
    refused = {key: _refusal(layer, key, root, person_file, trusted) for key in layer.values}
    values = {key: value for key, value in layer.values.items() if not refused[key]}
    return Layer(layer.source, values), tuple(filter(None, refused.values()))


def hold_budget(settings: Settings, origins: Mapping[str, str]) -> tuple[Settings, tuple[str, ...]]:
    """The settings with a budget that can be kept.

    A budget in US dollars means nothing where a price is unknown. Set by hand, that is an error;
    by default, it is lifted (0) and the budget of tokens holds instead.

    Raises:
        UsageError: `budget.usd` was set by hand and a role's model has no price.
    """
    unpriced = [role for role in ROLES if not settings.model_for(role).priced]
    if not unpriced or not settings.budget.usd:
        return settings, ()
    unknown = f"the price of {_models(settings, unpriced)} is unknown"
    prices = "`input_usd_per_mtok` and `output_usd_per_mtok` (0.0: free)"
    limit = shown(settings.budget.usd)
    if origins["budget.usd"] != DEFAULT:
        raise UsageError(
            f"`budget.usd` is {limit} by {origins['budget.usd']}, but {unknown}, so "
            f"it can't be kept. Nothing was started. Set {prices} for it under [models.default] "
            "or the role's own table; or set `budget.usd` to 0 and limit `budget.tokens`."
        )
    budget = settings.budget.model_copy(update={"usd": Decimal(0)})
    notice = (
        f"{unknown[0].upper()}{unknown[1:]}, so the default limit of {limit} US "
        f"dollars can't be kept: {_tokens(settings.budget.tokens)}. "
        f"To limit the cost, set {prices}."
    )
    return settings.model_copy(update={"budget": budget}), (notice,)


def loosened_budget(
    project: Layer, weaker: Mapping[str, object], origins: Mapping[str, str]
) -> tuple[str, ...]:
    """A notice for each limit that an untrusted project raised above the person's own.

    Args:
        project: what the project says.
        weaker: by dotted key, what would hold without it.
        origins: where each key that counts was set.
    """
    raised = [
        key
        for key, limit in project.values.items()
        if key.startswith("budget.")
        and origins[key] == project.source
        and _is_looser(limit, weaker[key])
    ]
    return tuple(
        f"{project.source}, which is not trusted, raises `{key}` from {shown(weaker[key])} "
        f"to {shown(project.values[key]) if project.values[key] else 'no limit'}. To keep your "
        "own, say so on the command line or in the environment."
        for key in raised
    )


def idle_endpoints(settings: Settings) -> tuple[str, ...]:
    """A notice where an endpoint is set and no model of it is named."""
    idle = [
        role
        for role in ROLES
        if settings.model_for(role).base_url
        and not (getattr(settings.models, role).model or settings.models.default.model)
    ]
    if not idle:
        return ()
    notice = (
        f"An endpoint is set for {_listed(idle)}, but no model of it is named: the builtin model "
        "works. Name one as `model` under [models.default] or with --model."
    )
    return (notice,)


def _refusal(layer: Layer, key: str, root: Path, person_file: Path, trusted: bool) -> str | None:
    if is_guarded(key) and not trusted:
        return (
            f"{layer.source} sets `{key}`; it was ignored, because this project is not trusted. "
            f"If you know what it does, run `longshift trust {root}`."
        )
    if key == "sandbox.mode" and layer.values[key] == "none":
        return (
            f'{layer.source} sets `sandbox.mode` to "none"; it was ignored: only your own '
            f"configuration can switch the sandbox off. If you want that, set it in {person_file}."
        )
    return None


def _models(settings: Settings, roles: Iterable[Role]) -> str:
    by_model: dict[str, list[Role]] = {}
    for role in roles:
        by_model.setdefault(settings.model_for(role).model, []).append(role)
    return " and ".join(
        f"the model {shown(model)} ({_listed(users)})" for model, users in by_model.items()
    )


def _is_looser(limit: object, other: object) -> bool:
    """Whether a limit allows more than another; 0 is no limit."""
    first, second = Decimal(str(limit)), Decimal(str(other))
    return bool(second) and (not first or first > second)


def _listed(words: Iterable[str]) -> str:
    return ", ".join(words)


def _tokens(limit: int) -> str:
    if limit:
        return f"the limit of {limit:,} tokens holds instead"
    return "nothing limits the cost, because `budget.tokens` is 0"
