"""What can be known of the prompts without asking a model.

Each check gives its problems in words; none is found where it gives an empty list. `check_all` is
fast and pure. The prompts' versions and digests are kept in `tests/prompts.lock.json`, so that no
prompt changes under the version that journals and evaluations name:
`python -m benchmarks.prompt_checks --write` takes note of new versions.
"""

import argparse
import ast
import itertools
import json
import re
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final, get_args

import longshift
from longshift.crew.briefs import CallLimits
from longshift.crew.commands_run import CommandsRun
from longshift.crew.conversation import CallAllowance
from longshift.crew.prompt_files import ROLES, Prompt, RoleHead, ToolHead
from longshift.crew.prompts import Library, Plain, library
from longshift.crew.toolbox import Toolbox, as_text
from longshift.crew.tools.asking import asking_tool
from longshift.crew.tools.choosing import choosing_tools
from longshift.crew.tools.commands import command_tool
from longshift.crew.tools.editing import editing_tools
from longshift.crew.tools.handing_in import handing_in_tools, submit_tool
from longshift.crew.tools.integrating import sending_back_tool
from longshift.crew.tools.judging import judging_tools
from longshift.crew.tools.planning import planning_tools
from longshift.crew.tools.reading import reading_tools
from longshift.domain.model import Severity, VerdictDecision

SOURCE: Final = Path(longshift.__file__).parent
LOCK: Final = Path(__file__).parents[1] / "tests" / "prompts.lock.json"

CHARACTERS_A_TOKEN: Final = 4
MOST_TOKENS: Final[Mapping[str, int]] = {
    "errors": 130,
    "goals": 320,
    "messages": 330,
    "shared": 330,
    "tools": 160,
}
"""Most tokens of a prompt's own words, by its folder; roles say it in their heads."""
FEWEST_GOAL_WORDS, MOST_GOAL_WORDS = 60, 150

_SHORT: Final = "x"
_LONG: Final = "x" * 2_000
_SAME_FOR_ALL: Final = {"calls", "sub_planner", "locking"}
"""Inputs of role prompts: what siblings share, or they could not share a prefix."""


def check_all() -> list[str]:
    """All that is wrong with the prompts of this checkout."""
    return [problem for check in CHECKS for problem in check()]


def role_texts(prompts: Library) -> dict[str, str]:
    """The system prompt of each role, with the limits that it gets when nobody sets any."""
    limits = CallLimits()
    return {
        "planner": prompts.render("planner", {"calls": limits.planner, "sub_planner": False}),
        "sub_planner": prompts.render(
            "planner", {"calls": limits.sub_planner, "sub_planner": True}
        ),
        "worker": prompts.render("worker", {"calls": limits.worker}),
        "judge": prompts.render("judge", {"calls": limits.judge}),
        "integrator": prompts.render("integrator", {"calls": limits.integrator}),
        "agent": prompts.render("agent", {"calls": limits.agent, "locking": False}),
        "locking_agent": prompts.render("agent", {"calls": limits.agent, "locking": True}),
    }


def all_prompts(prompts: Library) -> list[Prompt]:
    """Every prompt, in the order of their names."""
    return [prompts.prompt(name) for name in prompts.all_names()]


# Budgets.


def check_budgets() -> list[str]:
    """Tokens of role prompts for few, usual and many calls, and of each prompt's own words."""
    prompts = library()
    problems = []
    for name in prompts.names(""):
        head = prompts.head(name, RoleHead)
        for inputs in _inputs_of(head.inputs):
            problems += beyond(name, prompts.render(name, inputs), *head.budget_tokens)
    for prompt in all_prompts(prompts):
        most = MOST_TOKENS.get(prompt.name.rpartition("/")[0])
        if most is not None:
            problems += beyond(prompt.name, own_words(prompt.body), 1, most)
    for name in prompts.names("goals"):
        words = len(prompts.prompt(f"goals/{name}").body.split())
        if not FEWEST_GOAL_WORDS <= words <= MOST_GOAL_WORDS:
            problems.append(f"goals/{name} has {words} words")
        for text in (_SHORT, "src/module.py", _LONG):
            inputs = {"path": text, "start_line": 1, "end_line": 10**6, "diagnostic": text}
            declared = prompts.prompt(f"goals/{name}").head.inputs
            given = {key: inputs[key] for key in declared}
            rendered = prompts.render(f"goals/{name}", given)
            problems += beyond(f"goals/{name}", rendered, 60, 320 + 2 * len(text) // 4)
    return problems


def beyond(name: str, text: str, fewest: int, most: int) -> list[str]:
    """Whether a text has fewer or more tokens than it may."""
    tokens = len(text) / CHARACTERS_A_TOKEN
    if fewest <= tokens <= most:
        return []
    return [f"{name} has {tokens:.0f} tokens, and may have {fewest} to {most}"]


def own_words(body: str) -> str:
    """A prompt's body without its statements and inputs."""
    return re.sub(r"\{[{%].*?[}%]\}", "", body, flags=re.DOTALL)


def _inputs_of(declared: Collection[str]) -> Iterator[dict[str, Plain]]:
    choices: dict[str, list[Plain]] = {
        "calls": [1, 40, 10_000],
        "sub_planner": [False, True],
        "locking": [False, True],
    }
    named = sorted(declared)
    for values in itertools.product(*(choices[name] for name in named)):
        yield dict(zip(named, values, strict=True))


# The prefix that providers cache.


def check_prefixes() -> list[str]:
    """Siblings share every byte before their first message, which is of no one place or day."""
    prompts = library()
    problems = [
        f"{name} takes {sorted(own)}, in which siblings may differ"
        for name in prompts.names("")
        if (own := prompts.prompt(name).head.inputs.keys() - _SAME_FOR_ALL)
    ]
    for role, text in role_texts(prompts).items():
        if found := of_one_place(text):
            problems.append(f"{role} holds {found}")
    for role in ROLES:
        one, other = (_schemas(role), _schemas(role))
        if one != other:
            problems.append(f"two {role}s are told of their tools in different bytes")
        names = [tool["function"]["name"] for tool in json.loads(one)["tools"]]
        if names != sorted(names):
            problems.append(f"the tools of {role} are not sorted: {names}")
    return problems


def of_one_place(text: str) -> list[str]:
    """Dates, unique ids and absolute paths in a text."""
    return re.findall(
        r"\b\d{4}-\d\d-\d\d\b|\b[0-9a-f]{8}-[0-9a-f]{4}-|(?<![\w.])/(?:home|work|usr|tmp|etc|Users)\b",
        text,
    )


def _schemas(role: str) -> str:
    """A role's tools as they go out, from a toolbox that works on nothing."""
    desk: Any = SimpleNamespace(
        workspace=None,
        run_command=None,
        ask_person=None,
        submit=None,
        can_run_commands=False,
        lock=True if role == "locking_agent" else None,
    )
    brief: Any = SimpleNamespace(gates="off", is_sub_planner=role == "sub_planner", tasks=())
    allowance = CallAllowance(1)
    own: list[Any] = list(reading_tools(desk))
    match role:
        case "worker":
            own += [*editing_tools(desk), command_tool(desk.run_command)]
            own += handing_in_tools(desk, brief, allowance, CommandsRun())
        case "judge":
            own += [*judging_tools(desk, brief), command_tool(desk.run_command)]
            own.append(asking_tool(desk.ask_person))
        case "integrator":
            own += [*editing_tools(desk), command_tool(desk.run_command)]
            own += [submit_tool(desk, brief, allowance, CommandsRun()), sending_back_tool()]
        case "agent" | "locking_agent":
            own += choosing_tools(desk, brief)
        case _:
            own += [*planning_tools(desk, brief, allowance), asking_tool(desk.ask_person)]
    toolbox: Toolbox[Any] = Toolbox(role, own)  # type: ignore[arg-type]
    return as_text({"tools": toolbox.schemas})


# What is said fits what there is.


def check_tools() -> list[str]:
    """A role's prompt names tools, and only those that the role has."""
    prompts = library()
    heads = {name: prompts.head(f"tools/{name}", ToolHead) for name in prompts.names("tools")}
    problems = []
    for role, text in role_texts(prompts).items():
        granted = {name for name, head in heads.items() if role in head.roles}
        facts = {"verdict", *get_args(VerdictDecision)} - granted
        named = set(re.findall(r"`(\w+)`", text)) & heads.keys() - facts
        if not named or not named <= granted:
            problems.append(f"{role} names the tools {sorted(named)} and has {sorted(granted)}")
    return problems


def check_enumerations() -> list[str]:
    """The words that a prompt says a model may choose from are the code's: all, and no other."""
    prompts = library()
    texts = role_texts(prompts)
    verdict = prompts.head("tools/verdict", ToolHead).parameters["decision"]
    severity = prompts.head("tools/report_finding", ToolHead).parameters["severity"]
    explained = [
        ("judge", texts["judge"], VerdictDecision),
        ("judge", texts["judge"], Severity),
        ("tools/verdict", verdict, VerdictDecision),
        ("tools/report_finding", severity, Severity),
    ]
    problems = [
        f"{name} does not say what {word} is"
        for name, text, enumeration in explained
        for word in get_args(enumeration)
        if not re.search(rf"\b{word}\b", text)
    ]
    listed = re.findall(r"^- `(\w+)`.*?[:,]", _section(texts["judge"], "Decision"), re.MULTILINE)
    if set(listed) != set(get_args(VerdictDecision)):
        problems.append(f"judge lists the decisions {sorted(listed)}")
    choices = re.findall(r"(?:^|; )(\w+):", severity)
    if set(choices) != set(get_args(Severity)):
        problems.append(f"tools/report_finding lists the severities {sorted(choices)}")
    return problems


def _section(text: str, title: str) -> str:
    return text.partition(f"# {title}\n")[2].partition("\n# ")[0]


def check_contradictions() -> list[str]:
    """What a role is told to do it is nowhere told not to do."""
    return [
        f"{role} is told both to {verb} {thing} and not to"
        for role, text in role_texts(library()).items()
        for verb, thing in contradictions(text)
    ]


def contradictions(text: str) -> list[tuple[str, str]]:
    """Verbs, each with its object, that a text both demands and forbids."""
    forbidding = r"(?i:never|must not|do not|don't|no longer|may not)"
    forbidden = _acts(text, rf"\b{forbidding} ")
    demanded = _acts(text, r"\b(?i:must|always|has to|have to) (?!not\b)") | _acts(
        text, r"(?:^|[.;:] |^- )(?=[A-Z])"
    )
    return sorted(demanded & forbidden)


def _acts(text: str, before: str) -> set[tuple[str, str]]:
    act = re.compile(rf"{before}(\w+) (?:the |a |an |each |every |it )?(\w+)", re.MULTILINE)
    return {(verb.lower(), thing.lower()) for verb, thing in act.findall(text)}


# How it is said.

_ALLOWED_CAPITALS: Final = {"AGENTS", "JSON", "NUL"}


def check_speech() -> list[str]:
    """Ranges and outcomes, in a plain voice."""
    return [
        f"{prompt.name} says {found}"
        for prompt in all_prompts(library())
        for found in lint(_spoken(prompt))
    ]


def _spoken(prompt: Prompt) -> str:
    parameters = prompt.head.parameters.values() if isinstance(prompt.head, ToolHead) else ()
    return "\n".join([own_words(prompt.body), *parameters])


def lint(text: str) -> list[str]:
    """Shouting, adjectives in the place of ranges, numbered procedures, and checkboxes."""
    capitals = set(re.findall(r"\b[A-Z]{3,}\b", text)) - _ALLOWED_CAPITALS
    vague = r"\b(?:thorough\w*|many|appropriate\w*|carefully|various|properly|etc)\b"
    return [
        *sorted(capitals),
        *re.findall("!", text),
        *re.findall(vague, text, re.IGNORECASE),
        *re.findall(r"^\s*\d+[.)]\s.*", text, re.MULTILINE),
        *re.findall(r"- \[[ x]\]", text),
        *of_one_place(text),
    ]


# No word for a model outside of prompts/.

_MISTAKES: Final = {"TellModel": 0, "OutOfBounds": 1, "ArgumentsWrong": 0}
"""What is raised for a model, and at which place it is given the name of a message."""
_RESULTS: Final = frozenset({"Result", "Answer", "End"})
_ROOMS: Final = ("crew", "engine", "repository", "places", "review", "screening", "sandbox")


def check_code() -> list[str]:
    """Mistakes are raised by a message's name and its inputs, and results hold no sentence."""
    prompts = library()
    known = {
        name: set(prompts.prompt(f"errors/{name}").head.inputs) for name in prompts.names("errors")
    }
    problems, used = [], set()
    for room in _ROOMS:
        for path in sorted((SOURCE / room).rglob("*.py")):
            where = path.relative_to(SOURCE).as_posix()
            tree = ast.parse(path.read_text(encoding="utf-8"))
            found, names = misworded(tree, known)
            used |= names
            problems += [f"{where}: {problem}" for problem in found]
    return problems + [f"errors/{name} is raised nowhere" for name in sorted(known.keys() - used)]


def misworded(tree: ast.AST, known: Mapping[str, Collection[str]]) -> tuple[list[str], set[str]]:
    """What a module says to a model in words of its own, and the messages that it names."""
    problems: list[str] = []
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id in _MISTAKES:
                problem, name = _mistake(node, _MISTAKES[node.func.id], known)
                problems += problem
                names.add(name)
            elif node.func.id == "error":
                problems += [f"error({s!r})" for a in node.args for s in _sentences(a)]
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and _gives_result(node):
            values = (v for d in ast.walk(node) if isinstance(d, ast.Dict) for v in d.values)
            problems += [f"{node.name} answers {s!r}" for v in values for s in _sentences(v)]
    return problems, names


def _mistake(
    call: ast.Call, place: int, known: Mapping[str, Collection[str]]
) -> tuple[list[str], str]:
    named = call.args[place] if len(call.args) == place + 1 else None
    name = named.value if isinstance(named, ast.Constant) else None
    if not isinstance(name, str) or name not in known:
        return [f"line {call.lineno} raises {name!r}, which is no message of errors/"], ""
    given = {one.arg for one in call.keywords}
    if given != set(known[name]):
        return [f"line {call.lineno} gives {name} {given}; it takes {sorted(known[name])}"], name
    return [], name


def _gives_result(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    returns = function.returns
    named = {node.id for node in ast.walk(returns) if isinstance(node, ast.Name)} if returns else ()
    return bool(_RESULTS & set(named))


def _sentences(node: ast.AST) -> list[str]:
    """Literals with a space in a value; what is handed to a call is that call's own."""
    if isinstance(node, ast.Call):
        return []
    if isinstance(node, ast.Constant):
        return [node.value] if isinstance(node.value, str) and " " in node.value.strip() else []
    return [one for child in ast.iter_child_nodes(node) for one in _sentences(child)]


# Versions.


def check_lock() -> list[str]:
    """No prompt's bytes changed without a new version."""
    return changed(json.loads(LOCK.read_text(encoding="utf-8")), locked(library()))


def locked(prompts: Library) -> dict[str, dict[str, str]]:
    """Version and digest of each prompt, by name."""
    return {
        one.name: {"version": one.head.version, "digest": one.digest}
        for one in all_prompts(prompts)
    }


def changed(
    before: Mapping[str, Mapping[str, str]], now: Mapping[str, Mapping[str, str]]
) -> list[str]:
    """What the lock does not say of the prompts as they are."""
    refresh = "python -m benchmarks.prompt_checks --write"
    return [*bumps_missing(before, now), *_stale(before, now, refresh)]


def bumps_missing(
    before: Mapping[str, Mapping[str, str]], now: Mapping[str, Mapping[str, str]]
) -> list[str]:
    """Prompts that changed under a version which was there already, or went back to an older."""
    return [
        f"{name} changed and is no newer than {before[name]['version']}: raise its version"
        for name in before.keys() & now.keys()
        if before[name]["digest"] != now[name]["digest"]
        and _number(now[name]["version"]) <= _number(before[name]["version"])
    ]


def _stale(
    before: Mapping[str, Mapping[str, str]], now: Mapping[str, Mapping[str, str]], refresh: str
) -> Iterable[str]:
    names = sorted(name for name in before.keys() | now.keys() if before.get(name) != now.get(name))
    return [f"{LOCK.name} is out of date for {name}: {refresh}" for name in names]


def _number(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


CHECKS: Final[tuple[Callable[[], list[str]], ...]] = (
    check_budgets,
    check_prefixes,
    check_tools,
    check_enumerations,
    check_contradictions,
    check_speech,
    check_code,
    check_lock,
)


def main() -> int:
    """Tell every problem, or take note of the prompts' new versions."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.prompt_checks")
    parser.add_argument("--write", action="store_true", help="write the lock anew")
    if parser.parse_args().write:
        now = locked(library())
        before = json.loads(LOCK.read_text(encoding="utf-8")) if LOCK.exists() else {}
        if missing := bumps_missing(before, now):
            print("\n".join(missing), file=sys.stderr)
            return 1
        LOCK.write_text(json.dumps(now, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    problems = check_all()
    print("\n".join(problems) or "No problem was found.")
    return int(bool(problems))


if __name__ == "__main__":
    sys.exit(main())
