"""The model card of ``landcover``: what it is, what it was measured to do, where it fails."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from geoseg.classes import LAND_COVER
from geoseg.models import BandSpec, ModelCard, ValueScaling
from geoseg.models.landcover import BANDS, MARGIN, STRIDE

if TYPE_CHECKING:
    from landcover.network import Recipe

_TILES = (
    "263 tiles of 128 × 128 px at 30 m from 67 places, NASA HLS v2 surface reflectance (no restriction on use), "
    "compiled by github.com/shahed137003/Water-Segmentation-project (MIT)"
)
_LABELS = (
    "Labels: ESA WorldCover 2020/2021 at 10 m (CC BY 4.0) merged to six classes, water replaced by hand-made masks of "
    "each date, clouds left out; scores measure agreement with these labels, not with the ground"
)
_SPLIT = (
    "The shipped weights learned from all tiles; the metrics are of networks made by the same recipe that had not seen "
    "the places they were tested on"
)
TRAINING_DATA = (_TILES, _LABELS, _SPLIT)

_WORLDCOVER = (
    "© ESA WorldCover project 2020/2021, contains modified Copernicus Sentinel data (2020, 2021) processed by the ESA "
    "WorldCover consortium"
)
ATTRIBUTION = ("NASA Harmonized Landsat Sentinel-2 (HLS) v2", _WORLDCOVER)

DESCRIPTION = (
    "Land cover of six classes from surface reflectance at 10–30 m (Landsat, Sentinel-2, HLS). A small network over "
    "normalised differences and their means and deviations in growing surroundings. For overviews, first drafts and "
    "as a start for training on your own labels; not for area statistics without a sample of reference points. To make "
    "it again: python scripts/train_landcover.py DATA -o FOLDER."
)

# Looked at with the weights trained on all tiles by this recipe.
_SUNDARBANS = (
    "Sentinel-2, mangrove coast (Sundarbans, January): wet and harvested fields are mapped as water over wide areas, "
    "mangrove partly as crop and grass/shrub, narrow creeks are lost; villages under trees are not seen"
)
_FIRE = (
    "Sentinel-2, arid plateau in Australia: bare plateaus and river beds are mapped as grass/shrub and crop; after a "
    "fire, burnt ground is mapped as crop, its darkest parts as water and its surroundings as tree; no class for it"
)
_BORDER = (
    "Pixels without data (zero) enter the means of their surroundings: up to 60 px from a black border the classes "
    "cannot be trusted"
)
_BLOCKS = "Wide surroundings weigh too much far from the training places: classes change in straight, blocky lines"
_BARE = "Bare ground is rarely right in places not seen (IoU 0.16, 0.03 to 0.4 by fold): few places teach it"
KNOWN_FAILURES = (_BARE, _BLOCKS, _BORDER, _SUNDARBANS, _FIRE)


def make_card(metrics: dict[str, Any], recipe: Recipe) -> ModelCard:
    """Return the card with these metrics."""
    return ModelCard(
        name="landcover",
        title="Land cover, six classes",
        description=DESCRIPTION,
        license="CC-BY-4.0",
        architecture="geoseg:landcover-net",
        hyperparameters={
            "kwargs": {"width": recipe.width, "decide": recipe.decide, "context": recipe.context},
            "training": {
                key: value for key, value in vars(recipe).items() if key not in ("width", "decide", "context")
            },
        },
        bands=tuple(BandSpec(name=name, scale=0.0001) for name in BANDS),
        value_scaling=(ValueScaling(type="scale", value=10000.0),) * len(BANDS),
        value_range=(0, 10000),
        classes=LAND_COVER,
        stride=STRIDE,
        margin=MARGIN,
        min_window=2 * STRIDE,
        resolution=(10, 30),
        metrics=metrics,
        training_data=TRAINING_DATA,
        known_failures=KNOWN_FAILURES,
        attribution=ATTRIBUTION,
    )
