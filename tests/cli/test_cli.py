"""What a user types and sees: exit codes, one-line errors, the JSON protocol, Ctrl-C."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import click
import numpy as np
import pytest
import rasterio

from geoseg.cli.options import GreedyCommand, GreedyOption

FAST = ("--device", "cpu", "--precision", "fp32", "-m", "spectral", "--progress", "none")


def test_segment_writes_every_output(geoseg, tmp_path, reflectance):
    scene = reflectance(tmp_path / "scene.tif")
    code, out, err = geoseg("segment", scene, "-o", tmp_path / "out", "-m", "spectral", "--device", "cpu")
    assert code == 0, err
    assert f"{'html':<11} {tmp_path / 'out' / 'scene_report.html'}" in out
    for kind in ("classes", "confidence", "polygons", "preview", "report"):
        assert f"{kind:<11} {tmp_path / 'out' / 'scene'}_{kind}" in out


def test_json_lines_follow_the_protocol(geoseg, tmp_path, reflectance):
    scene = reflectance(tmp_path / "scene.tif")
    code, out, _ = geoseg(
        "segment", scene, "-o", tmp_path / "out", "-m", "spectral", "--progress", "json", "--device", "cpu"
    )
    events = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert events[0]["event"] == "start"
    assert events[0]["protocol"] == 1
    progress = [event for event in events if event["event"] == "progress"]
    assert progress
    assert all(set(event) == {"event", "done", "total", "message"} for event in progress)
    assert all(0 <= event["done"] <= event["total"] for event in progress)
    assert events[-1]["event"] == "result"
    assert set(events[-1]["outputs"]) == {"classes", "confidence", "polygons", "preview", "html", "report"}
    assert set(events[-1]["classes"]["crop"]) == {"id", "color", "pixels", "polygons", "area_m2"}


def test_json_errors_are_events(geoseg, tmp_path):
    code, out, err = geoseg("segment", tmp_path / "no.tif", "-o", tmp_path, "--progress", "json", "-m", "spectral")
    event = json.loads(out.splitlines()[-1])
    assert (code, event["event"], event["type"]) == (1, "error", "InputError")
    assert err == f"error: {event['message']}\n"


def test_many_scenes_one_fails(geoseg, tmp_path, reflectance):
    scenes = [reflectance(tmp_path / f"{name}.tif") for name in "ab"]
    code, _, err = geoseg(
        "segment", scenes[0], tmp_path / "missing.tif", scenes[1], "-o", tmp_path / "out", *FAST, "--no-polygons"
    )
    assert code == 1
    lines = [line.split() for line in err.splitlines()]
    assert [line[:2] for line in lines if line[:1] in (["a"], ["b"])] == [["a", "done"], ["b", "done"]]
    assert "missing.tif" in err


def test_usage_errors_exit_with_2(geoseg):
    assert geoseg("segment")[0] == 2
    assert geoseg("segment", "x.tif", "-o", "out", "--stitch", "glue")[0] == 2
    assert geoseg("nonsense")[0] == 2
    assert geoseg("segment", "x.tif", "-o", "out", "--bbox", "1,2,3")[0] == 2


def test_stack_of_single_bands_with_scale_and_bbox(geoseg, tmp_path, reflectance):
    scene = reflectance(tmp_path / "scene.tif", nodata=False)
    names = ("B02", "B03", "B04", "B08", "B11", "B12")
    with rasterio.open(scene) as file:
        profile = {**file.profile, "count": 1}
        for number, name in enumerate(names, 1):
            with rasterio.open(tmp_path / f"T33_{name}.tif", "w", **profile) as band:
                band.write(file.read(number), 1)
    files = [tmp_path / f"T33_{name}.tif" for name in names]
    bbox = "500100,5399500,500600,5399900"
    code, _, err = geoseg(
        "segment", *files, "--stack", "--bbox", bbox, "--scale", "1/10000", "-o", tmp_path / "out", *FAST
    )
    assert code == 0, err
    (made,) = (tmp_path / "out").glob("*_classes.tif")
    with rasterio.open(made) as file:
        assert file.shape == (40, 50)
        assert tuple(file.bounds) == (500100, 5399500, 500600, 5399900)


# --- bad input: one clear line, exit code 1, nothing under a final name


def _missing(folder, make):
    return [folder / "none.tif"], "none.tif"


def _not_a_raster(folder, make):
    path = folder / "text.tif"
    path.write_text("hello")
    return [path], "text.tif"


def _truncated(folder, make):
    path = make(folder / "cut.tif", 600, 600, nodata=False)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return [path], "cut.tif"


def _too_few_bands(folder, make):
    return [make(folder / "rgb.tif", data=np.ones((3, 20, 20), np.uint16))], "nir"


def _wrong_names(folder, make):
    path = make(folder / "names.tif")
    return [path, "--bands", "blue=1,green=2,red=3,nir=4,swir16=5,swir22=9"], "9"


def _reflectance_as_fractions(folder, make):
    data = np.random.default_rng(0).uniform(0.02, 0.5, (6, 40, 40)).astype(np.float32)
    return [make(folder / "float.tif", data=data, nodata=False)], "--scale"


def _full_range(folder, make):
    data = np.random.default_rng(0).integers(2000, 60000, (6, 40, 40)).astype(np.uint16)
    return [make(folder / "full.tif", data=data, nodata=False)], "--scale"


def _complex(folder, make):
    return [make(folder / "complex.tif", data=np.ones((6, 20, 20), np.complex64), nodata=False)], "complex"


def _bbox_elsewhere(folder, make):
    return [make(folder / "scene.tif"), "--bbox", "0,0,10,10"], "bbox"


def _unknown_model(folder, make):
    return [make(folder / "scene.tif"), "-m", "forrest"], "spectral"


def _pickled_model(folder, make):
    (folder / "net.pt").write_bytes(b"\x80\x04.")
    return [make(folder / "scene.tif"), "-m", folder / "net.pt"], "pickle"


def _no_cuda(folder, make):
    return [make(folder / "scene.tif"), "--device", "cuda:7"], "cuda"


def _tiny_memory(folder, make):
    return [make(folder / "scene.tif"), "--memory", "10MB"], "1.5GB"


def _stack_apart(folder, make):
    far = rasterio.Affine(10, 0, 900000, 0, -10, 5400000)
    return [make(folder / "a_B02.tif"), make(folder / "b_B03.tif", transform=far), "--stack"], "overlap"


BAD = [
    _missing, _not_a_raster, _truncated, _too_few_bands, _wrong_names, _reflectance_as_fractions, _full_range, _complex,
    _bbox_elsewhere, _unknown_model, _pickled_model, _no_cuda, _tiny_memory, _stack_apart,
]  # fmt: skip


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.__name__.strip("_"))
def test_bad_input(geoseg, tmp_path, reflectance, bad):
    arguments, says = bad(tmp_path, reflectance)
    code, _, err = geoseg("segment", *FAST, "-o", tmp_path / "out", *arguments)
    errors = [line for line in err.splitlines() if line.startswith("error: ")]
    assert code == 1
    assert len(errors) == 1
    assert says in errors[0]
    assert "unexpected" not in errors[0]
    made = list((tmp_path / "out").glob("*")) if (tmp_path / "out").exists() else []
    assert [path for path in made if path.name != ".geoseg"] == []


def test_a_folder_that_cannot_be_made(geoseg, tmp_path, reflectance):
    (tmp_path / "out").write_text("a file where the folder should be")
    code, _, err = geoseg("segment", reflectance(tmp_path / "scene.tif"), "-o", tmp_path / "out", *FAST)
    assert code == 1
    assert err.count("error: ") == 1
    assert "-o" in err


# --- processes


def start(*arguments, **more):
    command = [sys.executable, "-m", "geoseg", *[str(argument) for argument in arguments]]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more)


@pytest.fixture
def slow_run(tmp_path, reflectance):
    """Arguments of a run of 169 small blocks, which take seconds, and its output folder."""
    scene = reflectance(tmp_path / "big.tif", 400, 400)
    out = tmp_path / "out"
    return ["segment", scene, "-o", out, *FAST, "--block", 32, "--progress", "json"], out


def _wait_for_blocks(process, count):
    for line in process.stdout:
        event = json.loads(line)
        if event["event"] == "progress" and event["message"].startswith("segment") and event["done"] >= count:
            return
    raise AssertionError(process.stderr.read())


def _heed_signals():
    """Undo what a shell that runs the tests in the background, or ``nohup``, makes them and their children ignore."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals for another process")
@pytest.mark.parametrize(("name", "expected"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)])
def test_a_signal_ends_within_seconds_and_keeps_finished_blocks(geoseg, slow_run, name, expected):
    arguments, out = slow_run
    process = start(*arguments, preexec_fn=_heed_signals)
    _wait_for_blocks(process, 8)
    process.send_signal(getattr(signal, name))
    asked = time.monotonic()
    _, err = process.communicate(timeout=60)
    assert process.returncode == expected
    assert time.monotonic() - asked < 20  # seconds also where other tests share the processors
    assert err.strip().splitlines()[-1].startswith("interrupted: finished blocks are kept")
    assert "Traceback" not in err
    assert [path.name for path in out.iterdir()] == [".geoseg"]
    store = out / ".geoseg" / "big"
    kept = len([*store.glob("0*.tif"), *store.glob("0*.empty")])
    assert 8 <= kept < 169
    code, events, err = geoseg(*arguments)
    assert code == 0, err
    assert f"{kept} of 169 blocks" in events
    assert (out / "big_classes.tif").is_file()


def test_it_dies_with_its_parent(slow_run):
    arguments, _ = slow_run
    process = start(*arguments, "--die-with-parent", stdin=subprocess.PIPE)
    _wait_for_blocks(process, 5)
    process.stdin.close()
    assert process.wait(timeout=20) == 130


COMMANDS = (
    "segment", "detect", "summary", "polygonize", "evaluate", "change", "composite", "smooth", "train", "adapt",
    "pretrain", "sketch", "click", "next", "inspect", "model", "demo", "doctor", "completion",
)  # fmt: skip


def test_help_lists_every_command(geoseg):
    _, out, _ = geoseg("--help")
    for command in COMMANDS:
        assert f"\n  {command} " in out


def test_help_imports_nothing_heavy():
    """Help costs milliseconds: not even numpy is imported, let alone torch or GDAL."""
    heavy = ("numpy", "torch", "rasterio", "xarray", "pydantic", "dask", "lightning")
    code = f"""
import contextlib, io, sys
from geoseg.cli import _run
for command in {COMMANDS!r}:
    with contextlib.redirect_stdout(io.StringIO()):
        assert _run([command, "--help"], debug=False) == 0
print([name for name in {heavy!r} if name in sys.modules])
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout == "[]\n"


@pytest.mark.parametrize(
    ("words", "images"),
    [
        (["--images", "a", "b"], ("a", "b")),
        (["--images", "a", "--images", "b"], ("a", "b")),
        (["--images", "a", "b", "--flag", "--images", "-"], ("a", "b", "-")),
        (["--flag", "--images=a"], ("a",)),
    ],
)
def test_greedy_options_take_every_word_up_to_the_next_option(words, images):
    seen = []

    @click.command(cls=GreedyCommand)
    @click.option("--images", cls=GreedyOption)
    @click.option("--flag", is_flag=True)
    def command(images, flag):
        seen.append(images)

    command.main(words, standalone_mode=False)
    assert seen == [images]


def test_inspect(geoseg, tmp_path, reflectance):
    scene = reflectance(tmp_path / "scene.tif")
    code, out, _ = geoseg("inspect", scene, "-m", "spectral")
    assert code == 0
    assert "fits        model spectral" in out
    assert "1=blue" in out
    code, out, _ = geoseg("inspect", scene, "-m", "spectral", "--json")
    facts = json.loads(out)
    assert facts["fits"]
    assert facts["raster"]["bands"][3]["name"] == "nir"
    assert facts["run"]["blocks"] == 1


def test_inspect_of_what_does_not_fit(geoseg, tmp_path, reflectance):
    scene = reflectance(tmp_path / "rgb.tif", data=np.ones((3, 20, 20), np.uint16))
    code, out, err = geoseg("inspect", scene, "-m", "spectral")
    assert code == 1
    assert err.startswith("error: 'rgb' lacks band")
    assert "--stack" in err
    assert "20 × 20 px" in out
    assert "fit" not in out
    code, out, err = geoseg("inspect", scene, "-m", "spectral", "--json")
    assert (code, err) == (1, "")
    assert json.loads(out)["error"]["type"] == "ContractError"


def test_models_are_listed_and_shown(geoseg):
    code, out, _ = geoseg("model", "list")
    assert code == 0
    assert "spectral" in out
    code, out, _ = geoseg("model", "show", "spectral")
    assert code == 0
    assert "swir22" in out
    code, out, _ = geoseg("model", "show", "spectral", "--json")
    assert json.loads(out)["properties"]["mlm:name"] == "spectral"
    code, out, _ = geoseg("model", "check", "spectral")
    assert code == 0


@pytest.mark.parametrize(
    ("option", "keywords", "words"),
    [
        (("--scale", 0), {"scale": 0}, "scale must be a finite number other than 0"),
        (("--resolution", 0), {"resolution": 0}, "resolution must be a positive number"),
        (("--bands", ""), {"bands": ""}, "chooses no band"),
        (("--bbox-crs", ""), {"bbox_crs": ""}, "without bbox"),
    ],
)
def test_impossible_zeros_and_empty_texts_are_refused_alike(geoseg, tmp_path, reflectance, option, keywords, words):
    import geoseg as library
    from geoseg.errors import GeosegError

    path = reflectance(tmp_path / "scene.tif")
    code, _, err = geoseg("segment", path, "-o", tmp_path / "out", *option)
    assert code == 1
    assert words in err
    with pytest.raises(GeosegError, match=words):
        library.open_raster(path, **keywords)


@pytest.mark.parametrize(
    ("option", "keywords"), [(("--nodata", 0), {"nodata": 0}), (("--offset", "0.0"), {"offset": 0.0})]
)
def test_zero_is_a_value(geoseg, tmp_path, reflectance, option, keywords):
    import geoseg as library

    path = reflectance(tmp_path / "scene.tif", nodata=False)
    _, out, _ = geoseg("inspect", path, "--json", *option)
    found = json.loads(out)["raster"]["bands"][0]
    band = library.open_raster(path, **keywords).bands[0]
    assert (found["nodata"], found["offset"], found["scaled"]) == (band.nodata, band.offset, band.scaled)
    assert (band.nodata, band.scaled) == ((0, False) if "nodata" in keywords else (None, True))


@pytest.mark.parametrize("command", [("segment", "x.tif", "-o", "out"), ("inspect", "x.tif")])
def test_an_empty_model_name_is_not_the_default(geoseg, command):
    assert geoseg(*command, "-m", "")[0] == 1
