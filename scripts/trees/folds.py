"""Trees found in cities that a network has not seen, and their scores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from green.data import Tiles
from green.network import predict
from scipy import ndimage

from geoseg.models.networks.green import TreeNet, peaks
from geoseg.polygonize.objects import ObjectReading, label_objects
from trees.baselines import SETTINGS, maxima
from trees.card import OBJECTS
from trees.network import calibrated
from trees.scores import WITHIN, Found, best_score, scored

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Logits of middles that are tried as thresholds; the bells of the labels make most trees less likely than not.
_CANDIDATES = tuple(np.round(np.linspace(-3.0, 0.5, 36), 2).tolist())
_LOWEST = -4.0

READING = ObjectReading.of_heads(OBJECTS)


@dataclass(frozen=True)
class Fold:
    """What a network says of the tiles of cities that it has not seen.

    Attributes
    ----------
    net
        The network, its threshold still to be chosen.
    images
        (n, bands, h, w).
    cities, points
        Of each tile.
    found
        All local maxima of the map of middles.
    """

    net: TreeNet
    images: NDArray[np.uint8]
    cities: NDArray[np.str_]
    points: list[NDArray[np.float64]]
    found: list[Found]

    @classmethod
    def of(cls, net: TreeNet, images: NDArray[np.uint8], tiles: Tiles, held: NDArray[np.integer]) -> Fold:
        """Find the trees of the tiles held out."""
        heat = torch.from_numpy(predict(net.maps, images[held])[:, 1:])
        found = []
        for one in heat:
            rows, cols = np.nonzero(peaks(one[None] - _LOWEST)[0, 0].numpy())
            found.append(Found(np.stack([cols, rows], 1).astype(np.float64), one[0].numpy()[rows, cols]))
        return cls(net, images[held], tiles.cities[held], [tiles.points[i] for i in held], found)

    def crowns(self, threshold: float) -> list[Found]:
        """Return the centroids of the objects that geoseg makes of the network's classes."""
        net, result = calibrated(self.net, threshold, 1.0), []
        for image in self.images:
            with torch.inference_mode():
                classes = net(torch.from_numpy(image[None]).float() / 255)[0].argmax(0).to(torch.uint8).numpy()
            ids, kinds = label_objects(classes, READING)
            numbers = np.arange(1, len(kinds) + 1)
            centres = np.array(ndimage.center_of_mass(ids > 0, ids, numbers)).reshape(-1, 2)[:, ::-1]
            result.append(Found(centres, np.ones(len(centres))))
        return result


def summary(folds: Sequence[Fold], say: Callable[[str], None]) -> dict[str, Any]:
    """Return scores by city and over all trees; the threshold of each fold is the best one of the others."""
    result: dict[str, Any] = {}
    by_city: dict[str, Any] = {}
    every: dict[str, list[list[Any]]] = {"middles": [], "crowns": [], "local maxima": []}
    points: list[list[NDArray[np.float64]]] = []
    for fold in folds:
        others = [one for one in folds if one is not fold] or [fold]
        least = _threshold(others)
        ways = {"middles": fold.found, "crowns": fold.crowns(least), "local maxima": _baseline(fold, others)}
        for name, found in ways.items():
            chosen = [Found(one.above(least if name == "middles" else 0.0), np.ones(0)) for one in found]
            chosen = [Found(one.places, np.ones(len(one.places))) for one in chosen]
            every[name].append(chosen)
            for city in np.unique(fold.cities):
                where = np.flatnonzero(fold.cities == city)
                scores = {
                    f"within {d} px": scored([chosen[i] for i in where], [fold.points[i] for i in where], 0.0, d)
                    for d in WITHIN
                }
                by_city.setdefault(str(city), {})[name] = scores
        points.append(fold.points)
        say(f"{', '.join(map(str, np.unique(fold.cities)))}: threshold {least}")
    truth = [one for part in points for one in part]
    for name, parts in every.items():
        found = [one for part in parts for one in part]
        result[name] = {f"within {d} px": scored(found, truth, 0.0, d) for d in WITHIN}
        for d in WITHIN:
            each = [scores[name][f"within {d} px"]["f1"] for scores in by_city.values()]
            result[name][f"within {d} px"] |= {
                "mean_of_cities": round(float(np.mean(each)), 4),
                "least_of_cities": round(min(each), 4),
            }
    threshold = _threshold(folds)
    return {"over_all": result, "by_city": by_city, "threshold": threshold, "slope": _slope(folds, threshold)}


def _threshold(folds: Sequence[Fold]) -> float:
    found = [one for fold in folds for one in fold.found]
    points = [one for fold in folds for one in fold.points]
    return best_score(found, points, _CANDIDATES, WITHIN[0])


def _slope(folds: Sequence[Fold], threshold: float) -> float:
    """Return by what logits are multiplied so that the surest twentieth of the trees has a score of 0.95."""
    logits = np.concatenate([one.scores[one.scores > threshold] for fold in folds for one in fold.found])
    high = float(np.percentile(logits, 95)) - threshold if len(logits) else 1.0
    return round(float(np.log(0.95 / 0.05) / max(high, 0.1)), 3)


def _baseline(fold: Fold, others: Sequence[Fold]) -> list[Found]:
    """Return local maxima of greenness; smoothing, distance and threshold are the best ones of the other folds."""
    best: tuple[float, tuple[float, int], float] = (-1.0, SETTINGS[0], 0.0)
    # Every third tile tells the settings apart well enough.
    images = [image for one in others for image in one.images[::3]]
    points = [truth for one in others for truth in one.points[::3]]
    for setting in SETTINGS:
        found = [maxima(image, *setting) for image in images]
        candidates = np.quantile(np.concatenate([one.scores for one in found]), np.linspace(0.2, 0.95, 16)).tolist()
        least = best_score(found, points, candidates, WITHIN[0])
        best = max(best, (scored(found, points, least, WITHIN[0])["f1"], setting, least))
    _, setting, least = best
    places = [maxima(image, *setting).above(least) for image in fold.images]
    return [Found(one, np.ones(len(one))) for one in places]
