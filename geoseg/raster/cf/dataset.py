"""A Dataset by the CF conventions as one with upright rows and columns, a CRS and named bands."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from affine import Affine
from rasterio.crs import CRS

from geoseg.errors import InputError
from geoseg.raster.cf.axes import Axis, axis_of, factor_of, kind_of
from geoseg.raster.cf.bands import band_names, step_names
from geoseg.raster.cf.crs import crs_of, grid_mapping_of
from geoseg.raster.cf.geozarr import DIMENSIONS, dimensions_of, transform_of
from geoseg.raster.cf.selection import Selection, chosen_steps, labels_of, some_of, text_of
from geoseg.raster.cf.values import with_one_nodata

if TYPE_CHECKING:
    import xarray as xr

_DEGREES = "OGC:CRS84"
_POSITIONS = ("latitude", "longitude")
# Of a pixel: as far as a stated transform may be from the coordinates, which are rounded.
_CLOSE = 1e-3


@dataclass(frozen=True)
class _Layout:
    """Rows and columns of a variable as they are stored, and where they lie once they are upright.

    Attributes
    ----------
    dims
        Dimensions of rows and columns.
    transform
        Of the upright grid; None without coordinates.
    flips
        Dimensions that are turned round.
    rolled
        Columns that come first from the end, because their longitudes are beyond 180 degrees.
    """

    dims: tuple[str, str]
    transform: Affine | None
    crs: CRS | None
    flips: tuple[str, ...] = ()
    rolled: int = 0
    notes: tuple[str, ...] = ()


def conventional(
    data: xr.Dataset, label: str, *, selection: Selection | None = None, netcdf: bool = False
) -> tuple[xr.Dataset, tuple[str, ...]]:
    """Return the rasters in a Dataset, lazy as they were, and notes on what had to be assumed.

    Parameters
    ----------
    data
        Stored values, with all attributes.
    label
        Path of the store, for messages.
    selection
        Variables and steps to take, of those that the user has named; its words are variables.
    netcdf
        Whether values that were never written are those of the NetCDF library.

    Raises
    ------
    InputError
        If there is no raster in it, or none whose place on the ground is known for sure.
    """
    chosen = selection or Selection()
    data = chosen_steps(_with_dimensions(data), chosen, label)
    variables = _rasters(data, chosen.words, label)
    first = variables[0]
    dims = _dims(data, first)
    layout = _layout(data, first, dims, label)
    for other in variables[1:]:
        _check_same_crs(data, first, other, dims, label)
    names, notes = band_names(variables, Path(label).stem)
    made: dict[str, Any] = {}
    alone = len(variables) == 1
    for name, variable in zip(names, variables, strict=True):
        upright = _upright(with_one_nodata(variable, f"{label}: {variable.name}", netcdf=netcdf), layout)
        unique = name if name not in made else str(variable.name)
        made[unique] = _with_bands(data, upright, unique, label, alone=alone)
    return _assembled(data, made, layout), tuple(f"{label}: {note}" for note in (*layout.notes, *notes))


def _with_dimensions(data: xr.Dataset) -> xr.Dataset:
    """Return the Dataset with the dimensions that GeoZarr states at its arrays."""
    stated = [found for v in data.data_vars.values() if (found := dimensions_of(v.attrs)) is not None]
    return data.assign_attrs({DIMENSIONS: stated[0]}) if stated and DIMENSIONS not in data.attrs else data


# Which variables ----------------------------------------------------------------------------------------------------


def _rasters(data: xr.Dataset, wanted: tuple[str, ...], label: str) -> list[xr.DataArray]:
    """Return the variables with rows and columns, all on one grid."""
    if unknown := [name for name in wanted if name not in data.variables]:
        raise InputError(f"{label}: has no variable {unknown[0]!r}; it has {some_of([str(v) for v in data.data_vars])}")
    candidates = [data[name] for name in (wanted or data.data_vars)]
    found = [v for v in candidates if v.dtype.kind in "iufbc" and _has_grid(data, v) and not _is_position(v)]
    if not found:
        _check_not_curvilinear(data, label)
        names = some_of([str(name) for name in data.data_vars]) or "none"
        raise InputError(
            f"{label}: no variable has rows and columns that the CF conventions name (coordinates y and x, or latitude "
            f"and longitude); it has {names}"
        )
    grids: dict[tuple[str, str], list[str]] = {}
    for variable in found:
        grids.setdefault(_dims(data, variable), []).append(str(variable.name))
    if len(grids) > 1:
        listing = "; ".join(
            f"{some_of(names)} ({' x '.join(str(data.sizes[d]) for d in dims)})" for dims, names in grids.items()
        )
        example = ",".join(next(iter(grids.values()))[:3])
        raise InputError(
            f"{label}: its variables lie on {len(grids)} grids: {listing}; name those of one: {label}#{example}"
        )
    return found


def _has_grid(data: xr.Dataset, variable: xr.DataArray) -> bool:
    kinds = [kind_of(data, str(dim)) for dim in variable.dims]
    return kinds.count("row") == kinds.count("column") == 1


def _dims(data: xr.Dataset, variable: xr.DataArray) -> tuple[str, str]:
    kinds = {kind_of(data, str(dim)): str(dim) for dim in variable.dims}
    return kinds["row"], kinds["column"]


def _is_position(variable: xr.DataArray) -> bool:
    """Return whether a variable says where pixels are: latitudes or longitudes."""
    units = text_of(variable.attrs, "units").lower()
    return text_of(variable.attrs, "standard_name") in _POSITIONS or units in ("degrees_north", "degrees_east")


def _check_not_curvilinear(data: xr.Dataset, label: str) -> None:
    positions = [str(name) for name in data.variables if data[name].ndim == 2 and _is_position(data[name])]
    if len(positions) > 1:
        raise InputError(
            f"{label}: each of its pixels has a position of its own ({some_of(positions)}), as in swaths; "
            'resample it to a grid first, with: gdalwarp -geoloc NETCDF:"FILE":VARIABLE scene.tif'
        )


# Where they lie -----------------------------------------------------------------------------------------------------


def _layout(data: xr.Dataset, variable: xr.DataArray, dims: tuple[str, str], label: str) -> _Layout:
    row, column = dims
    mapping = grid_mapping_of(variable, data, dims)
    attributes = {**data.attrs, **variable.attrs}
    crs = crs_of(mapping, attributes, label)
    stated = transform_of(attributes, label) or _stated(mapping)
    down, across = axis_of(data, row, label), axis_of(data, column, label)
    shape = data.sizes[row], data.sizes[column]
    if down is None and across is None:
        _check_not_curvilinear(data, label)
        return _Layout(dims, None, crs) if stated is None else _of_transform(stated, dims, shape, crs, label)
    if down is None or across is None:
        raise InputError(f"{label}: dimension {(row if down is None else column)!r} has no coordinates; add them")
    notes: list[str] = []
    if crs is None and down.degrees and across.degrees:
        crs = CRS.from_user_input(_DEGREES)
        notes.append(f"states no CRS; its coordinates are degrees, taken as those of WGS 84 ({_DEGREES})")
    if crs is not None:
        down = _scaled(down, factor_of(data, row, crs, mapping, label))
        across = _scaled(across, factor_of(data, column, crs, mapping, label))
    down, across = _sized(down, across, label)
    flips = tuple(dim for dim, turned in ((row, down.step > 0), (column, across.step < 0)) if turned)
    top = down.start + down.step * shape[0] if down.step > 0 else down.start
    left = across.start + across.step * shape[1] if across.step < 0 else across.start
    wide, high = abs(across.step), abs(down.step)
    rolled = 0
    if crs is not None and crs.is_geographic:
        left, rolled, more = _west_of(left, wide, shape[1])
        notes += more
    transform = _exact(Affine(wide, 0, left, 0, -high, top), stated, shape)
    return _Layout(dims, transform, crs, flips, rolled, tuple(notes))


def _of_transform(
    stated: Affine, dims: tuple[str, str], shape: tuple[int, int], crs: CRS | None, label: str
) -> _Layout:
    """Return the layout of a variable that has a transform in place of coordinates."""
    if stated.b or stated.d:
        raise InputError(f"{label}: its transform {tuple(stated)[:6]} is rotated; make it upright first (gdalwarp)")
    flips = tuple(dim for dim, turned in zip(dims, (stated.e > 0, stated.a < 0), strict=True) if turned)
    left, top = stated.c + min(stated.a * shape[1], 0), stated.f + max(stated.e * shape[0], 0)
    return _Layout(dims, Affine(abs(stated.a), 0, left, 0, -abs(stated.e), top), crs, flips)


def _scaled(axis: Axis, factor: float) -> Axis:
    return axis if factor == 1 else replace(axis, start=axis.start * factor, step=axis.step * factor)


def _sized(down: Axis, across: Axis, label: str) -> tuple[Axis, Axis]:
    """Return axes of which both have a size: of a single row or column that of the others."""
    if down.step and across.step:
        return down, across
    if not down.step and not across.step:
        raise InputError(f"{label}: one pixel without bounds, whose size is not known; add bounds to its coordinates")
    if not down.step:
        high = abs(across.step)
        return replace(down, start=down.start + high / 2, step=-high), across
    wide = abs(down.step)
    return down, replace(across, start=across.start - wide / 2, step=wide)


def _west_of(left: float, wide: float, count: int) -> tuple[float, int, list[str]]:
    """Return the western edge within -180 to 180 degrees, and how many columns come first from the end."""
    right = left + wide * count
    if left >= 180 - wide * _CLOSE:
        return left - 360, 0, []
    if right <= 180 + wide * _CLOSE:
        return left, 0, []
    if abs(right - left - 360) > wide * 0.5:
        return left, 0, [f"its longitudes run on over 180 to {right:.6g} degrees, and so they do in the results"]
    beyond = round((right - 180) / wide)
    return left + wide * (count - beyond) - 360, beyond, []


def _stated(mapping: dict[str, Any]) -> Affine | None:
    """Return the transform that GDAL and rioxarray write beside the CRS."""
    with suppress(ValueError, TypeError):
        values = [float(part) for part in str(mapping.get("GeoTransform", "")).replace(",", " ").split()]
        if len(values) == 6 and values[1] and values[5]:
            return Affine.from_gdal(*values)
    return None


def _exact(found: Affine, stated: Affine | None, shape: tuple[int, int]) -> Affine:
    """Return the transform that is stated, whose digits are all there, if it is that of the coordinates."""
    if stated is None or stated.b or stated.d or stated.a < 0:
        return found
    if stated.e > 0:
        stated = Affine(stated.a, 0, stated.c, 0, -stated.e, stated.f + stated.e * shape[0])
    corners = ((0, 0), (shape[1], shape[0]))
    near = all(
        abs(here - there) <= _CLOSE * size
        for corner in corners
        for here, there, size in zip(found * corner, stated * corner, (found.a, -found.e), strict=True)
    )
    return stated if near else found


def _check_same_crs(
    data: xr.Dataset, first: xr.DataArray, other: xr.DataArray, dims: tuple[str, str], label: str
) -> None:
    mappings = [grid_mapping_of(variable, data, dims) for variable in (first, other)]
    texts = [{key: str(value) for key, value in mapping.items()} for mapping in mappings]
    if texts[0] != texts[1] and all(mappings):
        systems = [crs_of(mapping, {}, label) for mapping in mappings]
        if systems[0] != systems[1]:
            raise InputError(
                f"{label}: {first.name} and {other.name} are in different CRSs; name those of one: {label}#{first.name}"
            )


# Their pixels -------------------------------------------------------------------------------------------------------


def _upright(variable: xr.DataArray, layout: _Layout) -> xr.DataArray:
    for dim in layout.flips:
        variable = variable.isel({dim: slice(None, None, -1)})
    if layout.rolled:
        variable = variable.roll({layout.dims[1]: layout.rolled}, roll_coords=False)
    return variable


def _with_bands(data: xr.Dataset, variable: xr.DataArray, name: str, label: str, *, alone: bool) -> xr.DataArray:
    """Return a variable as (y, x) or (band, y, x)."""
    row, column = _dims(data, variable)
    others = [str(dim) for dim in variable.dims if dim not in (row, column)]
    for dim in [dim for dim in others if variable.sizes[dim] == 1]:
        variable = variable.isel({dim: 0}, drop=True)
    left = [dim for dim in others if dim in variable.dims]
    several = [dim for dim in left if len(left) > 1 or kind_of(data, dim) == "time"]
    if several:
        dim = next((one for one in several if kind_of(data, one) == "time"), several[0])
        texts = labels_of(data, dim)
        raise InputError(
            f"{label}: {variable.name} has {len(texts)} steps along {dim} ({some_of(texts)}); choose one: "
            f"{label}#{dim}={texts[-1]}"
        )
    labels = step_names(variable, left[0]) if left else []
    plain = variable.drop_vars(list(variable.coords)).rename({row: "y", column: "x"}).rename(name)
    if not left:
        return plain.transpose("y", "x")
    plain = plain.rename({left[0]: "band"}).transpose("band", "y", "x")
    plain.attrs.pop("long_name", None)
    return plain.assign_coords(band=labels if alone else [f"{name}_{text}" for text in labels])


def _assembled(data: xr.Dataset, made: dict[str, xr.DataArray], layout: _Layout) -> xr.Dataset:
    import xarray as xr
    from odc.geo.geobox import GeoBox
    from odc.geo.xr import xr_coords

    coords: Any = {}
    first = next(iter(made.values()))
    if layout.transform is not None:
        box = GeoBox(
            (first.sizes["y"], first.sizes["x"]), layout.transform, None if layout.crs is None else layout.crs.to_wkt()
        )
        coords = xr_coords(box, always_yx=True)
    attributes = {key: value for key, value in data.attrs.items() if key not in ("crs", "grid_mapping")}
    if len(made) > 1:  # the labels of bands of several variables would be joined to one dimension
        made = {str(layer.name): layer for array in made.values() for layer in _layers(array)}
    return xr.Dataset({name: array.assign_coords(coords) for name, array in made.items()}, attrs=attributes)


def _layers(array: xr.DataArray) -> list[xr.DataArray]:
    if "band" not in array.dims:
        return [array]
    labels = [str(label) for label in array["band"].values]
    return [array.isel(band=number, drop=True).rename(label) for number, label in enumerate(labels)]
