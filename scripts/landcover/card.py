"""The model card of ``landcover``: description, training data, scores, known failures.

The bundled card has these texts: a change here belongs in both, and changes the model's fingerprint.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from geoseg.classes import LAND_COVER
from geoseg.models import BandSpec, ModelCard, ValueScaling
from geoseg.models.networks.landcover import BANDS, MARGIN, STRIDE

if TYPE_CHECKING:
    from geoseg.models.card.percentiles import ValuePercentiles
    from landcover.network import Recipe

_TILES = (
    "263 tiles of 128 × 128 px at 30 m from 67 places, NASA HLS v2 surface reflectance (no restriction on use), "
    "compiled by github.com/shahed137003/Water-Segmentation-project (MIT)"
)
_LABELS = (
    "Labels: ESA WorldCover 2020/2021 at 10 m (CC BY 4.0) merged to six classes, water replaced by hand-made masks, "
    "clouds left out; scores measure agreement with these labels, not with the ground"
)
_CLEANED = (
    "Learned from with a weight of 0.3: the 38 % of water labels where the image shows no water (NDWI and MNDWI below "
    "0), floods of another day mostly. They count in full in the scores, but for those called "
    "without_contradicted_water. The more a network believes them, the more it agrees with the labels, and the more "
    "dry fields and burnt ground it maps as water"
)
_SPLIT = (
    "The shipped weights learned from all tiles; the metrics are of networks made by the same recipe that had not seen "
    "the places they were tested on. Rates, sizes and steps were chosen by scores on single folds, in the course of "
    "the work on each of the five, so the scores flatter the recipe a little; how strongly to vary resolution and "
    "surroundings, by looking at maps of other scenes, not by scores"
)
TRAINING_DATA = (_TILES, _LABELS, _CLEANED, _SPLIT)

_WORLDCOVER = (
    "© ESA WorldCover project 2020/2021, contains modified Copernicus Sentinel data (2020, 2021) processed by the ESA "
    "WorldCover consortium"
)
ATTRIBUTION = ("NASA Harmonized Landsat Sentinel-2 (HLS) v2", _WORLDCOVER)

DESCRIPTION = (
    "Land cover of six classes from surface reflectance at 10–30 m (Landsat, Sentinel-2, HLS). A small network over a "
    "pixel and the means, deviations and normalised differences of growing surroundings. For overviews, "
    "first drafts and as a start for training on your own labels; not for area statistics without a sample of "
    "reference points. To make it again: python scripts/train_landcover.py DATA -o FOLDER --folds --baselines."
)

_PROTOCOL = (
    "5 folds by location_cluster; means and deviations over folds, all labelled pixels of the test tiles; gradient "
    "boosting learned from 120,000 pixels a fold and was tested on every second row and column"
)

# Observed with the weights that this recipe trained on all tiles.
_MANGROVE = (
    "Sentinel-2, mangrove coast (Sundarbans, January): bare wet fields are mapped as water or built in patches of many "
    "fields; parts of the mangrove as grass/shrub or crop; the narrowest creeks are lost"
)
_ARID = (
    "Sentinel-2, arid plateau in Australia: bare rock and scree are nearly all mapped as crop, the rest as "
    "grass/shrub, dry river beds in part as bare; places like it are not among the training data"
)
_FIRE = (
    "The same place burning (swir22 estimated): burnt ground is mapped as water with bare spots, its rim and smoke as "
    "tree; there is no class for them"
)
_SNOW = "Snow on mountains becomes water or grass/shrub: there is no class for it either"
_FLOOD = "Flood plains, sand banks and wet fields become water in patches: the masks it learned from do the same"
_GREEN = (
    "The made-up scene of geoseg demo: dark green fields are mapped as tree, other green fields as grass/shrub, bare "
    "ground mostly as crop; spectral, whose rules it was drawn to suit, agrees with its truth on more of it"
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
        value_percentiles=percentiles,
        classes=LAND_COVER,
        stride=STRIDE,
        margin=MARGIN,
        min_window=2 * STRIDE,
        resolution=(10, 30),
        metrics={"protocol": _PROTOCOL} | metrics if metrics else {},
        training_data=TRAINING_DATA,
        known_failures=KNOWN_FAILURES,
        attribution=ATTRIBUTION,
    )
