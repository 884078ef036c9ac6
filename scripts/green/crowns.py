"""Labels from near infrared and tree points: what is vegetation, and which vegetation is crown.

A point says where a tree is, not how far its crown reaches. A classifier learns what vegetation near points looks like
and what vegetation far from all points looks like (mostly lawn); crowns are what grows from a point through vegetation
that looks like the first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage
from sklearn.ensemble import HistGradientBoostingClassifier

from green.data import LOW, NDVI_OF_VEGETATION, OTHER, TREE, Tiles, ndvi

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Distances to the nearest point, in pixels of 0.6 m: surely crown, surely not, farthest that a crown reaches, and what
# counts as crown whatever it looks like.
_NEAR, _FAR, _REACH, _CORE = 2.5, 16, 18, 4

# Likeness to crowns, 0…1, above which they grow, and half the width of the range in which a label counts less.
_LIKE_CROWN, _DOUBT = 0.45, 0.08

# Strips of vegetation narrower than 7 pixels belong to the crown that they surround, up to this far from it.
_RIM = 5

_PARTS, _EACH = 3, 400


@dataclass(frozen=True)
class Labels:
    """Labels made from infrared and points.

    Attributes
    ----------
    classes
        0 tree, 1 low vegetation, 2 other, uint8 (tiles, side, side).
    weights
        How much each pixel counts in training, float32 (tiles, side, side).
    index
        NDVI, float32 (tiles, side, side).
    distances
        Distance to the nearest tree point in pixels, float32 (tiles, side, side).
    """

    classes: NDArray[np.uint8]
    weights: NDArray[np.float32]
    index: NDArray[np.float32]
    distances: NDArray[np.float32]

    @property
    def vegetation(self) -> NDArray[np.bool_]:
        """What is not other."""
        return self.classes != OTHER


def make_labels(tiles: Tiles, seed: int = 0) -> Labels:
    """Label all pixels of all tiles; takes about two minutes."""
    index = ndvi(tiles.images)
    vegetation = index > NDVI_OF_VEGETATION
    distances = np.stack([_distance(points, index.shape[1:]) for points in tiles.points])
    likeness = _likeness(tiles.images, vegetation, distances, seed)
    tree = np.zeros_like(vegetation)
    for i, (green, distance) in enumerate(zip(vegetation, distances, strict=True)):
        share = np.maximum(ndimage.gaussian_filter(green.astype(np.float32), 1.5), 0.05)
        likeness[i] = ndimage.gaussian_filter(likeness[i] * green, 1.5) / share
        tree[i] = grow_crowns(green, distance, likeness[i])
    classes = np.where(tree, TREE, np.where(vegetation, LOW, OTHER)).astype(np.uint8)
    weights = np.ones(classes.shape, np.float32)
    weights[np.abs(index - NDVI_OF_VEGETATION) < 0.025] = 0.4
    # In deep shadow the index is mostly noise.
    weights[tiles.images[:, [0, 3]].sum(1, dtype=np.int32) < 60] *= 0.4
    weights[vegetation & (np.abs(likeness - _LIKE_CROWN) < _DOUBT)] *= 0.6
    return Labels(classes, weights, index, distances)


def grow_crowns(
    vegetation: NDArray[np.bool_], distance: NDArray[np.float32], likeness: NDArray[np.float32]
) -> NDArray[np.bool_]:
    """Return the crowns of a tile (h, w): vegetation connected to a point through what looks like crown."""
    core = vegetation & (distance <= _CORE)
    crown = ndimage.binary_propagation(core, mask=core | (vegetation & (likeness > _LIKE_CROWN) & (distance <= _REACH)))
    crown |= _padded(ndimage.binary_closing, crown) & vegetation
    low = vegetation & ~crown
    wide = ndimage.binary_dilation(_padded(ndimage.binary_opening, low), _disk(1))
    close = ndimage.distance_transform_edt(~crown) <= _RIM if crown.any() else np.zeros_like(crown)
    return crown | (low & ~wide & close)


def within(labels: Labels, pixels: float) -> NDArray[np.bool_]:
    """Return another rule's trees: vegetation at most so far from a point."""
    return labels.vegetation & (labels.distances <= pixels)


def _padded(operation: object, mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    assert callable(operation)
    return np.asarray(operation(np.pad(mask, 4, mode="edge"), _disk(3))[4:-4, 4:-4])


def _disk(radius: int) -> NDArray[np.bool_]:
    squares = np.arange(-radius, radius + 1) ** 2
    return np.add.outer(squares, squares) <= radius**2 + 1


def _distance(points: NDArray[np.float64], shape: tuple[int, ...]) -> NDArray[np.float32]:
    free = np.ones(shape, bool)
    cols, rows = points.round().astype(int).T if len(points) else np.zeros((2, 0), int)
    inside = (rows >= 0) & (cols >= 0) & (rows < shape[0]) & (cols < shape[1])
    free[rows[inside], cols[inside]] = False
    return np.asarray(
        ndimage.distance_transform_edt(free) if inside.any() else np.full(shape, np.inf), dtype=np.float32
    )


def _likeness(
    images: NDArray[np.uint8], vegetation: NDArray[np.bool_], distances: NDArray[np.float32], seed: int
) -> NDArray[np.float32]:
    """Return how much each pixel of vegetation looks like those near points, judged by what other tiles show."""
    rng = np.random.default_rng(seed)
    part = rng.permutation(len(images)) % _PARTS
    features = [_features(image).astype(np.float16) for image in images]
    result = np.zeros(vegetation.shape, np.float32)
    for k in range(_PARTS):
        rows, labels = [], []
        for i in np.flatnonzero(part != k):
            for label, where in ((1, distances[i] <= _NEAR), (0, distances[i] > _FAR)):
                found = np.flatnonzero(vegetation[i] & where)
                found = rng.choice(found, min(len(found), _EACH), replace=False)
                rows.append(features[i].reshape(len(features[i]), -1)[:, found].T)
                labels.append(np.full(len(found), label))
        model = HistGradientBoostingClassifier(max_iter=150, class_weight="balanced", random_state=seed)
        model.fit(np.concatenate(rows).astype(np.float32), np.concatenate(labels))
        for i in np.flatnonzero(part == k):
            if vegetation[i].any():
                spectra = features[i][:, vegetation[i]].T.astype(np.float32)
                result[i][vegetation[i]] = model.predict_proba(spectra)[:, 1]
    return result


def _features(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return colours and textures (features, h, w) of an image (4, h, w)."""
    red, green, blue, nir = image.astype(np.float32)
    index, light = ndvi(image), (red + green + blue) / 3
    layers = [red, green, blue, nir, index]
    layers += [(green - red) / (green + red + 1), (green - blue) / (green + blue + 1)]
    layers += [ndimage.gaussian_filter(layer, size) for size in (1.5, 3, 6) for layer in (light, nir, index)]
    for side in (5, 9, 17):
        for layer in (light, nir):
            mean = ndimage.uniform_filter(layer, side)
            layers.append(np.sqrt(np.maximum(ndimage.uniform_filter(layer * layer, side) - mean * mean, 0)))
            layers.append(ndimage.minimum_filter(layer, side))
    layers += [ndimage.gaussian_gradient_magnitude(nir, 1.0), nir - ndimage.gaussian_filter(nir, 10)]
    return np.stack(layers)
