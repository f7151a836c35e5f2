"""Record what the graders are tested on: `python -m benchmarks.prompts.record [CASE]…`.

Plays each case with its good and its bad script in the place of the model, for real, and writes
the transcripts. To be run when a case, or what an engine's run leaves behind, has changed.
"""

import sys
from pathlib import Path
from typing import Final

from benchmarks.prompts.case import Case, Play, all_cases
from benchmarks.prompts.playing import play
from benchmarks.prompts.transcript import Transcript
from tests.scripted_model import running_server

FOLDER: Final = Path(__file__).parents[2] / "tests" / "benchmarks" / "data"
KINDS: Final = ("good", "bad")


def scripted(case: Case, script: Play) -> Transcript:
    """Play a case with a script in its role's place."""
    turns = [{"calls": [dict(call) for call in turn]} for turn in script.turns]
    flow = {"role": case.role, "turns": turns, "then": "repeat"}
    with running_server() as server:
        server.play({"flows": [flow]})
        model = {"model": "scripted", "base_url": server.base_url, "api_key_env": "NO_KEY"}
        return play(case, model, {})


def main() -> None:
    """Record the named cases, or all."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for case in all_cases():
        if sys.argv[1:] and case.id not in sys.argv[1:]:
            continue
        for kind in KINDS:
            transcript = scripted(case, getattr(case, kind))
            # The prompt's version is none of a grader's business, and changes often.
            kept = transcript.model_copy(update={"prompt": ""})
            text = kept.model_dump_json(indent=1, exclude_defaults=True)
            (FOLDER / f"{case.id}.{kind}.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
