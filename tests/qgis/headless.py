"""Every algorithm through qgis_process, and what goes wrong: headless.py PYTHON_WITH_GEOSEG INPUTS OUT [RASTERS].

Runs under any Python 3, drives QGIS from outside, exits non-zero at the first thing that is not as it should be.
RASTERS is a folder of real rasters; without it the demo's scene is used alone.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
PLUGINS = HERE.parents[1] / "qgis_plugin"
# Debian's wrapper qgis_process passes an option that the program refuses.
BINARY = shutil.which("qgis_process.bin") or shutil.which("qgis_process") or "qgis_process"
LIMIT = float(os.environ.get("GEOSEG_TEST_LIMIT", "150"))
STARTED = time.monotonic()


class Qgis:
    """qgis_process with a profile of its own and a clean environment."""

    def __init__(self, python: str, inputs: Path) -> None:
        self.home = Path(tempfile.mkdtemp())
        for name in ("run", "tmp"):
            (self.home / name).mkdir(mode=0o700)
        # A virtual environment first on PATH makes QGIS crash: nothing is inherited.
        self.env = {
            "HOME": str(self.home), "TMPDIR": str(self.home / "tmp"), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8",
            "XDG_RUNTIME_DIR": str(self.home / "run"), "QT_QPA_PLATFORM": "offscreen",
            "QGIS_CUSTOM_CONFIG_PATH": str(self.home), "QGIS_PLUGINPATH": str(PLUGINS), "PYTHONDONTWRITEBYTECODE": "1",
            "GEOSEG_PYTHON": python, "GEOSEG_MODELS": str(inputs / "models"), "GEOSEG_CACHE": str(inputs / "cache"),
            # The last two are what QGIS's launchers set, and what must not reach geoseg.
            # One thread: on a busy machine two of them wait for each other most of the time.
            "OMP_NUM_THREADS": "1", "PROJ_LIB": "/usr/share/proj", "GDAL_DATA": "/usr/share/gdal",
        }  # fmt: skip

    def start(self, *arguments: str, **env: str) -> subprocess.Popen:
        return subprocess.Popen(
            [BINARY, *arguments], env={**self.env, **env}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def call(self, *arguments: str, **env: str) -> tuple[int, str, str]:
        process = self.start(*arguments, **env)
        try:
            out, err = process.communicate(timeout=LIMIT)
        finally:
            process.kill()
        return process.returncode, out, err

    def run(self, algorithm: str, **values: object) -> dict:
        """Run an algorithm and return its results; it must succeed."""
        code, out, err = self.call("run", f"geoseg:{algorithm}", "--json", "--", *_values(values))
        assert code == 0, f"{algorithm} exits with {code}: {out[-800:]} {err[-800:]}"
        answer = json.loads(out)
        return {**answer["results"], "log": answer["log"]}

    def fail(self, algorithm: str, message: str, env: dict | None = None, **values: object) -> None:
        """Run an algorithm that must fail and tell the user ``message``."""
        code, out, err = self.call("run", f"geoseg:{algorithm}", "--", *_values(values), **(env or {}))
        assert code == 1, f"{algorithm} exits with {code}: {out} {err}"
        assert message in out + err, f"{algorithm} does not say {message!r}: {out} {err}"
        assert "Traceback" not in out + err, out + err


def _values(values: dict) -> list[str]:
    found = []
    for name, value in values.items():
        found += [f"{name}={item}" for item in (value if isinstance(value, list) else [value])]
    return found


def say(text: str) -> None:
    print(f"{time.monotonic() - STARTED:7.1f} s  {text}", flush=True)


def children_with(text: str) -> list[int]:
    """Processes that have ``text`` in their command line, but for this one and its QGIS."""
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            command = (folder / "cmdline").read_bytes().decode("utf-8", "replace")
            state = (folder / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if "-m\0geoseg" in command and text in command and state != "Z":
            found.append(int(folder.name))
    return found


def algorithms(qgis: Qgis) -> None:
    code, _, err = qgis.call("plugins", "enable", "geoseg_qgis")
    assert code == 0, err
    code, out, err = qgis.call("list", "--json")
    assert code == 0, err
    found = set(json.loads(out)["providers"]["geoseg"]["algorithms"])
    names = ("segment", "detect", "change", "polygonize", "evaluate", "train", "sketch", "next", "inspect")
    wanted = {f"geoseg:{name}" for name in names}
    assert found == wanted, found
    say("provider GeoSeg with nine algorithms")
    texts = {}
    for name in ("segment", "inspect", "train", "change"):
        code, out, err = qgis.call("help", f"geoseg:{name}", "--json")
        assert code == 0, err
        texts[name] = json.loads(out)["parameters"]
    # Without a model to start from nothing is fine-tuned, least of all a default model.
    assert "default model" not in texts["train"]["FROM"]["help"], texts["train"]["FROM"]
    assert "random weights" in texts["train"]["FROM"]["help"]
    assert "default model" not in texts["change"]["MODEL"]["help"], texts["change"]["MODEL"]
    # The same word for the same thing: several rasters are one scene here, and scenes there.
    for name, word in (("segment", "Scene:"), ("inspect", "Scene:"), ("train", "Scenes:")):
        assert texts[name]["INPUT"]["description"].startswith(word), texts[name]["INPUT"]
    say("help says what is passed")


def good_runs(qgis: Qgis, inputs: Path, out: Path) -> None:
    scene = inputs / "scene.tif"
    found = qgis.run("inspect", INPUT=scene, REPORT=out / "inspect.json")
    assert found["FITS"] is True
    assert json.loads((out / "inspect.json").read_text("utf-8"))["raster"]["width"] > 0
    found = qgis.run("inspect", INPUT=inputs / "unnamed bands.tif")
    assert found["FITS"] is False
    assert json.loads(found["MEND"]) == {}, "bands without names must not be guessed"
    found = qgis.run("inspect", INPUT=inputs / "other units.tif")
    assert found["FITS"] is False
    assert abs(float(json.loads(found["MEND"])["scale"]) * 65535 - 1) < 1e-3, found
    say("Inspect raster: fits; does not fit, and how to mend it")
    found = qgis.run(
        "segment",
        INPUT=scene,
        MIN_AREA=2000,
        OUTPUT=out / "map.tif",
        POLYGONS=out / "polygons.gpkg",
        CONFIDENCE=out / "confidence.tif",
        REPORT=out / "report.json",
    )
    assert not [path for path in out.iterdir() if path.name.startswith(".")], "the working folder is left"
    assert any("cpu, " in line or "cuda" in line for line in found["log"]["info"]), found["log"]
    say("Segment raster: class map, confidence, polygons, report; the log names the device")
    made = {"OUTPUT": out / "objects.gpkg", "REPORT": out / "o.json"}
    found = qgis.run("detect", INPUT=scene, CLASSES="water", MIN_AREA=2000, REGULARIZE=1, SIMPLIFY=15, **made)
    counts = json.loads((out / "o.json").read_text("utf-8"))["classes"]
    assert set(counts) == {"water"}, counts
    assert counts["water"]["objects"] > 0
    assert f"water: {counts['water']['objects']:,} objects" in str(found["log"]["info"]), found["log"]
    assert (out / "objects.gpkg").stat().st_size > 0
    assert not [path for path in out.iterdir() if path.name.startswith(".")], "the working folder is left"
    qgis.fail("detect", "nothing that model", INPUT=scene, CLASSES="roof", OUTPUT=out / "never.gpkg")
    qgis.fail("detect", "polygons can be written as", INPUT=scene, OUTPUT=out / "never.shp")
    say("Detect objects: polygons and report; a class that the model does not find, a wrong file name")
    qgis.run(
        "polygonize", INPUT=out / "map.tif", CONFIDENCE=out / "confidence.tif", SIMPLIFY=10, OUTPUT=out / "p2.gpkg"
    )
    say("Polygonize class map")
    found = qgis.run(
        "evaluate",
        INPUT=out / "map.tif",
        REFERENCE=out / "polygons.gpkg",
        FIELD="class_name",
        OUTPUT=out / "e.json",
        HTML=out / "e.html",
    )
    text = (out / "e.json").read_text("utf-8")
    assert '"water"' in text, text[:300]
    assert "IoU" in (out / "e.html").read_text("utf-8")
    assert any(line.startswith("Overall accuracy") for line in found["log"]["info"]), found["log"]
    say("Evaluate map")
    target = inputs / "models" / "trained"
    qgis.run(
        "train",
        INPUT=inputs / "small scene.tif",
        LABELS=out / "polygons.gpkg",
        FIELD="class_name",
        FROM="small",
        EPOCHS=1,
        WINDOW=64,
        BATCH=2,
        OUTPUT=target,
    )
    assert (target / "model.json").is_file()
    found = qgis.run("inspect", INPUT=scene, MODEL="trained")
    assert found["FITS"] is True
    shutil.rmtree(target)
    say("Train model: one epoch from another model; the new one can be used by its name")


def changed(qgis: Qgis, inputs: Path, out: Path) -> None:
    """Two scenes and a model, then their class maps; what an interrupted run has mapped is not mapped again."""
    folder = out / "changed"
    folder.mkdir()
    dates = {"BEFORE": inputs / "small scene.tif", "AFTER": inputs / "later scene.tif"}
    made = {"OUTPUT": folder / "c.gpkg", "TRANSITIONS": folder / "t.tif", "REPORT": folder / "r.json"}
    # AFTER has no band of that name: BEFORE is mapped by then.
    unnamed = {**dates, "AFTER": inputs / "unnamed bands.tif"}
    qgis.fail("change", "lacks bands", MODEL="spectral", **unnamed, OUTPUT=folder / "never.gpkg")
    found = qgis.run("change", **dates, MODEL="spectral", MIN_AREA=1000, SIMPLIFY=10, **made)
    report = json.loads((folder / "r.json").read_text("utf-8"))
    first, lines = report["transitions"][0], found["log"]["info"]
    told = [line for line in lines if line.endswith(" polygons")]
    assert told[0].startswith(f"{first['from']} → {first['to']}: {first['area_m2'] / 1e4:,.1f} ha"), lines
    assert 0 < len(told) <= 10, told
    assert any("% has changed" in line for line in lines), lines
    assert {path.name for path in folder.iterdir()} >= {"c.gpkg", "t.tif", "t.qml", "r.json"}
    assert not [path for path in folder.iterdir() if path.name.startswith(".c-")], "the working folder is left"
    qgis.fail("change", "is for scenes", WINDOW=64, **dates, OUTPUT=folder / "n.gpkg")
    qgis.fail("change", "polygons can be written as .gpkg", **dates, OUTPUT=folder / "n.fgb")
    say("Detect changes: two scenes, largest transitions in the log; options of scenes without a model, a wrong name")


def sketched(qgis: Qgis, inputs: Path, out: Path) -> None:
    """A model of some polygons, and the places to label next on its map."""
    model, places = inputs / "models" / "sketched", out / "next.gpkg"
    few = out / "few.gpkg"
    sizes = "area_m2 > 40000 and area_m2 < 160000"
    code, _, err = qgis.call(
        "run", "native:extractbyexpression", "--", *_values({"INPUT": out / "polygons.gpkg", "EXPRESSION": sizes}),
        f"OUTPUT={few}",
    )  # fmt: skip
    assert code == 0, err
    values = {"INPUT": inputs / "small scene.tif", "LABELS": few, "FIELD": "class_name"}
    found = qgis.run("sketch", **values, OUTPUT=model)
    assert any("held-out pixels are right" in line for line in found["log"]["info"]), found["log"]
    results = out / "of the sketch"
    results.mkdir()
    names = {"OUTPUT": "x_classes.tif", "CONFIDENCE": "x_confidence.tif", "REPORT": "x_report.json"}
    maps = {key: results / name for key, name in names.items()}
    qgis.run("segment", INPUT=inputs / "small scene.tif", MODEL="sketched", **maps)
    qgis.run("next", INPUT=maps["OUTPUT"], COUNT=5, OUTPUT=places)
    assert places.is_file()
    qgis.fail("next", "is no NAME_classes.tif", INPUT=inputs / "small scene.tif", OUTPUT=out / "never.gpkg")
    qgis.run("sketch", **values, FROM=model, OUTPUT=out / "second sketch")
    shutil.rmtree(model)
    qgis.fail("sketch", "nix", INPUT=values["INPUT"], LABELS=values["LABELS"], FIELD="nix", OUTPUT=out / "never")
    say("Sketch a model from labels, used by its name, gone on with; Next places to label on its map")


def real_raster(qgis: Qgis, out: Path, rasters: Path) -> None:
    """Sentinel-2 as it is downloaded: one file a band, parentheses in the names, reflectance × 65,535."""
    folder = rasters / "scenes" / "sentinel2_l2a_sundarbans"
    # A copy: QGIS writes what it finds out about a raster into a file beside it.
    copy = out / "rasters"
    copy.mkdir()
    bands = [next(folder.glob(f"*_{band}_*.tiff")) for band in ("B02", "B03", "B04", "B08", "B11", "B12")]
    files = [shutil.copy(path, copy) for path in bands]
    values = {"INPUT": files, "SCALE": 1 / 65535, "OUTPUT": out / "delta.tif", "POLYGONS": out / "delta.gpkg"}
    qgis.run("segment", **values)
    say("Segment raster: real Sentinel-2 scene, a file a band")


def bad_runs(qgis: Qgis, inputs: Path, out: Path) -> None:
    scene, target = inputs / "scene.tif", out / "never.tif"
    run = {"INPUT": scene, "OUTPUT": target}
    qgis.fail("segment", "GeoSeg has no Python yet", {"GEOSEG_PYTHON": ""}, **run)
    qgis.fail("segment", "is not a Python interpreter", {"GEOSEG_PYTHON": "/usr/bin/true"}, **run)
    qgis.fail("segment", "No module named geoseg", {"GEOSEG_PYTHON": "/usr/bin/python3"}, **run)
    say("no environment, a wrong interpreter, one without geoseg: the user is told")
    qgis.fail("segment", "no model is called 'nix'", MODEL="nix", **run)
    broken = inputs / "models" / "broken"
    shutil.copytree(inputs / "models" / "small", broken, dirs_exist_ok=True)
    weights = next(broken.glob("*.safetensors"))
    weights.write_bytes(weights.read_bytes()[:-1000])
    qgis.fail("segment", "broken", MODEL="broken", **run)
    shutil.rmtree(broken)
    qgis.fail("segment", "lacks bands", INPUT=inputs / "unnamed bands.tif", OUTPUT=target)
    qgis.fail("segment", "there is no band 9", BANDS="blue=1,nir=9", **run)
    qgis.fail("segment", "ends in .tif", INPUT=scene, OUTPUT=out / "map.png")
    assert not target.exists()
    assert not [path for path in out.iterdir() if path.name.startswith(".")]
    say("unknown model, damaged model, bands that do not fit, wrong file name: one line each, nothing is left")


def killed(qgis: Qgis, inputs: Path, out: Path) -> None:
    """kill -9 of QGIS in the middle of a run."""
    target = out / "killed.tif"
    values = {"INPUT": inputs / "big scene.tif", "MODEL": "small", "STITCH": "linear", "OUTPUT": target}
    process = qgis.start("run", "geoseg:segment", "--", *_values(values))
    mark = str(out / ".killed")
    try:
        _wait(lambda: list(out.glob(".killed*/.geoseg")), "geoseg did not start")
        running = children_with(mark)
        assert running, "it was over before it could be killed"
    finally:
        process.kill()
        process.communicate()
    _wait(lambda: not children_with(mark), f"{running} outlived QGIS")
    assert not target.exists()
    say("QGIS killed with -9: no child is left")


def _wait(condition, why: str, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, why
        time.sleep(0.1)


def main(python: str, inputs: Path, out: Path, rasters: Path | None) -> None:
    out.mkdir(parents=True, exist_ok=True)
    qgis = Qgis(python, inputs)
    try:
        algorithms(qgis)
        good_runs(qgis, inputs, out)
        changed(qgis, inputs, out)
        sketched(qgis, inputs, out)
        if rasters is not None and rasters.is_dir():
            real_raster(qgis, out, rasters)
        bad_runs(qgis, inputs, out)
        killed(qgis, inputs, out)
    finally:
        shutil.rmtree(qgis.home, ignore_errors=True)
    left = children_with(str(out))
    assert not left, f"processes are left: {left}"


if __name__ == "__main__":
    arguments = sys.argv[1:]
    os.umask(0o022)
    main(arguments[0], Path(arguments[1]), Path(arguments[2]), Path(arguments[3]) if arguments[3:] else None)
