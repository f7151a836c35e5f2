"""The measurements: who is run with how many agents and turns, and what becomes a figure."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.result import Chart, Line, Result

CPU_LIMIT: Final = 2.0
"""CPU of a turn of ours, over the bare loop's."""
WALL_LIMIT: Final = 1.5
"""Wall time of many agents at a slow endpoint, over the bare loop's."""
PEERS_LIMIT: Final = 3.0
"""CPU of a turn of another framework, over ours."""
MEMORY_LIMIT_KB: Final = 100.0
"""Memory of one more agent, beyond its conversation."""
FLAT_LIMIT: Final = 1.6
"""CPU of a turn in conversations of 50 turns, over that in those of 10."""
GROWTH_LIMIT: Final = 1.3
"""CPU of a turn with 1,000 agents, over that with 10: the cost of an agent stays the same."""
FEWEST_CONVERSATIONS: Final = 40
"""With fewer agents, each leads several conversations, or there would be too little to measure."""
SLOW_S: Final = 0.2
PEERS: Final = ("pydantic_ai", "openai_agents", "langgraph")
_ROOT: Final = Path(__file__).parents[2]
_PEERS_PYTHON: Final = _ROOT / ".venv-peers" / "bin" / "python"


@dataclass(frozen=True)
class Scene:
    """What is led: so many agents at once, with so many tool turns each."""

    agents: int
    turns: int
    delay_s: float = 0.0

    @property
    def conversations(self) -> int:
        """How many conversations there are, all together."""
        return max(self.agents, FEWEST_CONVERSATIONS)

    @property
    def calls(self) -> int:
        """Calls of the model in all of them; the last of each brings its end."""
        return self.conversations * (self.turns + 1)


@dataclass(frozen=True)
class Measured:
    """What one contestant used."""

    cpu_ms: float
    """For a turn."""
    wall_s: float
    rss_kb: float
    """The most that its process held."""
    conversation_kb: float = 0.0
    """Of one whole conversation, as JSON."""
    version: str = ""


def measure_all(*, quick: bool) -> Result:
    """Measure every scene and make the figures."""
    figures: dict[str, float] = {}
    limits: dict[str, tuple[str, float]] = {}
    conditions: dict[str, str | int | float] = {"cores": os.cpu_count() or 0}
    sizes = (1, 10, 200) if quick else (1, 10, 50, 200, 500, 1_000)
    ours: dict[Scene, Measured] = {}
    bares: dict[Scene, Measured] = {}
    for turns in (10,) if quick else (10, 50):
        for agents in sizes:
            scene = Scene(agents, turns)
            own, bare = _pair(scene, rounds=3 if scene.calls < 5_000 else 1)
            ours[scene], bares[scene] = own, bare
            name = f"cpu_over_bare_{agents}_agents_{turns}_turns"
            figures[name], limits[name] = own.cpu_ms / bare.cpu_ms, ("max", CPU_LIMIT)
            conditions[f"turn_{agents}_agents_{turns}_turns_cpu_ms"] = round(own.cpu_ms, 3)
            conditions[f"bare_{agents}_agents_{turns}_turns_cpu_ms"] = round(bare.cpu_ms, 3)
            if agents == sizes[-1] and turns == 10:
                more = own.rss_kb - ours[Scene(1, turns)].rss_kb
                name = f"memory_of_an_agent_beyond_its_conversation_{agents}_agents_kb"
                figures[name] = more / (agents - 1) - bare.conversation_kb
                limits[name] = ("max", MEMORY_LIMIT_KB)
                conditions["conversation_10_turns_kb"] = round(bare.conversation_kb, 1)
    if not quick:
        figures["turn_of_50_over_turn_of_10"] = (
            ours[Scene(200, 50)].cpu_ms / ours[Scene(200, 10)].cpu_ms
        )
        limits["turn_of_50_over_turn_of_10"] = ("max", FLAT_LIMIT)
        many, few = ours[Scene(1_000, 10)], ours[Scene(10, 10)]
        figures["turn_of_1000_agents_over_turn_of_10"] = many.cpu_ms / few.cpu_ms
        limits["turn_of_1000_agents_over_turn_of_10"] = ("max", GROWTH_LIMIT)
    slow = Scene(50 if quick else 500, 10, SLOW_S)
    own, bare = _pair(slow, rounds=1 if quick else 3)
    name = f"wall_over_bare_{slow.agents}_agents_{SLOW_S * 1000:.0f}_ms_a_call"
    figures[name], limits[name] = own.wall_s / bare.wall_s, ("max", WALL_LIMIT)
    conditions |= {"slow_wall_s": round(own.wall_s, 2), "slow_bare_wall_s": round(bare.wall_s, 2)}
    against = Scene(50, 10) if quick else Scene(200, 10)
    for peer in PEERS if _PEERS_PYTHON.exists() else ():
        with _server(against) as base_url:
            theirs = _lead(peer, against, base_url)
        name = f"{peer}_over_ours_{against.agents}_agents_10_turns"
        figures[name] = theirs.cpu_ms / ours[against].cpu_ms
        limits[name] = ("min", PEERS_LIMIT)
        conditions[f"{peer}_version"] = theirs.version
        conditions[f"{peer}_turn_cpu_ms"] = round(theirs.cpu_ms, 3)
    if not _PEERS_PYTHON.exists():
        conditions["peers"] = "not installed (`make bench` does)"
    chart = _chart({"Longshift": ours, "the bare loop": bares}, sizes)
    return Result("agents", figures, conditions, limits, charts=(chart,))


def _chart(measured: Mapping[str, Mapping[Scene, Measured]], sizes: Sequence[int]) -> Chart:
    lines = (
        Line(
            name,
            tuple(map(float, sizes)),
            tuple(of[Scene(agents, 10)].cpu_ms for agents in sizes),
        )
        for name, of in measured.items()
    )
    return Chart(
        "agents", "What a turn costs, by agents at once", "agents", "CPU of a turn, ms",
        tuple(lines), is_log=True,
    )  # fmt: skip


def _pair(scene: Scene, rounds: int) -> tuple[Measured, Measured]:
    """Ours and the bare loop in turn; of all rounds the one whose ratio of times is the median."""
    with _server(scene) as base_url:
        # Ours first: the bare loop sends what the server has seen of our workers.
        pairs = [
            (_lead("ours", scene, base_url), _lead("bare", scene, base_url)) for _ in range(rounds)
        ]
    return sorted(pairs, key=lambda pair: pair[0].wall_s / pair[1].wall_s)[len(pairs) // 2]


def _lead(who: str, scene: Scene, base_url: str) -> Measured:
    """Let a contestant lead a scene's conversations, in a process of its own."""
    counts = [str(scene.conversations), str(scene.agents)]
    if who in PEERS:
        command = [str(_PEERS_PYTHON), "-m", "benchmarks.agents.peers", who, base_url, *counts]
    else:
        command = [sys.executable, "-m", f"benchmarks.agents.{who}", base_url, *counts]
    done = subprocess.run(command, cwd=_ROOT, check=True, stdout=subprocess.PIPE)
    told = json.loads(done.stdout)
    return Measured(
        cpu_ms=told["cpu_s"] * 1000 / scene.calls,
        wall_s=told["wall_s"],
        rss_kb=told["rss_kb"],
        conversation_kb=told.get("conversation_bytes", 0) / 1000,
        version=told.get("version", ""),
    )


@contextmanager
def _server(scene: Scene) -> Iterator[str]:
    """A server that plays a scene, until the block ends; its base URL."""
    script = {"turns": scene.turns, "tasks": scene.conversations, "delay_s": scene.delay_s}
    command = [sys.executable, "-m", "benchmarks.agents.model_server"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=_ROOT, text=True, stdin=pipe, stdout=pipe) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        server.stdin.write(json.dumps(script) + "\n")
        server.stdin.flush()
        try:
            yield f"http://127.0.0.1:{server.stdout.readline().strip()}/v1"
        finally:
            server.stdin.close()
