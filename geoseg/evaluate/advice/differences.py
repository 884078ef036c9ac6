"""How unlike the labelled pixels a region is: in its bands where the scenes can be read, else by distance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from geoseg.errors import InputError
from geoseg.geodesy.crs import to_crs
from geoseg.raster.burn import burn
from geoseg.raster.vectors import has_shape, open_vector
from geoseg.tiling import Box

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geoseg.evaluate.advice.maps import ResultMap
    from geoseg.evaluate.advice.regions import Region

# Labels that are looked at, evenly chosen in the file's order, and pixels of each: more change no distance much.
_MOST_LABELS, _PIXELS_EACH = 3000, 16

# Of large polygons a part of this side is read.
_SIDE = 128

# Differences count from this share on: a region like one that is labelled is worth little, not nothing.
_LEAST = 0.05


@dataclass(frozen=True, eq=False)
class Space:
    """Positions of regions and of labels, and the distance at which two are entirely different.

    Attributes
    ----------
    regions, labels
        (n, D) and (m, D) positions: standardized band means, or coordinates.
    scale
        Distances of it or more count 1.
    kind
        ``"bands"`` or ``"distance"``.
    """

    regions: NDArray[np.float64]
    labels: NDArray[np.float64]
    scale: float
    kind: str

    def first(self) -> NDArray[np.float64]:
        """Return the difference of each region to the labels, (n,), 0.05…1; 1 without labels."""
        if not len(self.labels):
            return np.ones(len(self.regions))
        nearest = np.full(len(self.regions), np.inf)
        for start in range(0, len(self.labels), 1000):  # bounds memory to regions × 1000
            gaps = self.regions[:, None] - self.labels[None, start : start + 1000]
            nearest = np.minimum(nearest, np.sqrt((gaps**2).sum(-1)).min(1))
        return self._share(nearest)

    def to(self, number: int) -> NDArray[np.float64]:
        """Return the difference of each region to one of them, (n,), 0.05…1."""
        return self._share(np.sqrt(((self.regions - self.regions[number]) ** 2).sum(1)))

    def _share(self, distances: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.clip(distances / self.scale, _LEAST, 1.0)


class LabelledPlaces:
    """Geometries that are labelled already: polygons, lines or points in any CRS; their classes do not matter.

    Raises
    ------
    InputError
        If the file cannot be read or holds nothing.
    """

    def __init__(self, source: Any) -> None:
        self.label = str(source) if isinstance(source, str) or hasattr(source, "__fspath__") else "the labels"
        frame = source if hasattr(source, "geometry") else self._read(source)
        if not hasattr(frame, "geometry"):
            raise InputError(f"{self.label}: a table without geometries; labels are polygons, lines or points")
        self._series = frame[has_shape(frame)].geometry
        if not len(self._series):
            raise InputError(f"{self.label}: holds no labels; leave it out")

    def _read(self, source: Any) -> Any:
        file = open_vector(source)
        layers = [name for name, kind in file.layers() if kind]
        if len(layers) != 1:
            listing = ", ".join(layers) or "none with geometries"
            raise InputError(f"{self.label}: has the layers {listing}; write the labels to a file of their own")
        return file.read(layers[0])

    def on(self, crs: Any, name: str) -> NDArray[Any]:
        """Return the geometries in a CRS, those that have a place in it.

        Raises
        ------
        InputError
            If only one of labels and map has a CRS.
        """
        import shapely

        if (self._series.crs is None) != (crs is None):
            without = self.label if self._series.crs is None else name
            raise InputError(f"{without}: has no CRS, so labels and map cannot be aligned; assign one first")
        moved = self._series if crs is None else to_crs(self._series, crs.to_wkt(), self.label)
        found = moved.to_numpy()
        return np.asarray(found[np.isfinite(shapely.bounds(found)).all(1)], object)


def bands_space(regions: Sequence[Region], labelled: Sequence[tuple[ResultMap, NDArray[Any]]]) -> Space | None:
    """Return regions and labels in the space of their bands; None if scenes are missing, or differ in bands or units.

    Parameters
    ----------
    regions
        Regions, each with the means of its bands.
    labelled
        Maps with the labels on them.
    """
    scenes = [result.scene for result, _ in labelled]
    kinds = {scene and tuple((band.name, band.scale, band.offset) for band in scene.bands) for scene in scenes}
    if len(kinds) != 1 or None in kinds or any(region.bands is None for region in regions):
        return None
    means = np.stack([region.bands for region in regions if region.bands is not None])
    parts = [_label_pixels(result, geometries) for result, geometries in labelled]
    pixels = np.concatenate(parts) if parts else np.empty((0, means.shape[1]))
    if not np.isfinite(means).all():
        return None
    centre, deviation = means.mean(0), means.std(0)
    deviation = np.where(deviation > 0, deviation, 1.0)
    # Two independent draws of standardized values differ by √2 in each band.
    scale = float(np.sqrt(2 * means.shape[1]))
    return Space((means - centre) / deviation, (pixels - centre) / deviation, scale, "bands")


def distance_space(positions: NDArray[np.float64], geometries: NDArray[Any], extent: float) -> Space:
    """Return regions and labels as positions on the ground.

    Parameters
    ----------
    positions
        (n, 2) least certain points of the regions.
    geometries
        Labels in the same coordinates.
    extent
        Distance at which two places are entirely different.
    """
    import shapely

    inside = shapely.get_coordinates(shapely.point_on_surface(_evenly(geometries, _MOST_LABELS)))
    return Space(positions, inside, extent, "distance")


def _label_pixels(result: ResultMap, geometries: NDArray[Any]) -> NDArray[np.float64]:
    """Return bands of evenly chosen labelled pixels of a scene, (m, B)."""
    import shapely
    from affine import Affine

    scene = result.scene
    assert scene is not None
    inside = geometries[shapely.intersects(geometries, shapely.box(*scene.grid.bounds()))]
    found = [np.empty((0, len(scene.bands)))]
    for geometry in _evenly(inside, _MOST_LABELS):
        box = _box_of(geometry, ~scene.transform).intersection(scene.box)
        if not box.area:
            continue
        place = scene.transform * Affine.translation(box.col, box.row)
        burned = burn(np.array([geometry], object), place, (box.height, box.width)) >= 0
        if not burned.any():
            continue
        read = scene.read(box)
        found.append(_evenly(read.data[:, burned & read.valid].astype(np.float64).T, _PIXELS_EACH))
    pixels = np.concatenate(found)
    return pixels[np.isfinite(pixels).all(1)]


def _box_of(geometry: Any, to_pixels: Any) -> Box:
    """Return the pixels around a geometry; of a large one a part around a point inside it."""
    import shapely

    west, south, east, north = geometry.bounds
    corners = [to_pixels * (x, y) for x in (west, east) for y in (south, north)]
    cols, rows = ([int(np.floor(v)) for v in side] for side in zip(*corners, strict=True))
    height, width = max(rows) - min(rows) + 1, max(cols) - min(cols) + 1
    row, col = min(rows), min(cols)
    if max(height, width) > _SIDE:
        inner = shapely.point_on_surface(geometry)
        x, y = to_pixels * (inner.x, inner.y)
        row, col = max(row, int(y) - _SIDE // 2), max(col, int(x) - _SIDE // 2)
    return Box(row, col, min(height, _SIDE), min(width, _SIDE))


def _evenly(values: NDArray[Any], most: int) -> NDArray[Any]:
    """Return at most so many values, evenly chosen in their order."""
    if len(values) <= most:
        return values
    return np.asarray(values[np.linspace(0, len(values) - 1, most).round().astype(int)])
