"""Cases of review as small readable files; see `tests/review/data/README.md` for their form."""

from pathlib import Path

from longshift.repository.store import ObjectStore
from longshift.review.decisions import parse_target
from longshift.review.proposals import apply
from longshift.review.shapes import PendingHunk
from tests.support.review_world import World


def play(store: ObjectStore, case: Path) -> list[tuple[str, str]]:
    """Play a case step by step; gives what was expected and what was found, pairwise."""
    steps = _steps(case.read_text(encoding="utf-8"))
    bases = [step for step in steps if step[0] == "base"]
    world = World(store, {arguments[0]: body.encode() for _, arguments, body in bases})
    found: list[tuple[str, str]] = []
    for verb, arguments, body in steps[len(bases) :]:
        match verb:
            case "land":
                world.land({arguments[0]: body.encode()}, " ".join(arguments[1:]) or "do it")
            case "buffer":
                world.person.buffers[arguments[0]] = body
            case "accept":
                world.accept(_hunk(world, arguments[0]))
            case "accepted" | "rejected" | "rework" | "pending":
                target = parse_target(arguments[0])
                assert target.path is not None
                assert target.hunk is not None
                reason = " ".join(arguments[1:])
                world.decide(target.change_id, target.path, [target.hunk], verb, reason)
            case "take":
                world.take({arguments[0]: body.encode()})
            case "expect":
                shown = "".join(map(_shown, world.hunks(arguments[0])))
                found.append((body, shown))
            case "gives":
                file = world.person.read(arguments[0])
                assert file is not None
                text = file.text if file.text is not None else (file.data or b"").decode()
                pending = [h for h in world.hunks(arguments[0]) if h.state == "pending"]
                found.append((body, apply(text, pending)))
            case _:
                raise ValueError(f"{case.name}: unknown step {verb!r}")
    return found


def _steps(text: str) -> list[tuple[str, list[str], str]]:
    steps: list[tuple[str, list[str], str]] = []
    for block in text.split("\n== ")[1:]:
        head, _, body = (block.rstrip("\n") + "\n").partition("\n")
        verb, *arguments = head.split(" ")
        body = body.removesuffix("\\ no newline\n").removesuffix("\n") if "\\ no" in body else body
        steps.append((verb, arguments, body))
    return steps


def _hunk(world: World, name: str) -> PendingHunk:
    target = parse_target(name)
    hunks = world.hunks(target.path)
    return next(h for h in hunks if (h.change_id, h.hunk) == (target.change_id, target.hunk))


def _shown(hunk: PendingHunk) -> str:
    lines = f"{hunk.start_line}-{hunk.end_line} +{hunk.added} -{hunk.removed}"
    reason = f" | {hunk.reason}" if hunk.reason else ""
    return f"{hunk.change_id}:{hunk.hunk}/{hunk.of} {hunk.kind} {hunk.state} {lines}{reason}\n"
