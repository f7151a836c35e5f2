"""Running ruff over a text that no file holds.

Owns the processes and their arguments. Must never let ruff see a configuration, a cache or a
file: a text goes in over standard input and an answer comes out.
"""

import asyncio
import contextlib
import functools
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from pydantic import BaseModel, TypeAdapter
from ruff import find_ruff_bin  # type: ignore[import-untyped] # it ships no types

from longshift.models.builtin.edits import hold_to_lines
from longshift.models.builtin.rules import Rules
from longshift.models.port import ModelUnavailable

SYNTAX_ERROR: Final = "invalid-syntax"
AT_ONCE: Final = 4
TIMEOUT_S: Final = 60
"""For one file; ruff takes milliseconds, and a run must not wait for ever for a process."""


class _Place(BaseModel):
    row: int


class _Fix(BaseModel):
    applicability: str


class _Diagnostic(BaseModel):
    code: str | None
    message: str
    location: _Place
    end_location: _Place
    fix: _Fix | None = None


_DIAGNOSTICS: Final = TypeAdapter(list[_Diagnostic])


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One thing that ruff reports."""

    path: str
    line: int
    end_line: int
    code: str
    message: str
    fixable: bool
    """True: ruff has a fix for it that keeps the code's meaning."""


@dataclass(frozen=True, slots=True)
class Inspection:
    """What rules have to say about one file."""

    path: str
    fixed: str
    """The text with all safe fixes, and formatted where asked."""
    changed: bool
    diagnostics: tuple[Diagnostic, ...]
    """What is reported of the text as it came."""
    refused: str = ""
    """Why ruff would not work on it at all, in its words."""

    @property
    def syntax_error(self) -> Diagnostic | None:
        """Where the file can't be read as Python, if so."""
        return next((each for each in self.diagnostics if each.code == SYNTAX_ERROR), None)

    @property
    def obstacle(self) -> str:
        """Why nothing can be fixed here; "" where it can."""
        error = self.syntax_error
        if error is not None:
            return f"{self.path}:{error.line} is no valid Python: {error.message}"
        return f"{self.path}: ruff refused it: {self.refused}" if self.refused else ""

    def fixable_counts(self) -> Counter[str]:
        """How many fixes there are, by rule."""
        return Counter(each.code for each in self.diagnostics if each.fixable)


class _RuffRefusal(Exception):
    """Ruff did not do what was asked; the text is its own."""


class Ruff:
    """Ruff, a few processes at a time."""

    def __init__(self) -> None:
        """Start nothing yet."""
        self._places = asyncio.Semaphore(AT_ONCE)

    async def inspect_all(self, texts: Mapping[str, str], rules: Rules) -> list[Inspection]:
        """Inspect texts by path; as many answers, in the same order."""
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(self.inspect(path, text, rules)) for path, text in texts.items()
            ]
        return [task.result() for task in tasks]

    async def inspect(self, path: str, text: str, rules: Rules) -> Inspection:
        """Say what the rules find in one text, and what it is once they are applied."""
        try:
            return await self._inspect(path, text, rules)
        except _RuffRefusal as refusal:
            return Inspection(path, text, changed=False, diagnostics=(), refused=str(refusal))

    async def _inspect(self, path: str, text: str, rules: Rules) -> Inspection:
        diagnostics = await self._diagnose(path, text, rules)
        if any(each.code == SYNTAX_ERROR for each in diagnostics):
            return Inspection(path, text, changed=False, diagnostics=diagnostics)
        fixed = text
        if rules.select and any(each.fixable for each in diagnostics):
            fixed = await self._run(path, text, rules, "check", "--fix-only", *_check(rules))
        if rules.format:
            fixed = await self._run(path, fixed, rules, "format", *_format(rules))
        if rules.lines is not None:
            first, last = rules.lines
            diagnostics = tuple(each for each in diagnostics if first <= each.line <= last)
            fixed = await self._held_to(rules.lines, path, text, fixed, rules)
        return Inspection(path, fixed, fixed != text, diagnostics)

    async def _held_to(
        self, lines: tuple[int, int], path: str, text: str, fixed: str, rules: Rules
    ) -> str:
        """The part of the fix that is in the allowed lines; none of it where a part won't do.

        A fix may need what it does elsewhere, an import for instance: then a name is missing.
        """
        part = await asyncio.to_thread(hold_to_lines, text, fixed, *lines)
        if part in {text, fixed}:
            return part
        names = replace(rules, select=("F821",))
        before = await self._diagnose(path, text, names)
        after = await self._diagnose(path, part, names)
        worse = Counter(each.code for each in after) - Counter(each.code for each in before)
        return text if worse else part

    async def _diagnose(self, path: str, text: str, rules: Rules) -> tuple[Diagnostic, ...]:
        # Without selectors only syntax errors are asked for: E9 is theirs.
        arguments = _check(rules) if rules.select else ["--select=E9"]
        found = await self._run(
            path, text, rules, "check", "--exit-zero", "--output-format=json", *arguments
        )
        # Ruff points behind the last line where a file ends too early; nothing stands there.
        last = max(1, text.count("\n") + (not text.endswith("\n")))
        return tuple(
            Diagnostic(
                path=path,
                line=min(last, each.location.row),
                end_line=min(last, max(each.location.row, each.end_location.row)),
                code=each.code or SYNTAX_ERROR,
                message=each.message,
                fixable=each.fix is not None and each.fix.applicability == "safe",
            )
            for each in _DIAGNOSTICS.validate_json(found)
        )

    async def _run(self, path: str, text: str, rules: Rules, command: str, *arguments: str) -> str:
        """Ruff's standard output for a text; the text as it was, where ruff refuses."""
        options = ["--isolated", "--no-cache", "--quiet", f"--stdin-filename={path}"]
        if rules.target is not None:
            options.append(f"--target-version={rules.target}")
        if rules.line_length is not None:
            options.append(f"--line-length={rules.line_length}")
        async with self._places:
            process = await asyncio.create_subprocess_exec(
                _program(),
                command,
                *options,
                *arguments,
                "-",
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
            try:
                async with asyncio.timeout(TIMEOUT_S):
                    output, errors = await process.communicate(
                        text.encode("utf-8", "surrogatepass")
                    )
            except TimeoutError:
                raise _RuffRefusal(f"no answer within {TIMEOUT_S} s") from None
            finally:
                # On cancellation too: a process must not outlive the call that started it.
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        if process.returncode != 0:
            raise _RuffRefusal(" ".join(errors.decode("utf-8", "replace").split()))
        return output.decode("utf-8")


@functools.cache
def _program() -> str:
    try:
        return str(find_ruff_bin())
    except FileNotFoundError:
        raise ModelUnavailable(
            "The built-in model works through ruff, and its program is not installed here. "
            "Everything landed so far is kept. Install Longshift anew, or `pip install ruff` into "
            "its environment; then resume."
        ) from None


def _check(rules: Rules) -> list[str]:
    names = ",".join(f'"{name}"' for name in rules.first_party)
    return [
        f"--select={','.join(rules.select)}",
        # Which imports are the project's own is told, not looked up on this machine's disk.
        "--config=src=[]",
        f"--config=lint.isort.known-first-party=[{names}]",
    ]


def _format(rules: Rules) -> list[str]:
    options = []
    if rules.quotes is not None:
        options.append(f'--config=format.quote-style="{rules.quotes}"')
    if rules.indent is not None:
        options.append(f'--config=format.indent-style="{rules.indent}"')
    return options
