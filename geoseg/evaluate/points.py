"""Draw points to interpret, and estimate accuracy and area from the interpretations."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from geoseg.classes import MapClass
from geoseg.errors import InputError, OptionError, OutputError, one_line
from geoseg.errors.printable import printable
from geoseg.evaluate.area_estimation import Z95, AreaEstimate, estimate
from geoseg.evaluate.class_matching import plain
from geoseg.evaluate.comparison import SIDE
from geoseg.evaluate.interpretation_form import add_form
from geoseg.evaluate.reference import RasterLayer, open_map
from geoseg.evaluate.sample_design import Strata, allocate, draw, parse_expected, sample_size, strata_of
from geoseg.geodesy.crs import to_crs
from geoseg.raster.files.members import check_unchanged
from geoseg.system.files import complete
from geoseg.system.outputs import Inputs, local_path
from geoseg.tiling import Box

if TYPE_CHECKING:
    from numpy.typing import NDArray

LAYER = "points"
_MAP, _REFERENCE = "map_class", "reference_class"
_Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class PointSample:
    """A sample of points.

    Attributes
    ----------
    path
        The file of points.
    classes
        Classes that occur in the map.
    sizes, weights
        Number of points of each class, and its share of the map's area.
    """

    path: Path
    classes: tuple[MapClass, ...]
    sizes: tuple[int, ...]
    weights: tuple[float, ...]


def draw_sample(
    source: str | Path | Any,
    path: str | Path,
    *,
    standard_error: float = 0.02,
    expected: str | float | Mapping[str, float] | None = None,
    minimum: int = 50,
    total: int | None = None,
    seed: int = 0,
    overwrite: bool = False,
    progress: _Progress | None = None,
) -> PointSample:
    """Draw a stratified random sample of a class map and write it as points to interpret.

    Parameters
    ----------
    source
        Class map: a raster, or an ``xarray.DataArray``.
    path
        GeoPackage to write: layer ``points`` with ``id``, ``map_class`` and an empty ``reference_class``, in random
        order, in the map's CRS.
    standard_error
        Target standard error of the overall accuracy: 0.02 is ± 4 % at 95 % confidence.
    expected
        Expected user's accuracy: a number, or ``"tree=0.9,crop=0.7"``; 0.8 for other classes.
    minimum
        Minimum points per class.
    total
        Total number of points; follows from ``standard_error`` if None.
    seed
        Random seed.
    overwrite
        Replace an existing file.
    progress
        Called with the number of windows done and in total, and the current pass.

    Raises
    ------
    InputError
        If the map cannot be read, or changes meanwhile (ChangedError).
    OptionError, OutputError
        If an option's value is impossible, or the file exists, is the map, or cannot be written.

    References
    ----------
    Olofsson et al. 2014, doi 10.1016/j.rse.2014.02.015, sections 3 and 5.1.
    """
    target = _target(path, overwrite=overwrite)
    Inputs(source).check(target)
    if minimum < 2 or (total is not None and total < 2):
        raise OptionError("a sample needs at least two points per class; use larger numbers")
    layer = open_map(source)
    strata = strata_of(layer, _named(progress, "count classes"))
    accuracies = parse_expected(expected, strata.classes)
    size = sample_size(strata.weights, accuracies, standard_error) if total is None else total
    sizes = allocate(size, strata.weights, minimum, strata.pixels.sum(0))
    picked = draw(layer, strata, sizes, seed, _named(progress, "pick points"))
    names = np.array([item.name for item in strata.classes], object)[picked.classes]
    t, cols, rows = layer.raster.transform, picked.cols + 0.5, picked.rows + 0.5
    xs, ys = t.a * cols + t.b * rows + t.c, t.d * cols + t.e * rows + t.f
    # All classes that the map names: an interpreter may see one that no pixel has.
    check_unchanged(layer.raster)
    _write_points(target, layer, names, xs, ys, _all_classes(layer, strata))
    return PointSample(target, strata.classes, tuple(map(int, sizes)), tuple(map(float, strata.weights)))


def _named(progress: _Progress | None, stage: str) -> Callable[[int, int], None] | None:
    return None if progress is None else lambda done, total: progress(done, total, stage)


def _target(path: str | Path, *, overwrite: bool) -> Path:
    target = local_path(path)
    if target.suffix.lower() != ".gpkg":
        raise OutputError(f"{target}: points are written as a GeoPackage: name the file {target.stem}.gpkg")
    if target.exists() and not overwrite:
        raise OutputError(f"{target} exists, perhaps with interpretations: choose another name or add --overwrite")
    return target


def _write_points(
    path: Path, layer: RasterLayer, names: NDArray[Any], xs: Any, ys: Any, classes: tuple[MapClass, ...]
) -> None:
    import geopandas as gpd
    import pyogrio
    from pyogrio.errors import DataSourceError

    crs = layer.raster.grid.crs
    frame = gpd.GeoDataFrame(
        {
            "id": np.arange(1, len(names) + 1, dtype=np.int32),
            _MAP: names,
            _REFERENCE: np.full(len(names), None, object),
        },
        geometry=gpd.points_from_xy(xs, ys),
        crs=None if crs is None else crs.to_wkt(),
    )
    # An empty column needs an explicit type, or the driver chooses one.
    frame[_REFERENCE] = frame[_REFERENCE].astype("string")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with complete(path) as part:
            pyogrio.write_dataframe(
                frame, part, layer=LAYER, driver="GPKG", dataset_options={"VERSION": "1.2"}
            )  # QGIS 3.22 warns at newer ones
            add_form(part, LAYER, _REFERENCE, classes)
    except (OSError, DataSourceError, sqlite3.Error) as error:
        raise OutputError(f"{path} cannot be written: {one_line(error)}") from error


@dataclass(frozen=True, eq=False)
class AreaReport:
    """Estimates of accuracy and area with the names of classes.

    Attributes
    ----------
    points, source
        Names of the file of points and of the map.
    names
        Classes, in the order of the estimates.
    estimate
        The estimates.
    unit
        ``"m2"``, or ``"units2"`` for a map without CRS.
    notes
        Messages for the user, one line each.
    """

    points: str
    source: str
    names: tuple[str, ...]
    estimate: AreaEstimate
    unit: str
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain values."""
        return {
            **self.estimate.to_dict(self.names, self.unit),
            "points_file": self.points, "map": self.source, "notes": list(self.notes),
        }  # fmt: skip

    def table(self) -> str:
        """Return the report as lines for a terminal: areas in hectares, ± half widths of 95 % confidence intervals."""
        from geoseg.evaluate.evaluation import aligned

        found = self.estimate
        scale, unit = (1e-4, "ha") if self.unit == "m2" else (1.0, "units²")
        rows = [
            ["class", "points", f"mapped {unit}", f"area {unit}", "± 95 %", "user's", "± 95 %", "producer's", "± 95 %"]
        ]
        for k, name in enumerate(self.names):
            accuracies = (
                found.users[k],
                found.users_error[k] * Z95,
                found.producers[k],
                found.producers_error[k] * Z95,
            )
            rows.append([
                name, f"{found.sizes[k]:,}", f"{found.mapped[k] * scale:,.1f}", f"{found.areas[k] * scale:,.1f}",
                f"{Z95 * found.areas_error[k] * scale:,.1f}",
                *("–" if np.isnan(value) else f"{value:.3f}" for value in accuracies),
            ])  # fmt: skip
        last = f"overall accuracy {found.overall:.3f} ± {Z95 * found.overall_error:.3f} (95 %)"
        head = f"{self.points}: {int(found.counts.sum())} interpreted points on {self.source}"
        return "\n".join([printable(head), "", *aligned(rows), "", last])


def estimate_area(
    points: str | Path | Any,
    source: str | Path | Any,
    *,
    field: str = _REFERENCE,
    progress: _Progress | None = None,
) -> AreaReport:
    """Estimate accuracy and area from interpreted points.

    Parameters
    ----------
    points
        File or GeoDataFrame of points from :func:`draw_sample`, interpreted. Points without interpretation are left
        out.
    source
        The class map that they were drawn from.
    field
        Field with the interpreted class, by name or number.
    progress
        Called with the number of windows done and in total, and the current pass.

    Returns
    -------
    AreaReport
        User's, producer's and overall accuracy and areas with 95 % confidence intervals.

    Raises
    ------
    InputError
        If no point is interpreted, a class is unknown, points are off the map or from another one, or a class has fewer
        than two points.

    References
    ----------
    Olofsson et al. 2014, doi 10.1016/j.rse.2014.02.015, eqs. 1-11.
    """
    layer = open_map(source)
    label, frame = _read_points(points, layer, field)
    strata = strata_of(layer, _named(progress, "measure classes"))
    classes = _all_classes(layer, strata)
    frame, notes = _interpreted(label, frame, field)
    wanted = _positions(label, frame[field], classes)
    mapped = _map_classes(layer, strata, classes, label, frame)
    if _MAP in frame.columns:
        _check_map(label, layer, frame, mapped, classes)
    else:
        notes.append(f"{label} has no field {_MAP}: the points' classes are read from {layer.label}")
    check_unchanged(layer.raster)
    count = len(classes)
    counts = np.bincount(mapped * count + wanted, minlength=count * count).reshape(count, count)
    areas, pixels = np.zeros(count), np.zeros(count, np.int64)
    known = {plain(item.name): k for k, item in enumerate(classes)}
    for item, area, size in zip(strata.classes, strata.areas, strata.pixels.sum(0), strict=True):
        areas[known[plain(item.name)]], pixels[known[plain(item.name)]] = area, size
    names = tuple(item.name for item in classes)
    return AreaReport(label, layer.label, names, estimate(counts, areas, names, pixels), strata.unit, tuple(notes))


def _all_classes(layer: RasterLayer, strata: Strata) -> tuple[MapClass, ...]:
    """Return the map's classes, including those that no pixel has: an interpreter may see them."""
    found = {plain(item.name): item for item in (*layer.classes, *strata.classes)}
    return tuple(found.values())


def _read_points(points: Any, layer: RasterLayer, field: str) -> tuple[str, Any]:
    if isinstance(points, str | Path):
        from geoseg.raster.vectors import open_vector

        label, file = Path(points).name, open_vector(points)
        layers = [name for name, kind in file.layers() if kind is not None]
        frame = file.read(LAYER if LAYER in layers else layers[0] if layers else None)
    else:
        label, frame = "points", points
    if field not in frame.columns:
        fields = ", ".join(name for name in frame.columns if name != "geometry") or "none"
        raise InputError(f"{label} has no field {field!r}; it has {fields}: name the interpretation with --field")
    if not hasattr(frame, "geom_type") or not (frame.geom_type == "Point").all():
        raise InputError(f"{label} does not hold points; use the file that geoseg evaluate sample wrote")
    crs = layer.raster.grid.crs
    if (frame.crs is None) != (crs is None):
        raise InputError(f"{label} {'has no' if frame.crs is None else 'has a'} CRS, unlike the map; assign one first")
    return label, frame if crs is None else to_crs(frame, crs, label)


def _interpreted(label: str, frame: Any, field: str) -> tuple[Any, list[str]]:
    text = frame[field].astype("string").str.strip()
    done = (text.notna() & (text != "")).to_numpy(bool)
    if not done.any():
        raise InputError(
            f"{label}: none of its {len(frame)} points is interpreted: fill the field {field!r} with the class seen "
            "at each point (in QGIS: open the attribute table and edit)"
        )
    notes = [] if done.all() else [f"{int((~done).sum())} of {len(frame)} points are not interpreted and left out"]
    return frame[done], notes


def _positions(label: str, values: Any, classes: tuple[MapClass, ...]) -> NDArray[np.int64]:
    """Return the position of each interpretation, a name or number, among the classes."""
    known = {plain(item.name): k for k, item in enumerate(classes)}
    known |= {str(item.id): k for k, item in enumerate(classes) if str(item.id) not in known}
    texts = [str(int(value)) if isinstance(value, float) and value.is_integer() else str(value) for value in values]
    strange = list(dict.fromkeys(text for text in texts if plain(text) not in known))
    if strange:
        raise InputError(
            f"{label}: interpreted as {', '.join(map(repr, strange[:5]))}, which no class of the map is called: "
            f"{', '.join(item.name for item in classes)}"
        )
    return np.array([known[plain(text)] for text in texts], np.int64)


def _map_classes(
    layer: RasterLayer, strata: Strata, classes: tuple[MapClass, ...], label: str, frame: Any
) -> NDArray[np.int64]:
    """Return the position of the map's class under each point."""
    height, width = layer.raster.shape
    inverse = ~layer.raster.transform
    xs, ys = frame.geometry.x.to_numpy(), frame.geometry.y.to_numpy()
    cols = np.floor(inverse.a * xs + inverse.b * ys + inverse.c).astype(np.int64)
    rows = np.floor(inverse.d * xs + inverse.e * ys + inverse.f).astype(np.int64)
    outside = (rows < 0) | (cols < 0) | (rows >= height) | (cols >= width)
    found = np.full(len(rows), -1, np.int64)
    cell = (rows // SIDE) * (-(-width // SIDE)) + cols // SIDE
    for number in np.unique(cell[~outside]):
        mine = np.flatnonzero((cell == number) & ~outside)
        row, col = int(rows[mine].min()), int(cols[mine].min())
        box = Box(row, col, int(rows[mine].max()) - row + 1, int(cols[mine].max()) - col + 1)
        found[mine] = strata.codes(*layer.read(box))[rows[mine] - row, cols[mine] - col]
    if off := int((found < 0).sum()):
        raise InputError(f"{label}: {off} of {len(rows)} points lie where {layer.label} has no class; is it their map?")
    known = {plain(item.name): k for k, item in enumerate(classes)}
    table = np.array([known[plain(item.name)] for item in strata.classes])
    return np.asarray(table[found])


def _check_map(
    label: str, layer: RasterLayer, frame: Any, mapped: NDArray[np.int64], classes: tuple[MapClass, ...]
) -> None:
    names = [plain(classes[k].name) for k in mapped]
    other = sum(plain(str(own)) != name for own, name in zip(frame[_MAP], names, strict=True))
    if other:
        raise InputError(
            f"{label}: {other} of {len(frame)} points had another class on the map that they were drawn from: "
            f"give that map instead of {layer.label}, or draw a new sample"
        )
