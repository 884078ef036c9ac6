"""evaluate() against scikit-learn, rasterio and itself."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

import geoseg
from geoseg.classes import LAND_COVER, MapClass
from geoseg.errors import InputError, OptionError, OutputError
from geoseg.evaluate import comparison

metrics = pytest.importorskip("sklearn.metrics")


def test_scores_of_two_files(class_map, patches):
    predicted, truth = patches(90, 130, 1, holes=True), patches(90, 130, 2, holes=True)
    truth[:, :60] = predicted[:, :60]
    result = geoseg.evaluate(class_map("a_classes.tif", predicted), class_map("b.tif", truth))
    both = (predicted != 255) & (truth != 255)
    expected = metrics.confusion_matrix(truth[both], predicted[both], labels=range(6))
    np.testing.assert_array_equal(result.matrix, expected)
    assert result.scores.kappa == pytest.approx(metrics.cohen_kappa_score(truth[both], predicted[both]))
    counted = result.counts
    assert (
        counted.pixels == predicted.size == expected.sum() + counted.map_only + counted.reference_only + counted.neither
    )
    assert counted.map_only == ((predicted != 255) & (truth == 255)).sum()
    assert counted.reference_only == ((truth != 255) & (predicted == 255)).sum()
    assert [item.name for item in result.classes] == [item.name for item in LAND_COVER]


def test_windows_do_not_show(class_map, patches, monkeypatch):
    paths = class_map("a_classes.tif", patches(90, 130, 1, holes=True)), class_map("b.tif", patches(90, 130, 2))
    whole = geoseg.evaluate(*paths).to_dict()
    monkeypatch.setattr(comparison, "SIDE", 17)
    seen = []
    assert geoseg.evaluate(*paths, progress=lambda *done: seen.append(done)).to_dict() == whole
    assert seen[-1] == (48, 48)


def test_calibration(class_map, patches):
    truth, predicted = patches(60, 60, 1), patches(60, 60, 2)
    rng = np.random.default_rng(0)
    confidence = rng.integers(0, 101, truth.shape, dtype=np.uint8)
    class_map("m_confidence.tif", confidence, classes=())
    path = class_map("m_classes.tif", predicted)
    result = geoseg.evaluate(path, class_map("t.tif", truth))
    right, share = (truth == predicted).ravel(), confidence.ravel() / 100
    bins = np.clip(np.ceil(share * 10 - 1e-9).astype(int) - 1, 0, 9)
    expected = sum(
        (bins == b).mean() * abs(right[bins == b].mean() - share[bins == b].mean())
        for b in range(10)
        if (bins == b).any()
    )
    assert result.counts.reliability.ece == pytest.approx(expected)
    assert sum(entry["pixels"] for entry in result.counts.reliability.bins()) == truth.size
    assert geoseg.evaluate(path, path, confidence=False).counts.reliability is None
    with pytest.raises(InputError, match="not on the grid"):
        geoseg.evaluate(path, path, confidence=class_map("other.tif", confidence[:50], classes=()))


@pytest.mark.parametrize("pixel", [2.5, 25.0])
def test_reference_on_another_grid_is_read_at_the_centres(class_map, patches, pixel):
    predicted = patches(60, 80, 1)
    size = round(60 * 10 / pixel), round(80 * 10 / pixel)
    truth = patches(*size, 2)
    result = geoseg.evaluate(class_map("a.tif", predicted), class_map("b.tif", truth, pixel=pixel))
    rows = ((np.arange(60) + 0.5) * 10 / pixel).astype(int)
    cols = ((np.arange(80) + 0.5) * 10 / pixel).astype(int)
    expected = metrics.confusion_matrix(truth[np.ix_(rows, cols)].ravel(), predicted.ravel(), labels=range(6))
    np.testing.assert_array_equal(result.matrix, expected)


def test_reference_in_another_crs(class_map, patches):
    import rasterio
    from rasterio.warp import Resampling, calculate_default_transform, reproject

    truth = patches(120, 120, 3)
    path = class_map("a.tif", truth)
    with rasterio.open(path) as file:
        transform, width, height = calculate_default_transform(
            file.crs, "EPSG:3857", 120, 120, *file.bounds, resolution=1.5
        )
        moved = np.full((height, width), 255, np.uint8)
        reproject(truth, moved, src_transform=file.transform, src_crs=file.crs, dst_transform=transform,
                  dst_crs="EPSG:3857", resampling=Resampling.nearest, dst_nodata=255)  # fmt: skip
    other = path.with_name("b.tif")
    with rasterio.open(other, "w", driver="GTiff", height=height, width=width, count=1, dtype="uint8", nodata=255,
                       crs="EPSG:3857", transform=transform) as file:  # fmt: skip
        file.write(moved, 1)
    result = geoseg.evaluate(path, other)
    # One and a half metres of Web Mercator against ten on the ground: only centres at a border can fall beside.
    assert result.scores.overall_accuracy > 0.98
    assert result.matrix.sum() > 0.95 * truth.size


def test_polygons(class_map, patches, tmp_path):
    truth = patches(70, 90, 5)
    truth[:20, :20] = 255
    path = class_map("a_classes.tif", patches(70, 90, 6))
    polygons = geoseg.polygonize(class_map("t.tif", truth))
    rasters = geoseg.evaluate(path, tmp_path / "t.tif").to_dict()
    result = geoseg.evaluate(path, polygons).to_dict()
    assert result["confusion"] == rasters["confusion"]
    assert result["pixels"] == rasters["pixels"]
    assert result["mean_iou"] == rasters["mean_iou"]
    moved = polygons.to_crs("EPSG:4326").rename(columns={"class_id": "code"})[["code", "geometry"]]
    moved.to_file(tmp_path / "t.geojson")
    by_number = geoseg.evaluate(path, tmp_path / "t.geojson", class_field="code").to_dict()
    assert by_number["confusion"]["pixels"] == pytest.approx(np.array(rasters["confusion"]["pixels"]), abs=3)


def test_many_polygons_are_read_by_window(class_map, patches, tmp_path, monkeypatch):
    from geoseg.evaluate import reference

    path = class_map("a.tif", patches(70, 90, 6))
    geoseg.polygonize(class_map("t.tif", patches(70, 90, 5)), tmp_path / "t.gpkg")
    kept = geoseg.evaluate(path, tmp_path / "t.gpkg").to_dict()
    monkeypatch.setattr(reference, "_KEPT", 3)
    monkeypatch.setattr(comparison, "SIDE", 32)
    assert geoseg.evaluate(path, tmp_path / "t.gpkg").to_dict() == kept


def test_classes_are_matched_by_name(class_map, patches):
    truth = patches(40, 40, 1)
    order = [3, 5, 0, 1, 2, 4]
    renumbered = tuple(replace(LAND_COVER[k], id=10 * i + 10) for i, k in enumerate(order))
    table = np.zeros(256, np.uint8)
    table[order] = [item.id for item in renumbered]
    names = tuple(replace(item, name=item.name.upper().replace("/", " / ")) for item in renumbered)
    result = geoseg.evaluate(class_map("a.tif", truth), class_map("b.tif", table[truth], classes=names))
    assert result.scores.overall_accuracy == 1


def test_renames(class_map, patches):
    truth = patches(40, 40, 1)
    path = class_map("a.tif", truth)
    world_cover = np.array([10, 30, 40, 50, 60, 80], np.uint8)[truth]
    renames = "10=tree,30=grass/shrub,40=crop,50=built,60=bare,80=water"
    found = geoseg.evaluate(path, class_map("w.tif", world_cover, classes=(), nodata=0), renames=renames)
    assert found.scores.overall_accuracy == 1
    merged = geoseg.evaluate(path, path, renames="crop=green,grass/shrub=green,water=")
    assert [item.name for item in merged.classes] == ["tree", "green", "built", "bare"]
    assert merged.matrix.sum() == (truth != 5).sum()
    assert merged.scores.support[1] == np.isin(truth, (1, 2)).sum()


def test_bare_numbers(class_map, patches):
    numbers = patches(40, 40, 1)[:, :] * 3
    result = geoseg.evaluate(class_map("a.tif", numbers, classes=()), class_map("b.tif", numbers, classes=()))
    assert [item.name for item in result.classes] == [f"class {k}" for k in (0, 3, 6, 9, 12, 15)]
    assert result.boundary_f1 == 1


def test_large_bare_numbers(class_map, patches):
    import geopandas as gpd
    from shapely.geometry import box

    numbers = (patches(40, 40, 1).astype(np.uint16) * 400) + 111
    path = class_map("a.tif", numbers, classes=(), nodata=None)
    result = geoseg.evaluate(path, path)
    assert [item.name for item in result.classes] == [f"class {111 + 400 * k}" for k in range(6)]
    assert result.scores.overall_accuracy == 1
    inside = box(500010, 5399700, 500100, 5399900)
    frame = gpd.GeoDataFrame({"code": [511], "kind": ["reed"]}, geometry=[inside], crs="EPSG:32633")
    found = geoseg.evaluate(path, frame, class_field="code")
    assert found.scores.support.sum() == 9 * 20
    with pytest.raises(InputError, match="names without numbers"):
        geoseg.evaluate(path, frame, class_field="kind")
    noise = np.arange(1600, dtype=np.uint16).reshape(40, 40)
    with pytest.raises(InputError, match="more than 1000 different values"):
        geoseg.evaluate(path, class_map("n.tif", noise, classes=(), nodata=None))


def test_report(class_map, patches, tmp_path):
    from PIL import Image

    result = geoseg.evaluate(class_map("a.tif", patches(40, 50, 1)), class_map("b.tif", patches(40, 50, 2)))
    files = result.write(tmp_path / "out" / "report.json")
    report = json.loads(files["report"].read_text("utf-8"))
    assert report == result.to_dict()
    assert report["schema"] == 1
    assert set(report["classes"]) == {item.name for item in LAND_COVER}
    with Image.open(files["picture"]) as picture:
        assert picture.width > 900
    assert "overall accuracy" in result.table()
    assert [path.name for path in (tmp_path / "out").iterdir() if path.name.startswith(".")] == []
    with pytest.raises(OutputError, match="exists"):
        result.write(tmp_path / "out" / "report.json")
    with pytest.raises(OutputError, match="is JSON"):
        result.write(tmp_path / "report.xlsx")


def test_arrays(scene):
    data = scene(30, 40)[0]
    assert geoseg.evaluate(data, data).scores.overall_accuracy == 1


SNOW = (*LAND_COVER, MapClass(6, "snow", "#ffffff"))
BAD = {
    "elsewhere": ({"origin": (900000, 5400000)}, {}, InputError, "do not overlap"),
    "no CRS": ({"crs": None}, {}, InputError, "no CRS and the map has one"),
    "other classes": ({"classes": SNOW}, {}, InputError, "'snow'.*--map snow="),
    "unknown value": ({"classes": (), "value": 77}, {}, InputError, "value 77, which no class has.*--map"),
    "empty": ({"value": 255}, {}, InputError, "no class anywhere"),
    "renames": ({}, {"renames": "wood=tree"}, OptionError, "'wood', which neither has"),
    "renames form": ({}, {"renames": "wood"}, OptionError, "class=class"),
    "tolerance": ({}, {"tolerance": -1}, OptionError, "tolerance"),
    "class field": ({}, {"class_field": "x"}, OptionError, "is for polygons"),
    "no such file": ({}, {"confidence": "nowhere.tif"}, InputError, "no such file"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_line(class_map, patches, name):
    changed, options, error, message = BAD[name]
    changed = dict(changed)
    truth = patches(40, 40, 1)
    if "value" in changed:
        truth[:] = changed.pop("value")
    with pytest.raises(error, match=message) as raised:
        geoseg.evaluate(class_map("a.tif", patches(40, 40, 2)), class_map("b.tif", truth, **changed), **options)
    assert "\n" not in str(raised.value)


def test_bad_rasters(class_map, patches, tmp_path):
    import rasterio

    path = class_map("a.tif", patches(20, 20, 2))
    with pytest.raises(InputError, match=r"holds 0\.5"):
        geoseg.evaluate(path, class_map("f.tif", np.full((20, 20), 0.5, np.float32), classes=()))
    three = tmp_path / "rgb.tif"
    with rasterio.open(three, "w", driver="GTiff", height=20, width=20, count=3, dtype="uint8") as file:
        file.write(np.zeros((3, 20, 20), np.uint8))
    with pytest.raises(InputError, match="has 3 bands"):
        geoseg.evaluate(path, three)


def test_bad_polygons(class_map, patches, tmp_path):
    import geopandas as gpd
    from shapely.geometry import GeometryCollection, Point, box

    path = class_map("a.tif", patches(40, 40, 2))
    inside = box(500010, 5399700, 500100, 5399900)
    mixed = GeometryCollection([Point(500010, 5399700), inside])
    frames = {
        "has no field 'kind'": (gpd.GeoDataFrame({"a": [1]}, geometry=[inside], crs="EPSG:32633"), "kind"),
        "which field holds the class": (gpd.GeoDataFrame({"a": [1]}, geometry=[inside], crs="EPSG:32633"), None),
        "no CRS": (gpd.GeoDataFrame({"a": [1]}, geometry=[inside]), "a"),
        "not overlap": (gpd.GeoDataFrame({"a": [1]}, geometry=[box(0, 0, 9, 9)], crs="EPSG:32633"), "a"),
        "holds no polygons": (gpd.GeoDataFrame({"a": []}, geometry=[], crs="EPSG:32633"), "a"),
        "empty everywhere": (gpd.GeoDataFrame({"a": [None]}, geometry=[inside], crs="EPSG:32633"), "a"),
        "not polygons": (gpd.GeoDataFrame({"a": [1]}, geometry=[mixed], crs="EPSG:32633"), "a"),
        "not a class number": (gpd.GeoDataFrame({"a": [1.5]}, geometry=[inside], crs="EPSG:32633"), "a"),
        "which no class has": (gpd.GeoDataFrame({"a": [9]}, geometry=[inside], crs="EPSG:32633"), "a"),
        "'forest'": (gpd.GeoDataFrame({"a": ["forest"]}, geometry=[inside], crs="EPSG:32633"), "a"),
    }
    for message, (frame, field) in frames.items():
        with pytest.raises((InputError, OptionError), match=message) as raised:
            geoseg.evaluate(path, frame, class_field=field)
        assert "\n" not in str(raised.value)
    broken = tmp_path / "broken.gpkg"
    broken.write_bytes(b"no geopackage")
    with pytest.raises(InputError, match="cannot be read as polygons"):
        geoseg.evaluate(path, broken)
