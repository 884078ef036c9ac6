"""The labelled tiles, and their split into folds: by place, never by tile or pixel."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import rasterio

from geoseg.classes import LAND_COVER
from geoseg.models.networks.landcover import BANDS, CLASS_COUNT

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

CLASS_NAMES = tuple(c.name for c in LAND_COVER)
FOLDS = 5

UNKNOWN = 255
"""Value of labels where the class is not known."""


@dataclass(frozen=True)
class Tiles:
    """Labelled tiles.

    Attributes
    ----------
    images
        Surface reflectance 0…1, float32 (tiles, 6, side, side), bands as in :data:`BANDS`.
    labels
        Class, uint8 (tiles, side, side), 255 where unknown.
    places
        Number of each tile's place. Tiles of the same place overlap or are adjacent.
    """

    images: NDArray[np.float32]
    labels: NDArray[np.uint8]
    places: NDArray[np.int64]

    @classmethod
    def read(cls, folder: Path) -> Tiles:
        """Read ``images/N.tif``, ``labels/N.tif`` and ``clusters.csv`` (tile, location_cluster)."""
        with (folder / "clusters.csv").open(encoding="utf-8") as lines:
            places = {int(row["tile"]): int(row["location_cluster"]) for row in csv.DictReader(lines)}
        images, labels = [], []
        for tile in sorted(places):
            with rasterio.open(folder / "images" / f"{tile}.tif") as source:
                order = [source.descriptions.index(band) + 1 for band in BANDS]
                images.append(source.read(order).astype(np.float32) * np.float32(source.scales[0]))
            with rasterio.open(folder / "labels" / f"{tile}.tif") as source:
                labels.append(source.read(1))
        return cls(np.stack(images), np.stack(labels), np.array([places[tile] for tile in sorted(places)]))


def trusted(labels: NDArray[np.uint8], images: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return labels with 255 where the image contradicts the label water.

    Many water masks show a flood that had receded when the image was taken: over a third of their pixels look like dry
    fields. A network trained on them maps dry fields and burnt ground as water.

    Parameters
    ----------
    labels
        Classes (…, side, side).
    images
        Reflectance (…, 6, side, side), bands as in :data:`BANDS`.
    """
    green, nir, swir = (images[..., BANDS.index(name), :, :] for name in ("green", "nir", "swir16"))
    # NDWI (McFeeters 1996) and MNDWI (Xu 2006) both below 0.
    dry = (green < nir) & (green < swir)
    return np.where(dry & (labels == CLASS_NAMES.index("water")), np.uint8(UNKNOWN), labels)


def make_folds(labels: NDArray[np.uint8], places: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the fold of each tile, int64 (tiles,): whole places, with classes and pixels as even as possible.

    Places are assigned greedily, the largest first, to the fold that keeps the shares of all classes most even; then
    single places are moved and pairs swapped while that helps. Deterministic.
    """
    names = np.unique(places)
    counts = np.array(
        [[np.count_nonzero(labels[places == p] == k) for k in range(CLASS_COUNT)] for p in names], dtype=float
    )
    shares = np.column_stack([counts / counts.sum(0), counts.sum(1) / counts.sum()])
    order = np.argsort(-shares.sum(1), kind="stable")
    fold = np.zeros(len(names), dtype=np.int64)
    totals = np.zeros((FOLDS, shares.shape[1]))

    def cost(totals: NDArray[np.float64]) -> float:
        return float(((totals - 1 / FOLDS) ** 2).sum())

    for p in order:
        costs = [cost(totals + np.eye(FOLDS)[:, [f]] * shares[p]) for f in range(FOLDS)]
        fold[p] = int(np.argmin(costs))
        totals[fold[p]] += shares[p]
    improved = True
    while improved:
        improved = False
        for p in order:
            for f in range(FOLDS):
                moved = totals.copy()
                moved[fold[p]] -= shares[p]
                moved[f] += shares[p]
                if f != fold[p] and cost(moved) < cost(totals) - 1e-12:
                    totals, fold[p], improved = moved, f, True
        for p in order:
            for q in order:
                moved = totals.copy()
                moved[fold[p]] += shares[q] - shares[p]
                moved[fold[q]] += shares[p] - shares[q]
                if fold[p] != fold[q] and cost(moved) < cost(totals) - 1e-12:
                    totals, improved = moved, True
                    fold[p], fold[q] = fold[q], fold[p]
    return fold[np.searchsorted(names, places)]
