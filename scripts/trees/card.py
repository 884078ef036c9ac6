"""The model cards of ``trees`` and ``trees-rgbn``: description, training data, scores, known failures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from green.card import ATTRIBUTION, BANDS

from geoseg.classes import MapClass
from geoseg.models import BandSpec, ModelCard, ValueScaling
from geoseg.models.card.objects import ObjectHeads, ObjectKind
from geoseg.models.networks.builtin import TREE_NET
from geoseg.models.networks.green import REACH, STRIDE, TREE_MARGIN, WIDTHS

if TYPE_CHECKING:
    from geoseg.models.card.percentiles import ValuePercentiles
    from trees.network import Recipe

CLASSES = (
    MapClass(0, "other", "#bdbdbd"),
    MapClass(1, "tree rim", "#a6dba0"),
    MapClass(2, "tree core", "#1b7837"),
)
OBJECTS = ObjectHeads(
    kinds=(ObjectKind(name="tree", color="#1b7837", core=2, rim=1),), background=0, reach=REACH, least_core=1
)

_TILES = (
    "270 tiles of 256 × 256 px at 0.6 m from six cities of California, NAIP 2020 (public domain), summer, leaves on; "
    "with a point on every tree, 16,582 in all (Ventura et al. 2024, CC BY 4.0). They show no lake, river or sea: "
    "water was painted into a tenth of the crops"
)
_LABELS = (
    "No crown was outlined by hand. What is crown comes from the near infrared band and a classifier of colour and "
    "texture around the points, as in the recipe of green; where one crown ends and the next begins is half way "
    "between the middles that the network finds"
)
_SPLIT = (
    "The shipped weights learned from all tiles; the metrics are of networks made by the same recipe that had not seen "
    "the city they were tested on, with a threshold chosen on the other cities"
)
TRAINING_DATA = (_TILES, _LABELS, _SPLIT)

_DESCRIPTION = (
    "Single trees, one object each, in pictures of {bands} with pixels of 0.3–1 m, best at 0.6 m: geoseg detect. A "
    "small U-Net finds the middle of each tree, and what is crown around it. For counts and densities of trees in "
    "towns; crowns are approximate, since no outline was learned. A score of 0.5 is the best F1 on cities not seen; a "
    "higher --score leaves out the less sure ones. To make it again: python scripts/train_trees.py DATA -o FOLDER "
    "--folds{nir}."
)

_PROTOCOL = (
    "Two cities held out at a time. A tree found is right if it is paired with a point of its own (optimal assignment "
    "in each tile) at most 6 or 10 pixels of 0.6 m away. middles: the maxima that become cores. crowns: centroids of "
    "the objects that detect makes. local maxima: those of smoothed greenness, whose smoothing, distance and threshold "
    "were chosen on the other cities. Ventura et al. 2024 report precision 0.736 and recall 0.733 within 10 pixels, on "
    "other tiles of cities that their network had learned from, with near infrared"
)

_FOREST = (
    "Places unlike Californian towns in summer: in closed forests crowns are guessed, and many are missed or split"
)
_TOUCHING = (
    "Crowns that touch: the border is drawn half way, however large each is; crowns reach at most 11 pixels from "
    "their middle, so large crowns are cut, all the more in pixels finer than 0.6 m"
)
_SHRUBS = "Shrubs and hedges are called trees now and then, and rows of small trees are found as fewer"
_BARE = "Trees without leaves are not found"
KNOWN_FAILURES = (_FOREST, _TOUCHING, _SHRUBS, _BARE)


def make_card(metrics: dict[str, Any], recipe: Recipe, bands: int, percentiles: ValuePercentiles | None) -> ModelCard:
    """Return the card of the model of 3 or 4 bands with the metrics of a cross-validation, or without."""
    nir = bands == len(BANDS)
    where = "red, green, blue and near infrared" if nir else "red, green and blue"
    return ModelCard(
        name="trees-rgbn" if nir else "trees",
        version="1.0.0",
        title=f"Single trees from {'RGB and near infrared' if nir else 'RGB'}, 0.3–1 m",
        description=_DESCRIPTION.format(bands=where, nir=" --nir" if nir else ""),
        license="CC-BY-4.0",
        architecture=TREE_NET,
        hyperparameters={"kwargs": {"widths": list(WIDTHS)}, "training": dict(vars(recipe))},
        bands=tuple(BandSpec(name=name) for name in BANDS[:bands]),
        value_scaling=(ValueScaling(type="scale", value=255.0),) * bands,
        value_range=(0, 255),
        value_percentiles=percentiles,
        classes=CLASSES,
        objects=OBJECTS,
        stride=STRIDE,
        margin=TREE_MARGIN,
        min_window=4 * STRIDE,
        resolution=(0.3, 1.0),
        metrics={"protocol": _PROTOCOL} | metrics if metrics else {},
        training_data=TRAINING_DATA,
        known_failures=KNOWN_FAILURES,
        attribution=ATTRIBUTION,
    )
