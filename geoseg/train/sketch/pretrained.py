"""The pretrained model whose answers are features: chosen by bands, units and resolution, or named by the user."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from geoseg.errors import ContractError, GeosegError, ModelError, OptionError
from geoseg.models import Model, check_contract, load_model
from geoseg.models.card.contract import pixel_size, resolution_fits
from geoseg.models.networks.builtin import SKETCH_NET
from geoseg.models.weights import SAFETENSORS
from geoseg.raster.fill import find_fill

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from geoseg.models import BandTransform
    from geoseg.raster import Raster

BUNDLED = ("landcover", "green-rgbn", "green")
"""Models that are tried, the first that fits is taken."""

# Clips beyond the largest float32 cannot be stored.
_FAR = 3e38


def choose_pretrained(rasters: Sequence[Raster], wanted: str | Model | None) -> Model | None:
    """Return the pretrained model that fits the scenes.

    Parameters
    ----------
    rasters
        The scenes.
    wanted
        ``"auto"`` for a bundled one, a model or its name, or None for none.

    Raises
    ------
    ModelError, ContractError
        If the model that was named cannot be used.
    """
    if wanted is None:
        return None
    if isinstance(wanted, str) and wanted == "auto":
        return next((model for name in BUNDLED if _fits(model := load_model(name), rasters[0])), None)
    model = load_model(wanted)
    weights = model.card.weights
    stored = weights is not None and weights.href.lower().endswith(SAFETENSORS)
    if not (stored or model.folder is None) or model.card.architecture == SKETCH_NET:
        raise ModelError(
            f"model {model.card.name!r} cannot be part of a sketch: that takes a network with weights in safetensors "
            "that is no sketch itself; name another model, or none"
        )
    _check(model, rasters[0])
    return model


def find_pretrained(name: str, fingerprint: str, wanted: str | Model | None) -> Model:
    """Return the pretrained model of an earlier sketch: the one that the user names, or a bundled one.

    Raises
    ------
    OptionError
        If neither is it.
    """
    given = [wanted] if wanted is not None and wanted != "auto" else list(BUNDLED)
    for model in map(load_model, given):
        if model.fingerprint == fingerprint:
            return model
    raise OptionError(
        f"the earlier sketch was made with the pretrained model {name!r}, which is not the same any more, or not "
        "bundled: name it with --model, or leave --from out"
    )


def _fits(model: Model, raster: Raster) -> bool:
    names = {band.name for band in raster.bands}
    if not names.issuperset(band.name for band in model.card.bands):
        return False
    if not resolution_fits(model.card, pixel_size(raster)):
        return False
    try:
        _check(model, raster)
    except GeosegError:
        return False
    return True


def _check(model: Model, raster: Raster) -> None:
    """Check that a scene holds what a model expects; raises ContractError."""
    names = {band.name for band in raster.bands}
    missing = [band.name for band in model.card.bands if band.name not in names]
    if missing:
        raise ContractError(
            f"model {model.card.name!r} needs the band{'s' * (len(missing) > 1)} {', '.join(missing)}, which "
            f"{raster.name} has not"
        )
    own = raster.select([band.name for band in model.card.bands])
    sample = own.sample()
    check_contract(model.card, own, sample, find_fill(own, sample))


def base_buffers(model: Model, raster: Raster, affine: Sequence[BandTransform]) -> dict[str, NDArray[np.float64]]:
    """Return scale, shift, low and high that lead from the sketch network's input to the pretrained network's.

    Parameters
    ----------
    model
        The pretrained model.
    raster
        A scene.
    affine
        Transform of the scene's stored values to the sketch network's input, per band.
    """
    names = [band.name for band in raster.bands]
    positions = [names.index(band.name) for band in model.card.bands]
    own = model.card.affine([raster.bands[i] for i in positions])
    rows = []
    for step, position in zip(own, positions, strict=True):
        given = affine[position]
        scale = step.a / given.a
        rows.append((scale, step.b - scale * given.b, max(step.lo, -_FAR), min(step.hi, _FAR)))
    return dict(zip(("base_scale", "base_shift", "base_low", "base_high"), np.array(rows).T, strict=True))
