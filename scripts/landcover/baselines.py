"""Baselines on the same folds: the rules of ``spectral``, a Gaussian per class, gradient boosting."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from scipy.ndimage import uniform_filter
from sklearn.ensemble import HistGradientBoostingClassifier

from geoseg.models.networks.landcover import BANDS, CLASS_COUNT
from landcover.data import FOLDS
from landcover.scores import FoldScores

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from landcover.data import Tiles

_SCALES = (5, 15, 45)


def rules(tiles: Tiles, fold: NDArray[np.int64]) -> FoldScores:
    """Score the ``spectral`` model, whose classes have the same order."""
    from geoseg import models

    model = models.load_model("spectral")
    assert tuple(band.name for band in model.card.bands) == BANDS
    transforms = model.card.affine([_Reflectance()] * len(BANDS))
    scale, offset = (torch.tensor(column)[:, None, None] for column in list(zip(*transforms, strict=True))[:2])
    net = model.module()
    scores = FoldScores("spectral rules")
    for part in range(FOLDS):
        chosen = fold == part
        values = torch.from_numpy(tiles.images[chosen])
        values = values * scale + offset
        with torch.inference_mode():
            predicted = torch.cat([net(values[i : i + 4].float()).argmax(1) for i in range(0, len(values), 4)])
        scores.add(predicted.numpy(), tiles.labels[chosen], tiles.images[chosen])
    return scores


class _Reflectance:
    """A raster band that holds reflectance."""

    name, scale, offset, scaled = "", 1.0, 0.0, True


def gaussian(tiles: Tiles, fold: NDArray[np.int64]) -> FoldScores:
    """Score maximum likelihood: one Gaussian per class over the bands of a pixel, with equal priors."""
    scores = FoldScores("Gaussian")
    for part in range(FOLDS):
        train, test = fold != part, fold == part
        pixels = np.moveaxis(tiles.images[train], 1, -1)
        unknown = np.moveaxis(tiles.images[test], 1, -1).reshape(-1, len(BANDS))
        likelihood = []
        for k in range(CLASS_COUNT):
            members = pixels[tiles.labels[train] == k].astype(np.float64)
            covariance = np.cov(members.T) + 1e-7 * np.eye(len(BANDS))
            deviation = unknown - members.mean(0)
            distance = np.einsum("ni,ij,nj->n", deviation, np.linalg.inv(covariance), deviation)
            likelihood.append(-0.5 * (distance + np.linalg.slogdet(covariance)[1]))
        predicted = np.argmax(likelihood, axis=0).reshape(tiles.labels[test].shape)
        scores.add(predicted, tiles.labels[test], tiles.images[test])
    return scores


def box_features(image: NDArray[np.float32]) -> NDArray[np.float16]:
    """Return features (147, height, width) of an image (6, height, width).

    Bands, all normalised differences, and the means and standard deviations of both in boxes of 5, 15 and 45 pixels.
    """
    safe = np.maximum(image, 1e-3)
    ratios = [(safe[i] - safe[j]) / (safe[i] + safe[j]) for i in range(len(BANDS)) for j in range(i)]
    features = np.concatenate([image, np.stack(ratios)])
    scales = [features]
    for size in _SCALES:
        mean = uniform_filter(features, (0, size, size), mode="reflect")
        square = uniform_filter(features * features, (0, size, size), mode="reflect")
        scales += [mean, np.sqrt(np.maximum(square - mean * mean, 0))]
    return np.concatenate(scales).astype(np.float16)


def boosting(
    tiles: Tiles, fold: NDArray[np.int64], say: Callable[[str], None], seed: int = 0, sample: int = 40_000
) -> FoldScores:
    """Score gradient boosting on :func:`box_features`.

    Trained on ``sample`` labelled pixels, tested on every second row and column.
    """
    features = np.stack([box_features(image) for image in tiles.images])
    side = features.shape[-1]
    generator = np.random.default_rng(seed)
    scores = FoldScores("gradient boosting")
    for part in range(FOLDS):
        train = np.flatnonzero(fold != part)
        known = np.flatnonzero(tiles.labels[train].ravel() < CLASS_COUNT)
        chosen = np.sort(generator.choice(known, min(sample, len(known)), replace=False))
        tile, row, column = np.unravel_index(chosen, (len(train), side, side))
        model = HistGradientBoostingClassifier(
            max_iter=100,
            learning_rate=0.12,
            max_leaf_nodes=31,
            min_samples_leaf=200,
            l2_regularization=1.0,
            early_stopping=False,
            random_state=seed,
        ).fit(features[train[tile], :, row, column].astype(np.float32), tiles.labels[train[tile], row, column])
        test = fold == part
        half = [f[:, ::2, ::2].reshape(len(f), -1).T.astype(np.float32) for f in features[test]]
        predicted = np.stack([model.predict(pixels).reshape(side // 2, -1) for pixels in half])
        scores.add(predicted, tiles.labels[test, ::2, ::2], tiles.images[test, :, ::2, ::2])
        say(f"gradient boosting: fold {part + 1} of {FOLDS}")
    return scores
