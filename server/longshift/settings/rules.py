"""Rules that go across sources: what a project may say, and what its prices can hold.

Owns whose word counts for what. Pure: reads no file and no environment.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final, Literal

from longshift.errors import UsageError
from longshift.settings.model import KEY_SOURCES, ROLES, EndpointTable, Role, Settings
from longshift.settings.problems import shown
from longshift.settings.sources import DEFAULT, Layer

Voice = Literal["anyone", "adds", "tighter", "stricter", "unpriced", "trusted"]
"""What an untrusted project's word for a key is worth.

`anyone`: as much as every other source's. `adds`: it is laid beside what else holds. `tighter`:
it counts, unless it allows more than the person has set in their own file; they are told where it
allows more than the default. `stricter`: it counts where it allows less than what holds without
it, the default included. `unpriced`: it counts where the person has named no price themselves.
`trusted`: nothing.
"""

PROJECT_MAY: Final[tuple[tuple[str, Voice, str], ...]] = (
    ("workers", "anyone", "the budget bounds what they cost"),
    ("strategy", "anyone", "it changes how agents work, not what they may"),
    ("integrator", "anyone", "it changes how agents work, not what they may"),
    ("overlap", "anyone", "it changes how agents work, not what they may"),
    ("models.*.api", "anyone", "the endpoint stays the person's"),
    ("models.*.reasoning_effort", "anyone", "the budget bounds what it costs"),
    ("models.*.timeout_s", "anyone", "the person can stop a run that waits"),
    ("models.*.max_output_tokens", "anyone", "the budget bounds what they cost"),
    ("models.*.context_tokens", "anyone", "conversations are cut earlier or later"),
    ("models.*.max_concurrency", "anyone", "the endpoint is asked less, or as before"),
    ("constraints", "anyone", "they narrow what agents do, and each stands in the list of rules"),
    ("exclude", "adds", "it may hide files from models, and show none that the person hid"),
    ("resume", "tighter", "to go on without a person is a person's decision"),
    ("gates", "tighter", "they hold a model to its evidence before work counts as done"),
    ("budget.*", "tighter", "the person pays"),
    ("stop.*", "stricter", "they end what costs the person and brings nothing"),
    ("models.*.model", "unpriced", "the person's price would be held against another model"),
    ("models.*.input_usd_per_mtok", "unpriced", "too low a price lifts a limit in dollars"),
    ("models.*.output_usd_per_mtok", "unpriced", "too low a price lifts a limit in dollars"),
    (
        "models.*.cached_input_usd_per_mtok",
        "unpriced",
        "too low a price lifts a limit in dollars",
    ),
    ("checks", "trusted", "they run on the person's machine"),
    ("models.*.base_url", "trusted", "code and keys are sent there"),
    ("allow_secret_files", "trusted", "they are sent to models"),
    ("models.*.api_key_env", "trusted", "that key is sent"),
    ("models.*.api_key_file", "trusted", "that key is sent"),
    ("models.*.api_key_keyring", "trusted", "that key is sent"),
    ("sandbox.*", "trusted", "it is what holds commands"),
)
"""By key, what a project may say before the person trusts it, and why."""

PRICES: Final = (".input_usd_per_mtok", ".output_usd_per_mtok", ".cached_input_usd_per_mtok")
_FROM_STRICT_TO_LOOSE: Final[Mapping[str, tuple[str, ...]]] = {
    "resume": ("ask", "auto"),
    "gates": ("enforce", "advise", "off"),
    "stop.second_judge": ("marginal", "never"),
}


@dataclass(frozen=True, slots=True)
class Others:
    """What holds without the project, by dotted key."""

    strong: Mapping[str, object]
    """Said by sources that count before the project."""
    own: Mapping[str, object]
    """Said in the person's own file."""
    weak: Mapping[str, object]
    """What the person's own file and the defaults come to."""

    @property
    def name_a_price(self) -> bool:
        """Whether the person has named the price of any model."""
        return any(key.endswith(PRICES) for key in (*self.strong, *self.own))

    @property
    def limit_dollars(self) -> bool:
        """Whether the person has set a limit in US dollars by hand."""
        return bool((dict(self.own) | dict(self.strong)).get("budget.usd"))


def voice(key: str) -> Voice:
    """What an untrusted project's word for a key is worth; a key in no rule takes nothing."""
    for pattern, worth, _ in PROJECT_MAY:
        if fnmatchcase(key, pattern):
            return worth
    return "trusted"


def hold_project(
    layer: Layer, others: Others, *, root: Path, trusted: bool, person_file: Path
) -> tuple[Layer, tuple[str, ...]]:
    """A project's layer without what a project may not say, and a notice for each such key."""
    refused = {
        key: _refusal(layer, key, others, root, person_file, trusted) for key in layer.values
    }
    values = {
        key: value if trusted else _laid_beside(key, value, others)
        for key, value in layer.values.items()
        if not refused[key]
    }
    loosened = () if trusted else _loosened(Layer(layer.source, values), others, root)
    return Layer(layer.source, values), (*filter(None, refused.values()), *loosened)


def hold_budget(settings: Settings, origins: Mapping[str, str]) -> tuple[Settings, tuple[str, ...]]:
    """The settings with a budget that can be kept.

    A budget in US dollars means nothing where a price is unknown. Set by hand, that is an error;
    by default, it is lifted (0) and the budget of tokens holds instead.

    Raises:
        UsageError: `budget.usd` was set by hand and a role's model, or its fallback, has no price.
    """
    unpriced = _unpriced(settings)
    if not unpriced or not settings.budget.usd:
        return settings, ()
    unknown = f"the price of {_models(unpriced)} is unknown"
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


def hold_key_sources(settings: Settings, origins: Mapping[str, str]) -> None:
    """Let each table of a model name one source of its key: which of two counts is no guess.

    Raises:
        UsageError: one names two.
    """
    for table in ("default", *ROLES):
        of_table = getattr(settings.models, table)
        for path, part in ((table, of_table), (f"{table}.fallback", of_table.fallback)):
            _hold_one_source(path, part, origins)


def _hold_one_source(path: str, table: EndpointTable, origins: Mapping[str, str]) -> None:
    said = table.model_dump(exclude_none=True).keys()
    named = [f"models.{path}.{name}" for name in sorted(said & KEY_SOURCES)]
    if len(named) > 1:
        told = " and ".join(f"`{key}` (set by {origins[key]})" for key in named)
        raise UsageError(
            f"Two sources of one key: {told}. Nothing was started. Keep one of them; a role's "
            "own table may name another than [models.default]."
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


def _refusal(
    layer: Layer, key: str, others: Others, root: Path, person_file: Path, trusted: bool
) -> str | None:
    value = layer.values[key]
    too_much = None if trusted else _too_much(key, value, others)
    if too_much is not None:
        return (
            f"{layer.source} sets `{key}`{too_much}; it was ignored, because this project is not "
            f"trusted. If you know what it does, run `longshift trust {root}`."
        )
    if key == "sandbox.mode" and value == "none":
        return (
            f'{layer.source} sets `sandbox.mode` to "none"; it was ignored: only your own '
            f"configuration can switch the sandbox off. If you want that, set it in {person_file}."
        )
    return None


def _too_much(key: str, value: object, others: Others) -> str | None:
    """Why an untrusted project's value can't count, to follow the key; None: it may."""
    worth = voice(key)
    if worth == "trusted":
        return ""
    if key in others.strong:
        return None  # it does not count anyway, and a notice would only disturb
    if worth == "tighter" and key in others.own and _is_looser(key, value, others.own[key]):
        return f" to {_said(value)}, which is looser than your own {_said(others.own[key])}"
    if worth == "stricter" and _is_looser(key, value, others.weak[key]):
        return f" to {_said(value)}, which is looser than the {_said(others.weak[key])} that holds"
    is_price = key.endswith(PRICES)
    if worth == "unpriced" and (others.name_a_price or (is_price and others.limit_dollars)):
        return ", but the price and the limit in dollars are yours"
    return None


def _loosened(counts: Layer, others: Others, root: Path) -> tuple[str, ...]:
    """A notice for each default that an untrusted project loosens where the person set nothing."""
    return tuple(
        f"{counts.source}, which is not trusted, sets `{key}` to {_said(value)}; the default is "
        f"{_said(others.weak[key])}. To keep that, set it yourself, or look at {root}."
        for key, value in counts.values.items()
        if voice(key) == "tighter"
        and key not in others.strong
        and _is_looser(key, value, others.weak[key])
    )


def _laid_beside(key: str, value: object, others: Others) -> object:
    """The value that counts of an untrusted project's."""
    below = others.weak[key]
    if voice(key) == "adds" and isinstance(value, tuple) and isinstance(below, tuple):
        return tuple(dict.fromkeys((*below, *value)))
    return value


def _is_looser(key: str, value: object, other: object) -> bool:
    """Whether a value allows more than another; of a limit, 0 allows everything."""
    order = _FROM_STRICT_TO_LOOSE.get(key)
    if order is not None:
        return order.index(str(value)) > order.index(str(other))
    first, second = Decimal(str(value)), Decimal(str(other))
    return bool(second) and (not first or first > second)


def _said(value: object) -> str:
    return shown(value) if value else "no limit"


def _unpriced(settings: Settings) -> Mapping[str, list[Role]]:
    """The models whose price is unknown, fallbacks too, each with the roles that use it."""
    by_model: dict[str, list[Role]] = {}
    for role in ROLES:
        model = settings.model_for(role)
        for one in filter(None, (model, model.fallback)):
            if not one.priced:
                by_model.setdefault(one.model, []).append(role)
    return by_model


def _models(by_model: Mapping[str, list[Role]]) -> str:
    return " and ".join(
        f"the model {shown(model)} ({_listed(users)})" for model, users in by_model.items()
    )


def _listed(words: Iterable[str]) -> str:
    return ", ".join(words)


def _tokens(limit: int) -> str:
    if limit:
        return f"the limit of {limit:,} tokens holds instead"
    return "nothing limits the cost, because `budget.tokens` is 0"
