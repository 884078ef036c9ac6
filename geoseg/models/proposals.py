"""Which models a raster has the bands for, and whether they were made for pixels of its size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from geoseg.errors import ContractError
from geoseg.models.card.contract import check_bands, pixel_size, resolution_fits
from geoseg.models.clouds import mapped
from geoseg.models.model import DEFAULT_MODEL, list_models
from geoseg.system.text import rounded

if TYPE_CHECKING:
    from geoseg.models.card.card import ModelCard
    from geoseg.raster import Raster

# Models that a message names.
_LISTED = 3


@dataclass(frozen=True)
class Proposal:
    """A model whose bands a raster has.

    Attributes
    ----------
    card
        The model's card.
    pixel_size
        Side of the raster's pixels in metres; None if it is unknown.
    """

    card: ModelCard
    pixel_size: float | None

    @property
    def fits(self) -> bool:
        """Whether the model was made for pixels of this size, as far as both are known."""
        return resolution_fits(self.card, self.pixel_size)

    @property
    def text(self) -> str:
        """The model as a message names it: ``"green (made for pixels of 0.3–1 m, these have 5 m)"``."""
        if self.fits or self.card.resolution is None or self.pixel_size is None:
            return self.card.name
        finest, coarsest = self.card.resolution
        size = rounded(self.pixel_size)
        return f"{self.card.name} (made for pixels of {finest:g}–{coarsest:g} m, these have {size} m)"


def proposed_models(raster: Raster) -> list[Proposal]:
    """Return the models by name whose bands a raster has.

    Those made for its pixel size come first, then those that use most of its bands.

    Examples
    --------
    >>> import geoseg
    >>> from geoseg.models.proposals import proposed_models
    >>> [proposal.card.name for proposal in proposed_models(geoseg.open_raster("scene.tif"))][:2]
    ['landcover', 'spectral']
    """
    names, size = {band.name for band in raster.bands}, pixel_size(raster)
    found = [Proposal(card, size) for card in list_models() if names.issuperset(band.name for band in card.bands)]
    return sorted(found, key=lambda one: (not one.fits, -len(one.card.bands), one.card.name != DEFAULT_MODEL))


def read_by(card: ModelCard, raster: Raster) -> Raster:
    """Return the raster as a model reads it: its bands in its order, and unmasked what it maps itself.

    Raises
    ------
    ContractError
        If bands are missing; see :func:`check_model_bands`.
    """
    check_model_bands(card, raster)
    return raster.select([band.name for band in card.bands]).unmasked(mapped(card))


def check_model_bands(card: ModelCard, raster: Raster) -> None:
    """Check that the raster has the model's bands, and name models that it has the bands for if not.

    Raises
    ------
    ContractError
        If bands are missing.
    """
    try:
        check_bands(card, raster)
    except ContractError as error:
        proposals = [one.text for one in proposed_models(raster)[:_LISTED]]
        if not proposals:
            raise
        text = f"{error}; it has the bands of model{'s' * (len(proposals) > 1)} {', '.join(proposals)}"
        raise ContractError(text, suggested_options=error.suggested_options) from None
