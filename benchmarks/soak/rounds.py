"""What the agents of one round do: the repository, and the scripts of its runs.

Owns the data only. Each round writes other lines than the one before, so that there is always
something to land, to decide and to take back.
"""

from pathlib import Path
from typing import Final

from benchmarks.review.worlds import Json, call, flow

N_FILES: Final = 10
LINES: Final = 40
SHARED: Final = "shared.py"
NOTES: Final = "notes.md"
FILES: Final = tuple(f"part{n % 3}/file{n}.py" for n in range(N_FILES))
COMMAND: Final = f"wc -l {SHARED}"
CHANGED: Final = (4, 20, 36)
"""The lines of a file that a round changes, from zero."""


def text_of(path: str, round_: int) -> str:
    """A file as a round leaves it; round 0 is the beginning."""
    lines = [f"value_{n} = {n}\n" for n in range(LINES)]
    if round_:
        for n in CHANGED:
            lines[n] = f"value_{n} = {round_}  # {path}\n"
    return "".join(lines)


def script(round_: int) -> Json:
    """Two cycles: a task for each file, two that clash on one, and a task for the finding."""
    paths = [*FILES, SHARED, SHARED]
    tasks = [
        call("add_task", title=f"Change part {n:02}", instructions=f"{round_}", paths=[path])
        for n, path in enumerate(paths)
    ]
    late = call("add_task", title="Change part 99", instructions=f"{round_}", paths=[FILES[0]])
    finish = [call("finish", summary="So.", evidence="So.")]
    first: Json = {**flow("planner", tasks, finish), "times": 1}
    second = flow("planner", [late], finish)
    workers = [_worker(n, path, round_) for n, path in enumerate(paths)]
    last = flow(
        "worker",
        [
            call(
                "write_file", path=FILES[0], content=f"{text_of(FILES[0], round_)}last = {round_}\n"
            )
        ],
        [call("submit", summary="Done.")],
        match="Change part 99",
    )
    found = call(
        "report_finding",
        path=FILES[1],
        line=CHANGED[0] + 1,
        message=f"Look again at {round_}.",
        code="look",
        severity="hint",
    )
    looks: Json = {
        **flow("judge", [found], [call("verdict", reason="More.", decision="continue")]),
        "times": 1,
    }
    ends = flow("judge", [call("verdict", reason="So.", decision="done")])
    return {"flows": [first, second, *workers, last, looks, ends]}


def write_repository(folder: Path) -> None:
    """Write the files as they are before the first round."""
    for path in (*FILES, SHARED):
        place = folder / path
        place.parent.mkdir(exist_ok=True)
        place.write_text(text_of(path, 0), encoding="utf-8")
    (folder / NOTES).write_text("Notes\n", encoding="utf-8")


def _worker(number: int, path: str, round_: int) -> Json:
    text = text_of(path, round_)
    if path == SHARED:  # two write other lines into the same places
        text = text.replace(f"# {path}", f"# {number}")
    write, submit = call("write_file", path=path, content=text), call("submit", summary="Done.")
    looks = [call("read_file", path=path), call("search", pattern="value_1 ")]
    if number == 0:
        looks.append(call("run_command", command=COMMAND))
    # The later half is for who meets a conflict: it writes the file anew and hands it in again.
    turns = [looks, [write], [submit], [write], [submit]]
    return flow("worker", *turns, match=f"Change part {number:02}\\b")
