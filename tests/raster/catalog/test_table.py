"""GeoParquet of STAC items as a catalogue, against the same items over HTTP and the library that writes such files."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely

from geoseg.errors import InputError
from geoseg.raster.catalog import Search, find_scene
from geoseg.raster.catalog.catalogs import Catalog, catalog_of
from geoseg.raster.catalog.client import Query
from geoseg.raster.catalog.table import search_table

from .test_find_scene import BOTH, FORMS, ONE, SUMMER, find

library = pytest.importorskip("stac_geoparquet.arrow", reason="stac-geoparquet is not installed")


def written(path, items, version="1.1.0", **how):
    table = library.parse_stac_items_to_arrow(items)
    library.to_parquet(table, path, schema_version=version, **how)
    return path


@pytest.mark.parametrize("version", ["1.0.0", "1.1.0"])
@pytest.mark.parametrize("form", FORMS)
def test_the_same_items_are_chosen_and_read(server, add, tmp_path, form, version):
    """Two tiles, three dates, other assets in some: as from the API."""
    for number, cloud in enumerate((30.0, 3.0, None)):
        add(f"west_{number}", form=form, cloud=cloud, seed=number, when=f"2026-06-1{number}T10:20:30Z")
    add("east", form=form, west=500_640.0, seed=7)
    add("winter", form=form, when="2026-01-10T10:20:30Z")
    server.items[1]["assets"]["extra"] = {"href": "extra.txt", "type": "text/plain", "only:here": [1, 2]}
    path = written(tmp_path / "items.parquet", server.items, version)
    for place in (ONE, BOTH):
        theirs = find(server, place)
        ours = find_scene(Search(place, SUMMER, str(path)), model_bands=("red", "nir"))
        assert [item.id for item in ours.items] == [item.id for item in theirs.items]
        assert (ours.raster.name, ours.searched, ours.covered) == (
            theirs.raster.name, theirs.searched, theirs.covered,
        )  # fmt: skip
        one, other = ours.raster.read(ours.raster.box), theirs.raster.read(theirs.raster.box)
        np.testing.assert_array_equal(one.data, other.data)
        np.testing.assert_array_equal(one.valid, other.valid)
        assert [(b.name, b.scale, b.offset, b.nodata) for b in ours.raster.bands] == [
            (b.name, b.scale, b.offset, b.nodata) for b in theirs.raster.bands
        ]


def test_items_are_those_that_were_written(server, add, tmp_path):
    """And those that the library gives back, except for fields that only other items have."""
    add("a")
    add("b", form="cdse", cloud=None)
    path = written(tmp_path / "items.parquet", server.items)
    found, catalog = search_table(
        catalog_of(str(path)), Query((-180, -90, 180, 90), "2000-01-01T00:00:00Z/2100-01-01T00:00:00Z")
    )
    assert catalog.collection == "sentinel-2-c1-l2a"
    for ours, theirs in zip(found, server.items, strict=True):
        shape, other = shapely.geometry.shape(ours.pop("geometry")), shapely.geometry.shape(theirs["geometry"])
        assert shape.equals_exact(other, 1e-12)
        assert ours["properties"].pop("datetime").startswith("2026-06-10T10:20:30")
        wanted = {key: value for key, value in theirs.items() if key not in ("geometry", "stac_extensions")}
        wanted["properties"] = {key: v for key, v in theirs["properties"].items() if key != "datetime"}
        ours.pop("stac_extensions", None)
        assert ours["bbox"] == pytest.approx(wanted["bbox"])
        assert json.loads(json.dumps({**ours, "bbox": 0})) == {**wanted, "bbox": 0}


def world(count, seed=0):
    """Return rows of small boxes over the world, some across the antimeridian, with dates or periods."""
    rng = np.random.default_rng(seed)
    west, south = rng.uniform(-180, 180, count), rng.uniform(-80, 80, count)
    east = west + rng.uniform(0.1, 5, count)
    east = np.where(east > 180, east - 360, east)
    north = south + rng.uniform(0.1, 5, count)
    when = np.datetime64("2026-01-01", "us") + rng.integers(0, 365 * 86400 * 10**6, count).astype("timedelta64[us]")
    period = rng.random(count) < 0.3
    dates = {
        "datetime": pa.array(when, pa.timestamp("us", "UTC"), mask=period),
        "start_datetime": pa.array(when, pa.timestamp("us", "UTC"), mask=~period),
        "end_datetime": pa.array(when + np.timedelta64(20, "D"), pa.timestamp("us", "UTC"), mask=~period),
    }
    sides = {"xmin": west, "ymin": south, "xmax": east, "ymax": north}
    return sides, when, period, dates


def table_of(sides, dates, **more):
    count = len(sides["xmin"])
    return pa.table({
        "id": [f"item{number}" for number in range(count)],
        "bbox": pa.StructArray.from_arrays([pa.array(v) for v in sides.values()], list(sides)),
        "assets": pa.StructArray.from_arrays([pa.array(["x.tif"] * count)], ["href"]), **dates, **more,
    })  # fmt: skip


@pytest.mark.parametrize("ordered", [True, False])
def test_rows_equal_those_of_a_brute_force_search(tmp_path, ordered):
    sides, when, period, dates = world(800)
    order = np.argsort(sides["xmin"]) if ordered else np.arange(800)
    table = table_of(sides, dates).take(pa.array(order))
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=25)
    rng = np.random.default_rng(1)
    for _ in range(25):
        west, south = rng.uniform(-180, 180), rng.uniform(-80, 70)
        east = west + rng.uniform(0, 30)
        box = (west, south, east - 360 if east > 180 else east, south + 20)
        start = np.datetime64("2026-01-01") + int(rng.integers(0, 300))
        end = start + 40
        found, _ = search_table(
            Catalog(str(tmp_path / "a.parquet"), ""), Query(box, f"{start}T00:00:00Z/{end}T00:00:00Z")
        )
        wanted = set()
        for number in range(800):
            spans = [(sides["xmin"][number] + turn, sides["xmax"][number] + turn) for turn in (-360, 0, 360)]
            spans = [(w, e + 360 if e < w else e) for w, e in spans]
            last = when[number] + np.timedelta64(20 if period[number] else 0, "D")
            if (
                any(w <= east and e >= west for w, e in spans)
                and sides["ymin"][number] <= south + 20
                and sides["ymax"][number] >= south
                and when[number] <= np.datetime64(end, "us")
                and last >= np.datetime64(start, "us")
            ):
                wanted.add(f"item{number}")
        assert {item["id"] for item in found} == wanted


@pytest.mark.parametrize("shape", ["json assets", "bbox list", "no bbox", "text dates"])
def test_other_shapes_of_the_columns(server, add, tmp_path, shape):
    add("a")
    path = written(tmp_path / "items.parquet", server.items)
    table = pq.read_table(path)

    def replaced(name, values):
        return table.set_column(table.schema.get_field_index(name), name, values)

    if shape == "json assets":
        table = replaced("assets", pa.array([json.dumps(server.items[0]["assets"])]))
    elif shape == "bbox list":
        table = replaced("bbox", pa.array([server.items[0]["bbox"]]))
    elif shape == "no bbox":
        table = table.drop_columns(["bbox"])
    else:
        table = replaced("datetime", pa.array(["2026-06-10T10:20:30.5Z"]))
    pq.write_table(table, path)
    found = find_scene(Search(ONE, SUMMER, str(path)), model_bands=("red",))
    np.testing.assert_array_equal(
        found.raster.read(found.raster.box).data, (r := find(server, model_bands=("red",)).raster).read(r.box).data
    )
    with pytest.raises(InputError, match="nothing for"):
        find_scene(Search(ONE, "2026-08", str(path)))


def test_files_beside_a_local_table(server, add, tmp_path):
    """Relative addresses are beside the file that the user named; a file from a server names none of this machine."""
    item = add("a", form="bare")
    for asset in item["assets"].values():
        asset["href"] = "files/" + asset["href"].rpartition("/")[2]
    item["links"] = []
    path = written(tmp_path / "items.parquet", [item])
    found = find_scene(Search(ONE, SUMMER, str(path)), model_bands=("red",))
    assert found.raster.sources == (str(tmp_path / "files" / "a_red.tif"),)
    assert found.raster.read(found.raster.box).valid.any()
    for asset in item["assets"].values():
        asset["href"] = "file://" + str(tmp_path / "files" / asset["href"].rpartition("/")[2])
    written(server.folder / "items.parquet", [item])
    with pytest.raises(InputError, match="no address on the network"):
        find_scene(Search(ONE, SUMMER, f"{server.url}/files/items.parquet"))


def test_a_table_on_a_server_is_read_in_parts(server, add):
    add("a")
    rows = [{**server.items[0], "id": f"far{n}", "bbox": [n / 100, 0, n / 100 + 1, 1]} for n in range(3000)]
    path = written(server.folder / "items.parquet", [*rows, server.items[0]])
    pq.write_table(pq.read_table(path), path, row_group_size=200, compression="none")
    size = (server.folder / "items.parquet").stat().st_size
    found = find_scene(Search(ONE, SUMMER, f"{server.url}/files/items.parquet"), model_bands=("red",))
    assert [item.id for item in found.items] == ["a"]
    asked = [path for _, path, _ in server.asked if path.endswith("items.parquet")]
    assert 2 <= len(asked) < 12
    assert size > 300_000
    with pytest.raises(InputError, match=r"answers 404"):
        find_scene(Search(ONE, SUMMER, f"{server.url}/files/none.parquet"))


def test_several_collections(server, add, tmp_path):
    add("a")
    add("b", collection="landsat-c2-l2")
    path = written(tmp_path / "items.parquet", server.items)
    with pytest.raises(InputError, match=r"several collections there \(landsat-c2-l2, sentinel-2-c1-l2a\); name one"):
        find_scene(Search(ONE, SUMMER, str(path)))
    found = find_scene(Search(ONE, SUMMER, f"{path}#sentinel-2-c1-l2a"), model_bands=("red",))
    assert [item.id for item in found.items] == ["a"]
    with pytest.raises(InputError, match="nothing for"):
        find_scene(Search(ONE, SUMMER, f"{path}#naip"))


def test_bad_files(tmp_path):
    path = tmp_path / "items.parquet"
    with pytest.raises(InputError, match="no such file; check"):
        find_scene(Search(ONE, SUMMER, str(path)))
    path.write_bytes(b"PAR1 and no more")
    with pytest.raises(InputError, match="cannot be read as Parquet"):
        find_scene(Search(ONE, SUMMER, str(path)))
    pq.write_table(pa.table({"id": ["a"], "geometry": [b""], "price": [3]}), path)
    with pytest.raises(InputError, match=r"no table of STAC items: it has no column assets, datetime; it has id, geom"):
        find_scene(Search(ONE, SUMMER, str(path)))
    sides, _, _, dates = world(5)
    pq.write_table(table_of(sides, dates, collection=pa.array([None] * 5, pa.string())), path)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(InputError, match="copy or download it again"):
        find_scene(Search(ONE, SUMMER, str(path)))
    many = {side: np.full(10_001, value) for side, value in (("xmin", 0), ("ymin", 0), ("xmax", 60), ("ymax", 60))}
    pq.write_table(table_of(many, {"datetime": ["2026-06-10T00:00:00Z"] * 10_001}), path)
    with pytest.raises(InputError, match="more than 10,000 items"):
        find_scene(Search(ONE, SUMMER, str(path)))
