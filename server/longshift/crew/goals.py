"""Goal templates: goals that a person chooses from a menu where they stand.

Owns the list and its rendering from `prompts/goals/`. A rendered template is the goal's text, as
if the person had written it.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from longshift.crew.prompt_files import GoalHead, Menu, heads

if TYPE_CHECKING:
    from longshift.crew.prompts import Plain


@dataclass(frozen=True, slots=True)
class GoalTemplate:
    """One entry of the menu."""

    name: str
    """Its stable name, the file's: `write_tests`."""
    title: str
    menu: Menu
    """Where it is offered: on a selection, or on problems."""

    def text(self, path: str, start_line: int, end_line: int, diagnostic: str = "") -> str:
        """The goal for one place.

        Args:
            path: the file, relative to the repository.
            start_line: first line of the selection, counted from 1.
            end_line: last line of it, included.
            diagnostic: the messages of the diagnostics to deal with; "" where there are none.
        """
        from longshift.crew.prompts import library  # a menu alone does without all that renders

        inputs: dict[str, Plain] = {
            "path": path,
            "start_line": start_line,
            "end_line": end_line,
            "diagnostic": diagnostic,
        }
        name = f"goals/{self.name}"
        declared = library().prompt(name).head.inputs
        return library().render(name, {key: inputs[key] for key in declared})


def goal_templates() -> list[GoalTemplate]:
    """All goal templates, sorted by name."""
    return [
        GoalTemplate(name, head.title, head.menu)
        for name, head in heads("goals").items()
        if isinstance(head, GoalHead)
    ]
