"""Draw the README's picture of Neovim, from a real run in a real terminal (tmux).

Owns `neovim-review.svg`. The model is the scripted one of the tests; all else is as it is used.
"""

import io
import json
import os
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.text import Text

from benchmarks.review.worlds import call, flow, playing
from docs.pictures.make import FORMAT

HERE: Final = Path(__file__).resolve().parent
ROOT: Final = HERE.parent.parent
NVIM: Final = ROOT / ".cache" / "editors" / "nvim" / "bin" / "nvim"
COLUMNS: Final = 100
ROWS: Final = 26
WAIT_S: Final = 40.0

BEFORE: Final = '''\
"""Fetch pages."""

import httpx


def fetch(url: str) -> str:
    """The text of a page."""
    answer = httpx.get(url)
    return answer.text


def fetch_all(urls: list[str]) -> list[str]:
    """The texts of several pages."""
    return [fetch(url) for url in urls]
'''
RETRYING: Final = """\
    for wait_s in (0.1, 0.4, 1.6):
        answer = httpx.get(url, timeout=10)
        if answer.status_code < 500:
            break
        time.sleep(wait_s)
    answer.raise_for_status()
"""
AFTER: Final = BEFORE.replace("    answer = httpx.get(url)\n", RETRYING).replace(
    "import httpx", "import time\n\nimport httpx"
)
SCRIPT: Final = {
    "flows": [
        flow(
            "planner",
            [call("add_task", title="Retry fetch", instructions="So.", paths=["fetch.py"])],
            [call("finish", summary="So.")],
        ),
        flow(
            "worker",
            [call("write_file", path="fetch.py", content=AFTER)],
            [call("submit", summary="Done.")],
        ),
        flow("judge", [call("verdict", reason="As asked.", decision="done")]),
    ]
}


def main() -> None:
    """Draw the picture."""
    with tempfile.TemporaryDirectory() as folder, playing(SCRIPT, Path(folder)) as url:
        screen = _screen(Path(folder), url)
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    console.print(Text.from_ansi(screen))
    path = HERE / "neovim-review.svg"
    title, name = "nvim fetch.py", "longshift-neovim"
    console.save_svg(str(path), title=title, code_format=FORMAT, unique_id=name)


def _screen(folder: Path, url: str) -> str:
    """What a terminal shows once both hunks are there."""
    project = folder / "project"
    project.mkdir()
    (project / "fetch.py").write_text(BEFORE, encoding="utf-8")
    for arguments in (("init", "-q"), ("add", "-A"), ("commit", "-qm", "Fetch")):
        who = ("-c", "user.name=P", "-c", "user.email=p@example.com")
        subprocess.run(["git", *who, *arguments], cwd=project, check=True)
    settings = {
        "models": {"default": {"model": "scripted", "base_url": url}},
        "gates": "off",
        "checks": [],
        "budget": {"usd": 0.0},
        "sandbox": {"mode": "none"},
    }
    start = folder / "init.lua"
    start.write_text(
        f"""vim.opt.runtimepath:prepend({json.dumps(str(ROOT / "client-nvim"))})
        vim.o.termguicolors, vim.o.number, vim.o.ruler = true, true, false
        vim.o.laststatus, vim.o.showcmd, vim.o.cmdheight = 0, false, 1
        vim.notify = function() end
        vim.lsp.handlers["window/showMessage"] = function() end
        vim.lsp.handlers["window/showMessageRequest"] = function() return vim.NIL end
        require("longshift").setup({{
          cmd = {{ {json.dumps(str(ROOT / ".venv/bin/longshift"))}, "serve" }},
          settings = vim.json.decode([==[{json.dumps(settings)}]==]),
        }})
        vim.api.nvim_create_autocmd("LspAttach", {{ once = true, callback = function()
          vim.defer_fn(function() vim.cmd("Longshift goal Retry when a server fails") end, 100)
        end }})""",
        encoding="utf-8",
    )
    tmux = ["tmux", "-S", str(folder / "tmux"), "-f", os.devnull]
    size = ("-x", str(COLUMNS), "-y", str(ROWS))
    command = [str(NVIM), "--clean", "-u", str(start), "fetch.py"]
    env = {**os.environ, "XDG_STATE_HOME": str(folder), "TERM": "xterm-256color"}
    new = [*tmux, "new-session", "-d", *size, *command]
    subprocess.run(new, cwd=project, env=env, check=True)
    try:
        screen, end = "", time.monotonic() + WAIT_S
        while time.monotonic() < end:
            show = [*tmux, "capture-pane", "-e", "-p", "-N"]
            screen = subprocess.run(show, check=True, capture_output=True, text=True).stdout
            if "hunk 2 of 2" in screen:
                return screen.rstrip()
            time.sleep(0.2)
        raise TimeoutError(screen)
    finally:
        subprocess.run([*tmux, "kill-server"], check=False)


if __name__ == "__main__":
    main()
