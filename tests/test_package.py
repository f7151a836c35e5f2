"""What is shipped: the wheel carries every prompt, the marker of types, and the console script."""

import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_the_wheel_carries_prompts_and_types(tmp_path: Path) -> None:
    build = f"import hatchling.build; print(hatchling.build.build_wheel({str(tmp_path)!r}))"
    done = subprocess.run(
        [sys.executable, "-c", build], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(tmp_path / done.stdout.split()[-1]) as wheel:
        names = set(wheel.namelist())
        entry = next(name for name in names if name.endswith("entry_points.txt"))
        scripts = wheel.read(entry).decode()
    prompts = {
        f"longshift/_prompts/{path.relative_to(ROOT / 'prompts').as_posix()}"
        for path in (ROOT / "prompts").rglob("*.md")
    }
    assert prompts
    assert not prompts - names
    assert {"longshift/py.typed", "longshift/sandbox/etc/passwd"} <= names
    assert "longshift = longshift.cli.main:main" in scripts
    assert not [name for name in names if "__pycache__" in name or name.startswith("tests/")]


def test_the_lock_names_no_host_and_no_path() -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert "://" not in lock
    assert "file:" not in lock
