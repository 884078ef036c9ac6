"""Two scenes and a model: the same as segmenting them and comparing the maps."""

from __future__ import annotations

import json

import numpy as np
import pytest
import rasterio

import geoseg
from geoseg.cli import main
from geoseg.errors import GeosegError
from geoseg.job import Options

BANDS = {"blue": 0, "green": 1, "red": 2, "nir": 3, "swir16": 4, "swir22": 5}
FOREST, WATER = (200, 400, 250, 2800, 1200, 500), (500, 450, 250, 120, 60, 40)


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    """A forest with a lake that grows by ten columns, five of them outside the tolerance of a shift."""
    folder = tmp_path_factory.mktemp("scenes")
    paths = []
    for year, edge in ((2020, 20), (2025, 30)):
        values = np.empty((6, 64, 64), np.uint16)
        for band, (forest, water) in enumerate(zip(FOREST, WATER, strict=True)):
            values[band] = np.where(np.arange(64) < edge, water, forest)
        path = folder / str(year) / "lake.tif"
        path.parent.mkdir()
        with rasterio.open(
            path, "w", driver="GTiff", width=64, height=64, count=6, dtype="uint16", crs="EPSG:32633",
            transform=rasterio.Affine(10, 0, 5e5, 0, -10, 5.4e6),
        ) as file:  # fmt: skip
            file.write(values)
            file.descriptions = tuple(BANDS)
            file.scales = (0.0001,) * 6
        paths.append(path)
    return paths


def test_scenes_are_mapped_and_compared(scenes, tmp_path):
    options = Options(device="cpu", precision="fp32")
    summary = geoseg.change(*scenes, tmp_path / "out", model="spectral", options=options, tolerance=0)
    (item,) = summary.transitions
    assert (item.from_class, item.to_class, item.pixels) == ("tree", "water", 640)
    maps = [tmp_path / "out" / "maps" / f"lake_{when}_classes.tif" for when in ("before", "after")]
    again = geoseg.change(
        *maps, tmp_path / "again", tolerance=0, name=summary.outputs["changes"].name.removesuffix("_changes.gpkg")
    )
    assert summary.outputs["change"].read_bytes() == again.outputs["change"].read_bytes()
    frame = geoseg.change(*scenes, model="spectral", options=options, tolerance=0)
    assert frame.area_m2.sum() == pytest.approx(64_000, rel=2e-3)


def test_finished_maps_are_kept(scenes, tmp_path, capsys):
    command = [
        "change",
        *map(str, scenes),
        "-o",
        str(tmp_path),
        "-m",
        "spectral",
        "--device",
        "cpu",
        "--progress",
        "json",
    ]
    statuses = []
    for _ in range(2):
        with pytest.raises(SystemExit) as done:
            main(command)
        events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert done.value.code == 0, events[-1]
        statuses.append([event.get("status") for event in events if event["event"] == "result" and "status" in event])
        assert events[-1]["change"]["transitions"][0]["to"] == "water"
        for path in tmp_path.glob("*_change*"):
            path.unlink()
    assert statuses == [["done", "done"], ["kept", "kept"]]


def test_a_scene_that_fails_is_the_error(scenes, tmp_path):
    with pytest.raises(GeosegError, match=r"absent\.tif: no such file"):
        geoseg.change(scenes[0], tmp_path / "absent.tif", tmp_path / "out", model="spectral")
    assert not list((tmp_path / "out").glob("*_change*"))


@pytest.mark.parametrize(("move", "crs", "message"), [(9000, "EPSG:32633", "do not overlap"), (0, None, "has no CRS")])
def test_scenes_of_two_places_are_told_before_they_are_mapped(scenes, tmp_path, move, crs, message):
    with rasterio.open(scenes[1]) as file:
        profile = file.profile | {"crs": crs, "transform": file.transform @ rasterio.Affine.translation(move, 0)}
        values, names = file.read(), file.descriptions
    with rasterio.open(tmp_path / "far.tif", "w", **profile) as file:
        file.write(values)
        file.descriptions = names
    with pytest.raises(GeosegError, match=message):
        geoseg.change(scenes[0], tmp_path / "far.tif", tmp_path / "out", model="spectral")
    assert not (tmp_path / "out").exists()


def test_options_of_scenes_need_a_model(scenes, tmp_path, capsys):
    with pytest.raises(GeosegError, match="reading is for scenes: name the model"):
        geoseg.change(*scenes, tmp_path / "out", reading={"scale": 0.0001})
    with pytest.raises(TypeError, match="unexpected keyword argument 'modle'"):
        geoseg.change(*scenes, tmp_path / "out", modle="spectral")
    with pytest.raises(SystemExit) as done:
        main(["change", *map(str, scenes), "-o", str(tmp_path / "out"), "--nodata", "0"])
    assert done.value.code == 2
    assert "--nodata is for scenes: name the model that maps them with --model" in capsys.readouterr().err


def test_scenes_that_cannot_be_mapped_are_told_once(scenes, tmp_path, capsys):
    with pytest.raises(SystemExit) as done:
        main(["change", *map(str, scenes), "-o", str(tmp_path / "out"), "-m", "green", "-q"])
    said = capsys.readouterr().err.splitlines()
    assert done.value.code == 1
    assert sum("does not fit model 'green'" in line or "for model 'green'" in line for line in said) == 2, said
    assert said[-1] == "error: nothing is compared, since lake_before and lake_after could not be mapped"
    with pytest.raises(GeosegError, match="model 'green'"):  # with no reporter the reason is in the error itself
        geoseg.change(*scenes, tmp_path / "other", model="green")


def test_more_change_than_usual_is_doubted(tmp_path):
    rng = np.random.default_rng(0)
    before = rng.integers(0, 3, (120, 120)).astype(np.uint8)
    for name, share, doubted in (("a", 0.2, False), ("b", 0.5, True)):
        after = np.where(rng.random(before.shape) < share, (before + 1) % 3, before).astype(np.uint8)
        paths = []
        for when, values in (("before", before), ("after", after)):
            paths.append(tmp_path / f"{name}_{when}.tif")
            with rasterio.open(
                paths[-1], "w", driver="GTiff", width=120, height=120, count=1, dtype="uint8", crs="EPSG:32633",
                transform=rasterio.Affine(10, 0, 5e5, 0, -10, 5.4e6),
            ) as file:  # fmt: skip
                file.write(values, 1)
        summary = geoseg.change(*paths, tmp_path / name, tolerance=0)
        percent = round(100 * np.mean(before != after))
        expected = f"{percent} % of what is certain has changed, which is more than land usually does"
        assert any(note.startswith(expected) for note in summary.notes) == doubted
