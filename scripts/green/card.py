"""The model cards of ``green`` and ``green-rgbn``: description, training data, scores, known failures.

The bundled cards have these texts: a change here belongs in all, and changes the models' fingerprints.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from geoseg.classes import MapClass
from geoseg.models import BandSpec, ModelCard, ValueScaling
from geoseg.models.card.percentiles import ValuePercentiles, evenly, percentiles_of, summarize
from geoseg.models.networks.builtin import GREEN_NET
from geoseg.models.networks.green import MARGIN, STRIDE, WIDTHS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from green.network import Recipe

BANDS = ("red", "green", "blue", "nir")

CLASSES = (
    MapClass(0, "tree canopy", "#1b7837"),
    MapClass(1, "low vegetation", "#a6d96a"),
    MapClass(2, "other", "#bdbdbd"),
)

_TILES = (
    "270 tiles of 256 × 256 px at 0.6 m from six cities of California, NAIP 2020 (public domain), summer, leaves on; "
    "with a point on every tree (Ventura et al. 2024, CC BY 4.0). They show no lake, river or sea: water was painted "
    "into a tenth of the crops"
)
_LABELS = (
    "No area was outlined by hand. Vegetation is NDVI above 0.12, measured with the near infrared band. Tree canopy is "
    "vegetation that grows from a tree point through what looks like crowns, by a classifier of colour and texture, at "
    "most 10.8 m from the point; strips narrower than 4 m around a crown belong to it. Other vegetation is low "
    "vegetation, hedges and trees without a point included. Scores measure agreement with these labels, not with the "
    "ground"
)
_SPLIT = (
    "The shipped weights learned from all tiles; the metrics are of networks made by the same recipe that had not seen "
    "the city they were tested on. The rule for crowns was chosen by looking at maps of all six cities, and the "
    "network's inputs and training by scores on two of them (Claremont, Long Beach), so the scores flatter the recipe "
    "a little"
)
TRAINING_DATA = (_TILES, _LABELS, _SPLIT)

_POINTS = (
    "Tree points: Ventura et al. 2024, Individual tree detection in large-scale urban environments using "
    "high-resolution multispectral imagery, International Journal of Applied Earth Observation and Geoinformation "
    "130, 103848, CC BY 4.0"
)
ATTRIBUTION = ("NAIP imagery, U.S. Department of Agriculture (public domain)", _POINTS)

_RGB = (
    "Trees and lawns in pictures of red, green and blue with pixels of 0.3–1 m: aerial and drone pictures, base maps. "
)
_RGBN = "Trees and lawns in pictures of red, green, blue and near infrared with pixels of 0.3–1 m, such as NAIP. "
_USE = (
    "Two classes of vegetation; all else is “other”: buildings, roads, water and bare ground are not told apart. A "
    "small U-Net. For overviews of green in towns and as a start for training on your own labels; not for counting "
    "trees, nor for area statistics without a sample of reference points. To make it again: python "
    "scripts/train_green.py DATA -o FOLDER --folds"
)

_PROTOCOL = (
    "Two cities held out at a time, each scored alone: Bishop and Chico, Claremont and Long Beach, Riverside and Santa "
    "Monica. Means, standard deviations and least values over the six cities, all pixels of all tiles. by_city: IoU "
    "with the labels. tree_iou_by_radius: tree IoU if tree were all vegetation at most so many pixels from a point. "
    "conditions: every third tile recoloured, blurred or resampled. Confidence is calibrated on the same places"
)

_FAILURES = (
    "Places unlike Californian towns in summer: in forests the sunlit middle of a crown is called low vegetation",
    "Low vegetation: IoU {low} on cities not seen, since hedges and trees without a point count as such in the labels",
    "Where one crown ends and the next begins: the map says what is canopy, not how many trees there are",
)
_RGB_FAILURES = (
    "Green or nearly black water is called tree canopy, in patches and with high confidence",
    "Dry, yellow or pale grass and bare crowns are called other; green roofs, courts and artificial turf vegetation",
    "Colours far from natural: the IoU of tree canopy falls from 0.68 to 0.60 in warm light, to 0.62 in haze",
    "Deserts and pictures from a drone: most of the vegetation around Dubai, and of rows of maize, is called other",
)
_RGBN_FAILURES = (
    "Pictures whose bands were stretched one by one: the IoU of tree canopy falls from 0.72 to 0.66 in haze",
    "Coarser pixels: at 1.2 m the IoU of vegetation falls from 0.95 to 0.87",
)
KNOWN_FAILURES: dict[bool, tuple[str, ...]] = {
    False: (*(line.format(low="0.44") for line in _FAILURES), *_RGB_FAILURES),
    True: (*(line.format(low="0.53") for line in _FAILURES), *_RGBN_FAILURES),
}


def value_percentiles(images: NDArray[np.uint8]) -> ValuePercentiles | None:
    """Return the distribution of tiles, uint8 (tiles, bands, side, side)."""
    scenes = [tile.reshape(len(tile), -1).astype(np.float64) for tile in images]
    return summarize([percentiles_of(scene) for scene in scenes], np.concatenate([evenly(s, 200) for s in scenes], 1))


def make_card(metrics: dict[str, Any], recipe: Recipe, bands: int, percentiles: ValuePercentiles | None) -> ModelCard:
    """Return the card of the model of 3 or 4 bands with the metrics of a cross-validation, or without."""
    nir = bands == len(BANDS)
    flag = " --nir" if nir else ""
    return ModelCard(
        name="green-rgbn" if nir else "green",
        version="1.1.0",
        title=f"Trees and lawns from {'RGB and near infrared' if nir else 'RGB'}, 0.3–1 m",
        description=f"{_RGBN if nir else _RGB}{_USE}{flag}.",
        license="CC-BY-4.0",
        architecture=GREEN_NET,
        hyperparameters={"kwargs": {"widths": list(WIDTHS)}, "training": dict(vars(recipe))},
        bands=tuple(BandSpec(name=name) for name in BANDS[:bands]),
        value_scaling=(ValueScaling(type="scale", value=255.0),) * bands,
        value_range=(0, 255),
        value_percentiles=percentiles,
        classes=CLASSES,
        stride=STRIDE,
        margin=MARGIN,
        min_window=4 * STRIDE,
        resolution=(0.3, 1.0),
        metrics={"protocol": _PROTOCOL} | metrics if metrics else {},
        training_data=TRAINING_DATA,
        known_failures=KNOWN_FAILURES[nir],
        attribution=ATTRIBUTION,
    )
