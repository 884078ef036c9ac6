"""The model card of ``landcover``: description, training data, scores, known failures.

The bundled card has these texts: a change here belongs in both, and changes the model's fingerprint.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from geoseg.classes import LAND_COVER
from geoseg.models import BandSpec, ModelCard, ValueScaling
from geoseg.models.networks.landcover import BANDS, MARGIN, STRIDE
from landcover import guards

if TYPE_CHECKING:
    from geoseg.models.card.percentiles import ValuePercentiles
    from landcover.network import Recipe

_TILES = (
    "263 tiles of 128 × 128 px at 30 m from 67 places, NASA HLS v2 surface reflectance (no restriction on use), "
    "compiled by github.com/shahed137003/Water-Segmentation-project (MIT)"
)
_LABELS = (
    "Labels: ESA WorldCover 2020/2021 at 10 m (CC BY 4.0) merged to six classes. Water is from flood masks where the "
    "image (NDWI or MNDWI) or the water and cloud network ukis-csmask (DLR, Apache-2.0) shows water, WorldCover's "
    "class where neither does; water, cloud, shadow and snow over labels of land are left out. Scores measure "
    "agreement with these labels, not with the ground; the water in them is a little circular"
)
_CLEANED = (
    "Learned from with a weight of 0.3: water labels where NDWI and MNDWI are below 0. They count in full in the "
    "scores, but for those called without_contradicted_water"
)
_SPLIT = (
    "The shipped weights learned from all tiles; the metrics are of networks made by the same recipe that had not seen "
    "the places they were tested on. Rates, sizes and the sampling of pixels were chosen by scores on these places in "
    "earlier work, and the limits of the guards by scores on all five folds and by maps of two Sentinel-2 scenes "
    "(Sundarbans, arid Australia), so the scores flatter the recipe a little and those scenes are no independent test"
)
TRAINING_DATA = (_TILES, _LABELS, _CLEANED, _SPLIT)

_WORLDCOVER = (
    "© ESA WorldCover project 2020/2021, contains modified Copernicus Sentinel data (2020, 2021) processed by the ESA "
    "WorldCover consortium"
)
_CSMASK = "ukis-csmask, German Aerospace Center (DLR), Apache-2.0: checked the labels of water, cloud and snow"
ATTRIBUTION = ("NASA Harmonized Landsat Sentinel-2 (HLS) v2", _WORLDCOVER, _CSMASK)

DESCRIPTION = (
    "Land cover of six classes from surface reflectance at 10–30 m (Landsat, Sentinel-2, HLS). A small network over a "
    "pixel and the means, deviations and normalised differences of growing surroundings; a few of its units are set so "
    "that the map rarely contradicts a pixel's NDVI and MNDWI. For overviews, "
    "first drafts and as a start for training on your own labels; not for area statistics without a sample of "
    "reference points. To make it again: python scripts/train_landcover.py DATA -o FOLDER --folds --baselines."
)

_PROTOCOL = (
    "5 folds by location_cluster; means and deviations over folds, all labelled pixels of the test tiles; gradient "
    "boosting learned from 40,000 pixels a fold and was tested on every second row and column"
)

# Observed with the weights that this recipe trained on all tiles.
_MANGROVE = (
    "Sentinel-2, mangrove coast (Sundarbans, January): bare wet fields, of MNDWI between −0.2 and 0, are mapped as "
    "water or built in patches of many fields; most of the mangrove as crop or grass/shrub (worse than version 1.0.0); "
    "the narrowest creeks are lost"
)
_ARID = (
    "Sentinel-2, arid plateau in Australia: rock, scree and sparse grass are mapped as crop (seven tenths) and "
    "grass/shrub, dry river beds in part as bare; places like it are not among the training data"
)
_FIRE = (
    "The same place burning (swir22 estimated): burnt ground is mapped as crop and bare, some of its rim as tree; "
    "there is no class for it"
)
_SNOW = (
    "There is no class for snow, cloud and shadow. In three chips of top-of-atmosphere reflectance cloud becomes built "
    "and bare, and of the shadows of clouds between 5 and 97 % become water"
)
_FLOOD = "Wet sand banks and fields become water in patches: so do the flood masks it learned from"
_GREEN = (
    "The made-up scene of geoseg demo: spectral, whose rules it was drawn to suit, agrees with its truth on more of it"
)
_HILLS = (
    "HLS tiles of places not seen: open woodland on slopes becomes grass/shrub over hundreds of metres, bright slopes "
    "become crop; pasture, fallow and crop are taken for one another"
)
_TOWNS = "Towns not seen: built is drawn too wide, gardens and trees between houses are lost, single roads too"
_BARE = "Bare ground is rarely right in places not seen: few places teach it"
_ZERO = "A band of zeros is not missing data to it: see metrics, disturbed; leave out scenes that lack one of its bands"
KNOWN_FAILURES = (_BARE, _FLOOD, _MANGROVE, _ARID, _FIRE, _SNOW, _GREEN, _HILLS, _TOWNS, _ZERO)


def make_card(metrics: dict[str, Any], recipe: Recipe, percentiles: ValuePercentiles | None) -> ModelCard:
    """Return the card with the metrics of a cross-validation, or without."""
    return ModelCard(
        name="landcover",
        version="2.1.0",
        title="Land cover, six classes",
        description=DESCRIPTION,
        license="CC-BY-4.0",
        architecture="geoseg:landcover-net",
        hyperparameters={
            "kwargs": {
                "width": recipe.width + guards.HIDDEN,
                "decide": recipe.decide + guards.DECIDE,
                "context": recipe.context,
            },
            "training": {
                key: value for key, value in vars(recipe).items() if key not in ("width", "decide", "context")
            },
        },
        bands=tuple(BandSpec(name=name, scale=0.0001) for name in BANDS),
        value_scaling=(ValueScaling(type="scale", value=10000.0),) * len(BANDS),
        value_range=(0, 10000),
        value_percentiles=percentiles,
        classes=LAND_COVER,
        stride=STRIDE,
        margin=MARGIN,
        min_window=2 * STRIDE,
        resolution=(10, 30),
        temperature=metrics.get("calibration", {}).get("temperature"),
        metrics={"protocol": _PROTOCOL} | metrics if metrics else {},
        training_data=TRAINING_DATA,
        known_failures=KNOWN_FAILURES,
        attribution=ATTRIBUTION,
    )
