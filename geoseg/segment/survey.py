"""What is learned about a scene before a run is planned: the model's bands, a sample of pixels, undeclared fill."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from geoseg.models.proposals import read_by
from geoseg.raster.fill import Fill, find_fill

if TYPE_CHECKING:
    from geoseg.models import Model
    from geoseg.raster import Pixels, Raster


class Survey(NamedTuple):
    """A scene as a model reads it.

    Attributes
    ----------
    raster
        The scene with the model's bands, in the model's order.
    sample
        ``raster.sample()``.
    fill
        The value that fills part of the scene although no file declares it; None if there is none.
    """

    raster: Raster
    sample: Pixels
    fill: Fill | None


def survey_scene(raster: Raster, model: Model) -> Survey:
    """Select the model's bands and read a sample.

    Raises
    ------
    InputError, ContractError
        If bands are missing, or most of the sample cannot be read.
    """
    raster = read_by(model.card, raster)
    sample = raster.sample()
    return Survey(raster, sample, find_fill(raster, sample))
