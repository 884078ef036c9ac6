"""Bad and odd input: each says what is wrong and what to do, or is repaired or left out, and counted."""

from __future__ import annotations

import sqlite3
import struct

import geopandas as gpd
import numpy as np
import pytest
import shapely

import geoseg
from geoseg.errors import InputError, OptionError
from geoseg.evaluate import ObjectEvaluation, ObjectOptions, evaluate_objects

UTM = "EPSG:32633"
SQUARES = shapely.box([0, 20, 40], 0, [10, 30, 50], 10)


def frame(shapes=SQUARES, crs=UTM, **columns):
    return gpd.GeoDataFrame(columns, geometry=gpd.GeoSeries(list(shapes), crs=crs), crs=crs)


def told(result, text):
    return any(text in note for note in result.notes)


def test_no_objects_at_all():
    result = evaluate_objects(frame([]), frame())
    assert (result.average_precision, result.recall) == (0.0, 0.0)
    assert np.isnan(result.precision)
    assert np.isnan(result.score)
    assert told(result, "objects holds no objects")
    assert "score" not in result.table().splitlines()[-3]
    assert result.to_dict()["operating_point"]["score"] is None


def test_no_reference_objects():
    result = evaluate_objects(frame(score=[0.9, 0.8, 0.7]), frame([]))
    assert np.isnan(result.average_precision)
    assert result.precision == 0.0
    assert told(result, "reference holds no objects")
    both = evaluate_objects(frame([]), frame([]))
    assert both.totals == (0, 0)
    assert both.table()


@pytest.mark.parametrize("bad", [np.nan, np.inf, None, "sure"])
def test_scores_that_cannot_be_ranked(bad):
    with pytest.raises(InputError, match=r"1 of 3 values of 'score'.*--score-field"):
        evaluate_objects(frame(score=np.array([0.9, bad, 0.7], object)), frame())


def test_objects_without_scores_are_of_one_operating_point():
    result = evaluate_objects(frame(), frame())
    assert told(result, "AP is that of one operating point")
    assert result.average_precision == 1.0
    assert result.to_dict()["average_precision"]["scores"] is None
    named = evaluate_objects(frame(sure=[1, 2, 3]), frame(), options=ObjectOptions(score_field="sure"))
    assert named.to_dict()["average_precision"]["scores"] == "sure"
    with pytest.raises(OptionError, match=r"no field 'p'; it has sure: choose one with --score-field"):
        evaluate_objects(frame(sure=[1, 2, 3]), frame(), options=ObjectOptions(score_field="p"))


def test_invalid_and_degenerate_geometries():
    bow = shapely.Polygon([(0, 0), (10, 10), (10, 0), (0, 10)])
    doubled = shapely.MultiPolygon([shapely.box(20, 0, 28, 10), shapely.box(22, 0, 30, 10)])
    flat = shapely.Polygon([(0, 0), (5, 5), (9, 9)])
    mixed = shapely.GeometryCollection([shapely.box(40, 0, 50, 10), shapely.LineString([(40, 0), (90, 0)])])
    odd = [bow, doubled, mixed, flat, shapely.Polygon(), None, shapely.Polygon([(0, 0), (1, np.inf), (1, 0)])]
    lobes = shapely.MultiPolygon([[[(0, 0), (5, 5), (0, 10)]], [[(10, 0), (10, 10), (5, 5)]]])
    result = evaluate_objects(frame(odd), frame([lobes, SQUARES[1], SQUARES[2]]))
    assert result.average_precision == 1.0
    assert told(result, "objects: 2 invalid polygons")
    assert told(result, "objects: 2 objects without an area are left out")
    assert told(result, "objects: 2 objects without a geometry are left out")


def test_reference_objects_that_overlap_are_matched_once_each():
    reference = frame([SQUARES[0], SQUARES[0], shapely.box(1, 0, 11, 10)])
    result = evaluate_objects(frame(SQUARES[:1], score=[0.5]), reference)
    assert (result.precision, result.recall) == (1.0, pytest.approx(1 / 3))


def test_multipolygons_with_z_and_m(tmp_path):
    def wkb(shape):
        """A multipolygon as WKB with Z and M, which shapely does not write."""
        rings = [np.asarray(shape.exterior.coords)]
        body = b"".join(struct.pack("<I", len(r)) + np.column_stack([r, r[:, :1] * 0 + 7, r[:, :1] * 0 + 3]).tobytes()
                        for r in rings)  # fmt: skip
        polygon = struct.pack("<BII", 1, 3003, len(rings)) + body
        return struct.pack("<BII", 1, 3006, 1) + polygon

    path = tmp_path / "zm.gpkg"
    _geopackage(path, "MULTIPOLYGON", [wkb(one) for one in SQUARES])
    result = evaluate_objects(path, frame())
    assert result.average_precision == 1.0
    assert evaluate_objects(frame(shapely.force_3d(SQUARES, 5)), path).average_precision == 1.0


def test_curves_are_read_as_lines(tmp_path):
    x, y, r = 100.0, 100.0, 10.0
    points = np.array([(x - r, y), (x, y + r), (x + r, y), (x, y - r), (x - r, y)])
    arc = struct.pack("<BII", 1, 8, len(points)) + points.tobytes()
    path = tmp_path / "curves.gpkg"
    _geopackage(path, "CURVEPOLYGON", [struct.pack("<BII", 1, 10, 1) + arc])
    circle = shapely.Point(x, y).buffer(r, quad_segs=64)
    result = evaluate_objects(path, frame([circle]))
    assert result.ranked.overlaps.iou[0] > 0.999
    assert result.average_precision == 1.0


def _geopackage(path, kind, shapes):
    """A GeoPackage with geometries given as WKB, which OGR would not write from shapely's."""
    frame(SQUARES[: len(shapes)]).to_file(path, layer="objects")
    with sqlite3.connect(path) as database:
        for (name,) in database.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'objects'"
        ).fetchall():
            database.execute(f'DROP TRIGGER "{name}"')
        database.execute("DELETE FROM gpkg_extensions")
        database.execute("DROP TABLE rtree_objects_geom")
        database.execute("UPDATE gpkg_geometry_columns SET geometry_type_name = ?, z = 2, m = 2", (kind,))
        header = b"GP\0\1" + struct.pack("<i", 32633)
        for number, wkb in enumerate(shapes, 1):
            database.execute("UPDATE objects SET geom = ? WHERE fid = ?", (header + wkb, number))
    database.close()


def test_points_instead_of_polygons():
    points = frame(shapely.points([1, 2], [3, 4]))
    with pytest.raises(InputError, match=r"geometries of type Point, but objects are polygons; .*Buffer in QGIS"):
        evaluate_objects(frame(), points)
    some = evaluate_objects(frame([*SQUARES, shapely.Point(1, 1)]), frame())
    assert told(some, "1 geometries of type Point are left out")


def test_a_reference_without_a_class():
    result = evaluate_objects(frame(class_name=["oak", "elm", "oak"]), frame())
    assert result.classes == ("object",)
    assert result.average_precision == 1.0
    assert told(result, "reference has no field class_name or class_id")


def test_classes_by_name_number_and_renames():
    ours, theirs = frame(class_name=["Oak", "elm", "oak"]), frame(class_name=["oak", "elm", "OAK "])
    assert evaluate_objects(ours, theirs).classes == ("elm", "Oak")
    other = frame(kind=["Quercus", "elm", ""])
    with pytest.raises(OptionError, match=r"no field 'sort'; it has kind"):
        evaluate_objects(ours, other, class_field="sort")
    result = evaluate_objects(ours, other, class_field="kind", renames="quercus=oak")
    assert told(result, "reference: 1 objects without a class are left out")
    assert result.recall == 1.0
    assert result.precision == pytest.approx(2 / 3)
    with pytest.raises(InputError, match="no class in common"):
        evaluate_objects(ours, frame(class_name=["a", "b", "c"]))
    lacking = evaluate_objects(ours, frame(class_name=["oak", "elm", "ash"]))
    assert told(lacking, "objects has no object of: ash")
    assert lacking.average_precision == pytest.approx(2 / 3, abs=0.2)
    numbers = evaluate_objects(frame(class_id=[1, 2, 1]), frame(class_id=[1.0, 2.0, np.nan]))
    assert numbers.classes == ("1", "2")
    assert told(numbers, "reference: 1 objects without a class")


def test_the_reference_is_brought_to_the_crs_of_the_objects(tmp_path):
    ours = frame().set_geometry(gpd.GeoSeries(SQUARES, crs=UTM).translate(500_000, 5_000_000))
    degrees = ours.to_crs("EPSG:4326")
    result = evaluate_objects(ours, degrees)
    assert result.average_precision == 1.0
    assert evaluate_objects(degrees, ours).average_precision == 1.0
    np.testing.assert_allclose(result.ranked.objects.areas, 100, rtol=1e-3)
    np.testing.assert_allclose(evaluate_objects(degrees, ours).ranked.objects.areas, 100, rtol=1e-3)


def test_a_crs_on_one_side_only():
    with pytest.raises(InputError, match=r"reference has no CRS, but objects has EPSG:32633.*ogr2ogr -a_srs"):
        evaluate_objects(frame(), frame(crs=None))
    neither = evaluate_objects(frame(crs=None), frame(crs=None))
    assert neither.unit == "units2"
    assert told(neither, "square units")


def test_layers_of_different_places_are_told():
    far = frame(shapely.box([500], 500, [510], 510))
    assert told(evaluate_objects(frame(), far), "do not overlap anywhere")


@pytest.mark.parametrize("name", ["a.gpkg", "a.geojson", "a.shp", "a.fgb", "a.parquet"])
def test_formats_are_read_alike(tmp_path, name):
    path = tmp_path / name
    table = frame(crs="EPSG:4326", score=[0.5, 0.7, 0.6])
    table.to_parquet(path) if path.suffix == ".parquet" else table.to_file(path)
    result = geoseg.evaluate(path, table, objects=ObjectOptions(most=2))
    assert isinstance(result, ObjectEvaluation)
    assert result.average_precision == 1.0
    assert result.ranked.objects.scores.tolist() == [0.5, 0.7, 0.6]


def test_a_file_of_several_layers(tmp_path):
    path = tmp_path / "two.gpkg"
    frame().to_file(path, layer="a")
    frame().to_file(path, layer="b")
    with pytest.raises(InputError, match=r"has the layers a, b: name the one with the objects 'objects'"):
        evaluate_objects(path, frame())
    frame().to_file(path, layer="objects")
    assert evaluate_objects(path, frame()).average_precision == 1.0


def test_objects_against_a_raster(tmp_path, class_map):
    raster = class_map("map.tif", np.zeros((4, 4), np.uint8))
    path = tmp_path / "a.gpkg"
    frame().to_file(path)
    with pytest.raises(InputError, match=r"a.gpkg holds polygons, which are compared with polygons.*polygonize"):
        geoseg.evaluate(path, raster)
    with pytest.raises(OptionError, match="the options of objects"):
        geoseg.evaluate(raster, raster, objects=ObjectOptions())
    with pytest.raises(InputError, match="no such file"):
        geoseg.evaluate(tmp_path / "none.gpkg", path)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sizes": (5, 5)}, "sizes 5,5: write"),
        ({"iou": 0.0}, "iou must lie in 0.1…1, got 0"),
        ({"score": np.nan}, "score must be a finite number, got nan"),
        ({"cell": 0.0}, "cell must be a length above 0, in units of the CRS, got 0"),
        ({"bbox": (0, 0, 0, 1)}, "bbox 0,0,0,1 is empty"),
    ],
)
def test_options_that_are_impossible(options, message):
    with pytest.raises(OptionError, match=message):
        ObjectOptions(**options)


def test_a_field_of_numbers_that_are_no_classes():
    shapes = shapely.box(np.arange(1001), 0, np.arange(1001) + 1, 1)
    many = frame(shapes, fid=np.arange(1001))
    with pytest.raises(InputError, match=r"field 'fid' holds more than 1000 different values.*--class-field"):
        evaluate_objects(many, many, class_field="fid")


def test_objects_in_a_zip_file(tmp_path):
    import zipfile

    frame().to_file(tmp_path / "objects.gpkg")
    with zipfile.ZipFile(tmp_path / "objects.zip", "w") as archive:
        archive.write(tmp_path / "objects.gpkg", "objects.gpkg")
    assert geoseg.evaluate(tmp_path / "objects.zip", frame()).average_precision == 1.0


def test_progress_reaches_its_end():
    told = []
    evaluate_objects(frame(), frame(), options=ObjectOptions(most=2), progress=lambda *step: told.append(step))
    assert told[-1] == (9, 9)
    assert told == sorted(told)


def test_cells_that_are_too_small():
    with pytest.raises(OptionError, match="too small for an extent"):
        evaluate_objects(frame(), frame(), options=ObjectOptions(cell=1e-9))


@pytest.mark.parametrize("names", [("A+", "A-"), ("1", "-1"), ("<5 m", ">5 m"), (1, -1), (1.5, 15.0)])
def test_classes_that_signs_tell_apart_are_not_one(names):
    """Their objects are where those of the other should be: nothing is right."""
    shapes, field = SQUARES[:2], "class_id" if isinstance(names[0], int | float) else "class_name"
    ours, theirs = (
        frame(shapes, **{field: list(names), "score": [0.9, 0.8]}),
        frame(shapes, **{field: list(names[::-1])}),
    )
    result = evaluate_objects(ours, theirs)
    assert len(result.classes) == 2
    assert (result.average_precision, result.f1) == (0.0, 0.0)
    assert evaluate_objects(ours, frame(shapes[::-1], **{field: list(names[::-1])})).average_precision == 1.0


def test_fields_are_found_whatever_their_case():
    ours = frame(Class_Name=["a", "b", "a"], SCORE=[0.2, 0.9, 0.8])
    result = evaluate_objects(ours, frame(CLASS_NAME=["a", "a", "a"]))
    assert result.score_field == "SCORE"
    assert result.classes == ("a", "b")
    assert (result.to_dict()["classes"]["a"]["true_positives"], result.recall) == (2, 2 / 3)


def test_what_a_score_is_instead_of_a_number_is_told():
    with pytest.raises(InputError, match=r"1 of 3 values of 'score' are no finite numbers \('90 %'\)"):
        evaluate_objects(frame(score=["0.5", "90 %", "0.7"]), frame())
    with pytest.raises(InputError, match=r"\(nothing\)"):
        evaluate_objects(frame(score=[0.5, None, 0.7]), frame())


def test_percents_where_a_share_is_asked_for_are_told():
    ours = frame(confidence=[90, 80, 2])
    assert told(evaluate_objects(ours, frame(), options=ObjectOptions(score=0.5)), "reach 90: are they percents?")
    for score in (None, 50):
        assert not told(evaluate_objects(ours, frame(), options=ObjectOptions(score=score)), "percents")


@pytest.mark.parametrize("swap", [False, True])
def test_metres_that_are_called_degrees_are_an_error(swap):
    """GeoJSON without a CRS is in degrees, whatever its writer meant."""
    sides = frame(crs="EPSG:4326", shapes=[shapely.box(5e5, 5e6, 5.1e5, 5.1e6)]), frame()
    with pytest.raises(InputError, match=r"its coordinates \(500000, 5000000\) are no degrees.*ogr2ogr -a_srs"):
        evaluate_objects(*(sides[::-1] if swap else sides))


def test_renames_of_classes_that_nobody_has():
    named = frame(class_name=["a", "b", "b"])
    with pytest.raises(OptionError, match=r"map names the class 'c', which neither has; they have a, b"):
        evaluate_objects(named, named, renames="c=a")
    result = evaluate_objects(named, named, renames="A=")
    assert result.classes == ("b",)
    assert told(result, "1 objects of classes that --map ignores are left out")
    assert not told(result, "without a class")


def test_the_side_without_classes_is_named():
    result = evaluate_objects(frame(class_name=["a", "b", "b"]), frame(label=["a", "b", "b"]))
    assert told(result, "reference has no field class_name or class_id")
    assert told(result, "--class-field")


def test_a_table_is_no_reference_of_objects(tmp_path):
    frame().to_file(tmp_path / "a.gpkg")
    (tmp_path / "b.csv").write_text("a,b\n1,2\n", "utf-8")
    (tmp_path / "c.geojson").touch()
    with pytest.raises(InputError, match=r"b\.csv is no file of polygons by its name"):
        geoseg.evaluate(tmp_path / "a.gpkg", tmp_path / "b.csv")
    with pytest.raises(InputError, match=r"c\.geojson: is empty"):
        geoseg.evaluate(tmp_path / "a.gpkg", tmp_path / "c.geojson")
