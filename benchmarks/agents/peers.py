"""Other frameworks' agents, in the same conversations: `… peers NAME BASE_URL AGENTS`.

Each gets the same three tools, whose bodies return a text of the size that ours give, and no
journal, no ledger and no limits. Prints one JSON object. Imports nothing of Longshift.
"""

import asyncio
import importlib.metadata
import json
import os
import resource
import sys
import time
from collections.abc import Awaitable, Callable

FILE = "value = 1\n" * 50
MATCHES = "value = 1\n" * 7
PROMPT = "You do one task on a code base. " * 120
TASK = "Read and change part 1 of the folder."

Lead = Callable[[], Awaitable[object]]


def read_file(path: str, start_line: int = 1) -> str:
    """Read a file from a line on."""
    del path, start_line
    return FILE


def search(pattern: str, path: str = ".") -> str:
    """Search for a regular expression."""
    del pattern, path
    return MATCHES


def edit_file(path: str, old_text: str, new_text: str) -> str:
    """Replace a text in a file."""
    del path, old_text, new_text
    return "replaced once"


def _pydantic_ai(base_url: str) -> Lead:
    from pydantic_ai import Agent, UsageLimits
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai import OpenAIProvider

    model = OpenAIChatModel("measured", provider=OpenAIProvider(base_url=base_url, api_key="none"))
    agent = Agent(model, instructions=PROMPT, tools=[read_file, search, edit_file])
    limits = UsageLimits(request_limit=None)
    return lambda: agent.run(TASK, usage_limits=limits)


def _openai_agents(base_url: str) -> Lead:
    import agents
    from openai import AsyncOpenAI

    agents.set_tracing_disabled(True)
    model = agents.OpenAIChatCompletionsModel(
        "measured", AsyncOpenAI(base_url=base_url, api_key="none")
    )
    tools = [agents.function_tool(tool) for tool in (read_file, search, edit_file)]
    agent = agents.Agent(name="worker", instructions=PROMPT, tools=tools, model=model)
    return lambda: agents.Runner.run(agent, TASK, max_turns=1_000)


def _langgraph(base_url: str) -> Lead:
    from langchain.agents import create_agent
    from langchain_core.tools import tool
    from langchain_openai import ChatOpenAI

    model = ChatOpenAI(model="measured", base_url=base_url, api_key="none")
    tools = [tool(each) for each in (read_file, search, edit_file)]
    agent = create_agent(model, tools, system_prompt=PROMPT)
    said = {"messages": [{"role": "user", "content": TASK}]}
    return lambda: agent.ainvoke(said, {"recursion_limit": 10_000})


PEERS: dict[str, tuple[str, Callable[[str], Lead]]] = {
    "pydantic_ai": ("pydantic-ai-slim", _pydantic_ai),
    "openai_agents": ("openai-agents", _openai_agents),
    "langgraph": ("langgraph", _langgraph),
}
"""By name: the distribution, and what makes one conversation."""


async def _measure(lead: Lead, agents: int) -> dict[str, float]:
    await lead()  # what is imported and built with the first conversation is not counted
    cpu, wall = time.process_time(), time.perf_counter()
    await asyncio.gather(*(lead() for _ in range(agents)))
    return {
        "cpu_s": time.process_time() - cpu,
        "wall_s": time.perf_counter() - wall,
        "rss_kb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
    }


def _main() -> None:
    name, base_url, agents = sys.argv[1], sys.argv[2], int(sys.argv[3])  # all at once
    os.environ["LANGSMITH_TRACING"] = "false"
    distribution, make = PEERS[name]
    measured = asyncio.run(_measure(make(base_url), agents))
    print(json.dumps({**measured, "version": importlib.metadata.version(distribution)}))


if __name__ == "__main__":
    _main()
