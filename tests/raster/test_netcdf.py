"""NetCDF by the CF conventions, against GDAL's own reader, xarray's decoding, and the GeoTIFF of the same pixels."""

from __future__ import annotations

import pickle
import tracemalloc

import numpy as np
import pytest
import rasterio
import xarray as xr
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.shutil import copy as gdal_copy
from xarray.backends.file_manager import FILE_CACHE

from geoseg.errors import InputError, ReadError
from geoseg.raster.arrays import from_array
from geoseg.raster.cf.dataset import conventional
from geoseg.raster.cf.selection import parse_selection
from geoseg.raster.cf.values import with_one_nodata
from geoseg.raster.open import open_raster

h5py = pytest.importorskip("h5py", reason="the extra netcdf is not installed")
pytest.importorskip("h5netcdf", reason="the extra netcdf is not installed")

UTM = Affine(10, 0, 500_000, 0, -10, 5_000_000)
HEIGHT, WIDTH = 6, 5
X, Y = 500_005 + 10.0 * np.arange(WIDTH), 4_999_995 - 10.0 * np.arange(HEIGHT)
UTM31 = {
    "grid_mapping_name": "transverse_mercator", "latitude_of_projection_origin": 0.0, "false_easting": 500_000.0,
    "longitude_of_central_meridian": 3.0, "scale_factor_at_central_meridian": 0.9996, "false_northing": 0.0,
    "semi_major_axis": 6378137.0, "inverse_flattening": 298.257223563,
}  # fmt: skip
METRES = {"units": "m"}
X_METRES, Y_METRES = ({**METRES, "standard_name": f"projection_{side}_coordinate"} for side in "xy")


# By which most files here are placed: identifying a CRS by its parameters takes PROJ long.
WKT = {"crs_wkt": rasterio.CRS.from_epsg(32631).to_wkt()}


def dataset(values=None, *, x=X, y=Y, mapping=WKT, dims=("y", "x"), attrs=None, x_attrs=X_METRES, y_attrs=Y_METRES):
    """Return one variable ``red`` on a grid."""
    values = np.arange(HEIGHT * WIDTH, dtype="i2").reshape(HEIGHT, WIDTH) if values is None else values
    coords = {dims[-2]: (dims[-2], y, dict(y_attrs)), dims[-1]: (dims[-1], x, dict(x_attrs))}
    data = xr.Dataset({"red": (dims, values, dict(attrs or {}))}, coords=coords)
    if mapping is not None:
        data["crs"] = ((), 0, mapping)
        data["red"].attrs["grid_mapping"] = "crs"
    return data


def written(path, data, **how):
    """Write stored values: nothing is encoded."""
    for variable in data.variables.values():
        variable.encoding = {"_FillValue": None, **variable.encoding}
    data.to_netcdf(path, **{"engine": "h5netcdf", **how})
    return path


def values_of(raster):
    """Return the values that are valid (bands, h, w), and NaN."""
    pixels = raster.read(raster.box)
    return np.where(pixels.valid, pixels.data.astype(float), np.nan)


@pytest.mark.parametrize("form", ["NETCDF4", "NETCDF3_CLASSIC"])
@pytest.mark.parametrize("turned", [(1, 1), (-1, 1), (1, -1), (-1, -1)])
def test_any_order_of_rows_and_columns_is_upright(tmp_path, form, turned):
    data = dataset().isel(y=slice(None, None, turned[0]), x=slice(None, None, turned[1]))
    raster = open_raster(
        written(tmp_path / "a.nc", data, format=form, engine="scipy" if form != "NETCDF4" else "h5netcdf")
    )
    assert raster.grid.transform == UTM
    assert [band.name for band in raster.bands] == ["red"]
    np.testing.assert_array_equal(values_of(raster)[0], np.arange(30).reshape(6, 5))
    assert raster.name == "a"


@pytest.mark.parametrize(
    ("driver", "crs"), [("NC4", "EPSG:32631"), ("NC4", "EPSG:4326"), ("NC", "EPSG:3035"), ("NC2", "EPSG:32631")]
)
def test_what_gdal_writes(tmp_path, write, pixels, driver, crs):
    values = pixels(3, 20, 30, "int16")
    values[0, 2, 3] = -7
    transform = UTM if crs != "EPSG:4326" else Affine(0.001, 0, 7.3, 0, -0.001, 47.1)
    tif = write(
        tmp_path / "a.tif", values, crs=crs, transform=transform, nodata=-7, scales=(0.5,) * 3, offsets=(2,) * 3
    )
    gdal_copy(tif, tmp_path / "a.nc", driver="netCDF", FORMAT=driver)
    one, other = open_raster(tif), open_raster(tmp_path / "a.nc")
    assert other.grid.crs == one.grid.crs
    np.testing.assert_allclose(other.grid.transform, one.grid.transform, rtol=1e-12)
    assert [(b.scale, b.offset, b.nodata) for b in other.bands] == [(b.scale, b.offset, b.nodata) for b in one.bands]
    np.testing.assert_array_equal(values_of(other), values_of(one))


@settings(max_examples=40, deadline=None)
@given(
    stored=st.sampled_from(["i1", "u1", "i2", "u2", "i4", "f4", "f8"]),
    said=st.sampled_from([None, "true", "false"]),
    fill=st.sampled_from([None, 3, -1, 7]),
    other=st.sampled_from([None, 5, [5, 6]]),
    bounds=st.sampled_from(
        [None, ("valid_range", [2, 9]), ("valid_min", 4), ("valid_max", 8), ("valid_range", [-3, -1])]
    ),
)
def test_missing_values_are_those_that_the_conventions_name(stored, said, fill, other, bounds):
    """A value is missing if one of the attributes says so, each compared in the type that the values are meant in."""
    kind = np.dtype(stored)
    values = np.array([-3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]).astype(kind)
    if kind.kind == "f":
        values[3] = np.nan
    meant = {("true", "i"): "u", ("false", "u"): "i"}.get((said, kind.kind), kind.kind) + str(kind.itemsize)
    attributes = {"_Unsigned": said} if said else {}

    def typed(value):
        return np.array(value).astype(kind)

    if fill is not None:
        attributes["_FillValue"] = typed(fill)[()]
    if other is not None:
        attributes["missing_value"] = typed(other)
    if bounds is not None:
        attributes[bounds[0]] = typed(bounds[1])
    got = with_one_nodata(xr.DataArray(values, dims="x", attrs=attributes), "red", netcdf=False)
    told = values.astype(meant)
    wrong = np.zeros(values.shape, bool) if kind.kind != "f" else np.isnan(values)
    for value in np.atleast_1d(np.array([v for v in (fill, *np.atleast_1d(other)) if v is not None], object)):
        wrong |= told == typed(int(value)).astype(meant)
    if bounds is not None:
        limits = np.atleast_1d(typed(bounds[1]).astype(meant))
        wrong |= (told < limits[0]) if bounds[0] in ("valid_range", "valid_min") else False
        wrong |= (told > limits[-1]) if bounds[0] in ("valid_range", "valid_max") else False
    assert got.dtype == np.dtype(meant)
    nodata = got.attrs.get("_FillValue")
    missing = (got.values == nodata) if nodata is not None else np.zeros(values.shape, bool)
    missing |= np.isnan(got.values) if kind.kind == "f" else False
    np.testing.assert_array_equal(missing, wrong)
    np.testing.assert_array_equal(got.values[~wrong], told[~wrong])


def test_a_range_of_physical_values(tmp_path):
    packed = np.array([[0, 1000, 5000], [10_000, 10_001, -9999]], "i2")
    attrs = {
        "scale_factor": 1e-4,
        "add_offset": 0.0,
        "valid_range": np.array([0.1, 1.0]),
        "_FillValue": np.int16(-9999),
    }
    raster = open_raster(written(tmp_path / "a.nc", dataset(packed, x=X[:3], y=Y[:2], attrs=attrs)))
    np.testing.assert_array_equal(values_of(raster)[0], [[np.nan, 1000, 5000], [10_000, np.nan, np.nan]])


def test_physical_values_are_those_of_xarray_and_gdal(tmp_path):
    """Unsigned bytes, packed, with a fill: three readers."""
    rng = np.random.default_rng(1)
    stored = rng.integers(-128, 128, (HEIGHT, WIDTH)).astype("i1")
    attrs = {"_Unsigned": "true", "scale_factor": 0.5, "add_offset": 10.0, "_FillValue": np.int8(-1)}
    path = written(tmp_path / "a.nc", dataset(stored, attrs=attrs), format="NETCDF3_CLASSIC", engine="scipy")
    ours = open_raster(path).to_xarray(scaled=True, masked=True).values[0]
    np.testing.assert_allclose(ours, xr.open_dataset(path, engine="scipy")["red"].values)
    with rasterio.open(path) as data:
        assert data.transform == UTM
        theirs = np.where(data.read_masks(1) > 0, data.read(1) * data.scales[0] + data.offsets[0], np.nan)
    np.testing.assert_allclose(ours, theirs)


def test_what_was_never_written_is_missing(tmp_path):
    with h5py.File(tmp_path / "a.nc", "w") as file:
        for name, values in (("y", Y), ("x", X)):
            file[name] = values
            file[name].make_scale(name)
        # The NetCDF library keeps its own value in the file, and states it in no attribute.
        for name, kind, fill in (("a", "i2", -32767), ("b", "f4", 9.969209968386869e36), ("c", "u1", 255)):
            variable = file.create_dataset(name, (HEIGHT, WIDTH), kind, fillvalue=fill)
            variable[:3] = 1
            for place, dim in enumerate(("y", "x")):
                variable.dims[place].attach_scale(file[dim])
    raster = open_raster(tmp_path / "a.nc")
    valid = raster.read_by_band(raster.box)[1]
    assert valid[0, :3].all()
    assert not valid[0, 3:].any()
    assert not valid[1, 3:].any()
    assert valid[2].all()  # all values of a byte are in use


# Where it lies ------------------------------------------------------------------------------------------------------


def test_parameters_of_a_projection_are_a_crs(tmp_path):
    path = written(tmp_path / "a.nc", dataset(mapping=UTM31))
    raster = open_raster(path)
    with rasterio.open(path) as theirs:
        assert raster.grid.crs.to_dict() == theirs.crs.to_dict()
    from rasterio.warp import transform

    there = transform(raster.grid.crs, "EPSG:4326", [500_000], [5_000_000])
    np.testing.assert_allclose(there, transform("EPSG:32631", "EPSG:4326", [500_000], [5_000_000]), atol=1e-9)


@pytest.mark.parametrize("key", ["crs_wkt", "spatial_ref"])
def test_a_crs_as_wkt(tmp_path, key):
    wkt = rasterio.CRS.from_epsg(32631).to_wkt()
    raster = open_raster(written(tmp_path / "a.nc", dataset(mapping={key: wkt})))
    assert raster.grid.crs.to_epsg() == 32631


@pytest.mark.parametrize(("units", "size"), [("km", 1e-3), ("m", 1.0), ("", 1.0), ("meters", 1.0)])
def test_units_of_coordinates(tmp_path, units, size):
    data = dataset(x=X * size, y=Y * size, x_attrs={"units": units}, y_attrs={"units": units})
    np.testing.assert_allclose(open_raster(written(tmp_path / "a.nc", data)).grid.transform, UTM, rtol=1e-9)


def test_bounds_count_more_than_coordinates(tmp_path):
    """Coordinates at the western and northern edges of their cells, which bounds say."""
    data = dataset(x=X - 5, y=Y + 5, x_attrs={"units": "m", "bounds": "xb"}, y_attrs={"units": "m", "bounds": "yb"})
    data["xb"] = ("x", "two"), np.stack([X - 5, X + 5], axis=1)
    data["yb"] = ("y", "two"), np.stack([Y - 5, Y + 5], axis=1)  # from low to high along rows that fall
    assert open_raster(written(tmp_path / "a.nc", data)).grid.transform == UTM


def test_one_row_is_as_high_as_its_columns_are_wide(tmp_path):
    raster = open_raster(written(tmp_path / "a.nc", dataset(np.ones((1, WIDTH), "u1"), y=Y[:1])))
    assert raster.grid.transform == UTM


DEGREES = {
    "dims": ("lat", "lon"),
    "mapping": None,
    "y_attrs": {"units": "degrees_north"},
    "x_attrs": {"units": "degrees_east"},
}


def test_degrees_without_a_crs_are_said_to_be_assumed(tmp_path):
    data = dataset(x=7.05 + 0.1 * np.arange(WIDTH), y=46.95 - 0.1 * np.arange(HEIGHT), **DEGREES)
    raster = open_raster(written(tmp_path / "a.nc", data))
    assert raster.grid.crs == rasterio.CRS.from_user_input("OGC:CRS84")
    np.testing.assert_allclose(raster.grid.transform[:6], (0.1, 0, 7, 0, -0.1, 47), atol=1e-9)
    assert any("states no CRS" in note and "OGC:CRS84" in note for note in raster.notes)


@pytest.mark.parametrize(
    ("x", "west", "first"),
    [
        (200.5 + np.arange(5), -160.0, 0),  # beyond 180: 360 less
        (36 + 72.0 * np.arange(5), -144.0, 3),  # round the world from 0: from -180 on, as near as columns allow
        (177.5 + np.arange(5), 177.0, 0),  # across 180: said
    ],
)
def test_longitudes_from_0_to_360(tmp_path, x, west, first):
    data = dataset(np.tile(np.arange(WIDTH, dtype="i2"), (HEIGHT, 1)), x=x, y=45.0 - np.arange(HEIGHT), **DEGREES)
    raster = open_raster(written(tmp_path / "a.nc", data))
    assert raster.grid.transform.c == pytest.approx(west)
    assert values_of(raster)[0, 0].tolist() == np.roll(np.arange(WIDTH), -first).tolist()
    assert any("run on over 180" in note for note in raster.notes) == (x[0] == 177.5)


def test_coordinates_that_are_packed(tmp_path):
    """Of geostationary satellites: angles as scaled integers, times the height of the satellite."""
    mapping = {
        "grid_mapping_name": "geostationary", "perspective_point_height": 35786023.0, "semi_major_axis": 6378137.0,
        "semi_minor_axis": 6356752.31414, "longitude_of_projection_origin": -75.0, "sweep_angle_axis": "x",
    }  # fmt: skip
    packed = {"scale_factor": 5.6e-5, "units": "rad"}
    data = dataset(
        x=np.arange(WIDTH, dtype="i2"), y=100 - np.arange(HEIGHT, dtype="i2"), mapping=mapping,
        x_attrs={**packed, "add_offset": -0.1, "standard_name": "projection_x_coordinate"},
        y_attrs={**packed, "add_offset": 0.05, "standard_name": "projection_y_coordinate"},
    )  # fmt: skip
    grid = open_raster(written(tmp_path / "a.nc", data)).grid
    angles = 5.6e-5, 0, -0.1 - 2.8e-5, 0, -5.6e-5, 0.05 + 100.5 * 5.6e-5
    np.testing.assert_allclose(grid.transform[:6], np.array(angles) * 35786023.0)
    assert (grid.crs.to_dict()["proj"], grid.crs.to_dict()["lon_0"]) == ("geos", -75)


def swath():
    lat, lon = np.meshgrid(np.linspace(50, 49, HEIGHT), np.linspace(7, 8, WIDTH), indexing="ij")
    data = dataset(mapping=None).drop_vars(["x", "y"])
    return data.assign_coords(
        lat=(("y", "x"), lat, {"units": "degrees_north"}), lon=(("y", "x"), lon, {"units": "degrees_east"})
    )


ROTATED = {"grid_mapping_name": "rotated_latitude_longitude", "grid_north_pole_latitude": 39.25}


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (swath(), "position of its own"),
        (dataset(mapping=ROTATED), "rotated pole"),
        (dataset(mapping={"grid_mapping_name": "mollweide_of_mine"}), "CRS is not understood"),
        (dataset(mapping={"crs_wkt": "PROJCS[nonsense"}), "CRS is not understood"),
        (dataset(x=np.array([0.0, 1, 2, 30, 31])), "coordinate 'x' is not evenly spaced"),
        (dataset(x_attrs={"units": "furlong"}), "'furlong', which is no unit of its CRS"),
        (dataset(np.zeros((1, 1), "u1"), x=X[:1], y=Y[:1]), "one pixel without bounds"),
        (dataset(attrs={"missing_value": "none"}), "attribute missing_value is 'none', not a number"),
        (dataset(attrs={"valid_range": np.array([1, 2, 3])}), "valid_range .* not two numbers"),
        (dataset().rename(y="station", x="depth").drop_vars(["station", "depth"]), "no variable has rows and columns"),
    ],
)
def test_what_is_refused(tmp_path, data, said):
    with pytest.raises(InputError, match=said) as caught:
        open_raster(written(tmp_path / "a.nc", data))
    assert str(tmp_path / "a.nc") in str(caught.value)


_ANY = st.one_of(
    st.text(max_size=12),
    st.sampled_from(["", "m", "rad", "km", "degrees_north", "yb", "red", "crs: x y", "days since x", "9e999"]),
    st.floats(width=64), st.integers(-(2**31), 2**31 - 1),
    st.lists(st.floats(width=32), min_size=1, max_size=4).map(np.array),
    st.lists(st.integers(-99, 99), min_size=1, max_size=3).map(lambda numbers: np.array(numbers, "i4")),
)  # fmt: skip
_KEYS = (
    "grid_mapping", "grid_mapping_name", "crs_wkt", "GeoTransform", "units", "axis", "standard_name", "bounds", "crs",
    "scale_factor", "add_offset", "_FillValue", "missing_value", "valid_range", "valid_min", "_Unsigned", "long_name",
    "coordinates", "perspective_point_height", "semi_major_axis", "radiation_wavelength", "wavelength", "calendar",
)  # fmt: skip


@settings(max_examples=20, deadline=None)
@given(
    changes=st.lists(
        st.tuples(st.sampled_from(["red", "x", "y", "crs", ""]), st.sampled_from(_KEYS), _ANY), min_size=1, max_size=5
    )
)
def test_any_attributes_give_a_raster_or_one_line(changes):
    """What a stranger's file states is no reason for another error, and no upside-down or empty grid."""
    data = dataset()
    data["yb"] = ("y", "two"), np.stack([Y + 5, Y - 5], axis=1)
    for name, key, value in changes:
        (data[name] if name else data).attrs[key] = value
    try:
        found, notes = conventional(data, "a.nc", netcdf=True)
        raster = from_array(found)
    except InputError:
        return
    assert raster.shape == (HEIGHT, WIDTH)
    assert raster.grid.transform.a > 0 > raster.grid.transform.e or raster.grid.transform == Affine.identity()
    assert raster.read(raster.box).data.shape[1:] == (HEIGHT, WIDTH)
    assert all(note.startswith("a.nc: ") for note in notes)


# Bands, dates, groups -----------------------------------------------------------------------------------------------


def test_bands_are_variables_by_name(tmp_path):
    data = dataset()
    for name, attrs in (
        ("Band1", {"long_name": "blue"}),
        ("rho_1", {"long_name": "green reflectance"}),
        ("rho_2", {"radiation_wavelength": 842.0, "radiation_wavelength_unit": "nm"}),
        ("height", {"units": "m"}),
    ):
        data[name] = ("y", "x"), data["red"].values, {**attrs, "grid_mapping": "crs"}
    raster = open_raster(written(tmp_path / "a.nc", data))
    assert [band.name for band in raster.bands] == ["red", "blue", "green", "nir", "height"]
    assert any("rho_1 is green, rho_2 is nir" in note for note in raster.notes)
    assert open_raster(f"{tmp_path / 'a.nc'}#rho_2,red").bands[0].name == "nir"
    with pytest.raises(InputError, match="has no variable 'purple'"):
        open_raster(f"{tmp_path / 'a.nc'}#purple")


@pytest.mark.parametrize(
    ("labels", "attrs", "expected"),
    [
        (["blue", "green", "B08"], {}, ["blue", "green", "B08"]),
        ([1, 2, 3], {}, ["band1", "band2", "band3"]),
        ([490.0, 842.0, 2500.0], {"units": "nm", "standard_name": "radiation_wavelength"}, ["blue", "nir", "2500nm"]),
        ([0.490, 0.495, 0.842], {"units": "um", "standard_name": "radiation_wavelength"}, ["490nm", "495nm", "nir"]),
    ],
)
@pytest.mark.parametrize("order", [("band", "y", "x"), ("y", "x", "band")])
def test_a_dimension_of_bands(tmp_path, labels, attrs, expected, order):
    values = np.arange(3 * HEIGHT * WIDTH, dtype="i2").reshape(3, HEIGHT, WIDTH)
    data = dataset(values, dims=("band", "y", "x")).transpose(*order).assign_coords(band=("band", labels, attrs))
    raster = open_raster(written(tmp_path / "a.nc", data))
    assert [band.name for band in raster.bands] == expected
    np.testing.assert_array_equal(raster.read(raster.box).data, values)


def dated():
    values = np.stack([np.full((HEIGHT, WIDTH), number, "i2") for number in range(3)])
    data = dataset(values, dims=("time", "y", "x"))
    return data.assign_coords(time=("time", [0, 31, 60], {"units": "days since 2024-01-01", "standard_name": "time"}))


@pytest.mark.parametrize("kind", ["nc", "zarr"])
def test_dates(tmp_path, kind):
    path, data = tmp_path / f"a.{kind}", dated()
    if kind == "zarr":
        pytest.importorskip("zarr", reason="the extra zarr is not installed")
        data.to_zarr(path)
    else:
        written(path, data)
    assert open_raster(f"{path}#time=2024-02").name == "a_2024-02"
    for choice, number in (("2024-02-01", 1), ("2024-03", 2), ("2024-01", 0)):
        assert values_of(open_raster(f"{path}#time={choice}")).mean() == number
    with pytest.raises(
        InputError, match=r"red has 3 steps along time \(2024-01-01, 2024-02-01, 2024-03-01\); choose one"
    ):
        open_raster(path)
    with pytest.raises(InputError, match="time=2025 is no of its 3 steps"):
        open_raster(f"{path}#time=2025")
    with pytest.raises(InputError, match="time=2024 is several"):
        open_raster(f"{path}#time=2024")
    with pytest.raises(InputError, match="no dimension 'date'"):
        open_raster(f"{path}#date=2024")


@pytest.mark.parametrize("place", ["group", "array"])
@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("crs", ["proj:code", "proj:wkt2", "proj:projjson"])
def test_geozarr_without_coordinates(tmp_path, place, turned, crs):
    pytest.importorskip("zarr", reason="the extra zarr is not installed")
    from pyproj import CRS

    known = CRS.from_epsg(32631)
    stated = {"proj:code": "EPSG:32631", "proj:wkt2": known.to_wkt(), "proj:projjson": known.to_json_dict()}
    transform = [10, 0, 500_000, 0, 10, 5_000_000 - 10 * HEIGHT] if turned else list(UTM)[:6]
    attributes = {"spatial:dimensions": ["north", "east"], "spatial:transform": transform, crs: stated[crs]}
    values = np.arange(HEIGHT * WIDTH, dtype="i2").reshape(HEIGHT, WIDTH)
    data = xr.Dataset({"red": (("north", "east"), values[::-1] if turned else values)})
    (data if place == "group" else data["red"]).attrs |= attributes
    data.to_zarr(tmp_path / "a.zarr")
    raster = open_raster(tmp_path / "a.zarr")
    assert (raster.grid.transform, raster.grid.crs.to_epsg()) == (UTM, 32631)
    np.testing.assert_array_equal(values_of(raster)[0], values)


@pytest.mark.parametrize(
    ("attributes", "said"),
    [
        ({"spatial:transform": [10, 1, 0, 0, -10, 0]}, "is rotated"),
        ({"spatial:transform": [10, 0, 0, 0, 0, 0]}, "is no affine transform"),
        ({"spatial:transform": "wide"}, "is no affine transform"),
        ({"proj:code": "EPSG:999999"}, "CRS 'EPSG:999999' is not understood"),
    ],
)
def test_geozarr_that_is_refused(attributes, said):
    data = xr.Dataset({"red": (("y", "x"), np.zeros((3, 4), "u1"))}, attrs=attributes)
    with pytest.raises(InputError, match=said):
        conventional(data, "a.zarr")


def test_registration_by_nodes():
    node = {"spatial:transform": [10, 0, 500_005, 0, -10, 4_999_995], "spatial:registration": "node"}
    data = xr.Dataset({"red": (("y", "x"), np.zeros((3, 4), "u1"))}, attrs=node)
    assert from_array(conventional(data, "a.zarr")[0]).grid.transform == UTM


def test_a_single_date_is_taken(tmp_path):
    raster = open_raster(written(tmp_path / "a.nc", dated().isel(time=slice(1, 2))))
    assert (len(raster.bands), values_of(raster).mean()) == (1, 1)


def test_two_variables_with_bands(tmp_path):
    values = np.arange(2 * HEIGHT * WIDTH, dtype="i2").reshape(2, HEIGHT, WIDTH)
    data = dataset(values, dims=("level", "y", "x")).assign_coords(level=[10, 20])
    data["other"] = data["red"] + 100
    data["other"].attrs = data["red"].attrs
    raster = open_raster(written(tmp_path / "a.nc", data))
    assert [b.name for b in raster.bands] == ["red_level10", "red_level20", "other_level10", "other_level20"]
    np.testing.assert_array_equal(raster.read(raster.box).data, np.concatenate([values, values + 100]))


def test_groups(tmp_path):
    """A group takes coordinates and the CRS of the one that it is in."""
    path = tmp_path / "a.nc"
    outer = dataset().drop_vars("red")
    written(path, outer)
    inner = dataset(mapping=None).drop_vars(["x", "y"])
    inner["red"].attrs["grid_mapping"] = "crs"
    with h5py.File(path, "a") as file:
        group = file.create_group("data/grid")
        group["red"] = inner["red"].values
        group["red"].attrs["grid_mapping"] = "crs"
        for place, name in enumerate(("y", "x")):
            group["red"].dims[place].attach_scale(file[name])
    raster = open_raster(f"{path}#data/grid")
    assert raster.grid.transform == UTM
    assert raster.grid.crs is not None
    np.testing.assert_array_equal(values_of(raster)[0], np.arange(30).reshape(6, 5))
    with pytest.raises(InputError, match=r"only groups: name one, as .*#GROUP \(data, data/grid\)"):
        open_raster(path)


def test_variables_on_two_grids(tmp_path):
    data = dataset()
    data["swir"] = (("yy", "xx"), np.zeros((3, 2), "i2"), {"grid_mapping": "crs"})
    data = data.assign_coords(yy=("yy", Y[:3], {"axis": "Y"}), xx=("xx", X[:2], {"axis": "X"}))
    path = written(tmp_path / "a.nc", data)
    with pytest.raises(InputError, match=r"lie on 2 grids: red \(6 x 5\); swir \(3 x 2\); name those of one: .*#red"):
        open_raster(path)
    assert open_raster(f"{path}#swir").shape == (3, 2)


def test_a_selection_is_of_a_store(tmp_path, write, pixels):
    tif = write(tmp_path / "a.tif", pixels())
    with pytest.raises(InputError, match="no NetCDF file nor Zarr store"):
        open_raster(f"{tif}#red")
    assert parse_selection(" time = 2024 , red,data/grid ").steps == (("time", "2024"),)


# Files --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["NETCDF4", "NETCDF3_CLASSIC"])
@pytest.mark.parametrize("kept", [0.0, 0.05, 0.5, 0.97])
def test_a_truncated_file_is_one_line(tmp_path, form, kept):
    values = np.random.default_rng(0).integers(0, 99, (200, 200)).astype("i2")
    data = dataset(values, x=5.0 + 10 * np.arange(200), y=-5.0 - 10 * np.arange(200))
    path = written(tmp_path / "a.nc", data, format=form, engine="scipy" if form != "NETCDF4" else "h5netcdf")
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * kept)])
    with pytest.raises(InputError, match=r"truncated|empty|download") as caught:
        open_raster(path).read(open_raster(path).box)
    assert "\n" not in str(caught.value)


def test_a_damaged_chunk_names_the_file(tmp_path):
    values = np.random.default_rng(0).integers(0, 30_000, (HEIGHT, WIDTH)).astype("i2")
    data = dataset(values)
    data["red"].encoding = {"zlib": True, "fletcher32": True, "chunksizes": (HEIGHT, WIDTH)}
    path = written(tmp_path / "a.nc", data)
    with h5py.File(path) as file:
        where = file["red"].id.get_chunk_info(0)
    content = bytearray(path.read_bytes())
    content[where.byte_offset + 5 : where.byte_offset + 25] = b"\xff" * 20
    path.write_bytes(content)
    raster = open_raster(path)
    with pytest.raises(ReadError, match=r"a\.nc: computing"):
        raster.read(raster.box)


@pytest.mark.parametrize("way", ["external link", "external values", "virtual"])
def test_other_files_are_not_followed(tmp_path, way):
    secret = tmp_path / "secret.nc"
    written(secret, dataset())
    path = written(tmp_path / "a.nc", dataset())
    with h5py.File(path, "a") as file:
        if way == "external link":
            file["stolen"] = h5py.ExternalLink(str(secret), "/red")
        elif way == "virtual":
            layout = h5py.VirtualLayout((HEIGHT, WIDTH), "i2")
            layout[:] = h5py.VirtualSource(str(secret), "red", (HEIGHT, WIDTH))
            file.create_virtual_dataset("stolen", layout)
        else:
            file.create_dataset("stolen", (HEIGHT, WIDTH), "i2", external=[(str(secret), 0, HEIGHT * WIDTH * 2)])
    with pytest.raises(InputError, match="another file, which is not followed"):
        open_raster(path)


def test_cdf5_hdf4_and_servers_are_refused(tmp_path):
    for name, start, said in (
        ("a.nc", b"CDF\x05" + bytes(100), "CDF-5"),
        ("a.hdf", b"\x0e\x03\x13\x01" + bytes(100), "HDF4 is not read"),
    ):
        (tmp_path / name).write_bytes(start)
        with pytest.raises(InputError, match=said):
            open_raster(tmp_path / name)
    with pytest.raises(InputError, match="on servers and in archives are not read"):
        open_raster("https://127.0.0.1:1/scene.nc")


def test_without_its_packages(tmp_path, monkeypatch):
    import sys

    path = written(tmp_path / "a.nc", dataset())
    monkeypatch.setitem(sys.modules, "h5netcdf", None)
    with pytest.raises(InputError, match=r'pip install "geoseg\[netcdf\]"'):
        open_raster(path)


def test_a_folder_with_one(tmp_path):
    written(tmp_path / "a.nc", dataset())
    assert open_raster(tmp_path).name == "a"
    written(tmp_path / "b.nc", dataset())
    with pytest.raises(InputError, match="NetCDF among them"):
        open_raster(tmp_path)


@pytest.mark.parametrize("chunks", [None, (256, 256)])
def test_windows_are_read_in_flat_memory(tmp_path, chunks):
    """A window of a file costs its chunks, and two reads of it, also by another process's copy, are equal."""
    size = 3000
    values = (np.arange(size)[:, None] * 3 + np.arange(size)).astype("f4")
    data = dataset(values, x=5.0 + 10 * np.arange(size), y=-5.0 - 10 * np.arange(size))
    if chunks:
        data["red"].encoding = {"chunksizes": chunks}
    path = written(tmp_path / "a.nc", data)
    raster = open_raster(path)
    window = raster.crop((10_000, -12_560, 12_560, -10_000))
    window.read(window.box)  # imports
    tracemalloc.start()
    got = window.read(window.box)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    np.testing.assert_array_equal(got.data[0], values[1000:1256, 1000:1256])
    assert peak < values.nbytes / 4
    again = pickle.loads(pickle.dumps(raster))
    assert again.fingerprint() == raster.fingerprint() == open_raster(path).fingerprint()
    np.testing.assert_array_equal(again.read(window.box).data.shape, got.data.shape)
    values[0, 0] = 7
    FILE_CACHE.clear()  # closes the file, which Windows does not replace while it is open
    written(tmp_path / "b.nc", data).replace(path)
    assert open_raster(path).fingerprint() != raster.fingerprint()
