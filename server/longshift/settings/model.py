"""What can be set, to what, and what holds where nobody says anything.

Owns the shape of the settings. Must never read a file, the environment or the clock: where values
come from, and whose word counts, is in `sources` and `load`. A setting is added here, with its
default and the words for what it allows, and described in `docs/configuration.md`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    Strict,
)

from longshift.domain.model import Budget, StopRules, Strategy, TaskBudget

Role = Literal["planner", "worker", "judge"]
Resume = Literal["ask", "auto"]
Overlap = Literal["order", "allow"]
Gates = Literal["enforce", "advise", "off"]
Api = Literal["chat", "responses"]
SecondJudge = Literal["marginal", "never"]
SandboxMode = Literal["auto", "bubblewrap", "landlock", "none"]

ROLES: Final[tuple[Role, ...]] = ("planner", "worker", "judge")
BUILTIN: Final = "builtin"
"""The name of the model that needs no endpoint: it holds where no model is named."""

LISTED: Final = "the table of "
"""How the source of a price begins that is the shipped table's; its date follows."""

KEY_SOURCES: Final = frozenset({"api_key_env", "api_key_file", "api_key_keyring"})
"""Where a key may come from; a table names one of them at most."""

_VARIABLE_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Allowed:
    """The words for what a setting allows, kept beside the type that enforces it."""

    words: str


def _number(value: object) -> object:
    """Refuse what pydantic would quietly turn into a number; keep decimal fractions exact."""
    if isinstance(value, str | bool):
        raise ValueError("not a number")  # noqa: TRY004  pydantic collects ValueErrors only
    return Decimal(str(value)) if isinstance(value, float) else value


def _not_blank(value: str) -> str:
    if not value.strip() or "\0" in value:
        raise ValueError("blank")
    return value


def _variable_name(value: str) -> str:
    if not _VARIABLE_NAME.fullmatch(value):
        raise ValueError("not the name of a variable")
    return value


def _keyring_entry(value: str) -> str:
    service, _, user = value.rpartition("/")
    if not service.strip() or not user.strip() or not value.isprintable():
        raise ValueError("not an entry of a keyring")
    return value


def _endpoint(value: str) -> str:
    url = urlsplit(value)  # a broken host or port raises ValueError by itself
    plain = value.isprintable() and " " not in value and "@" not in url.netloc and url.port != 0
    if url.scheme not in {"http", "https"} or not url.hostname or not plain:
        raise ValueError("not an endpoint")
    return value


Flag = Annotated[bool, Strict(), Allowed("true or false")]
Text = Annotated[str, Strict(), AfterValidator(_not_blank), Allowed("a text that is not empty")]
Texts = Annotated[tuple[Text, ...], Allowed("a list of texts, none of them empty")]
Workers = Annotated[int, Strict(), Field(ge=1, le=2000), Allowed("a whole number from 1 to 2000")]
Count = Annotated[int, Strict(), Field(ge=0, le=10**15), Allowed("a whole number, 0 or more")]
Size = Annotated[int, Strict(), Field(ge=1, le=10**9), Allowed("a whole number, 1 or more")]
Amount = Annotated[
    Decimal,
    BeforeValidator(_number),
    Field(ge=0, le=10**12, allow_inf_nan=False),
    Allowed("a number, 0 or more"),
]
Minutes = Annotated[
    float,
    BeforeValidator(_number),
    Field(ge=0, le=10**9, allow_inf_nan=False),
    Allowed("a number, 0 or more"),
]
Seconds = Annotated[
    float,
    BeforeValidator(_number),
    Field(gt=0, le=86_400, allow_inf_nan=False),
    Allowed("a number of seconds, above 0 and at most 86400"),
]
VariableName = Annotated[
    str,
    Strict(),
    AfterValidator(_variable_name),
    Allowed("the NAME of an environment variable that holds the key, such as OPENAI_API_KEY"),
]
KeyFile = Annotated[
    str,
    Strict(),
    AfterValidator(_not_blank),
    Allowed("the path of a file outside of the repository that holds the key alone"),
]
KeyringEntry = Annotated[
    str,
    Strict(),
    AfterValidator(_keyring_entry),
    Allowed("an entry of the system's keyring, as service/user"),
]
Endpoint = Annotated[
    str,
    Strict(),
    AfterValidator(_endpoint),
    Allowed("an http:// or https:// address without user name or password in it"),
]


class Table(BaseModel):
    """A frozen table of settings; unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class EndpointTable(Table):
    """What is said of one model and its endpoint; None: left to another table."""

    model: Text | None = None
    """`builtin`, or any name that the endpoint knows. Named nowhere: `builtin`."""
    base_url: Endpoint | None = None
    """Any OpenAI-compatible endpoint. Said nowhere: the openai package's own."""
    api_key_env: VariableName | None = None
    """The NAME of the environment variable that holds the key, never a key."""
    api_key_file: KeyFile | None = None
    """A file that holds the key; a relative path starts at the home folder, as `~` does."""
    api_key_keyring: KeyringEntry | None = None
    """An entry of the system's keyring that holds the key: `service/user`."""
    api: Api | None = None
    reasoning_effort: Text | None = None
    """Said nowhere: not sent, and the endpoint's own default holds."""
    input_usd_per_mtok: Amount | None = None
    """US dollars per million tokens sent. Said nowhere: the table's, else unknown; 0: free."""
    output_usd_per_mtok: Amount | None = None
    """US dollars per million tokens received. Said nowhere: the table's, else unknown; 0: free."""
    cached_input_usd_per_mtok: Amount | None = None
    """US dollars per million tokens that the endpoint took from its cache; None: as the others."""
    timeout_s: Seconds | None = None
    """Most seconds that one try of one call may take."""
    max_output_tokens: Size | None = None
    """Most tokens of one reply, reasoning included."""
    context_tokens: Size | None = None
    """The model's window. Said nowhere: what the shipped table knows, else 128,000."""
    max_concurrency: Count | None = None
    """Most calls to the endpoint at the same time. Said nowhere, or 0: it is found out."""


class ModelTable(EndpointTable):
    """What is said of one role's model; None: left to `[models.default]`, then to the default."""

    fallback: EndpointTable = EndpointTable()
    """Another model, for when the endpoint of the first is out of order; none where it names no
    `model`. What it leaves out is as in the role's own table."""


class ModelsTable(Table):
    """One table for each role, and `default`, which fills what a role's own leaves out."""

    default: ModelTable = ModelTable()
    planner: ModelTable = ModelTable()
    worker: ModelTable = ModelTable()
    judge: ModelTable = ModelTable()


class TaskBudgetTable(Table):
    """What one task may spend at most, all its attempts together; 0 everywhere: no limit."""

    usd: Amount = Decimal(0)
    tokens: Count = 0
    calls: Count = 0
    minutes: Minutes = 0.0

    def limits(self) -> TaskBudget:
        """The same as the domain's own value."""
        return TaskBudget(usd=self.usd, tokens=self.tokens, calls=self.calls, minutes=self.minutes)


class BudgetTable(Table):
    """What one run may spend at most; 0 everywhere means: no limit."""

    usd: Amount = Decimal(5)
    """US dollars; can only hold where every model's price is known."""
    tokens: Count = 20_000_000
    """Input and output tokens together."""
    calls: Count = 0
    """HTTP calls to models, retries included."""
    minutes: Minutes = 0.0
    """Minutes spent running; paused time does not count."""
    cycles: Count = 10
    task: TaskBudgetTable = TaskBudgetTable()

    def limits(self) -> Budget:
        """The same as the domain's own value."""
        return Budget(
            usd=self.usd,
            tokens=self.tokens,
            calls=self.calls,
            minutes=self.minutes,
            cycles=self.cycles,
            task=self.task.limits(),
        )


class StopTable(Table):
    """When code ends a run that goes nowhere; 0 everywhere: that rule never speaks."""

    idle_cycles: Count = 2
    """Cycles in a row that land nothing and resolve no finding."""
    stalled_cycles: Count = 4
    """Cycles in a row in which the same errors stand and the difference stays as large."""
    returns: Count = 2
    """How often a run may come back to where it was: files, findings, edits undone."""
    diminishing: Amount = Decimal(4)
    """How many times as much as in earlier cycles a landing or resolved finding may cost."""
    drift_cycles: Count = 3
    """Cycles in a row that land beside the goal alone, or leave more findings each time."""
    second_judge: SecondJudge = "marginal"
    """Whether a second judge has to agree where a `done` was marginal."""

    def rules(self) -> StopRules:
        """The same as the domain's own value."""
        return StopRules(
            idle_cycles=self.idle_cycles,
            stalled_cycles=self.stalled_cycles,
            returns=self.returns,
            diminishing=self.diminishing,
            drift_cycles=self.drift_cycles,
            second_judge=self.second_judge,
        )


class SandboxTable(Table):
    """Where the commands that a model chose are run."""

    mode: SandboxMode = "auto"
    """`auto`: the strongest cage of this machine, and no commands where it has none.
    `bubblewrap`: that one or none. `landlock`: the weaker one, which needs no namespaces.
    `none`: no cage at all; only the person's own configuration can say so."""
    network: Flag = False


@dataclass(frozen=True, slots=True)
class Known:
    """What the shipped table says of a model; it holds where a person says nothing."""

    input_usd_per_mtok: Decimal | None
    """None: no price of the table holds where this model is served."""
    output_usd_per_mtok: Decimal
    cached_input_usd_per_mtok: Decimal | None
    context_tokens: int
    source: str
    """Which table: `the table of 2026-11-26`; it begins with `LISTED`."""


@dataclass(frozen=True, slots=True)
class RoleModel:
    """One role's model with nothing left open."""

    model: str
    base_url: str | None
    """None: the openai package's own endpoint."""
    api_key_env: str
    """Where neither of the next two is set, the variable that holds the key."""
    api_key_file: str | None
    api_key_keyring: str | None
    api: Api
    reasoning_effort: str | None
    """None: not sent."""
    input_usd_per_mtok: Decimal | None
    """None: unknown; 0: free."""
    output_usd_per_mtok: Decimal | None
    cached_input_usd_per_mtok: Decimal | None
    """None: the same as other input."""
    price_source: str
    """Where the price is from, in words; "": it is unknown, or the builtin model's."""
    timeout_s: float
    max_output_tokens: int
    context_tokens: int | None
    """The window; None: unknown."""
    max_concurrency: int
    """0: found out."""
    fallback: "RoleModel | None"
    """What answers while this one's endpoint is out of order; None: nothing does."""

    @property
    def is_listed(self) -> bool:
        """Whether its price is the shipped table's."""
        return self.price_source.startswith(LISTED)

    @property
    def priced(self) -> bool:
        """Whether what a call costs is known; the builtin model is free."""
        known = self.input_usd_per_mtok is not None and self.output_usd_per_mtok is not None
        return known or self.model == BUILTIN


class Settings(Table):
    """Everything that can be set."""

    workers: Workers = 8
    """Workers at work at the same time."""
    strategy: Strategy = "planner-worker-judge"
    integrator: Flag = False
    resume: Resume = "ask"
    """What becomes of an interrupted run: it waits paused (`ask`) or goes on (`auto`)."""
    exclude: Texts = ()
    """Globs of paths that never reach a snapshot or a model."""
    allow_secret_files: Texts = ()
    """Globs of files that look like secrets and may reach snapshots, models and commands."""
    constraints: Texts = ()
    """Sentences that every plan, task and verdict must obey."""
    checks: Texts | None = None
    """Command lines that the judge runs. None: found by itself; empty: none at all."""
    overlap: Overlap = "order"
    """Tasks that name the same path: one after the other (`order`) or at once (`allow`)."""
    gates: Gates = "enforce"
    """What becomes of a tool call that a gate finds wanting."""
    models: ModelsTable = ModelsTable()
    budget: BudgetTable = BudgetTable()
    stop: StopTable = StopTable()
    sandbox: SandboxTable = SandboxTable()
    _known: Mapping[str, Known] = PrivateAttr(default_factory=dict)

    def knowing(self, known: Mapping[str, Known]) -> "Settings":
        """The same settings with what a table says of models.

        Args:
            known: by role, and by `ROLE.fallback`.
        """
        settings = self.model_copy()
        settings._known = known  # noqa: SLF001  its own, of the same class
        return settings

    def model_for(self, role: Role) -> RoleModel:
        """A role's model: its own table, filled from `[models.default]`, then by the defaults.

        What nobody says of its price and window is as the shipped table has it.
        """
        own, rest = getattr(self.models, role), self.models.default
        main = _filled(_said(own), _said(rest))
        second = _filled(_said(own.fallback), _said(rest.fallback))
        fallback = None
        if "model" in second:
            # Another model at another price: what is said of the first holds for the rest only.
            kept = {name: value for name, value in main.items() if name not in _OF_ONE_MODEL}
            second = _completed(_filled(second, kept), self._known.get(f"{role}.fallback"))
            fallback = RoleModel(**(_MODEL_DEFAULTS | second), fallback=None)
        main = _completed(main, self._known.get(role))
        return RoleModel(**(_MODEL_DEFAULTS | main), fallback=fallback)


def _said(table: EndpointTable) -> dict[str, Any]:
    return table.model_dump(exclude_none=True, exclude={"fallback"})


def _filled(said: dict[str, Any], fills: dict[str, Any]) -> dict[str, Any]:
    """What one table says, and what it leaves out as another has it."""
    if said.keys() & KEY_SOURCES:  # one source, not one of each table
        fills = {name: value for name, value in fills.items() if name not in KEY_SOURCES}
    return fills | said


def _completed(said: dict[str, Any], known: Known | None) -> dict[str, Any]:
    """What is said of a model, and what the table knows beside it.

    A person's word on any price keeps all of the table's out: prices of two sources make none.
    """
    if said.keys() & _PRICES:
        priced = {"input_usd_per_mtok", "output_usd_per_mtok"} <= said.keys()
        said = said | {"price_source": "the settings" if priced else ""}
    elif known is not None and known.input_usd_per_mtok is not None:
        said = said | {name: getattr(known, name) for name in _PRICES}
        said["price_source"] = known.source
    if known is not None:
        said.setdefault("context_tokens", known.context_tokens)
    return said


_PRICES: Final = frozenset(
    {"input_usd_per_mtok", "output_usd_per_mtok", "cached_input_usd_per_mtok"}
)
_OF_ONE_MODEL: Final = frozenset({"model", "context_tokens", "reasoning_effort"} | _PRICES)


_MODEL_DEFAULTS: Final[dict[str, Any]] = {
    "model": BUILTIN,
    "base_url": None,
    "api_key_env": "OPENAI_API_KEY",
    "api_key_file": None,
    "api_key_keyring": None,
    "api": "chat",
    "reasoning_effort": None,
    "input_usd_per_mtok": None,
    "output_usd_per_mtok": None,
    "cached_input_usd_per_mtok": None,
    "price_source": "",
    "timeout_s": 600.0,
    "max_output_tokens": 16_384,
    "context_tokens": None,
    "max_concurrency": 0,
}
