"""Scenes side by side become one map and one layer, with the bytes that their whole gives in one pass."""

from __future__ import annotations

import json

import numpy as np
import pytest
import rasterio
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.merge import merge

import geoseg
from geoseg.job import Job, Options, Products, SceneEntry, run
from geoseg.tiling import Box

FAST = Options(window=64, block=64, device="cpu", precision="fp32")
SHORT = (
    "-m",
    "spectral",
    "--device",
    "cpu",
    "--precision",
    "fp32",
    "--window",
    64,
    "--block",
    64,
    "--progress",
    "none",
)


def files(folder):
    return sorted(path for path in folder.iterdir() if path.suffix == ".tif")


@pytest.fixture(scope="module")
def city(tmp_path_factory, reflectance):
    """Four scenes that overlap, touch and leave a gap; and their whole, written by rasterio."""
    folder = tmp_path_factory.mktemp("city")
    whole = reflectance(folder / "all" / "whole.tif", 200, 260, seed=11)
    with rasterio.open(whole) as data:
        values, transform = data.read(), data.transform
    for number, box in enumerate(
        (Box(0, 0, 110, 130), Box(0, 130, 90, 130), Box(95, 0, 105, 90), Box(80, 100, 120, 160))
    ):
        part = values[:, *box.within(Box(0, 0, 200, 260))].copy()
        if number == 3:
            part[:, :40, :60] = np.clip(part[:, :40, :60] * 2, 1, 9000)  # of another day, where others come first
        reflectance(
            folder / "parts" / f"city_{number}.tif", data=part,
            transform=transform * rasterio.Affine.translation(box.col, box.row),
        )  # fmt: skip
    merged, transform = merge(files(folder / "parts"))
    reflectance(folder / "merged" / "city_mosaic.tif", data=merged, transform=transform)
    return folder


@pytest.fixture(scope="module")
def wanted(city, tmp_path_factory):
    """What a run over the whole writes."""
    folder = tmp_path_factory.mktemp("wanted")
    (result,) = run(Job(files(city / "merged"), folder, "spectral", options=FAST, products=Products(min_area=300)))
    return result


def check(result, wanted):
    """The same bytes; the report differs in its sources and seconds."""
    assert {kind: path.name for kind, path in result.outputs.items()} == {
        kind: path.name for kind, path in wanted.outputs.items()
    }
    for kind, path in wanted.outputs.items():
        if kind not in ("report", "html"):
            assert result.outputs[kind].read_bytes() == path.read_bytes(), kind
    assert result.report["classes"] == wanted.report["classes"]


def test_the_command_line(city, wanted, tmp_path, geoseg):
    parts = files(city / "parts")
    code, _, err = geoseg("segment", *parts, "-o", tmp_path / "out", "--mosaic", "--min-area", 300, *SHORT)
    overlap = "scenes overlap (city_0 and city_3 …): where they do, the first in the order given that has data counts"
    assert (code, err) == (0, f"warning: city_mosaic: {overlap}\n")
    report = json.loads((tmp_path / "out" / "city_mosaic_report.json").read_text("utf-8"))
    assert report["scene"]["sources"] == list(map(str, parts))
    assert report["options"]["reading"] == {"mosaic": "True"}
    assert report["warnings"] == [f"city_mosaic: {overlap}"]
    for kind in ("classes", "confidence", "polygons", "preview"):
        path = wanted.outputs[kind]
        assert (tmp_path / "out" / path.name).read_bytes() == path.read_bytes(), kind
    (tmp_path / "list.txt").write_text("\n".join(map(str, parts[1:])), "utf-8")
    arguments = (parts[0], "--scenes", tmp_path / "list.txt", "-o", tmp_path / "out", "--mosaic", *SHORT)
    code, out, _ = geoseg("segment", *arguments, "--min-area", 300, "--status")
    assert (code, out.split()[:2]) == (0, ["city_mosaic:", "done:"])
    code, out, _ = geoseg("inspect", *parts, "--mosaic", "-m", "spectral")
    assert code == 0
    assert "260 × 200 px" in out
    assert "files       4" in out


@pytest.mark.parametrize("where", ["threads", pytest.param("cluster", marks=pytest.mark.slow)])
def test_stopped_and_continued(city, wanted, tmp_path, request, monkeypatch, where):
    import geoseg.job.dispatch

    parts, left = files(city / "parts"), [5]
    segment_block = geoseg.job.dispatch.segment_block

    def dies(recipe, index, **more):
        if left[0] == 0:
            raise KeyboardInterrupt
        left[0] -= 1
        return segment_block(recipe, index, **more)

    job = {"model": "spectral", "reading": {"mosaic": True}, "products": Products(min_area=300)}
    monkeypatch.setattr(geoseg.job.dispatch, "segment_block", dies)
    with pytest.raises(KeyboardInterrupt):
        run(Job([parts], tmp_path, options=Options(**{**FAST.__dict__, "workers": 1}), **job))
    monkeypatch.undo()
    scheduler = "threads" if where == "threads" else request.getfixturevalue("dask_workers")
    (result,) = run(Job([SceneEntry(parts)], tmp_path, options=FAST, scheduler=scheduler, **job))
    assert result.report["tiling"]["blocks_reused"] == 5
    check(result, wanted)


def test_objects_across_scenes(city, tmp_path, geoseg):
    options = ("--classes", "water", *SHORT)
    assert geoseg("detect", *files(city / "parts"), "-o", tmp_path / "a", "--mosaic", *options)[0] == 0
    assert geoseg("detect", *files(city / "merged"), "-o", tmp_path / "b", *options)[0] == 0
    name = "city_mosaic_objects.gpkg"
    assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


@settings(max_examples=6)
@given(st.lists(st.tuples(*[st.integers(0, 59)] * 4), min_size=1, max_size=5), st.integers(0, 2**32 - 1), st.data())
def test_context_reaches_across_scenes(neighbour_model, scene, places, seed, data):
    """A model that sums over its neighbourhood sees no seam; in gaps it sees nothing, as in a raster with holes."""
    boxes = [Box(row, col, height + 1, width + 1) for row, col, height, width in places]
    rng = np.random.default_rng(seed)
    scenes = [rng.integers(0, 6, (1, box.height, box.width), dtype=np.uint8) for box in boxes]
    bottom, right = max(box.bottom for box in boxes), max(box.right for box in boxes)
    whole = np.zeros((1, bottom, right), np.uint8)
    for values, box in zip(reversed(scenes), reversed(boxes), strict=True):
        np.copyto(whole[:, *box.within(Box(0, 0, bottom, right))], values, where=values > 0)
    everything = scene(bottom, right, array=whole, nodata=0)
    tiles = []
    for values, box in zip(scenes, boxes, strict=True):
        own = everything.isel(y=slice(box.row, box.bottom), x=slice(box.col, box.right)).copy(data=values)
        tiles.append(own)
    row, col = min(box.row for box in boxes), min(box.col for box in boxes)
    model, margin = neighbour_model(), data.draw(st.integers(2, 4))
    options = {"margin": margin, "window": 2 * margin + data.draw(st.integers(3, 20)), "device": "cpu"}
    found = geoseg.segment(
        geoseg.open_raster(tiles, mosaic=True), model, block=data.draw(st.sampled_from([7, 16])), **options
    )
    wanted = geoseg.segment(everything.isel(y=slice(row, None), x=slice(col, None)), model, **options)
    assert found.odc.geobox == wanted.odc.geobox
    for name in ("classes", "confidence"):
        np.testing.assert_array_equal(found[name].values, wanted[name].values)


def test_a_scene_that_does_not_fit(city, tmp_path, geoseg, reflectance):
    other = reflectance(tmp_path / "other.tif", 40, 40, crs="EPSG:32634")
    code, _, err = geoseg("segment", *files(city / "parts"), other, "-o", tmp_path / "out", "--mosaic", *SHORT)
    assert code == 1
    assert err.startswith(f"error: {other}: is in EPSG:32634 and {files(city / 'parts')[0]} in EPSG:32633; a mosaic")
    assert err.count("\n") == 1
    assert not (tmp_path / "out").exists() or not files(tmp_path / "out")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("a.tif", "--mosaic", "--shard", "0/2"), "--mosaic makes one scene, which cannot be divided"),
        (("--mosaic", "--source", "optical=a.tif"), "--mosaic joins scenes, not the inputs of --source or --dates"),
        (("--mosaic", "--aoi", "0,0,1,1", "--when", "2024", "--catalog", "naip"), "leave out --mosaic"),
        (("--mosaic",), "Missing argument 'SCENE…'"),
    ],
)
def test_options_that_do_not_go_together(arguments, message, tmp_path, geoseg):
    code, _, err = geoseg("segment", *arguments, "-o", tmp_path / "out")
    assert code == 2
    assert message in err


def test_one_scene_twice(city, tmp_path, geoseg):
    one = files(city / "parts")[0]
    code, _, err = geoseg("segment", one, one, "-o", tmp_path / "out", "--mosaic", *SHORT)
    assert (code, err) == (1, f"error: scene 2: {one} is listed twice (first: scene 1); remove one\n")


def test_no_scene_is_replaced(city, tmp_path, geoseg, reflectance):
    """A scene that has the name of a result."""
    for number, path in enumerate(files(city / "parts")[:2]):
        (tmp_path / f"x_{number}.tif").write_bytes(path.read_bytes())
    (tmp_path / "x_0.tif").rename(tmp_path / "x_mosaic_classes.tif")
    scenes = (tmp_path / "x_1.tif", tmp_path / "x_mosaic_classes.tif")
    code, _, err = geoseg("segment", *scenes, "-o", tmp_path, "--mosaic", "--overwrite", *SHORT)
    assert code == 1
    assert "x_mosaic_classes.tif: is the input, and would be replaced" in err
