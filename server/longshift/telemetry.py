"""Spans and metrics by OpenTelemetry's conventions for generative AI.

Owns their names, in this one place: they still change. Does nothing at all unless the process has
an SDK configured, as `opentelemetry-instrument longshift serve` does. Must never carry what
anybody wrote: no prompt, no argument, no path, no message of an error; ids, counts, names of
models, tools and error types are all that leaves.

Lowest of all modules, with `errors`: imports no room.
"""

import contextlib
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from opentelemetry.metrics import Histogram
    from opentelemetry.trace import Span, Tracer

INSTRUMENTATION: Final = "longshift"

OPERATION: Final = "gen_ai.operation.name"
PROVIDER: Final = "gen_ai.provider.name"
AGENT_NAME: Final = "gen_ai.agent.name"
AGENT_ID: Final = "gen_ai.agent.id"
REQUEST_MODEL: Final = "gen_ai.request.model"
FINISH_REASONS: Final = "gen_ai.response.finish_reasons"
INPUT_TOKENS: Final = "gen_ai.usage.input_tokens"
OUTPUT_TOKENS: Final = "gen_ai.usage.output_tokens"
TOOL_NAME: Final = "gen_ai.tool.name"
TOKEN_TYPE: Final = "gen_ai.token.type"  # noqa: S105 - no password
ERROR_TYPE: Final = "error.type"
RUN_ID: Final = "longshift.run.id"
"""Ours, where the conventions have no word."""

TOKEN_USAGE: Final = "gen_ai.client.token.usage"  # noqa: S105 - no password
OPERATION_DURATION: Final = "gen_ai.client.operation.duration"

COMPATIBLE: Final = "openai"
"""The provider, by the conventions: the one whose format is spoken, whoever answers."""

Attributes = Mapping[str, str | int | tuple[str, ...]]


def run(run_id: str) -> contextlib.AbstractContextManager[None]:
    """The span of a run, while this process drives it."""
    return _span(
        f"invoke_workflow {INSTRUMENTATION}", {OPERATION: "invoke_workflow", RUN_ID: run_id}
    )


def agent(role: str, agent_id: str, run_id: str) -> contextlib.AbstractContextManager[None]:
    """The span of one agent: a planner, an attempt of a worker, or a judge.

    Args:
        role: `planner`, `worker` or `judge`.
        agent_id: as in the journal: `P1`, `T1.2`, `judge`.
        run_id: the run's.
    """
    operation = "plan" if role == "planner" else "invoke_agent"
    attributes = {OPERATION: operation, AGENT_NAME: role, AGENT_ID: agent_id, RUN_ID: run_id}
    return _span(f"{operation} {role}", attributes)


def tool(name: str) -> contextlib.AbstractContextManager[None]:
    """The span of one call of a tool that there is."""
    return _span(f"execute_tool {name}", {OPERATION: "execute_tool", TOOL_NAME: name})


@dataclass(frozen=True, slots=True)
class Chat:
    """One HTTP call to a model, under way."""

    span: "Span"
    attributes: Attributes
    begun: float

    def end(self, outcome: str, finish_reason: str, input_tokens: int, output_tokens: int) -> None:
        """Say how it ended.

        Args:
            outcome: `answered`, or one word for why not.
            finish_reason: why the model stopped; "": it did not.
            input_tokens: all of them.
            output_tokens: all of them.
        """
        attributes = dict(self.attributes)
        if outcome != "answered":
            attributes[ERROR_TYPE] = outcome
            self.span.set_attribute(ERROR_TYPE, outcome)
        if finish_reason:
            self.span.set_attribute(FINISH_REASONS, (finish_reason,))
        self.span.set_attribute(INPUT_TOKENS, input_tokens)
        self.span.set_attribute(OUTPUT_TOKENS, output_tokens)
        self.span.end()
        tokens, duration = _histograms()
        duration.record(time.perf_counter() - self.begun, attributes)
        tokens.record(input_tokens, {**attributes, TOKEN_TYPE: "input"})
        tokens.record(output_tokens, {**attributes, TOKEN_TYPE: "output"})


def chat(model: str) -> Chat | None:
    """Begin the span of one HTTP call to a model; None where nobody listens."""
    if not _is_on():
        return None
    attributes = {OPERATION: "chat", PROVIDER: COMPATIBLE, REQUEST_MODEL: model}
    span = _tracer().start_span(f"chat {model}", attributes=attributes)
    return Chat(span, attributes, time.perf_counter())


@contextlib.contextmanager
def _span(name: str, attributes: Attributes) -> Iterator[None]:
    if not _is_on():
        yield
        return
    # Neither its message nor its trace: they may hold what somebody wrote.
    with _tracer().start_as_current_span(
        name, attributes=attributes, record_exception=False, set_status_on_exception=False
    ) as span:
        try:
            yield
        except BaseException as error:
            span.set_attribute(ERROR_TYPE, type(error).__name__)
            raise


def _is_on() -> bool:
    """Whether the process has an SDK that listens."""
    from opentelemetry import trace

    return not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)


@cache
def _tracer() -> "Tracer":
    from opentelemetry import trace

    return trace.get_tracer(INSTRUMENTATION)


@cache
def _histograms() -> "tuple[Histogram, Histogram]":
    from opentelemetry import metrics

    meter = metrics.get_meter(INSTRUMENTATION)
    return (
        meter.create_histogram(TOKEN_USAGE, "{token}", "Tokens of calls to models."),
        meter.create_histogram(OPERATION_DURATION, "s", "Duration of calls to models."),
    )
