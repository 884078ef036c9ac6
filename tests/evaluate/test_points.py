"""PointSample design and area estimates: the paper's worked example, simulation, and real files."""

from __future__ import annotations

import geopandas
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geoseg.classes import LAND_COVER
from geoseg.errors import InputError, OptionError, OutputError
from geoseg.evaluate import comparison
from geoseg.evaluate.area_estimation import Z95, estimate
from geoseg.evaluate.points import draw_sample, estimate_area
from geoseg.evaluate.sample_design import allocate, sample_size

# Olofsson et al. 2014, Tables 8 and 9: deforestation, forest gain, stable forest, stable non-forest; Landsat pixels.
COUNTS = [[66, 0, 5, 4], [0, 55, 8, 12], [1, 0, 153, 11], [2, 1, 9, 313]]
MAPPED = [200_000, 150_000, 3_200_000, 6_450_000]
HECTARES = 0.09


def test_the_worked_example_of_olofsson():
    found = estimate(COUNTS, MAPPED)
    assert found.areas[0] == pytest.approx(235_086, abs=1)
    assert Z95 * found.areas_error[0] == pytest.approx(68_418, abs=1)
    assert found.areas[0] * HECTARES == pytest.approx(21_158, abs=1)
    assert Z95 * found.areas_error[0] * HECTARES == pytest.approx(6_158, abs=1)
    assert round(found.overall, 2) == 0.95
    assert round(Z95 * found.overall_error, 2) == 0.02
    np.testing.assert_array_equal(found.users.round(2), [0.88, 0.73, 0.93, 0.96])
    np.testing.assert_array_equal((Z95 * found.users_error).round(2), [0.07, 0.10, 0.04, 0.02])
    np.testing.assert_array_equal(found.producers.round(2), [0.75, 0.85, 0.93, 0.96])
    assert found.proportions.sum() == pytest.approx(1)
    assert found.areas.sum() == pytest.approx(sum(MAPPED))


def test_the_sample_size_of_olofsson():
    # Their section 5.1.1: weights and expected accuracies of the same example, standard error 0.01.
    assert sample_size(np.array([0.02, 0.015, 0.32, 0.645]), [0.7, 0.6, 0.9, 0.95], 0.01) == 641


def test_intervals_cover_the_truth():
    """Draw many samples from a known population: 95 % intervals must cover it about 95 times in 100."""
    rng = np.random.default_rng(1)
    population = np.array([[9000, 500, 500], [300, 4000, 700], [4000, 2000, 79000]])
    total, mapped = population.sum(0), population.sum(1)
    hits = np.zeros(3)
    for _ in range(400):
        counts = np.stack([rng.multivariate_hypergeometric(row, 200) for row in population])
        found = estimate(counts, mapped)
        hits += np.abs(found.areas - total) <= Z95 * found.areas_error
    assert (hits / 400 > 0.9).all()
    assert (hits / 400 < 0.99).all()


def test_variances_are_those_of_simulation():
    rng = np.random.default_rng(2)
    population = np.array([[900, 50, 50], [30, 400, 70], [400, 300, 7800]]) * 100
    mapped = population.sum(1)
    runs = [
        estimate(np.stack([rng.multinomial(120, row / row.sum()) for row in population]), mapped) for _ in range(2000)
    ]
    for name in ("areas", "users", "producers", "overall"):
        spread = np.var([getattr(run, name) for run in runs], axis=0)
        mean = np.mean([getattr(run, f"{name}_error") ** 2 for run in runs], axis=0)
        np.testing.assert_allclose(mean, spread, rtol=0.12, err_msg=name)


@settings(max_examples=60)
@given(
    st.integers(10, 2000),
    st.lists(st.floats(0.001, 1), min_size=1, max_size=8),
    st.integers(2, 60),
    st.lists(st.integers(1, 500), min_size=8, max_size=8),
)
def test_allocation(total, weights, minimum, available):
    weights = np.array(weights) / sum(weights)
    room = np.array(available[: len(weights)])
    sizes = allocate(total, weights, minimum, room)
    assert (sizes >= np.minimum(minimum, room)).all()
    assert (sizes <= room).all()
    least = np.minimum(minimum, room).sum()
    assert sizes.sum() == min(max(total, least), room.sum())


def _truth_at(points, array, pixel=10.0, origin=(500000, 5400000)):
    rows = ((origin[1] - points.geometry.y) / pixel).astype(int)
    cols = ((points.geometry.x - origin[0]) / pixel).astype(int)
    return array[rows, cols]


def test_points_lie_in_their_class_and_are_reproducible(class_map, patches, tmp_path, monkeypatch):
    import pyogrio

    array = patches(300, 400, 3, holes=True)
    path = class_map("a.tif", array)
    monkeypatch.setattr(comparison, "SIDE", 64)
    drawn = draw_sample(path, tmp_path / "p.gpkg", minimum=20, total=300, seed=5)
    assert sum(drawn.sizes) == 300
    points = pyogrio.read_dataframe(tmp_path / "p.gpkg")
    assert list(points.columns) == ["id", "map_class", "reference_class", "geometry"]
    assert points.crs == "EPSG:32633"
    assert sorted(points["id"]) == list(range(1, 301))
    assert points["reference_class"].isna().all()
    assert not points.geometry.duplicated().any()
    found = _truth_at(points, array)
    assert [LAND_COVER[k].name for k in found] == points["map_class"].tolist()
    draw_sample(path, tmp_path / "q.gpkg", minimum=20, total=300, seed=5)
    again = pyogrio.read_dataframe(tmp_path / "q.gpkg")
    assert again.geometry.equals(points.geometry)
    draw_sample(path, tmp_path / "r.gpkg", minimum=20, total=300, seed=6)
    assert not pyogrio.read_dataframe(tmp_path / "r.gpkg").geometry.equals(points.geometry)
    assert [item.name for item in tmp_path.iterdir() if item.name.startswith(".")] == []


def test_qgis_gets_a_list_of_classes(class_map, patches, tmp_path):
    """What QGIS 3.22 was seen to read: the default style, with a value map for the field to fill."""
    import sqlite3
    from contextlib import closing
    from xml.etree import ElementTree as ET

    array = patches(60, 60, 3)
    array[array == 5] = 0  # water is a class of the map that no pixel has; an interpreter may find it
    draw_sample(class_map("a.tif", array), tmp_path / "p.gpkg", total=50, minimum=5)
    with closing(sqlite3.connect(tmp_path / "p.gpkg")) as database:
        (row,) = database.execute("SELECT f_table_name, useAsDefault, styleQML FROM layer_styles").fetchall()
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert row[:2] == ("points", 1)
    root = ET.fromstring(row[2].partition("\n")[2])
    widget = root.find("fieldConfiguration/field[@name='reference_class']/editWidget")
    assert widget.get("type") == "ValueMap"
    assert [item.get("value") for item in widget.iterfind(".//Option[@type='QString']")] == [c.name for c in LAND_COVER]
    assert root.find("renderer-v2").get("attr") == "reference_class"


def test_points_are_uniform_in_their_stratum(class_map, tmp_path):
    import pyogrio

    array = np.zeros((200, 200), np.uint8)
    array[:, 150:] = 1
    draw_sample(class_map("a.tif", array), tmp_path / "p.gpkg", total=4000, minimum=2, seed=1)
    points = pyogrio.read_dataframe(tmp_path / "p.gpkg")
    rows = ((5400000 - points.geometry.y) / 10).astype(int) // 50
    counts = np.bincount(rows, minlength=4)
    assert ((counts - 1000) ** 2 / 1000).sum() < 16.3  # chi-squared, 3 degrees of freedom, 0.999


def test_large_pixels_are_picked_more_often_where_they_differ(class_map, tmp_path):
    """A map in degrees from 20° to 80° north: a pixel in the south covers five times one in the north."""
    import pyogrio

    array = np.zeros((600, 100), np.uint8)
    path = class_map("a.tif", array, crs="EPSG:4326", origin=(0, 80), pixel=0.1)
    draw_sample(path, tmp_path / "p.gpkg", total=3000, minimum=2, seed=1)
    points = pyogrio.read_dataframe(tmp_path / "p.gpkg")
    edges = np.arange(20, 81, 15)
    counts = np.histogram(points.geometry.y, edges)[0]
    expected = np.diff(np.sin(np.radians(edges)))
    expected = expected / expected.sum() * 3000
    assert ((counts - expected) ** 2 / expected).sum() < 16.3


def test_areas_are_true_areas(class_map, tmp_path):
    import pyogrio
    from pyproj import Geod

    array = np.zeros((60, 80), np.uint8)
    array[30:] = 1
    path = class_map("a.tif", array, crs="EPSG:4326", origin=(10, 60), pixel=0.01)
    draw_sample(path, tmp_path / "p.gpkg", total=60)
    points = pyogrio.read_dataframe(tmp_path / "p.gpkg")
    points["reference_class"] = points["map_class"]
    report = estimate_area(points, path)
    lon, lat = [10, 10.8, 10.8, 10], [60, 60, 59.7, 59.7]
    lon, lat = (np.interp(np.linspace(0, 4, 4001), range(5), [*side, side[0]]) for side in (lon, lat))
    north = abs(Geod(ellps="WGS84").polygon_area_perimeter(lon, lat)[0])
    assert report.estimate.mapped[0] == pytest.approx(north, rel=1e-4)
    assert report.unit == "m2"


def test_sample_interpret_estimate(class_map, patches, tmp_path):
    import pyogrio

    mapped, truth = patches(300, 400, 3), patches(300, 400, 3)
    wrong = np.random.default_rng(0).random(truth.shape) < 0.2
    truth[wrong] = patches(300, 400, 9)[wrong]
    path = class_map("a.tif", mapped)
    draw_sample(path, tmp_path / "p.gpkg", total=900)
    points = pyogrio.read_dataframe(tmp_path / "p.gpkg")
    points["reference_class"] = [LAND_COVER[k].name.upper() for k in _truth_at(points, truth)]
    pyogrio.write_dataframe(points, tmp_path / "done.gpkg")
    report = estimate_area(tmp_path / "done.gpkg", path)
    found = report.estimate
    areas = np.bincount(truth.ravel(), minlength=6) * 100
    assert (np.abs(found.areas - areas) < 3.5 * found.areas_error).all()
    assert found.overall == pytest.approx((mapped == truth).mean(), abs=0.05)
    assert report.to_dict()["classes"]["tree"]["points"] == (points["map_class"] == "tree").sum()
    assert "overall accuracy" in report.table()
    by_number = points.assign(reference_class=_truth_at(points, truth)).drop(columns="map_class")
    other = estimate_area(by_number, path)
    np.testing.assert_array_equal(other.estimate.counts, found.counts)
    assert "are read from a.tif" in other.notes[0]


def test_a_class_of_one_pixel_is_known_by_its_one_point(tmp_path, class_map):
    """A drawn sample can always be evaluated: of such a class there is no second pixel to draw."""
    classes = np.zeros((32, 32), np.uint8)
    classes[:, 16:] = 1
    classes[5, 5] = 2
    path = class_map(tmp_path / "map.tif", classes)
    points = tmp_path / "points.gpkg"
    draw_sample(path, points, total=12, minimum=2)
    frame = geopandas.read_file(points, layer="points")
    assert (frame["map_class"] == LAND_COVER[2].name).sum() == 1
    frame["reference_class"] = frame["map_class"]
    frame.to_file(points, layer="points", driver="GPKG")
    found = estimate_area(points, path).estimate
    assert found.sizes[2] == 1
    assert found.areas[2] == pytest.approx(found.mapped[2])
    assert found.areas_error[2] == 0
    with pytest.raises(InputError, match="'c' has 1 interpreted point: each class on the map needs at least two"):
        estimate([[5, 0, 0], [0, 5, 0], [0, 0, 1]], [100.0, 100.0, 2.0], ["a", "b", "c"], [100, 100, 2])


def test_bad_points(class_map, patches, tmp_path):
    import pyogrio

    path = class_map("a.tif", patches(100, 100, 3))
    draw_sample(path, tmp_path / "p.gpkg", total=120, minimum=10)
    points = pyogrio.read_dataframe(tmp_path / "p.gpkg")
    filled = points.assign(reference_class=points["map_class"])
    half = filled.copy()
    half.loc[half.index[:20], "reference_class"] = None
    assert "20 of 120 points are not interpreted" in estimate_area(half, path).notes[0]
    cases = {
        "none of its 120 points is interpreted": (points, path),
        "'snow', which no class": (filled.assign(reference_class="snow"), path),
        "has no field 'reference_class'": (points.drop(columns="reference_class"), path),
        "another class on the map": (filled, class_map("b.tif", patches(100, 100, 4))),
        "lie where c.tif has no class": (filled, class_map("c.tif", patches(100, 100, 3), origin=(900000, 5400000))),
        "has 1 interpreted point": (filled.drop(filled.index[filled["map_class"] == "tree"][1:]), path),
        "CRS": (filled.set_crs(None, allow_override=True), path),
        "not hold points": (filled.assign(geometry=filled.buffer(1)), path),
    }
    for message, (frame, source) in cases.items():
        with pytest.raises(InputError, match=message) as raised:
            estimate_area(frame, source)
        assert "\n" not in str(raised.value)
    with pytest.raises(InputError, match="no such file"):
        estimate_area(tmp_path / "nothing.gpkg", path)


def test_bad_designs(class_map, patches, tmp_path):
    path = class_map("a.tif", patches(50, 50, 3))
    for options, message in (
        ({"expected": "snow=0.5"}, "'snow'"),
        ({"expected": "1.5"}, "between 0 and 1"),
        ({"standard_error": 0.9}, "standard error"),
        ({"minimum": 1}, "at least two"),
    ):
        with pytest.raises(OptionError, match=message):
            draw_sample(path, tmp_path / "p.gpkg", **options)
    with pytest.raises(OutputError, match="GeoPackage"):
        draw_sample(path, tmp_path / "p.shp")
    draw_sample(path, tmp_path / "p.gpkg")
    with pytest.raises(OutputError, match="perhaps with interpretations"):
        draw_sample(path, tmp_path / "p.gpkg")
    with pytest.raises(InputError, match="no pixel with a class"):
        draw_sample(class_map("e.tif", np.full((9, 9), 255, np.uint8)), tmp_path / "e.gpkg")
