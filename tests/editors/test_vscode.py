"""The extension in a real VS Code: inside of its extension host, and in a browser as one sees it.

The drivers are in `vscode/`, what runs inside of the extension host in `client-vscode/test/`.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.editors.conftest import ROOT, drive, settings_file, sturdy
from tests.support.lsp_journey import make_repository, replace, task

pytestmark = pytest.mark.timeout(300)
WRITES_PICTURES = os.environ.get("LONGSHIFT_PICTURES") == "1"
PICTURES = ("goal", "tree", "hunk", "bulb", "diff", "problems")


def test_the_journey_inside_of_the_extension_host(editors, client, project, playing, tmp_path):
    # The run is told of at most a few times a second: a quicker one is never seen at work.
    settings = settings_file(tmp_path, playing(sturdy(judged_s=2)))
    said = drive("in-host.mjs", editors, project, settings)
    assert "not ok" not in said
    assert said.count("ok - ") >= 28


def test_in_a_browser_as_a_person_sees_it(editors, client, project, playing, tmp_path):
    more = task(
        "Say in the README what happens when the service is slow",
        replace("README.md", "warnings.\n", "warnings.\nA call is tried four times.\n"),
        paths=["README.md"],
    )
    settings = settings_file(tmp_path, playing(sturdy(*more, delay_s=8)))
    drive("in-browser.mjs", editors, project, settings, client / "longshift-0.1.0.vsix")
    for name in PICTURES if WRITES_PICTURES else ():
        draw_small(ROOT / f".cache/editors/vscode-{name}.png", ROOT / "docs/pictures")


def draw_small(picture: Path, folder: Path) -> None:
    """Keep a picture with 256 colours: nobody sees it, and a third of the bytes are left.

    The most common ones stay exactly as they are, or a whole background would take a tint.
    """
    with Image.open(picture) as opened:
        drawn = opened.convert("RGB")
    counts = sorted(drawn.getcolors(drawn.width * drawn.height), reverse=True)
    spread = drawn.quantize(128, method=Image.Quantize.MAXCOVERAGE).getpalette("RGB")
    palette = [colour for _, colour in counts[:128]]
    palette += zip(*[iter(spread)] * 3, strict=True)
    nearest = {
        colour: min(
            range(len(palette)),
            key=lambda i: sum((a - b) ** 2 for a, b in zip(colour, palette[i], strict=True)),
        )
        for _, colour in counts
    }
    few = Image.new("P", drawn.size)
    few.putpalette([part for colour in palette for part in colour])
    few.putdata([nearest[colour] for colour in drawn.get_flattened_data()])
    few.save(folder / picture.name, optimize=True)


def test_several_folders_and_the_server_of_the_package(editors, client, playing, tmp_path):
    """Nothing but VS Code and a Python is there: the package brings the server."""
    [tides, tell] = task(
        "Tell the tides", replace("README.md", "Tides.\n", "Tides, twice a day.\n")
    )
    [storm, again] = task("Ask again", replace("README.md", "a", "b"), delay_s=100)
    script = {
        "flows": [{**tides, "match": "Tell the tides"}, {**storm, "match": "storms"}, tell, again]
    }
    given = settings_file(tmp_path, playing(script))
    told = json.loads(given.read_text(encoding="utf-8"))
    del told["longshift.server.command"]
    given.write_text(json.dumps(told), encoding="utf-8")
    for name in ("weather", "tides"):
        make_repository(tmp_path / name, {"README.md": "# Coast\n\nTides.\n"})
    (tmp_path / "plain").mkdir()
    several = tmp_path / "coast.code-workspace"
    folders = [{"path": name} for name in ("weather", "tides", "plain")]
    several.write_text(json.dumps({"folders": folders}), encoding="utf-8")
    package = packed_with_server(editors, client)
    wheels = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(editors / "wheels")}
    drive("in-folders.mjs", editors, several, given, package, **wheels)


def packed_with_server(editors: Path, client: Path) -> Path:
    """The package as `make package-vscode` makes it, beside the one without a server."""
    wheels, package = ROOT / ".cache/wheel", ROOT / ".cache/editors/with-server.vsix"
    build = ["pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", wheels, ROOT]
    subprocess.run([sys.executable, "-m", *build], check=True)
    [wheel] = wheels.glob("longshift-*.whl")
    node = editors / "node24/bin/node"
    subprocess.run(
        [node, "package.mjs", "--server", wheel, "--out", package], cwd=client, check=True
    )
    return package


def test_nothing_starts_in_restricted_mode(editors, client, project, playing, tmp_path):
    settings = settings_file(tmp_path, playing(sturdy()))
    drive("trust.mjs", editors, project, settings, client / "longshift-0.1.0.vsix")


def test_two_packages_of_one_commit_are_the_same_bytes_and_small(editors, client):
    place = client / "longshift-0.1.0.vsix"
    first = place.read_bytes()
    subprocess.run([editors / "node24/bin/node", "package.mjs"], cwd=client, check=True)
    assert place.read_bytes() == first
    assert len(first) < 1_000_000
