"""The commands by name, each imported only when it is called.

Owns the table of commands and how click's own refusals are told. A command is a module of
`cli.commands` with a click command called `command`.
"""

import importlib
from collections.abc import Mapping, Sequence
from typing import Final

import click

import longshift
from longshift.cli.main import DONE, INTERRUPTED
from longshift.cli.terminal import complain

COMMANDS: Final[Mapping[str, str]] = {
    "run": "Work on a goal until it is met, headless.",
    "serve": "Serve an editor (the language server).",
    "engine": "Drive a repository's runs without an editor.",
    "status": "Show all runs, or one.",
    "watch": "Show live what happens in all runs.",
    "log": "Show what happened in a run.",
    "diff": "Show what a run, or one change of it, would do to your files.",
    "review": "Accept or reject the hunks of a run one by one.",
    "accept": "Write changes of a run into your files.",
    "reject": "Turn changes of a run down.",
    "pause": "Let a run's agents take no further step.",
    "resume": "Go on with a paused run.",
    "stop": "End a run; what landed stays for review.",
    "steer": "Tell a run's planner something.",
    "answer": "Answer a question that a run asked.",
    "constraint": "Add, list or lift rules that every run obeys.",
    "export": "Make a branch of a run, for a pull request.",
    "trust": "Trust a workspace's own configuration.",
    "forget": "Remove every trace of a run.",
    "prompts": "List what models are told, or show one prompt.",
    "doctor": "Check git, sandbox, models and state, and say how to mend each.",
}
"""Every command and what it does, in the order in which the help lists them."""


class Commands(click.Group):
    """The commands, found by name without importing the others."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Give the names in the table's order."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the module of a command; None: there is none of that name."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        command = importlib.import_module(f"longshift.cli.commands.{cmd_name}").command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands from the table, importing none."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(longshift.__version__, prog_name="longshift")
def longshift_command() -> None:
    """Put a crew of coding agents on a long shift, and review what they did."""


def dispatch(arguments: Sequence[str]) -> int:
    """Run the command that the arguments name.

    Returns:
        Its exit status.

    Raises:
        LongshiftError: what the command has to say to the person.
    """
    try:
        status = longshift_command.main(
            args=list(arguments), prog_name="longshift", standalone_mode=False
        )
    except click.exceptions.NoArgsIsHelpError as asked:
        asked.show()
        return asked.exit_code
    except click.ClickException as error:
        complain(_told(error))
        return error.exit_code
    except click.Abort:
        return INTERRUPTED
    return status if isinstance(status, int) else DONE


def _told(error: click.ClickException) -> str:
    message = error.format_message().rstrip(".")
    context = getattr(error, "ctx", None)
    if not isinstance(context, click.Context):
        return f"{message}."
    return f"{message}. Nothing was done. Look at `{context.command_path} --help`."
