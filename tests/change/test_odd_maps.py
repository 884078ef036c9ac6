"""Class maps as strangers have them: numbers, legends and dates that are not as geoseg writes them."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import rasterio

import geoseg
from geoseg.change import smooth
from geoseg.change.hidden_markov import likelihoods
from geoseg.classes import MapClass, default_color
from geoseg.errors import GeosegError


def legend(**names):
    return tuple(MapClass(int(number[1:]), name, default_color(int(number[1:]))) for number, name in names.items())


def matrix_of(summary):
    """Pixels by the names of the classes before and after."""
    names, pixels = summary.report["matrix"]["classes"], summary.report["matrix"]["pixels"]
    return {(a, b): pixels[i][j] for i, a in enumerate(names) for j, b in enumerate(names) if pixels[i][j]}


def counted(before, after, names):
    """The same, counted by numpy."""
    pairs, pixels = np.unique(np.stack([before.ravel(), after.ravel()]), axis=1, return_counts=True)
    return {(names[a], names[b]): n for a, b, n in zip(*pairs.tolist(), pixels.tolist(), strict=True)}


@pytest.fixture
def pair():
    rng = np.random.default_rng(8)
    return rng.integers(0, 3, (2, 30, 40)).astype(np.uint8)


@pytest.mark.parametrize("values", [(0, 1, -1), (5, -5, 7)])
def test_signs_tell_numbers_apart(write_map, tmp_path, pair, values):
    before, after = np.array(values, np.int16)[pair]
    paths = [write_map(f"{k}.tif", one, classes=(), nodata=None) for k, one in enumerate((before, after))]
    found = geoseg.change(*paths, tmp_path / "out", tolerance=0)
    assert matrix_of(found) == counted(before, after, {value: f"class {value}" for value in values})


def test_comparisons_tell_names_apart(write_map, tmp_path, pair):
    names = {0: "slope <5°", 1: "slope >5°", 2: "Grass/shrub"}
    other = legend(_0="slope > 5°", _1="grass_SHRUB ", _2="slope<5°")
    before, after = pair
    first = write_map("a.tif", before, classes=legend(_0=names[0], _1=names[1], _2=names[2]))
    second = write_map("b.tif", np.array([2, 0, 1], np.uint8)[after], classes=other)
    found = geoseg.change(first, second, tmp_path / "out", tolerance=0)
    assert matrix_of(found) == counted(before, after, names)
    assert not found.notes


def test_names_that_are_alike_are_told(write_map, tmp_path, pair):
    paths = [
        write_map(f"{k}.tif", one, classes=legend(_0="wood", _1="field", _2="Field")) for k, one in enumerate(pair)
    ]
    found = geoseg.change(*paths, tmp_path / "out", tolerance=0)
    assert sum("1 field, 2 Field have names that are alike" in note for note in found.notes) == 2
    merged = np.minimum(pair, 1)
    assert matrix_of(found) == counted(*merged, {0: "wood", 1: "field"})
    report = geoseg.evaluate(*paths)
    assert any("names that are alike" in note for note in report.notes)
    cleaned = smooth(paths, tmp_path / "smooth", transitions=0.6)
    assert any("names that are alike" in note for note in cleaned.notes)
    assert cleaned.classes == ("wood", "field")
    with rasterio.open(cleaned.outputs[0]) as file:
        assert set(np.unique(file.read(1))) == {0, 1}


@pytest.mark.parametrize("named", [True, False])
def test_a_number_on_the_right_is_the_class_of_that_number(write_map, tmp_path, pair, named):
    classes = legend(_0="wood", _1="field", _2="water") if named else ()
    paths = [write_map(f"{k}.tif", one, classes=classes) for k, one in enumerate(pair)]
    found = geoseg.change(*paths, tmp_path / "out", renames="1=2", tolerance=0)
    merged = np.array([0, 2, 2])[pair]
    assert matrix_of(found) == counted(*merged, {0: "wood", 2: "water"} if named else {0: "class 0", 2: "class 2"})


def test_a_class_that_is_declared_nodata_is_told_and_can_be_kept(write_map, tmp_path, pair):
    classes = legend(_0="wood", _1="field", _2="water")
    paths = [write_map(f"{k}.tif", one, classes=classes, nodata=0) for k, one in enumerate(pair)]
    found = geoseg.change(*paths, tmp_path / "out", tolerance=0)
    assert any("declares 0 as nodata, which is class 'wood'" in note and "--map 0=wood" in note for note in found.notes)
    kept = geoseg.change(*paths, tmp_path / "kept", renames="0=wood", tolerance=0)
    assert matrix_of(kept) == counted(*pair, {0: "wood", 1: "field", 2: "water"})
    assert any("as nodata, which is class 'wood'" in note for note in smooth(paths, tmp_path / "s").notes)
    plain = legend(_0="No data", _1="field", _2="water")
    paths = [write_map(f"{k}.tif", one, classes=plain, nodata=0) for k, one in enumerate(pair)]
    assert not geoseg.change(*paths, tmp_path / "silent", tolerance=0).notes


def test_the_file_with_an_undeclared_fill_is_named(write_map, tmp_path, pair):
    first = write_map("a.tif", pair[0].astype(np.int32), classes=(), nodata=None)
    second = write_map("b.tif", np.where(pair[1] == 2, -(2**31), 1).astype(np.int32), classes=(), nodata=None)
    with pytest.raises(GeosegError, match=r"^b\.tif: class numbers from -2147483648 .* -a_nodata -2147483648 FILE"):
        geoseg.change(first, second, tmp_path / "out")


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (("2025_classes.tif", "2020_classes.tif"), True),
        (("m_20240601.tif", "m_2024-03-01.tif"), True),
        (("2020_classes.tif", "2025_classes.tif"), False),
        (("m_20240601.tif", "n_20240601.tif"), False),
        (("lulc_2020-2025.tif", "2019.tif"), False),
    ],
)
def test_dates_out_of_order_are_told(write_map, tmp_path, pair, names, told):
    paths = [write_map(name, one) for name, one in zip(names, pair, strict=True)]
    for found in (geoseg.change(*paths, tmp_path / "out"), smooth(paths, tmp_path / "s", transitions=0.9)):
        assert any("backwards in time" in note for note in found.notes) == told


def test_a_series_of_numbers_keeps_them(write_map, tmp_path):
    rng = np.random.default_rng(2)
    numbers = np.array([11, 42, 90], np.uint8)
    seen = rng.integers(0, 3, (4, 12, 10))
    paths = [write_map(f"m_{2020 + k}.tif", numbers[one], classes=(), nodata=None) for k, one in enumerate(seen)]
    found = smooth(paths, tmp_path / "out", transitions=0.8)
    assert found.classes == ("class 11", "class 42", "class 90")
    cleaned = []
    for path in found.outputs[:-1]:
        with rasterio.open(path) as file:
            cleaned.append(file.read(1))
    likelihood = likelihoods(seen.reshape(4, -1).astype(np.uint8), None, 3).astype(float)
    moves = np.full((3, 3), 0.1) + 0.7 * np.eye(3)
    for pixel in range(0, 120, 7):
        chances = {
            path: np.prod([likelihood[t, k, pixel] for t, k in enumerate(path)])
            * np.prod([moves[a, b] for a, b in itertools.pairwise(path)])
            for path in itertools.product(range(3), repeat=4)
        }
        course = tuple(np.searchsorted(numbers, [one.ravel()[pixel] for one in cleaned]).tolist())
        assert chances[course] == pytest.approx(max(chances.values()), rel=1e-5)
    again = smooth(found.outputs[:-1], tmp_path / "again", transitions=0.8)
    assert again.classes == found.classes


def test_what_a_series_makes_of_its_maps_is_told(write_map, tmp_path, pair):
    first = write_map("m_20240101.tif", pair[0])
    moved = write_map("m_20240201.tif", pair[1], origin=(500005, 5400005))
    bare = write_map("n_20240201.tif", pair[1], classes=())
    notes = smooth([first, moved, bare], tmp_path / "out", transitions=0.9).notes
    for text in ("m_20240201.tif lies on another grid", "n_20240201.tif names no classes", "are of one date"):
        assert any(text in note for note in notes), text
    table = tmp_path / "moves.csv"
    table.write_text("from,wood,field\nwood,,0.1\nwood,,0.2\n", encoding="utf-8")
    with pytest.raises(GeosegError, match="names the class wood twice"):
        smooth([first, moved], tmp_path / "csv", transitions=table)
    beyond = write_map("beyond.tif", pair[1] + 50)
    with pytest.raises(GeosegError, match="-a_nodata VALUE FILE"):
        smooth([first, beyond], tmp_path / "beyond")


def test_confidence_of_another_scale_is_refused(write_map, tmp_path, pair):
    paths = [write_map(f"{name}_classes.tif", one) for name, one in zip("ab", pair, strict=True)]
    for name in "ab":
        write_map(f"{name}_confidence.tif", np.full(pair[0].shape, 200, np.uint8), classes=(), nodata=255)
    for run in (lambda: geoseg.change(*paths, tmp_path / "out"), lambda: smooth(paths, tmp_path / "out")):
        with pytest.raises(GeosegError, match=r"_confidence\.tif holds 200; confidence is percent"):
            run()
    assert not list(tmp_path.glob("out/*.tif"))


def test_scenes_without_a_model_and_names_that_are_renamed_twice(write_map, tmp_path, pair):
    scene = write_map("scene.tif", np.stack([*pair, *pair]), classes=())
    with pytest.raises(GeosegError, match=r"has 4 bands: .*, or name the model that maps scenes, with --model"):
        geoseg.change(scene, scene)
    with pytest.raises(GeosegError, match="map names 0 twice, with wood and water"):
        geoseg.change(scene, scene, renames="0=wood,1=field,0=water")


def test_longitudes_that_differ_by_a_turn_are_told(write_map, tmp_path, pair):
    first = write_map("a.tif", pair[0], crs="EPSG:4326", origin=(-10, 50), pixel=0.001)
    second = write_map("b.tif", pair[1], crs="EPSG:4326", origin=(350, 50), pixel=0.001)
    with pytest.raises(GeosegError, match=r"differ by a whole turn: gdal_edit\.py -a_ullr -10 50 -9\.96 49\.97 FILE"):
        geoseg.change(first, second)
    moved = write_map("c.tif", pair[1], crs="EPSG:4326", origin=(-10, 50), pixel=0.001)
    assert len(geoseg.change(first, moved, tolerance=0)) > 0
