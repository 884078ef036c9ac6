"""The model card of ``water``: description, training data, scores, known failures.

The bundled card has these texts: a change here belongs in both, and changes the model's fingerprint.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from landcover import guards
from landcover.network import Recipe

from geoseg.models import BandSpec, ModelCard, ValueScaling
from geoseg.models.networks.landcover import BANDS, MARGIN, STRIDE
from water.data import CLASSES

if TYPE_CHECKING:
    from geoseg.models.card.percentiles import ValuePercentiles

RECIPE = Recipe(
    width=24,
    decide=12,
    context=64,
    narrow=16,
    steps=1500,
    balance=0.2,
    gain=0.1,
    band_gain=0.03,
    offset=0.003,
    haze=0.01,
    zoomed=0.55,
)
"""Hyperparameters of network and training."""

DESCRIPTION = (
    "Water, snow, cloud, cloud shadow and land from surface reflectance at 10–30 m (Landsat, Sentinel-2, HLS). The "
    "small network of landcover, which learned the answers of a larger one (ukis-csmask) and clouds, shadows, snow and "
    "rare surfaces drawn over the tiles. For maps of water, and to leave out clouds, their shadows and snow. A few of "
    "its units are set so that ground whose MNDWI is below −0.2 is rarely water, unless it is dark in swir16. To make "
    "it again: python scripts/train_water.py DATA -o FOLDER --folds."
)

_TILES = (
    "263 tiles of 128 × 128 px at 30 m from 67 places, NASA HLS v2 surface reflectance (no restriction on use), "
    "compiled by github.com/shahed137003/Water-Segmentation-project (MIT)"
)
_TEACHER = (
    "Their classes: what the network ukis-csmask 0.2.1 (DLR, Apache-2.0) says of them after a simulated atmosphere was "
    "added. Scores measure agreement with it, not with the ground. Clouds are almost absent (2055 px, most of them "
    "bright ground), shadows few (15,900 px), nearly all snow is in one tile (7858 of 8038 px)"
)
_CHIPS = (
    "3 pictures of 512 × 512 px with clouds and shadows (Landsat 5, Landsat 7, Sentinel-2) and masks drawn by the "
    "makers of ukis-csmask (Apache-2.0); reflectance at the top of the atmosphere, brought to about that of the "
    "surface by dark-object subtraction. Their masks are wide: thin edges of clouds are cloud"
)
_DRAWN = (
    "Clouds, their shadows, snow, sand, roofs, forest, burnt and dark soil, turbid and glinting water, drawn over the "
    "tiles and pictures with typical spectra and shapes of fractal noise"
)
_LAND_COVER = (
    "The labels of landcover (ESA WorldCover, CC BY 4.0, and flood masks, corrected) were used for scores only: "
    "land_cover_labels in the metrics. The same teacher had corrected the water in them"
)
_SPLIT = (
    "The shipped weights learned from everything; the metrics are of networks made by the same recipe that had not "
    "seen the places, or the picture, that they were tested on. Scores of two folds and of the pictures left out, and "
    "maps of three Sentinel-2 scenes (Sundarbans, arid Australia, the same burning), were looked at when sizes, guards "
    "and what is drawn were chosen, so the scores flatter the recipe a little and those scenes are no independent test"
)
TRAINING_DATA = (_TILES, _TEACHER, _CHIPS, _DRAWN, _LAND_COVER, _SPLIT)

ATTRIBUTION = (
    "NASA Harmonized Landsat Sentinel-2 (HLS) v2",
    "ukis-csmask, German Aerospace Center (DLR), Apache-2.0: the teacher, and three pictures with masks",
    "© ESA WorldCover project 2020/2021, contains modified Copernicus Sentinel data: labels that it was scored with",
)

_PROTOCOL = (
    "5 folds by location_cluster, the pictures being among the training data, pixels of all folds pooled; disturbed: "
    "IoU of water on every third tile; magnified_3_times: on every fourth; drawn_weather: clouds and shadows drawn "
    "over tiles of places not seen; chips_left_out: each picture by a network that learned without it; "
    "mndwi_above_0: that rule alone"
)

KNOWN_FAILURES = (
    "Water beside shadows: in a Landsat 5 picture left out of training, 71 % of what little water there is was shadow",
    "Dark wet fields are called cloud shadow where there is no cloud: 2–3 % of a clear scene of the Sundarbans",
    "Bright wet fields and bright roofs are now and then called cloud: 0.2–0.4 % of the same scene",
    "Thin cloud and edges of clouds: in a Landsat 7 picture left out of training, 28 % of the cloud was land",
    "Shadows of terrain, forest edges and buildings: nearly all shadows that it learned from are of clouds",
    "Snow: nearly all real examples are from one tile. Shaded snow, ice and snow under trees were hardly seen",
    "A picture whose green or swir16 is missing (zeros): the IoU of water falls to 0.35",
    "Reflectance at the top of the atmosphere: use surface reflectance, as of Sentinel-2 L2A or Landsat Level-2",
)


def make_card(metrics: dict[str, Any], recipe: Recipe, percentiles: ValuePercentiles | None) -> ModelCard:
    """Return the card with the metrics of a cross-validation, or without."""
    return ModelCard(
        name="water",
        version="1.0.0",
        title="Water, snow, cloud and shadow",
        description=DESCRIPTION,
        license="Apache-2.0",
        architecture="geoseg:landcover-net",
        hyperparameters={
            "kwargs": {
                "width": recipe.width + guards.HIDDEN,
                "decide": recipe.decide + guards.DECIDE,
                "context": recipe.context,
                "classes": len(CLASSES),
            },
            "training": {
                key: value for key, value in vars(recipe).items() if key not in ("width", "decide", "context")
            },
        },
        bands=tuple(BandSpec(name=name, scale=0.0001) for name in BANDS),
        value_scaling=(ValueScaling(type="scale", value=10000.0),) * len(BANDS),
        value_range=(0, 10000),
        value_percentiles=percentiles,
        classes=CLASSES,
        stride=STRIDE,
        margin=MARGIN,
        min_window=2 * STRIDE,
        resolution=(10, 30),
        metrics={"protocol": _PROTOCOL} | metrics if metrics else {},
        training_data=TRAINING_DATA,
        known_failures=KNOWN_FAILURES,
        attribution=ATTRIBUTION,
    )
