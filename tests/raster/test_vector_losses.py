"""Vector files that were cut short or copied in part: an error, never fewer features or no classes."""

from __future__ import annotations

import contextlib

import geopandas as gpd
import pytest
import shapely
from pyogrio.errors import DataSourceError, FeatureError

from geoseg.errors import InputError
from geoseg.raster.vectors import open_vector

COUNT = 300


@pytest.fixture
def folder(tmp_path):
    frame = gpd.GeoDataFrame(
        {"class": [f"c{number % 3}" for number in range(COUNT)]},
        geometry=shapely.box(range(COUNT), 0, [number + 0.5 for number in range(COUNT)], 1),
        crs="EPSG:32633",
    )
    for name in ("a.shp", "a.fgb", "a.gpkg", "a.geojson"):
        frame.to_file(tmp_path / name)
    frame.to_parquet(tmp_path / "a.parquet")
    return tmp_path


def classes(path) -> list[str]:
    """The classes of all features, read whole and in batches."""
    file = open_vector(path)
    layer = file.layers()[0][0]
    whole = file.read(layer)["class"].tolist()
    assert whole == [name for batch in file.batches(layer, 64, columns=["class"]) for name in batch["class"]]
    return whole


@pytest.mark.parametrize("name", ["a.shp", "a.shx", "a.dbf", "a.fgb", "a.gpkg", "a.geojson", "a.parquet"])
def test_a_file_without_its_end(folder, name):
    path = folder / name
    opened = path.with_suffix(".shp") if path.suffix in (".shx", ".dbf") else path
    expected = [f"c{number % 3}" for number in range(COUNT)]
    assert classes(opened) == expected
    whole = path.read_bytes()
    for share in (0.0, 0.2, 0.5, 0.8, 0.9, 0.95, 0.98, 0.995):
        path.write_bytes(whole[: int(share * len(whole))])
        with pytest.raises(InputError):
            classes(opened)
    path.write_bytes(whole)
    assert classes(opened) == expected


def test_flatgeobuf_in_batches(folder):
    """OGR ends where the file does, and says nothing."""
    path = folder / "a.fgb"
    whole = path.read_bytes()
    for cut in range(len(whole) - 1, len(whole) // 2, -1):
        path.write_bytes(whole[:cut])
        with contextlib.suppress(DataSourceError, FeatureError):
            if len(gpd.read_file(path)) < COUNT:
                break
    file = open_vector(path)
    with pytest.raises(InputError, match=rf"holds \d+ of its {COUNT} features: it is truncated"):
        list(file.batches("a", 64, columns=["class"]))
    assert len(file.read("a", bbox=(0, 0, 10, 1))) == 11  # a part, which does not reach the end


def test_a_shapefile_without_its_table(folder):
    (folder / "a.dbf").unlink()
    with pytest.raises(InputError, match=r"a\.shp: is without attributes: a\.dbf is missing or empty; copy all files"):
        open_vector(folder / "a.shp")
