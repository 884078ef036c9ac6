"""A stranger follows README and guides word for word: every block of shell and Python in them runs, in order.

    pytest -n 0 -m slow -s tests/test_stranger.py

prints the seconds of each block. What the pages call the user's own (scene.tif, few.gpkg, a model called houses) is
made of the demo's scene, see ``stranger_desk``. Trainings take one short epoch. Installing is left to .ci/run, which
does it in a fresh environment; what else is left out is in ``LEFT_OUT``, with the reason.
"""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
import sys
import time
import traceback
from pathlib import Path

import click
import pytest

from geoseg.cli import cli
from tests.stranger_desk import lay_out, make_desk

ROOT = Path(__file__).resolve().parents[1]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (ROOT / "docs").is_dir(), reason="the source distribution has no docs"),
    pytest.mark.timeout(1800),
]

PAGES = {
    "README.md": 10,
    "docs/start.md": 5,
    "docs/install.md": 2,
    "docs/rasters.md": 7,
    "docs/models.md": 6,
    "docs/polygons.md": 2,
    "docs/objects.md": 9,
    "docs/sketch.md": 4,
    "docs/train.md": 17,
    "docs/inputs.md": 7,
    "docs/evaluate.md": 9,
    "docs/change.md": 7,
    "docs/export.md": 6,
    "docs/cluster.md": 4,
}
"""Pages in the order in which a newcomer meets them, and how many of their lines and blocks run at least."""

LEFT_OUT = {
    r"^(pip|uv|python -m venv|python qgis_plugin|pytest)\b|^\. \.venv": "installs or builds; .ci/run does it",
    r"^docker\b": "needs a container engine",
    r"--catalog\b": "asks a server; tests/raster/catalog has one of its own",
    r"\.SAFE\b": "Sentinel-2 products; tests/raster/test_composite.py makes one",
    r"https?://|\bhf:": "asks a server; tests/models/test_places.py has one of its own",
    r"evaluate area": "a person fills in the points first; tests/evaluate/test_points.py does it",
    r"s3://": "needs a bucket; tests/job/test_object_storage.py has a server",
    r"slurm|SBATCH|SLURM|^again\(\)|^trap|^run=|^wait|^exec\b|\$NUMBER": "a batch system; tests/job/test_slurm.py",
    r"^(head|other)\$": "two machines",
    r"completion (zsh|fish|powershell)": "another shell",
    r"^geoseg model add|^geoseg model remove": "weights of other libraries; tests/models/imports makes them",
    r"…": "stands for the user's own values",
    r"^#": "a comment, or what a command prints",
    r"-m found\.onnx": "is shown to fail",
    r"^qgis_process": "needs QGIS; tests/qgis runs it",
}


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """A folder with the files that the pages speak of."""
    pytest.importorskip("lightning", reason="the extra train is not installed")
    if shutil.which("bash") is None:
        pytest.skip("no bash here")
    folder = tmp_path_factory.mktemp("desk")
    shell(folder, "geoseg demo --size 384 --progress none")
    make_desk(folder)
    return folder


def shell(folder: Path, line: str) -> str:
    """Run a line as a shell does; ``geoseg`` is that of this Python."""
    program = (
        f'geoseg() {{ "{sys.executable}" -m geoseg "$@"; }}; python() {{ "{sys.executable}" "$@"; }}; set -e; {line}'
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8", "HOME": str(folder)}
    done = subprocess.run(["bash", "-c", program], cwd=folder, env=environment, capture_output=True, text=True,
                          encoding="utf-8", check=False)  # fmt: skip
    # Of so small a scene and network, 8 bits may gain nothing: then the command has done all it should.
    refused = "--int8" in line and "error: not kept: nothing is gained" in done.stderr
    assert done.returncode == 0 or refused, f"{line}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def blocks(page: str) -> list[tuple[str, str]]:
    """Kind and text of each block of a page that is run."""
    text = (ROOT / page).read_text("utf-8")
    return re.findall(r"^```(sh|python)\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def runnable(line: str) -> str:
    """A line without what is left out, with a small demo and one short epoch: .ci/run runs the demo as it is."""
    parts = [part.strip() for part in line.split("&&")]
    line = " && ".join(part for part in parts if not any(re.search(pattern, part) for pattern in LEFT_OUT))
    line = re.sub(r"^geoseg demo$", "geoseg demo --size 384", line)
    short = "--epochs 1 --window 64 --windows 8 --batch 4"
    if line.startswith("geoseg train ") and not re.search("--(arch|encoder|from|weights) ", line):
        short += " --encoder tu-mobilenetv3_small_050"
    line = re.sub(r"^geoseg (train|adapt|pretrain) ", rf"geoseg \1 {short} ", line)
    line = re.sub(r"^geoseg model compress (?=.*--(prune|distil))", f"geoseg model compress {short} ", line)
    # After one epoch nothing is good.
    line = re.sub(r"^geoseg adapt ", "geoseg adapt --keep ", line)
    line = re.sub(
        r"^geoseg model compress (.*?)( --max-loss [0-9.]+)?$", r"geoseg model compress \1 --max-loss 0.99", line
    )
    # A page's later lines write where its earlier ones have written: a reader chooses one of them.
    return f"{line} --overwrite" if replaces(line) else line


def replaces(line: str) -> bool:
    """Whether the line is a command of geoseg that can replace what is there."""
    words = line.split()
    if words[:1] != ["geoseg"] or "--help" in words:
        return False
    if words[:2] == ["geoseg", "evaluate"]:  # its first word may be a map or a command
        return "-o" in words
    command = cli
    for word in words[1:]:
        if not isinstance(command, click.Group):
            break
        context = click.Context(command)
        found = command.get_command(context, word)
        if found is None:
            break
        command = found
    return any("--overwrite" in parameter.opts for parameter in command.params) and "--overwrite" not in words


@pytest.mark.parametrize("page", PAGES)
def test_every_block_runs(page, desk, monkeypatch):
    monkeypatch.chdir(desk)
    names = lay_out(desk, page)
    faults, begun = list[str | None](), time.monotonic()
    for kind, text in blocks(page):
        if kind == "python":
            faults.append(told("python", functools.partial(run_python, text, page, names, monkeypatch)))
            continue
        for line in text.replace("\\\n", " ").splitlines():
            if command := runnable(line.partition(" #")[0].strip()):
                faults.append(told(command, functools.partial(shell, desk, command)))
    print(f"{time.monotonic() - begun:6.1f} s  {page}: {len(faults)} blocks and lines", flush=True)
    assert not any(faults), "\n\n".join(filter(None, faults))
    assert len(faults) >= PAGES[page]
    if page == "README.md":
        for name in ("scene_classes.tif", "scene_polygons.gpkg", "scene_report.html", "scene_report.json"):
            assert (desk / "results" / name).exists()
        assert (desk / "quality.html").exists()


def told(what: str, call) -> str | None:
    """Run and time a block; return what went wrong: the lines below are tried, too."""
    begun, fault = time.monotonic(), None
    try:
        call()
    except Exception:  # noqa: BLE001 - whatever a reader of the page would see
        fault = f"{what}\n{traceback.format_exc(limit=-3)}"
    print(f"{time.monotonic() - begun:6.1f} s  {what}{'' if fault is None else '  FAILS'}", flush=True)
    return fault


def run_python(text: str, page: str, names: dict[str, object], monkeypatch) -> None:
    """Run a block in this process, its trainings for one short epoch; later blocks know its names."""
    import geoseg

    train = geoseg.train
    small = {"encoder": "tu-mobilenetv3_small_050", "window": 64, "windows": 8, "batch": 4}

    def short(*args, **options):
        return train(*args, **(small | options | {"epochs": 1, "overwrite": True}))

    with monkeypatch.context() as patch:
        patch.setattr(geoseg, "train", short)
        for name in ("sketch", "write_cog", "polygonize", "detect", "change"):
            patch.setattr(geoseg, name, functools.partial(getattr(geoseg, name), overwrite=True))
        exec(compile(text, page, "exec"), names)


def test_what_is_left_out_is_there():
    """A pattern that fits no line any more is a reason for nothing."""
    lines = [
        part.strip()
        for page in PAGES
        for kind, text in blocks(page)
        if kind == "sh"
        for line in text.replace("\\\n", " ").splitlines()
        for part in line.partition(" #")[0].split("&&")
    ]
    for pattern in LEFT_OUT:
        if "qgis" not in pattern:
            assert any(re.search(pattern, line) for line in lines), pattern
