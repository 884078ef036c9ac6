"""``geoseg.change`` on files: what it writes, on any grid, and what it refuses."""

from __future__ import annotations

import hashlib
import importlib
import json

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import xarray as xr
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

import geoseg
from geoseg.change.maps import open_maps
from geoseg.change.raster import Rules, write_rasters
from geoseg.classes import MapClass, default_color
from geoseg.cli import cli
from geoseg.errors import GeosegError, InputError, OptionError, OutputError
from geoseg.write import read_classes

OUTPUTS = ["changes", "change", "report"]


def files_of(folder):
    return sorted(path.name for path in folder.iterdir())


def read(path):
    with rasterio.open(path) as file:
        return file.read(1)


@pytest.fixture
def pair(write_map, patches):
    """Two maps of 40 × 50 px that differ in a block of 8 × 10 px and by noise."""
    before = patches(40, 50, 3, holes=True)
    after = before.copy()
    after[10:18, 20:30] = np.where(before[10:18, 20:30] == 3, 4, 3)
    return write_map("2020_classes.tif", before), write_map("2025_classes.tif", after), before, after


def test_what_is_written(pair, tmp_path):
    first, second, before, after = pair
    summary = geoseg.change(first, second, tmp_path / "out", tolerance=0)
    assert list(summary.outputs) == OUTPUTS
    assert files_of(tmp_path / "out") == [
        "2020_2025_change.qml", "2020_2025_change.tif", "2020_2025_change.tif.aux.xml",
        "2020_2025_change_report.json", "2020_2025_changes.gpkg",
    ]  # fmt: skip
    changed = (before != 255) & (after != 255) & (before != after)
    codes = read(summary.outputs["change"])
    np.testing.assert_array_equal((codes >= 2) & (codes < 255), changed)
    np.testing.assert_array_equal(codes == 255, (before == 255) | (after == 255))
    legend = {item.id: item.name for item in read_classes(summary.outputs["change"])}
    names = ("wood", "field", "water", "built", "bare")
    assert legend[0] == "unchanged"
    for b, a, code in zip(before[changed], after[changed], codes[changed], strict=True):
        assert legend[code] == f"{names[b]} → {names[a]}"
    assert set(legend) == {0, 1, *codes[changed].tolist()}
    frame = gpd.read_file(summary.outputs["changes"], layer="changes")
    assert list(frame.columns) == ["change_id", "from_class", "to_class", "confidence", "area_m2", "geometry"]
    assert frame.confidence.isna().all()
    # Rasterized again they are the changes of the raster.
    from rasterio.features import rasterize

    with rasterio.open(summary.outputs["change"]) as file:
        burnt = rasterize(zip(frame.geometry, frame.change_id, strict=True), codes.shape, transform=file.transform)
    np.testing.assert_array_equal(burnt, np.where(changed, codes, 0))
    report = json.loads(summary.outputs["report"].read_text("utf-8"))
    assert report == summary.report
    expected = np.zeros((5, 5), np.int64)
    both = (before != 255) & (after != 255)
    np.add.at(expected, (before[both], after[both]), 1)
    assert report["matrix"]["pixels"] == expected.tolist()
    by_code = frame.groupby("change_id").area_m2.sum()
    for item in summary.transitions:
        assert by_code[item.code] == pytest.approx(item.area_m2, rel=1e-9)
    for item in report["transitions"]:
        assert item["polygons"] == (frame.change_id == item["code"]).sum()


@settings(max_examples=5)
@given(side=st.integers(5, 70), tolerance=st.integers(0, 2))
def test_any_size_of_windows_gives_the_same_bytes(tmp_path_factory, side, tolerance):
    from odc.geo.geobox import GeoBox
    from odc.geo.xr import wrap_xr

    import geoseg.write

    folder = tmp_path_factory.mktemp("windows")
    rng = np.random.default_rng(0)
    grid = GeoBox((60, 70), rasterio.Affine(10, 0, 500000, 0, -10, 5400000), "EPSG:32633")
    for name in "ab":
        values = np.kron(rng.integers(0, 3, (15, 14)), np.ones((4, 5), int)).astype(np.uint8)
        values[rng.random(values.shape) < 0.03] = 255
        geoseg.write_cog(wrap_xr(values, grid, class_names=["x", "y", "z"]), folder / f"{name}_classes.tif")
        sure = rng.integers(40, 101, values.shape).astype(np.uint8)
        geoseg.write_cog(wrap_xr(sure, grid, kind="confidence"), folder / f"{name}_confidence.tif")
    maps = open_maps(folder / "a_classes.tif", folder / "b_classes.tif", None, None)
    found = []
    for number, size in enumerate((2048, side)):
        paths = {kind: folder / str(number) / f"{kind}.tif" for kind in ("change", "confidence")}
        _, counts, _ = write_rasters(maps, Rules(tolerance, 60), paths, side=size)
        hashes = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths.values()}
        found.append((hashes, counts.pixels.tolist(), counts.area.tolist()))
    assert found[0] == found[1]


def test_a_map_with_itself_and_the_same_file_twice(pair, tmp_path):
    import shutil

    first = pair[0]
    copied = shutil.copy(first, tmp_path / "again_classes.tif")
    summary = geoseg.change(first, copied, tmp_path / "out")
    assert summary.transitions == ()
    assert len(gpd.read_file(summary.outputs["changes"], layer="changes")) == 0
    assert summary.notes == ()
    twice = geoseg.change(first, first, tmp_path / "out")
    assert twice.outputs["change"].name == "2020_change.tif"
    assert "are the same file, so nothing can have changed" in twice.notes[0]


def test_swapped_dates_give_the_same_polygons_with_classes_swapped(pair):
    there, back = (geoseg.change(*dates) for dates in (pair[:2], pair[1::-1]))
    assert len(there)
    assert there.geometry.geom_equals_exact(back.geometry, 0).all()
    assert there.from_class.tolist() == back.to_class.tolist()
    assert there.to_class.tolist() == back.from_class.tolist()
    assert there.area_m2.tolist() == back.area_m2.tolist()


def test_confidence_is_the_smaller_one_and_both_dates_must_be_sure(pair, write_map, tmp_path):
    first, second, before, after = pair
    rng = np.random.default_rng(5)
    sure = [rng.integers(30, 101, before.shape).astype(np.uint8) for _ in range(2)]
    for name, values, classes in (("2020", sure[0], before), ("2025", sure[1], after)):
        write_map(f"{name}_confidence.tif", np.where(classes == 255, 255, values).astype(np.uint8), classes=())
    summary = geoseg.change(first, second, tmp_path / "out", tolerance=0, min_confidence=60)
    smaller = np.minimum(*sure)
    both = (before != 255) & (after != 255)
    differs = both & (before != after)
    codes = read(summary.outputs["change"])
    np.testing.assert_array_equal((codes >= 2) & (codes < 255), differs & (smaller >= 60))
    np.testing.assert_array_equal(codes == 1, differs & (smaller < 60))
    assert summary.report["uncertain"]["not_sure"]["pixels"] == (differs & (smaller < 60)).sum()
    kept = differs & (smaller >= 60)
    np.testing.assert_array_equal(read(summary.outputs["confidence"]), np.where(kept, smaller, 255))
    frame = gpd.read_file(summary.outputs["changes"], layer="changes")
    assert (frame.confidence * frame.area_m2).sum() / frame.area_m2.sum() == pytest.approx(
        smaller[kept].mean(), rel=1e-6
    )
    # A later run without confidences leaves no raster of an earlier one.
    geoseg.change(first, second, tmp_path / "out", confidence=False, overwrite=True)
    assert "2020_2025_change_confidence.tif" not in files_of(tmp_path / "out")
    one = geoseg.change(first, write_map("other_classes.tif", after), tmp_path / "out")
    assert "other_classes.tif: no confidence beside it, so changes have none" in one.notes


def test_min_area_drops_small_changes_and_keeps_large_ones(write_map, tmp_path):
    before = np.zeros((40, 40), np.uint8)
    after = before.copy()
    after[5:7, 5:7] = 1  # 400 m²
    after[20:30, 20:30] = 2
    first, second = write_map("a.tif", before), write_map("b.tif", after)
    assert len(geoseg.change(first, second)) == 2
    summary = geoseg.change(first, second, tmp_path / "out", min_area=1000, simplify=5)
    frame = gpd.read_file(summary.outputs["changes"], layer="changes")
    assert frame.to_class.tolist() == ["water"]
    assert frame.area_m2[0] == pytest.approx(10_000, rel=0.05)
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(summary.outputs["changes"])) as database:
        style = database.execute("select f_table_name, styleQML from layer_styles").fetchone()
    assert style[0] == "changes"
    assert 'attr="change_id"' in style[1]
    assert "wood → water" in style[1]
    assert "unchanged" not in style[1]


@pytest.mark.parametrize("simplify", [None, 5, 120])
def test_outlines_that_take_much_of_what_changed_are_told(write_map, tmp_path, simplify):
    after = np.zeros((60, 60), np.uint8)
    for row, col in np.random.default_rng(2).integers(2, 52, (12, 2)):
        after[row : row + 3, col : col + 3], after[row + 3, col + 1] = 1, 1
    maps = write_map("a.tif", np.zeros_like(after)), write_map("b.tif", after)
    summary = geoseg.change(*maps, tmp_path / "out", simplify=simplify)
    area = gpd.read_file(summary.outputs["changes"], layer="changes").area.sum()
    told = [note for note in summary.notes if note.startswith("the new outlines change areas")]
    assert len(told) == (simplify == 120) == (abs(area / (after.sum() * 100) - 1) > 0.05)


def test_another_lattice_offset_is_exact_and_only_the_overlap_is_compared(write_map, patches, tmp_path):
    scene = patches(60, 60, 7)
    changed = scene.copy()
    changed[25:35, 25:35] = 4
    first = write_map("a.tif", scene[:50, :45])
    second = write_map("b.tif", changed[10:, 15:], origin=(500150, 5399900))
    summary = geoseg.change(first, second, tmp_path / "out", tolerance=0)
    assert summary.notes == ()
    differs = (scene != changed)[10:50, 15:45]
    codes = read(summary.outputs["change"])
    np.testing.assert_array_equal(codes >= 2, differs)


@pytest.mark.parametrize("kind", ["finer", "CRS"])
def test_another_grid_or_crs_is_brought_to_the_pixels_of_before(write_map, tmp_path, kind):
    before = np.zeros((40, 40), np.uint8)
    after = np.zeros((40, 40), np.uint8)
    after[10:20, 10:20] = 2
    first = write_map("a.tif", before)
    if kind == "finer":
        second = write_map("b.tif", np.kron(after, np.ones((2, 2), np.uint8)), pixel=5.0)
    else:
        from rasterio.warp import calculate_default_transform, reproject

        source = rasterio.Affine(10, 0, 500000, 0, -10, 5400000)
        bounds = (500000, 5399600, 500400, 5400000)
        transform, width, height = calculate_default_transform("EPSG:32633", "EPSG:3857", 40, 40, *bounds, resolution=7)
        warped = np.full((height, width), 255, np.uint8)
        reproject(after, warped, src_transform=source, src_crs="EPSG:32633", dst_transform=transform,
                  dst_crs="EPSG:3857", dst_nodata=255)  # fmt: skip
        second = write_map("b.tif", warped, crs="EPSG:3857", origin=(transform.c, transform.f), pixel=7.0)
    summary = geoseg.change(first, second, tmp_path / "out")
    what = "grid" if kind == "finer" else "CRS"
    assert f"b.tif lies on another {what} than a.tif and was brought to its pixels" in " ".join(summary.notes)
    (only,) = summary.transitions
    assert (only.from_class, only.to_class) == ("wood", "water")
    assert only.pixels == pytest.approx(100, abs=0 if kind == "finer" else 12)
    with rasterio.open(summary.outputs["change"]) as file:
        assert str(file.crs) == "EPSG:32633"


def test_classes_are_matched_by_name_and_differences_are_told(write_map, tmp_path):
    before = np.array([[0, 0, 1, 1]], np.uint8)
    after = np.array([[7, 7, 7, 9]], np.uint8)
    first = write_map("a.tif", before)
    other = (MapClass(7, "Wood", "#00ff00"), MapClass(9, "solar", "#0000ff"))
    second = write_map("b.tif", after, classes=other)
    summary = geoseg.change(first, second, tmp_path / "out", tolerance=0)
    assert {(t.from_class, t.to_class, t.pixels) for t in summary.transitions} == {
        ("field", "wood", 1), ("field", "solar", 1),
    }  # fmt: skip
    assert "b.tif does not know field, water, built, bare, which the other map has" in summary.notes
    assert "a.tif does not know solar, which the other map has" in summary.notes
    merged = geoseg.change(first, second, tmp_path / "m", tolerance=0, renames="solar=field,water=")
    assert {(t.from_class, t.to_class) for t in merged.transitions} == {("field", "wood")}
    assert "water" not in merged.report["matrix"]["classes"]


def test_numbers_without_names_and_wide_types(write_map, tmp_path):
    before = np.array([[10, 10, 300]], np.uint16)
    after = np.array([[10, 300, 300]], np.uint16)
    first, second = (write_map(n, v, classes=(), nodata=0) for n, v in (("a.tif", before), ("b.tif", after)))
    summary = geoseg.change(first, second, tmp_path / "out", tolerance=0)
    assert [(t.from_class, t.to_class, t.pixels) for t in summary.transitions] == [("class 10", "class 300", 1)]
    assert "neither map names its classes: they are told apart by number" in summary.notes


def test_more_classes_than_codes_number_those_transitions_that_occur(write_map, tmp_path):
    many = tuple(MapClass(k, f"kind {k}", default_color(k)) for k in range(40))
    before = np.arange(40, dtype=np.uint8).reshape(4, 10)
    after = before.copy()
    after[0, :3] = [30, 31, 32]
    first, second = write_map("a.tif", before, classes=many), write_map("b.tif", after, classes=many)
    summary = geoseg.change(first, second, tmp_path / "out", tolerance=0)
    assert sorted((t.code, t.from_class, t.to_class) for t in summary.transitions) == [
        (2, "kind 0", "kind 30"), (3, "kind 1", "kind 31"), (4, "kind 2", "kind 32"),
    ]  # fmt: skip
    wide = np.arange(400).reshape(20, 20)
    first = write_map("c.tif", (wide // 20).astype(np.uint8), classes=many)
    second = write_map("d.tif", (wide % 20).astype(np.uint8), classes=many)
    with pytest.raises(InputError, match="380 different transitions"):
        geoseg.change(first, second, tmp_path / "none", tolerance=0)
    assert files_of(tmp_path / "none") == []


def test_arrays_without_files():
    before = xr.DataArray(np.array([[0, 0, 1, 1]], np.uint8), dims=("y", "x"))
    after = before.copy(data=np.array([[0, 1, 1, 1]], np.uint8))
    changes = geoseg.change(before, after, tolerance=0)
    assert changes[["from_class", "to_class", "area_m2"]].values.tolist() == [["class 0", "class 1", 1.0]]


def bad_input(kind, write_map):
    first = write_map("a_classes.tif", np.zeros((4, 4), np.uint8))
    ones = np.ones((4, 4), np.uint8)
    second = {
        "apart": lambda: write_map("b.tif", ones, origin=(600000, 5400000)),
        "no CRS": lambda: write_map("b.tif", ones, crs=None),
        "strangers": lambda: write_map("b.tif", ones, classes=(MapClass(1, "sea", "#0000ff"),)),
        "unlisted": lambda: write_map("b.tif", np.full((4, 4), 77, np.uint8)),
        "floats": lambda: write_map("b.tif", np.full((4, 4), 0.5, np.float32), nodata=None),
        "bands": lambda: write_map("b.tif", np.zeros((3, 4, 4), np.uint8)),
        "missing": lambda: first.with_name("nowhere.tif"),
        "nodata": lambda: write_map("b.tif", np.full((4, 4), 255, np.uint8)),
        "text": lambda: (first.with_name("b.tif").write_text("no raster"), first.with_name("b.tif"))[1],
    }[kind]()
    return first, second


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("apart", "do not overlap"),
        ("no CRS", "has no CRS and the map has one"),
        ("strangers", r"a_classes.tif \(wood.* and b.tif \(sea\) have no class in common: rename with --map"),
        ("unlisted", "b.tif holds the value 77, which no class has"),
        ("floats", "b.tif holds 0.5, which is not a class number"),
        ("bands", "b.tif has 3 bands: a class map has one"),
        ("missing", "nowhere.tif: no such file"),
        ("nodata", "no pixel with a class at both dates"),
        ("text", "b.tif"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(write_map, tmp_path, kind, message):
    first, second = bad_input(kind, write_map)
    for dates in ((first, second), (second, first)) if kind == "missing" else ((first, second),):
        with pytest.raises(GeosegError, match=message) as raised:
            geoseg.change(*dates, tmp_path / "out")
        assert "\n" not in str(raised.value)
    assert not (tmp_path / "out").exists() or files_of(tmp_path / "out") == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tolerance": -1}, "tolerance must be a whole number of pixels in 0…16, got -1"),
        ({"tolerance": 1.5}, "tolerance must be a whole number of pixels in 0…16, got 1.5"),
        ({"tolerance": float("nan")}, "tolerance must be a whole number of pixels in 0…16, got nan"),
        ({"name": " "}, "name is empty"),
        ({"renames": ""}, "map is empty"),
        ({"min_confidence": 101}, "min-confidence must be a percentage, 0…100, got 101"),
        ({"min_confidence": 50}, "the maps have no confidence"),
        ({"min_area": -1}, "min-area must be 0 or larger, got -1"),
        ({"simplify": float("nan")}, "simplify must be 0 or larger, got nan"),
        ({"renames": "moss=wood"}, "map names the class 'moss'"),
        ({"confidence": ["a.tif"]}, "confidence names 1 rasters"),
    ],
)
def test_impossible_options(pair, tmp_path, options, message):
    with pytest.raises(OptionError, match=message):
        geoseg.change(*pair[:2], tmp_path / "out", **options)


def test_confidence_of_another_grid_is_refused(pair, write_map, tmp_path):
    write_map("2020_confidence.tif", np.full((40, 50), 80, np.uint8), classes=())
    write_map("2025_confidence.tif", np.full((40, 49), 80, np.uint8), classes=())
    with pytest.raises(InputError, match=r"2025_confidence\.tif is not on the grid of 2025_classes.tif"):
        geoseg.change(*pair[:2], tmp_path / "out")


def test_outputs_are_replaced_only_if_asked_and_inputs_never(pair, tmp_path):
    first, second = pair[:2]
    geoseg.change(first, second, tmp_path / "out", name="x")
    before = {path: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    with pytest.raises(OutputError, match="exists: choose another --name"):
        geoseg.change(first, second, tmp_path / "out", name="x")
    geoseg.change(first, second, tmp_path / "out", name="x", overwrite=True)
    assert {path: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before
    trap = first.rename(tmp_path / "y_change.tif")
    with pytest.raises(OutputError, match="is the input"):
        geoseg.change(trap, second, tmp_path, name="y", overwrite=True)
    with pytest.raises(OutputError, match="is a file: give the name of a folder"):
        geoseg.change(first.with_name("2025_classes.tif"), second, second)


def test_a_failure_after_the_rasters_leaves_nothing(pair, tmp_path, monkeypatch):
    def fail(*_, **__):
        raise OutputError("the disk is full")

    monkeypatch.setattr(importlib.import_module("geoseg.change.api"), "polygonize", fail)
    with pytest.raises(OutputError, match="the disk is full"):
        geoseg.change(*pair[:2], tmp_path / "out")
    assert files_of(tmp_path / "out") == []


def test_the_command_prints_the_matrix_and_its_result(pair, tmp_path):
    arguments = ["change", str(pair[0]), str(pair[1]), "-o", str(tmp_path / "out")]
    done = CliRunner().invoke(cli, [*arguments, "--tolerance", "0", "--progress", "none"])
    assert done.exit_code == 0, done.output
    assert "2020_classes.tif to 2025_classes.tif: area in ha" in done.output
    assert "changed: 0.7" in done.output
    again = CliRunner().invoke(cli, [*arguments, "--overwrite", "--progress", "json"])
    events = [json.loads(line) for line in again.stdout.splitlines()]
    assert events[0]["event"] == "start"
    assert events[-1]["event"] == "result"
    assert sorted(events[-1]["outputs"]) == sorted(OUTPUTS)
    assert events[-1]["change"]["options"]["tolerance"] == 1
