"""The scripted model server itself: other tests are worth what it is worth."""

import asyncio
import json
import subprocess
import sys
import urllib.request

import pytest
from pydantic import ValidationError

from longshift.models.port import ModelRequest
from tests.scripted_model import Script, serve_script

PLANNER, WORKER, JUDGE = (
    [{"type": "function", "function": {"name": name}}] for name in ("add_task", "submit", "verdict")
)


def opening(text, tools):
    return ModelRequest([{"role": "user", "content": text}], tools)


def names(reply):
    return [call.name for call in reply.tool_calls]


async def test_without_a_script_each_role_ends_its_work(wire):
    wired = await wire({})
    asked = [opening("x", tools) for tools in (PLANNER, WORKER, JUDGE, [])]
    replies = [await wired.model.complete(each) for each in asked]
    assert [names(reply) for reply in replies] == [["finish"], ["give_up"], ["verdict"], []]
    assert [each.role for each in wired.server.requests] == ["planner", "worker", "judge", "other"]
    assert len(wired.server.by_role("judge")) == 1


async def test_flows_are_chosen_by_words_and_used_up(wire):
    wired = await wire(
        {
            "flows": [
                {"role": "worker", "match": "Rename", "times": 1, "turns": [{"text": "first"}]},
                {"role": "worker", "match": "Rename", "turns": [{"text": "second"}]},
                {"role": "worker", "turns": [{"text": "any"}], "then": "repeat"},
            ]
        }
    )
    texts = []
    for words in ("Rename it", "Rename it", "Sort it", "Rename it"):
        reply = await wired.model.complete(opening(words, WORKER))
        texts.append(reply.text)
    assert texts == ["first", "second", "any", "second"]


async def test_turns_follow_the_conversation_and_may_use_what_it_holds(wire):
    brief = 'Work.\n```json longshift\n{"task": {"id": "T9"}}\n```\n'
    use = {"again": "${add_task.1.task}", "all": ["${brief.task.id}", "plain"]}
    add = {"name": "add_task", "arguments": {"title": "x"}}
    turns = [{"calls": [add, add]}, {"calls": [{"name": "finish", "arguments": use}]}]
    wired = await wire({"flows": [{"role": "planner", "turns": turns}]})
    request = opening(brief, PLANNER)
    first = await wired.model.complete(request)
    results = [
        {"role": "tool", "tool_call_id": call.id, "content": json.dumps({"task": f"T{number}"})}
        for number, call in enumerate(first.tool_calls)
    ]
    talk = [*request.messages, first.message, *results]
    second = await wired.model.complete(ModelRequest(talk, PLANNER))
    assert json.loads(second.tool_calls[0].arguments) == {"again": "T1", "all": ["T9", "plain"]}
    third = await wired.model.complete(ModelRequest([*talk, second.message], PLANNER))
    assert names(third) == ["finish"]  # beyond the script: the role's default


async def test_a_turn_can_wait_for_another_conversation(wire):
    def flow(match, signal, wait_for):
        turn = {"text": match, "signal": signal, "wait_for": [wait_for]}
        return {"role": "worker", "match": match, "turns": [turn]}

    wired = await wire({"flows": [flow("A", "a", "b"), flow("B", "b", "a")]})
    replies = await asyncio.gather(
        *(wired.model.complete(opening(name, WORKER)) for name in ("A", "B"))
    )
    assert [reply.text for reply in replies] == ["A", "B"]
    assert wired.server.most_at_once == 2


def test_a_mistaken_script_is_refused():
    with pytest.raises(ValidationError, match="turnz"):
        Script.model_validate({"flows": [{"role": "worker", "turns": [], "turnz": 1}]})


async def test_a_server_of_ones_own_ends_with_its_block():
    async with serve_script({"defaults": {"other": {"text": "mine"}}}) as server:
        assert (await asyncio.to_thread(_ask, server.base_url)) == "mine"
    with pytest.raises(OSError, match="refused"):
        await asyncio.to_thread(_ask, server.base_url)


def test_as_a_program_it_ends_with_its_standard_input(tmp_path):
    script, record = tmp_path / "script.json", tmp_path / "record.jsonl"
    script.write_text(json.dumps({"defaults": {"other": {"text": "a program"}}}))
    command = [sys.executable, "-m", "tests.scripted_model", str(script), "--record", str(record)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as program:
        assert _ask(program.stdout.readline().decode().strip()) == "a program"
        program.stdin.close()
        assert program.wait(10) == 0
    assert json.loads(record.read_text())["messages"][0]["content"] == "Hi."


def _ask(base_url):
    body = {"model": "m", "messages": [{"role": "user", "content": "Hi."}]}
    request = urllib.request.Request(
        f"{base_url}/chat/completions",
        json.dumps(body).encode(),
        {"content-type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as response:
        return json.load(response)["choices"][0]["message"]["content"]
