"""What the extension for VS Code costs: `run` measures it in the editor itself."""

from benchmarks.extension.measure import run

__all__ = ["run"]
