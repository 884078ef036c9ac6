"""A stranger follows README and ten-minute start word for word: every block of shell and Python in them runs.

What the pages call the user's own (scene.tif, few.gpkg, a model called houses) is made of the demo's scene. Installing
is left to .ci/run, which does it in a fresh environment.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (ROOT / "docs").is_dir(), reason="the source distribution has no docs"),
    pytest.mark.timeout(1800),
]
BANDS = ("B02", "B03", "B04", "B08", "B11", "B12")


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """A folder with the files that the pages speak of, and what geoseg is called there."""
    pytest.importorskip("lightning", reason="the extra train is not installed")
    folder = tmp_path_factory.mktemp("desk")
    shell(folder, "geoseg demo --size 512 --progress none")
    shutil.copy(folder / "geoseg_demo" / "demo.tif", folder / "scene.tif")
    shutil.copy(folder / "geoseg_demo" / "demo_truth.tif", folder / "truth.tif")
    bands(folder)
    drawings(folder)
    shutil.copytree(ROOT / "geoseg" / "models" / "bundled" / "spectral", folder / "houses")
    for year in (2020, 2025):
        shutil.copy(folder / "geoseg_demo" / "demo_classes.tif", folder / f"{year}_classes.tif")
    (folder / "scenes").mkdir()
    shutil.copy(folder / "scene.tif", folder / "scenes" / "scene.tif")
    return folder


def bands(folder: Path) -> None:
    """Write each band of the scene as a file of its own, in units that --scale 1/10000 undoes."""
    import rasterio

    with rasterio.open(folder / "scene.tif") as scene:
        profile = {**scene.profile, "count": 1}
        for number, name in enumerate(BANDS, 1):
            with rasterio.open(folder / f"{name}.tif", "w", **profile) as file:
                file.write(scene.read(number), 1)


def drawings(folder: Path) -> None:
    """Write some large polygons of each class, as a person would draw them."""
    import geoseg

    polygons = geoseg.polygonize(folder / "truth.tif")
    largest = polygons.sort_values("area_m2", ascending=False).groupby("class_name").head(6)
    largest[["class_name", "geometry"]].to_file(folder / "few.gpkg")
    largest.rename(columns={"class_name": "crop"})[["crop", "geometry"]].to_file(folder / "fields.gpkg")


def shell(folder: Path, line: str) -> str:
    """Run a line as a shell does; ``geoseg`` is that of this Python."""
    if shutil.which("bash") is None:
        pytest.skip("no bash here")
    program = f'geoseg() {{ "{sys.executable}" -m geoseg "$@"; }}; set -e; {line}'
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(["bash", "-c", program], cwd=folder, env=environment, capture_output=True, text=True,
                          encoding="utf-8", check=False)  # fmt: skip
    assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def blocks(page: str) -> list[tuple[str, str]]:
    """Kind and text of each block of a page that is run."""
    text = (ROOT / page).read_text("utf-8")
    return re.findall(r"^```(sh|python)\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def runnable(line: str) -> str:
    """A line without what installs, with a small demo and one epoch of training: .ci/run runs the demo as it is."""
    parts = [part for part in line.split("&&") if not part.strip().startswith(("pip ", "uv ", "pytest"))]
    line = "&&".join(parts).strip()
    line = re.sub(r"^geoseg demo$", "geoseg demo --size 512", line)
    return re.sub(r"^geoseg train ", "geoseg train --epochs 1 --window 64 ", line)


@pytest.mark.parametrize("page", ["README.md", "docs/start.md"])
def test_every_block_runs(page, desk, monkeypatch):
    monkeypatch.chdir(desk)
    for name in ("results", "land.gpkg", "mine", "crops", "crops.onnx", "quality.json", "quality.png", "quality.html",
                 "classes.tif", "map_classes.tif", "map_confidence.tif"):  # fmt: skip
        path = desk / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    names: dict[str, object] = {}
    ran = 0
    for kind, text in blocks(page):
        if kind == "python":
            exec(compile(text, page, "exec"), names)
            ran += 1
            continue
        for line in text.replace("\\\n", " ").splitlines():
            if command := runnable(line.partition(" #")[0].strip()):
                # The second model of README writes where the first one has written.
                if "-m crops" in command or "--stack" in command:
                    command += " --overwrite"
                begun = time.monotonic()
                shell(desk, command)
                print(f"{time.monotonic() - begun:6.1f} s  {command}", flush=True)
                ran += 1
    assert ran >= (10 if page == "README.md" else 5)
    if page == "README.md":
        for name in ("scene_classes.tif", "scene_polygons.gpkg", "scene_report.html", "scene_report.json"):
            assert (desk / "results" / name).exists()
        assert (desk / "quality.html").exists()
