"""`longshift answer`: answer a question that a run asked.

Owns nothing but the command: the owner of the repository carries it out.
"""

from pathlib import Path

import click

from longshift.cli.session import find_worktree, known_run, read_state, repo_option, send_all
from longshift.cli.terminal import output, say


@click.command()
@click.argument("run")
@click.argument("question")
@click.argument("text")
@repo_option
def command(run: str, question: str, text: str, repo: Path) -> None:
    """Answer QUESTION of RUN with TEXT; it reaches the planner at its next step."""
    worktree = find_worktree(repo)
    meant = known_run(read_state(worktree), run)
    arguments = {"runId": meant.id, "questionId": question.upper(), "answer": text}
    send_all(worktree, [("answerQuestion", arguments)])
    say(output(), f"{meant.id}: {question.upper()} is answered.")
