"""Unlabelled scenes: held to the contract of labelled ones, and never read where labels are held out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from geoseg.errors import InputError
from geoseg.geodesy.crs import same_crs, transformer
from geoseg.models import check_contract
from geoseg.raster.files.members import check_unchanged
from geoseg.raster.fill import find_fill
from geoseg.train.data.images import open_images
from geoseg.train.data.label_counts import cell_side
from geoseg.train.data.samples import input_of
from geoseg.train.data.windows import WindowSampler
from geoseg.train.validation.split import Parts

if TYPE_CHECKING:
    from affine import Affine
    from numpy.typing import NDArray

    from geoseg.models import BandTransform, ModelCard
    from geoseg.raster import Pixels, Raster
    from geoseg.tiling import Box
    from geoseg.train.data.label_images import Sources

# Points per side of a cell that are looked up in another image, at most: cells of images of one resolution need two.
_MOST_POINTS = 8


@dataclass(frozen=True, eq=False)
class Held:
    """What is held out of a labelled image: ``forbidden`` (rows, cols) bool, cells of ``cell`` pixels."""

    raster: Raster
    forbidden: NDArray[np.bool_]
    cell: int


@dataclass(frozen=True, eq=False)
class UnlabelledScene:
    """A scene without labels.

    Attributes
    ----------
    raster
        The scene, bands in the order of the card.
    affine
        Transform of stored values to the network's input, per band.
    closed
        (rows, cols) bool: cells that lie on places held out of a labelled image.
    """

    raster: Raster
    affine: tuple[BandTransform, ...]
    closed: NDArray[np.bool_]

    def read(self, box: Box) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Return the network's input (bands, h, w) and validity (h, w) of a box."""
        return input_of(self.raster, self.affine, box)


@dataclass(frozen=True, eq=False)
class Unlabelled:
    """All unlabelled scenes of a training, cut into cells of ``cell`` pixels.

    Attributes
    ----------
    scenes
        The scenes.
    cell
        Side of a cell in pixels.
    shared
        Number of scenes that are labelled images, too.
    """

    scenes: tuple[UnlabelledScene, ...]
    cell: int
    shared: int = 0

    @property
    def names(self) -> list[str]:
        """Name of each scene."""
        return [scene.raster.name for scene in self.scenes]

    @property
    def summary(self) -> str:
        """One line for the user and the card."""
        names = self.names
        listing = ", ".join(names[:40]) + (f" and {len(names) - 40} more" if len(names) > 40 else "")
        both = f"; {self.shared} of them labelled in part" if self.shared else ""
        return f"{len(names)} unlabelled image{'s' * (len(names) != 1)}: {listing}{both}"

    def sampler(self, window: int, zoom: float) -> WindowSampler:
        """Return a sampler of windows, any place as likely as any other.

        Raises
        ------
        InputError
            If no window lies beside the places that are held out.
        """
        parts = []
        for scene in self.scenes:
            everywhere = np.ones((*scene.closed.shape, 1), np.int64)
            parts.append(Parts(scene.closed, scene.closed, everywhere, np.zeros_like(everywhere)))
        try:
            return WindowSampler([scene.raster.shape for scene in self.scenes], parts, self.cell, window, zoom)
        except InputError:
            raise InputError(
                f"no window of {window} px of the unlabelled scenes lies beside the places held out for validation: "
                "give other scenes, or use a smaller --window or another --block-size"
            ) from None

    def check_unchanged(self) -> None:
        """Check that the files are still those that were opened (raises ChangedError)."""
        for scene in self.scenes:
            check_unchanged(scene.raster)


def open_unlabelled(
    sources: Sources, card: ModelCard, held: Sequence[Held], window: int, *, reference: Raster | None
) -> tuple[Unlabelled, list[str]]:
    """Open the unlabelled scenes of a training.

    Parameters
    ----------
    sources
        Names the scenes, and how they are read.
    card
        Bands and units that they must have.
    held
        The labelled images, with what is held out of each.
    window
        Side of the smallest training window in pixels.
    reference
        The first labelled image, whose bands a scene must have; None if the card names them.

    Returns
    -------
    The scenes, and warnings, one line each.

    Raises
    ------
    InputError, ContractError
        If one cannot be read, lacks a band, is in other units, or has no valid pixel.
    """
    rasters = open_images(sources.unlabelled, sources.reading, card if reference is None else None, first=reference)
    rasters = list({(raster.sources, _grid(raster)): raster for raster in rasters}.values())
    known = {(one.raster.sources, _grid(one.raster)) for one in held}
    shared = [(raster.sources, _grid(raster)) in known for raster in rasters]
    warnings: list[str] = []
    for raster, labelled in zip(rasters, shared, strict=True):
        sample = check_valid(raster)
        if not labelled:  # those have been checked
            warnings += check_contract(card, raster, sample, find_fill(raster, sample))
    cell = cell_side([raster.shape for raster in rasters], window)
    scenes = tuple(UnlabelledScene(r, card.affine(r.bands), closed_cells(r, cell, held)) for r in rasters)
    return Unlabelled(scenes, cell, sum(shared)), warnings


def check_valid(raster: Raster) -> Pixels:
    """Return a sample of a scene.

    Raises
    ------
    InputError
        If no pixel of it is valid.
    """
    sample = raster.sample()
    if not sample.valid.any():
        raise InputError(
            f"{raster.name}: a sample of this unlabelled scene has no valid pixel; leave it out, or check its nodata "
            "value"
        )
    return sample


def _grid(raster: Raster) -> tuple[Any, ...]:
    return raster.shape, tuple(raster.transform)


def closed_cells(raster: Raster, cell: int, held: Sequence[Held]) -> NDArray[np.bool_]:
    """Return the cells of a scene that lie on what is held out of labelled images, (rows, cols) bool.

    Images without CRS have places in common only if they are the same file.
    """
    rows, cols = (-(-n // cell) for n in raster.shape)
    closed = np.zeros((rows, cols), np.bool_)
    for other in held:
        if not other.forbidden.any() or not _may_overlap(raster, other.raster):
            continue
        points = _points_per_cell(raster, cell, other)
        steps = np.linspace(0.01, cell - 0.01, points)  # up to the edges, which may be all that is held out
        y = (np.arange(rows)[:, None] * cell + steps).ravel()
        x = (np.arange(cols)[:, None] * cell + steps).ravel()
        for row in range(rows):  # a row of cells at a time: scenes have any size
            ys = y[row * points : (row + 1) * points]
            there = _pixels_in(other.raster, raster, *np.meshgrid(x, ys))
            hit = _looked_up(other, *there)
            closed[row] |= hit.reshape(points, cols, points).any((0, 2))
    return closed


def _may_overlap(raster: Raster, other: Raster) -> bool:
    if raster.georeferenced and other.georeferenced:
        from geoseg.raster.grids import overlaps

        return overlaps(raster.grid, other.grid, raster.name)
    return raster.sources == other.sources


def _points_per_cell(raster: Raster, cell: int, other: Held) -> int:
    """Return how many points per side see every cell of the other image that a cell of this one touches."""
    height, width = raster.shape
    x, y = np.array([[0.0, cell, 0.0]]) + width / 2, np.array([[0.0, 0.0, cell]]) + height / 2
    x, y = _pixels_in(other.raster, raster, x, y)
    step = max(float(np.hypot(x[0, i] - x[0, 0], y[0, i] - y[0, 0])) for i in (1, 2)) / other.cell
    return min(max(math.ceil(step) + 1, 2), _MOST_POINTS) if math.isfinite(step) else _MOST_POINTS


def _pixels_in(
    other: Raster, raster: Raster, x: NDArray[np.float64], y: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return columns and rows in ``other`` of columns and rows in ``raster``."""
    # Images without CRS are of one file, perhaps read with another --bbox: its pixels are then the coordinates.
    x, y = _applied(raster.transform, x, y)
    if raster.georeferenced and other.georeferenced and not same_crs(raster.grid.crs, other.grid.crs):
        x, y = transformer(raster.grid.crs, other.grid.crs, raster.name).transform(x, y)
    return _applied(~other.transform, np.asarray(x), np.asarray(y))


def _applied(
    step: Affine, x: NDArray[np.float64], y: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return step.a * x + step.b * y + step.c, step.d * x + step.e * y + step.f


def _looked_up(other: Held, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.bool_]:
    rows, cols = other.forbidden.shape
    inside = np.isfinite(x) & np.isfinite(y)
    row, col = (np.floor(np.where(inside, v, -1) / other.cell).astype(np.int64) for v in (y, x))
    inside &= (row >= 0) & (row < rows) & (col >= 0) & (col < cols)
    found = other.forbidden[np.where(inside, row, 0), np.where(inside, col, 0)]
    return np.asarray(found & inside)
