"""Spans and metrics of a whole run, as whoever configures an SDK gets them."""

import json

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from longshift import telemetry
from tests.support.engine_world import World, call, edit, judge, planner, status, task, turn, worker

SECRET = "an unmistakable sentence"
ROOT = "invoke_workflow longshift"
PLANS, WORKS, JUDGES = "plan planner", "invoke_agent worker", "invoke_agent judge"


@pytest.fixture
def listening(monkeypatch):
    """An SDK of this test's own: the process's could never be taken back."""
    spans, metrics = InMemorySpanExporter(), InMemoryMetricReader()
    tracers, meters = TracerProvider(), MeterProvider([metrics])
    tracers.add_span_processor(SimpleSpanProcessor(spans))
    meter = meters.get_meter("test")
    names = (telemetry.TOKEN_USAGE, telemetry.OPERATION_DURATION)
    pair = tuple(map(meter.create_histogram, names))
    monkeypatch.setattr(telemetry, "_is_on", lambda: True)
    monkeypatch.setattr(telemetry, "_tracer", lambda: tracers.get_tracer("test"))
    monkeypatch.setattr(telemetry, "_histograms", lambda: pair)
    yield spans, metrics
    meters.shutdown()
    tracers.shutdown()


async def test_a_run_is_a_tree_of_spans_and_tells_nothing_that_was_written(
    world: World, listening, monkeypatch
) -> None:
    monkeypatch.setattr("longshift.models.endpoint.FIRST_WAIT_S", 0.001)
    spans, metrics = listening
    world.play(
        planner(task(f"{SECRET} for", "a.txt")),
        worker(
            SECRET,
            turn(edit("two", SECRET), faults=[status(500)]),
            turn(call("read_file", path=f"{SECRET}.txt"), text=SECRET),
        ),
        *judge("done"),
    )
    async with world.opened() as it:
        await it.work(SECRET)
    found = spans.get_finished_spans()
    names = {span.context.span_id: span.name for span in found}
    tree = [(names[span.parent.span_id], span.name) for span in found if span.parent]
    assert sorted(tree) == sorted(
        [
            *((ROOT, agent) for agent in (PLANS, WORKS, JUDGES)),
            *[(PLANS, "chat scripted")] * 2,
            *((PLANS, f"execute_tool {name}") for name in ("add_task", "finish")),
            *[(WORKS, "chat scripted")] * 4,
            *((WORKS, f"execute_tool {name}") for name in ("edit_file", "read_file", "submit")),
            (JUDGES, "chat scripted"),
            (JUDGES, "execute_tool verdict"),
        ]
    )
    failed = {(span.name, span.attributes.get("error.type")) for span in found}
    assert {one for one in failed if one[1]} == {
        ("chat scripted", "failed"),
        ("execute_tool read_file", "TellModel"),
    }
    (worked,) = (span for span in found if span.name == WORKS)
    assert worked.attributes == {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": "worker",
        "gen_ai.agent.id": "T1.1",
        "longshift.run.id": "R1",
    }
    told = "".join(span.to_json() for span in found)
    measured = metrics.get_metrics_data().to_json()
    assert SECRET not in told + measured
    kinds = json.loads(measured)["resource_metrics"][0]["scope_metrics"][0]["metrics"]
    assert {kind["name"] for kind in kinds} == {
        "gen_ai.client.token.usage",
        "gen_ai.client.operation.duration",
    }


def test_nobody_listens_unless_the_process_has_an_sdk() -> None:
    assert telemetry.chat("m") is None
