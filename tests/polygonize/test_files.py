"""Input and output files, options, and errors."""

from __future__ import annotations

import inspect
import json
import re
import sqlite3
import sys

import geopandas
import numpy as np
import pyogrio
import pytest
import rasterio
import shapely
from affine import Affine

import geoseg
from geoseg.classes import MapClass
from geoseg.errors import InputError, OptionError, OutputError
from geoseg.polygonize import api, polygonize
from tests.polygonize.polygon_helpers import canonical, one_pass

SHAPE = 60, 50
TRANSFORM = Affine(10, 0, 500000, 0, -10, 5400000)
NAMES = (MapClass(0, "water", "#0000ff"), MapClass(1, "forest & park", "#00ff00"), MapClass(2, "town", "#ff0000"))


def write(path, values, **profile):
    """A GeoTIFF of one or more bands."""
    values = np.atleast_3d(values.T).T if values.ndim == 2 else values
    profile = {"crs": "EPSG:32633", "transform": TRANSFORM, **profile}
    count, height, width = values.shape
    with rasterio.open(
        path, "w", driver="GTiff", count=count, height=height, width=width, dtype=values.dtype, **profile
    ) as file:
        file.write(values)
    return path


@pytest.fixture
def values():
    return np.random.default_rng(0).integers(0, 3, SHAPE, dtype=np.uint8)


@pytest.fixture
def map_(tmp_path, values):
    return write(tmp_path / "map.tif", values)


@pytest.mark.parametrize("suffix", [".gpkg", ".parquet", ".fgb"])
def test_every_format_holds_the_same_polygons(tmp_path, map_, values, suffix):
    path = tmp_path / f"out{suffix}"
    summary = polygonize(map_, path, names=NAMES, provenance={"scene": "S2", "bands": [1, 2]})
    frame = geopandas.read_parquet(path) if suffix == ".parquet" else geopandas.read_file(path, layer="polygons")
    classes, geometries = one_pass(values)
    placed = shapely.transform(np.array(geometries), lambda xy: xy * (10, -10) + (500000, 5400000))
    assert canonical(frame.class_id, frame.geometry) == canonical(classes, placed)
    assert frame.crs.to_epsg() == 32633
    assert set(frame.class_name) == {"water", "forest & park", "town"}
    assert summary.polygons == len(frame)
    assert summary.area_m2 == pytest.approx(frame.area_m2.sum())
    assert summary.classes[1].name == "forest & park"
    if suffix != ".parquet":
        info = pyogrio.read_info(path, layer="polygons")
        assert info["layer_metadata"] == {"scene": "S2", "bands": "[1, 2]"}
        assert info["layer_name"] == "polygons"
        assert info["capabilities"]["fast_spatial_filter"]
    assert [item.name for item in tmp_path.iterdir() if ".part" in item.name] == []


def test_geopackage_has_its_version_style_and_index(tmp_path, map_):
    path = tmp_path / "out.gpkg"
    polygonize(map_, path, names=NAMES)
    with sqlite3.connect(path) as database:
        assert database.execute("PRAGMA user_version").fetchone() == (10200,)
        layer, column, default, qml = database.execute(
            "SELECT f_table_name, f_geometry_column, useAsDefault, styleQML FROM layer_styles"
        ).fetchone()
        assert database.execute("SELECT count(*) FROM rtree_polygons_geom").fetchone()[0] > 100
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert (layer, column, default) == ("polygons", "geom", 1)
    assert "forest &amp; park" in qml
    assert list(pyogrio.list_layers(path)[:, 0]) == ["polygons", "layer_styles"]


def test_geoparquet_metadata_and_covering(tmp_path, map_):
    import pyarrow.parquet as pq

    path = tmp_path / "out.parquet"
    polygonize(map_, path, provenance={"model": "m"})
    metadata = pq.read_metadata(path).metadata
    geo = json.loads(metadata[b"geo"])
    assert geo["version"] == "1.1.0"
    assert geo["columns"]["geometry"]["geometry_types"] == ["Polygon"]
    assert metadata[b"model"] == b"m"
    part = geopandas.read_parquet(path, bbox=(500000, 5399900, 500100, 5400000))
    assert 0 < len(part) < len(geopandas.read_parquet(path))


@pytest.mark.parametrize("suffix", [".gpkg", ".parquet", ".fgb"])
def test_same_map_same_bytes(tmp_path, map_, suffix, monkeypatch):
    from geoseg.polygonize import stream

    files = [tmp_path / f"{name}{suffix}" for name in "ab"]
    polygonize(map_, files[0], workers=2)
    monkeypatch.setattr(stream, "strip_rows", lambda *_: 7)
    polygonize(map_, files[1], workers=1)
    assert files[0].read_bytes() == files[1].read_bytes()


@pytest.mark.parametrize("suffix", [".gpkg", ".parquet", ".fgb"])
@pytest.mark.parametrize("connectivity", [4, 8])
def test_no_valid_pixel_makes_a_valid_empty_file(tmp_path, suffix, connectivity):
    source = write(tmp_path / "empty.tif", np.full(SHAPE, 255, np.uint8), nodata=255)
    path = tmp_path / f"out{suffix}"
    summary = polygonize(source, path, connectivity=connectivity, min_area=100, simplify=5)
    frame = geopandas.read_parquet(path) if suffix == ".parquet" else geopandas.read_file(path, layer="polygons")
    assert len(frame) == summary.polygons == 0
    assert {"class_id", "class_name", "area_m2", "perimeter_m"} <= set(frame.columns)
    assert frame.crs.to_epsg() == 32633


def test_confidence_is_mean_and_least_of_the_polygons_pixels(tmp_path, map_, values):
    percent = np.random.default_rng(1).integers(0, 101, SHAPE, dtype=np.uint8)
    percent[values == 2] = 255
    confidence = write(tmp_path / "confidence.tif", percent, nodata=255)
    frame = polygonize(map_, confidence=confidence)
    for row in frame.itertuples():
        inside = rasterio.features.geometry_mask([row.geometry], SHAPE, TRANSFORM, invert=True)
        if row.class_id == 2:
            assert np.isnan(row.confidence)
            assert np.isnan(row.confidence_min)
        else:
            assert row.confidence == pytest.approx(percent[inside].mean())
            assert row.confidence_min == percent[inside].min()


def test_float_confidence(tmp_path, map_):
    percent = np.random.default_rng(1).random(SHAPE).astype(np.float32)
    frame = polygonize(map_, confidence=write(tmp_path / "confidence.tif", percent))
    weight = frame.area_m2 / frame.area_m2.sum()
    assert (frame.confidence * weight).sum() == pytest.approx(percent.mean(), abs=1e-4)


def test_names_of_the_file_are_used(tmp_path, values):
    source = tmp_path / "named.tif"
    write(source, values)
    (tmp_path / "named.tif.aux.xml").write_text(
        '<PAMDataset><PAMRasterBand band="1"><CategoryNames><Category>bog</Category><Category>fen</Category>'
        "</CategoryNames></PAMRasterBand></PAMDataset>"
    )
    frame = polygonize(source)
    assert set(frame.class_name) == {"bog", "fen", "class 2"}


def test_only_exclude_and_names_choose_classes(map_):
    assert set(polygonize(map_, only=[1, "town"], names=NAMES).class_id) == {1, 2}
    assert set(polygonize(map_, exclude=["water"], names=NAMES).class_id) == {1, 2}


def test_classes_without_a_region_are_told(map_, tmp_path):
    summary = polygonize(map_, tmp_path / "a.gpkg", only=[1, "town", 77], names=NAMES)
    assert set(summary.classes) == {1, 2}
    assert summary.notes[-1] == "the map has no region of class 77"
    large = polygonize(map_, tmp_path / "b.gpkg", only=[0, 1, 2], names=NAMES, min_area=1e12)
    gone = ", ".join(str(number) for number in sorted({0, 1, 2} - set(large.classes)))
    assert gone
    assert f"the map has no region of class {gone} of at least 1e+12 m²" in large.notes
    assert not any("no region" in note for note in polygonize(map_, tmp_path / "c.gpkg", names=NAMES).notes)


def test_dask_arrays(map_, values):
    import dask.array
    import xarray as xr

    data = xr.DataArray(dask.array.from_array(values, chunks=(16, 20)), dims=("y", "x"))
    frame = polygonize(data)
    assert canonical(frame.class_id, frame.geometry) == canonical(*one_pass(values))


BAD = [
    (lambda t, m: polygonize(t / "none.tif"), InputError, "no such file; check the path"),
    (lambda t, m: polygonize(__file__), InputError, "not a raster"),
    (lambda t, m: polygonize(write(t / "f.tif", np.full(SHAPE, 0.37, np.float32))), InputError, "one is 0.37"),
    (lambda t, m: polygonize(write(t / "b.tif", np.zeros((3, *SHAPE), np.uint8))), InputError, "has 3 bands.*--band"),
    (lambda t, m: polygonize(m, band=2), OptionError, "bands 1…1"),
    (lambda t, m: polygonize(m, t / "x.shp"), OutputError, "unknown format '.shp'"),
    (lambda t, m: polygonize(m, t / "x" / "y.gpkg"), OutputError, "folder .* does not exist"),
    (lambda t, m: polygonize(m, t), OutputError, "unknown format"),
    (lambda t, m: polygonize(m, connectivity=6), OptionError, "use 4 .* or 8"),
    (lambda t, m: polygonize(m, simplify=-1), OptionError, "0 or larger"),
    (lambda t, m: polygonize(m, min_area=float("nan")), OptionError, "0 or larger"),
    (lambda t, m: polygonize(m, workers=0), OptionError, "1 or larger"),
    (lambda t, m: polygonize(m, memory="much"), OptionError, "memory 'much'"),
    (lambda t, m: polygonize(m, keep=["lava"], names=NAMES), OptionError, "'lava' is neither.*water"),
    (lambda t, m: polygonize(42), InputError, "path or an xarray.DataArray, not int"),
    (
        lambda t, m: polygonize(m, confidence=write(t / "c.tif", np.zeros((5, 5), np.uint8))),
        InputError,
        "must lie on the class map's grid",
    ),
    (
        lambda t, m: polygonize(
            m, confidence=write(t / "c.tif", np.zeros(SHAPE, np.uint8), transform=Affine.identity())
        ),
        InputError,
        "same grid",
    ),
    (
        lambda t, m: polygonize(write(t / "w.tif", np.full(SHAPE, 2**32 - 2, np.uint32))),
        InputError,
        "4294967294 does not fit int32",
    ),
]


@pytest.mark.parametrize(("call", "error", "text"), BAD)
def test_bad_input_is_one_clear_line(tmp_path, map_, call, error, text):
    with pytest.raises(error, match=text) as caught:
        call(tmp_path, map_)
    assert "\n" not in str(caught.value)


def test_existing_files_are_kept_unless_asked(tmp_path, map_):
    path = tmp_path / "out.gpkg"
    path.write_text("mine")
    with pytest.raises(OutputError, match="--overwrite"):
        polygonize(map_, path)
    assert path.read_text() == "mine"
    polygonize(map_, path, overwrite=True)
    assert len(geopandas.read_file(path, layer="polygons")) > 100


@pytest.mark.parametrize("suffix", [".gpkg", ".parquet", ".fgb"])
def test_a_truncated_file_leaves_nothing_behind(tmp_path, suffix):
    generator = np.random.default_rng(0)
    source = write(tmp_path / "cut.tif", generator.integers(0, 200, (600, 500), dtype=np.uint8), compress="deflate")
    source.write_bytes(source.read_bytes()[:200_000])
    with pytest.raises(InputError, match="cannot be read"):
        polygonize(source, tmp_path / f"out{suffix}")
    assert [item.name for item in tmp_path.iterdir() if item.name != "cut.tif"] == []


def test_an_interruption_leaves_nothing_behind_and_gets_through(tmp_path):
    values = np.random.default_rng(0).integers(0, 9, (2000, 800), dtype=np.uint8)
    source = write(tmp_path / "map.tif", values)

    def stop(done, total):
        if done > total // 2:
            raise KeyboardInterrupt

    for suffix in (".gpkg", ".parquet", ".fgb"):
        with pytest.raises(KeyboardInterrupt):
            polygonize(source, tmp_path / f"out{suffix}", progress=stop, memory="60MB")
    assert [item.name for item in tmp_path.iterdir()] == ["map.tif"]


def test_one_region_with_a_hundred_thousand_holes(tmp_path):
    values = np.ones((1600, 1600), np.uint8)
    values[1::5, 1::5] = 2
    frame = polygonize(write(tmp_path / "map.tif", values), only=[1], memory="100MB")
    assert len(frame) == 1
    assert len(frame.geometry[0].interiors) == 320 * 320
    assert frame.area_m2[0] == pytest.approx(100 * (1600**2 - 320**2), rel=1e-3)


@pytest.mark.parametrize("suffix", [".gpkg", ".parquet", ".fgb"])
def test_a_full_disk_is_an_error_and_leaves_nothing_behind(tmp_path, map_, suffix):
    resource = pytest.importorskip("resource")
    signal = pytest.importorskip("signal")
    before, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    polygonize(map_, tmp_path / f"warm{suffix}")  # imports and compilation happen before the limit
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
    try:
        with pytest.raises(OutputError, match="cannot be written"):
            polygonize(map_, tmp_path / f"out{suffix}")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert [item.name for item in tmp_path.iterdir() if "out" in item.name] == []


def test_command_line(tmp_path, map_, capsys):
    from geoseg.cli import main

    path = tmp_path / "out.gpkg"
    with pytest.raises(SystemExit) as done:
        main(["polygonize", str(map_), "-o", str(path), "--classes", "1,2", "--min-area", "500", "--progress", "json"])
    assert done.value.code == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert events[-1]["event"] == "result"
    assert events[-1]["outputs"] == {"polygons": str(path)}
    assert set(events[-1]["classes"]) == {"class 1", "class 2"}


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["{t}/none.tif", "-o", "{t}/o.gpkg"], 1, "no such file; check the path"),
        (["{t}/note.txt", "-o", "{t}/o.gpkg"], 1, "not a raster"),
        (["{t}/float.tif", "-o", "{t}/o.gpkg"], 1, "round them with --round"),
        (["{t}/bands.tif", "-o", "{t}/o.gpkg"], 1, "has 3 bands.*--band 1"),
        (["{t}/bands.tif", "-o", "{t}/o.gpkg", "--band", "4"], 1, "bands 1…3"),
        (["{t}/map.tif", "-o", "{t}/o.shp"], 1, "unknown format '.shp'"),
        (["{t}/map.tif", "-o", "{t}/no/o.gpkg"], 1, "does not exist; make it first"),
        (["{t}/map.tif", "-o", "{t}/old.gpkg"], 1, "--overwrite"),
        (["{t}/map.tif", "-o", "{t}/o.gpkg", "--simplify", "-1"], 1, "0 or larger"),
        (["{t}/map.tif", "-o", "{t}/o.gpkg", "--min-area", "nan"], 1, "0 or larger"),
        (["{t}/map.tif", "-o", "{t}/o.gpkg", "--memory", "lots"], 1, "write it like 4GB"),
        (["{t}/map.tif", "-o", "{t}/o.gpkg", "--classes", "lava"], 1, "neither a number nor a name"),
        (["{t}/map.tif", "-o", "{t}/o.gpkg", "--scheduler", "mars"], 1, "scheduler 'mars' is unknown"),
        (["{t}/map.tif", "-o", "{t}/o.gpkg", "--connectivity", "6"], 2, "'6' is not one of"),
        (["{t}/map.tif", "-o", "{t}/o.gpkg", "--workers", "0"], 2, "0 is not in the range"),
        (["{t}/map.tif"], 2, "Missing option"),
    ],
)
def test_command_line_errors_are_one_line(tmp_path, map_, capsys, arguments, code, text):
    from geoseg.cli import main

    (tmp_path / "note.txt").write_text("no raster")
    (tmp_path / "old.gpkg").write_text("mine")
    write(tmp_path / "float.tif", np.full(SHAPE, 0.37, np.float32))
    write(tmp_path / "bands.tif", np.zeros((3, *SHAPE), np.uint8))
    before = sorted(item.name for item in tmp_path.iterdir())
    with pytest.raises(SystemExit) as done:
        main(["polygonize", *(item.format(t=tmp_path) for item in arguments), "--progress", "none"])
    stderr = capsys.readouterr().err
    assert done.value.code == code
    assert re.search(text, stderr)
    assert "Traceback" not in stderr
    if code == 1:
        assert stderr.startswith("error: ")
        assert stderr.count("\n") == 1
    assert sorted(item.name for item in tmp_path.iterdir()) == before


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_floats_are_rounded_when_asked(tmp_path, values, dtype):
    noise = np.random.default_rng(3).uniform(-0.4, 0.4, SHAPE)
    source = write(tmp_path / "float.tif", (values + noise).astype(dtype), nodata=-9999.5)
    with rasterio.open(source, "r+") as file:
        block = file.read(1)
        block[:5], block[5:7] = -9999.5, np.nan
        file.write(block, 1)
    frame = polygonize(source, rounded=True, only=[0, 1])
    mask = values < 2
    mask[:7] = False
    classes, geometries = one_pass(values, mask=mask)
    placed = shapely.transform(np.array(geometries), lambda xy: xy * (10, -10) + (500000, 5400000))
    assert canonical(frame.class_id, frame.geometry) == canonical(classes, placed)


def test_a_missing_nodata_makes_every_pixel_a_class(tmp_path, values):
    frame = polygonize(write(tmp_path / "map.tif", values))
    assert frame.area_m2.sum() == pytest.approx(values.size * 100, rel=2e-3)


def test_a_tolerance_larger_than_all_regions_loses_none(map_, values):
    frame = polygonize(map_, simplify=1e5, smooth=True)
    assert len(frame) == len(one_pass(values)[0])
    assert (frame.geometry.area > 0).all()
    assert shapely.coverage_is_valid(np.asarray(frame.geometry))


@pytest.mark.skipif(sys.platform == "win32", reason="folders of Windows have other rights")
def test_a_folder_without_write_permission(tmp_path, map_, monkeypatch):
    monkeypatch.setattr("os.access", lambda *_: False)  # also where tests run as root
    with pytest.raises(OutputError, match="not writable"):
        polygonize(map_, tmp_path / "out.gpkg")


def test_real_labels(shared_data):
    for path in sorted((shared_data / "landcover-hls" / "labels").glob("*.tif"))[:5]:
        with rasterio.open(path) as file:
            values, nodata, transform = file.read(1), file.nodata, file.transform
        frame = geoseg.polygonize(path)
        mask = None if nodata is None else values != nodata
        classes, geometries = one_pass(values, mask=mask)
        a, _, c, _, e, f = transform[:6]
        placed = shapely.transform(np.array(geometries), lambda xy, a=a, c=c, e=e, f=f: xy * (a, e) + (c, f))
        assert canonical(frame.class_id, frame.geometry) == canonical(classes, placed)


def test_overloads_take_the_arguments_of_polygonize():
    arguments = inspect.signature(polygonize).parameters
    assert [*api._Arguments.__annotations__] == [name for name in arguments if name not in {"classes", "path"}]


def test_the_fixed_date_holds_while_any_thread_writes():
    """GDAL's options are global: a layer that ends must not give the next one's file today's date."""
    import pyogrio

    from geoseg.polygonize.files.layer import DATE
    from geoseg.polygonize.files.write import _FixedDate

    first, second = _FixedDate(), _FixedDate()
    before = pyogrio.get_gdal_config_option("OGR_CURRENT_DATE")
    first.__enter__()
    second.__enter__()
    first.__exit__()
    assert pyogrio.get_gdal_config_option("OGR_CURRENT_DATE") == DATE
    second.__exit__()
    assert pyogrio.get_gdal_config_option("OGR_CURRENT_DATE") == before
