"""Options whose value is 0 or empty: each is a value, and means the same on the command line and in Python."""

from __future__ import annotations

import importlib
from dataclasses import fields
from pathlib import Path

import click
import numpy as np
import pytest
import rasterio

import geoseg as library
from geoseg.cli import cli
from geoseg.cli.options import Duration, Number, WorkerCount
from geoseg.errors import GeosegError
from geoseg.job.outputs import Products
from geoseg.segment.plan import Options

RENAMED = {"format_": "format"}
# Not how something is computed: what is printed, lists of scenes, and scenes of another kind.
OTHER = {
    "progress", "listed", "output", "help", "sources", "dates", "aoi", "when", "catalog", "max_cloud", "composite",
    "observations", "basemap", "zoom", "max_tiles", "tiles_per_second", "attribution",
}  # fmt: skip


def options_with_values(command):
    """Return the names of a command's options that take a value."""
    found = [
        p for p in cli.get_command(click.Context(cli), command).params if isinstance(p, click.Option) and not p.is_flag
    ]
    return {option.name: option for option in found if option.name not in OTHER}


def falsy(option):
    """Return what to type, and the same value in Python; numbers cannot be empty, as click sees to."""
    if option.name == "bbox":
        return [("", ""), ("0,0,0,0", (0.0, 0.0, 0.0, 0.0))]
    if isinstance(option.type, click.IntRange | WorkerCount | type(click.INT)):
        return [("0", 0)]
    if isinstance(option.type, Duration):
        return [("0", 0.0)]
    if isinstance(option.type, Number | type(click.FLOAT)):
        return [("0", 0.0), ("-0.0", -0.0)]
    return [("", "")] if isinstance(option.type, click.Choice) else [("", ""), ("0", "0")]


def cases(*commands):
    for command in commands:
        for name, option in options_with_values(command).items():
            for text, value in falsy(option):
                yield pytest.param(command, option, text, value, id=f"{command} {name} {text!r}")


def rasters(folder):
    """Return the pixels of all rasters in a folder, by name."""
    found = {}
    for path in sorted(Path(folder).glob("*.tif")):
        with rasterio.open(path) as file:
            found[path.name] = file.read()
    return found


def same(one, other):
    return one.keys() == other.keys() and all(np.array_equal(one[name], other[name]) for name in one)


@pytest.fixture
def scene(tmp_path, reflectance):
    """Six named bands with a corner of 0 that no nodata value declares."""
    path = reflectance(tmp_path / "scene.tif", 48, 64)
    with rasterio.open(path, "r+") as file:
        file.nodata = None
    return path


def segment_in_python(scene, output, name, value):
    from geoseg.cli.options import names_of

    name = RENAMED.get(name, name)
    job, options, products, reading = {}, {"device": "cpu"}, {}, {}
    if name in {field.name for field in fields(Products)}:
        products[name] = names_of(value) if name == "probabilities" else value
    elif name in {field.name for field in fields(Options)}:
        options[name] = value
    elif name in {field.name for field in fields(library.Job)}:
        job[name] = value
    else:
        reading[name] = value
    job = {"model": "spectral", **job}
    found = library.run(
        library.Job([scene], output, reading=reading, options=Options(**options), products=Products(**products), **job)
    )
    return found[0].status == "done"


@pytest.mark.parametrize(("command", "option", "text", "value"), cases("segment"))
def test_segment(geoseg, tmp_path, monkeypatch, scene, command, option, text, value):
    monkeypatch.chdir(tmp_path)
    model = [] if option.name == "model" else ["-m", "spectral"]
    device = [] if option.name == "device" else ["--device", "cpu"]
    code, _, _ = geoseg(command, scene, "-o", "typed", *model, *device, option.opts[-1], text, "--progress", "none")
    try:
        done = segment_in_python(scene, "called", option.name, value)
    except (GeosegError, OSError):
        done = False
    assert done == (code == 0)
    if done:
        assert same(rasters("typed"), rasters("called"))
        harmless = {"nodata", "min_area", "simplify", "margin", "retries", "scale", "offset"}
        assert option.name in harmless or (option.name, text) == ("profile", "0"), (
            f"{option.opts[-1]} {text!r} should be refused"
        )


def test_nodata_of_0_is_heeded(geoseg, tmp_path, scene):
    for number, option in enumerate([(), ("--nodata", 0)]):
        assert geoseg("segment", scene, "-o", tmp_path / str(number), "-m", "spectral", *option)[0] == 0
    without, with_nodata = (rasters(tmp_path / name)["scene_classes.tif"][0] for name in "01")
    with rasterio.open(scene) as file:
        missing = (file.read() == 0).any(0)
    assert not (without == 255).any()
    np.testing.assert_array_equal(with_nodata == 255, missing)


@pytest.mark.parametrize(("command", "option", "text", "value"), cases("polygonize"))
def test_polygonize(geoseg, tmp_path, monkeypatch, command, option, text, value):
    import geopandas as gpd

    monkeypatch.chdir(tmp_path)
    with rasterio.open("map.tif", "w", driver="GTiff", width=32, height=32, count=1, dtype="uint8",
                       transform=rasterio.Affine(10, 0, 0, 0, -10, 0), crs="EPSG:32633") as file:  # fmt: skip
        file.write((np.indices((32, 32)).sum(0) // 16).astype("uint8"), 1)
    code, _, err = geoseg(command, "map.tif", "-o", "typed.gpkg", option.opts[-1], text)
    if option.name in ("connectivity", "names", "exclude", "keep", "only"):  # parsed texts: tried as words only
        assert (code == 0) == (text == "0" and option.name != "connectivity"), err
        return
    try:
        library.polygonize("map.tif", "called.gpkg", **{option.name: value})
    except (GeosegError, OSError):
        assert code != 0
        return
    assert code == 0, err
    assert gpd.read_file("typed.gpkg").equals(gpd.read_file("called.gpkg"))


@pytest.mark.parametrize(("command", "option", "text", "value"), cases("train"))
def test_train(geoseg, tmp_path, monkeypatch, scene, command, option, text, value):
    """What is passed on to ``geoseg.train``, which is the same code."""
    passed = {}
    monkeypatch.setattr(
        importlib.import_module("geoseg.train"),
        "train",
        lambda *_, reading, reporter, **values: passed.update(values, **reading),
    )
    needed = {"images": scene, "labels": scene}
    given = [word for name, path in needed.items() if name != option.name for word in (f"--{name}", path)]
    code, _, _ = geoseg(command, *given, "-o", tmp_path / "out", option.opts[-1], text)
    if code == 0 and option.name not in needed:
        found = passed[option.name]
        assert found == value or list(found) == [value], f"{option.opts[-1]} {text!r} is dropped"


@pytest.mark.parametrize(
    ("option", "keywords", "message"),
    [
        (("--tolerance", 0), {"tolerance": 0}, None),
        (("--class-field", ""), {"class_field": ""}, "class-field"),
        (("--map", ""), {"renames": ""}, "map is empty"),
        (("--confidence", ""), {"confidence": ""}, "path of a raster is empty"),
    ],
)
def test_evaluate(geoseg, scene, tmp_path, option, keywords, message):
    with rasterio.open(scene) as file:
        profile = {**file.profile, "count": 1, "dtype": "uint8"}
    path = tmp_path / "map.tif"
    with rasterio.open(path, "w", **profile) as file:
        file.write((np.indices((48, 64)).sum(0) // 16 % 3).astype("uint8"), 1)
    code, out, err = geoseg("evaluate", path, path, *option)
    if message is None:
        assert code == 0
        assert "within 0 px" in out
        assert library.evaluate(path, path, **keywords).to_dict()["boundary"]["tolerance_pixels"] == 0
        return
    assert code == 1
    assert message in err
    with pytest.raises(GeosegError, match=message):
        library.evaluate(path, path, **keywords)
