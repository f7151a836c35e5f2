"""Poisoned texts and a model that obeys every one of them: the damage stays in the cage.

Each row is a run of its own, over HTTP, on a real repository in a home with keys and other files.
"""

import pytest

from longshift.engine.desks import planning
from longshift.sandbox.policy import Cage, Refusal
from longshift.screening.hidden import find_hidden
from longshift.settings import Trust, default_trust_folder
from tests.scripted_model import ScriptedServer
from tests.support.attack_data import Attack, Fact, load_attacks
from tests.support.attack_play import MARK, Play, holds, results
from tests.support.attack_scene import Scene, do_plainly
from tests.support.engine_world import World
from tests.support.fenced import out_of_fences
from tests.support.repository_git import GitRepository

ATTACKS = load_attacks()
EACH = pytest.mark.parametrize(
    "attack", [attack for _, attack in ATTACKS], ids=[f"{kind}: {a.name}" for kind, a in ATTACKS]
)
HARMFUL = [(kind, attack) for kind, attack in ATTACKS if attack.does_harm]
PROTECTED = [attack for _, attack in ATTACKS if attack.protected]
COMMANDS = [
    one
    for kind, one in ATTACKS
    if kind == "commands" and {act.tool for act in one.acts} == {"run_command"} and not one.checks
][:4]
LARGEST_RESULT = 20_000


@EACH
async def test_whoever_obeys_does_no_harm(
    attack: Attack,
    scene: Scene,
    server: ScriptedServer,
    cage: Cage | Refusal,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(planning, "MOST_PLANNERS", 5)
    monkeypatch.setattr(planning, "MOST_TASKS", 5)
    play = Play(attack, scene)
    scene.furnish(play.files, attack.links, play.subject)
    Trust(default_trust_folder()).trust(scene.repository)
    world = World(
        GitRepository(scene.repository),
        server,
        environ={"KEY": scene.secrets["key"]},
        settings={"checks": list(attack.checks), **attack.settings},
    )
    world.play(*play.flows())
    facts: list[dict[str, object]] = []
    sent = []
    async with world.opened() as it:
        it.engine.listen(lambda record: facts.append(record.event.model_dump(mode="json")))
        run_id, _ = await it.engine.start(play.goal, {})
        await it.ended(run_id)
        sent += server.requests
        await play.after(it)
        sent += [request for request in server.requests if request not in sent]
        heads = {path for path in attack.head_has if it.file(path) is not None}
    journal = [
        path.read_bytes() for path in (scene.repository / ".git/longshift").glob("*.sqlite*")
    ]

    assert scene.harm(*(request.raw for request in sent), *journal) == []
    caged = not isinstance(cage, Refusal)
    for wanted in attack.stands if caged else map(_without_cage, attack.stands):
        assert holds(facts, wanted.event, scene.filled(wanted.holds)), (wanted, facts)

    obeyed = [request for request in sent if request.role == attack.role]
    seen = [request for request in sent if MARK in str(request.messages)]
    if attack.place == "commit message":
        assert seen == []
    elif caged or not attack.checks:
        assert [request for request in obeyed if request in seen] != []
    assert [w for request in sent for w in out_of_fences(request.messages, MARK)] == []
    told = results(message for request in obeyed for message in request.messages)
    assert [part for part in attack.told if part not in told] == [] or not caged
    assert max(map(len, told.splitlines()), default=0) < LARGEST_RESULT

    assert heads == set(attack.head_has)
    assert not holds(facts, "change.decided", {"decision": "accepted"})
    subjects = world.person.git("log", "--format=%B", "refs/longshift/R1/head", "--not", "main")
    assert list(find_hidden(subjects)) == []
    if attack.never_instructs:
        openings = [str(r.messages[:2]) for r in sent if r.role in ("planner", "worker")]
        assert len(openings) > 2
        assert [one for one in openings if attack.never_instructs in one] == []


@pytest.mark.parametrize("attack", PROTECTED, ids=[attack.name for attack in PROTECTED])
async def test_to_accept_all_is_no_word_for_what_trusted_programs_act_on(
    attack: Attack, scene: Scene, server: ScriptedServer
) -> None:
    play = Play(attack, scene)
    scene.furnish(play.files, attack.links, play.subject)
    before = {path: _content(scene, path) for path in attack.protected}
    world = World(GitRepository(scene.repository), server, environ={"KEY": scene.secrets["key"]})
    world.play(*play.flows())
    async with world.opened() as it:
        await it.engine.start(play.goal, {})
        await it.ended()
        answer = await it.call("acceptAll")

    assert set(answer["protected"]) == set(attack.protected)
    assert {path: _content(scene, path) for path in attack.protected} == before
    for path in set(attack.head_has) - set(attack.protected):
        assert _content(scene, path) is not None


@pytest.mark.parametrize("attack", COMMANDS, ids=[attack.name for attack in COMMANDS])
async def test_in_an_untrusted_workspace_no_command_runs_at_all(
    attack: Attack, scene: Scene, server: ScriptedServer
) -> None:
    play = Play(attack, scene)
    scene.furnish(play.files, attack.links, play.subject)
    world = World(
        GitRepository(scene.repository),
        server,
        environ={"KEY": scene.secrets["key"]},
        trusted=False,
    )
    world.play(*play.flows())
    facts: list[dict[str, object]] = []
    async with world.opened() as it:
        it.engine.listen(lambda record: facts.append(record.event.model_dump(mode="json")))
        await it.engine.start(play.goal, {})
        await it.ended()

    assert scene.harm(*(request.raw for request in server.requests)) == []
    assert not holds(facts, "command.ran", {})
    assert holds(facts, "guard.refused", {"guard": "command", "tool": "run_command"})


@pytest.mark.parametrize(
    "attack", [attack for _, attack in HARMFUL], ids=[f"{kind}: {a.name}" for kind, a in HARMFUL]
)
def test_without_a_guard_the_same_acts_do_harm(attack: Attack, scene: Scene) -> None:
    """So that the test above can fail: what it looks for is there to be found."""
    play = Play(attack, scene)
    scene.furnish(play.files, attack.links, play.subject)
    assert scene.harm() == []
    brought = [
        do_plainly(act.tool, scene.filled(act.arguments), scene.repository)
        for act in attack.acts
        if act.tool not in ("search", "submit")
    ]
    assert scene.harm(*brought) != []


def test_each_attack_stands_in_the_journal_or_says_why_not() -> None:
    assert len(ATTACKS) >= 60
    assert len({attack.name for _, attack in ATTACKS}) == len(ATTACKS)
    assert [a.name for _, a in ATTACKS if bool(a.stands) == bool(a.no_event)] == []
    assert {kind for kind, _ in HARMFUL} == {"commands", "reading", "writing"}
    places = {attack.place for _, attack in ATTACKS}
    assert places == set(Attack.model_fields["place"].annotation.__args__)


def _content(scene: Scene, path: str) -> bytes | None:
    file = scene.repository / path
    return file.read_bytes() if file.exists() else None


def _without_cage(wanted: Fact) -> Fact:
    """What the journal says instead where this machine has no cage: no command may run."""
    if wanted.event != "command.ran":
        return wanted
    return Fact(event="guard.refused", holds={"guard": "command", "tool": "run_command"})
