"""Serve a script as a program: `python -m tests.scripted_model SCRIPT.json [--port N]`.

Prints the base URL on one line, and ends when its standard input is closed, so that it can't
outlive the test that started it. `--record FILE` writes each request to a file, one JSON object
a line, when it ends.
"""

import argparse
import asyncio
import json
import sys
from pathlib import Path

from tests.scripted_model.script import Script
from tests.scripted_model.server import RecordedRequest, serve_script


async def _serve(script: Script, port: int) -> list[RecordedRequest]:
    async with serve_script(script, port) as server:
        print(server.base_url, flush=True)  # noqa: T201 - what the program is asked for
        await asyncio.to_thread(sys.stdin.buffer.read)
    return server.requests


def _main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.scripted_model")
    parser.add_argument("script", type=Path)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--record", type=Path)
    arguments = parser.parse_args()
    requests = asyncio.run(_serve(Script.load(arguments.script), arguments.port))
    if arguments.record is not None:
        lines = [json.dumps({"role": each.role, **each.body}) for each in requests]
        arguments.record.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


if __name__ == "__main__":
    _main()
