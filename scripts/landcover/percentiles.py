"""Percentiles of the tiles' values, for the cards of ``landcover`` and ``spectral``; what tells units of scenes apart.

    PYTHONPATH=scripts python -m landcover.percentiles DATA CARD…

writes them into cards (``model.json``); DATA has the tiles as ``scripts/train_landcover.py`` reads them.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from geoseg.models import ModelCard
from geoseg.models.card.card import card_with
from geoseg.models.card.percentiles import ValuePercentiles, evenly, percentiles_of, summarize
from landcover.data import Tiles

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Pixels that a tile needs, and pixels of each that are looked at for spectra.
_LEAST, _EACH = 1000, 200


def value_percentiles(images: NDArray[np.float32]) -> ValuePercentiles | None:
    """Return the distribution of tiles, reflectance 0…1 (tiles, bands, side, side), in numbers × 10,000.

    Pixels with a band of 0 or less are left out.
    """
    scenes = [tile[:, (tile > 0).all(0)].astype(np.float64) * 10_000 for tile in images]
    whole = [scene for scene in scenes if scene.shape[1] >= _LEAST]
    pixels = np.concatenate([evenly(scene, _EACH) for scene in whole], 1)
    return summarize([percentiles_of(scene) for scene in whole], pixels)


def main() -> None:
    """Write the percentiles into cards."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("cards", type=Path, nargs="+")
    options = parser.parse_args()
    found = value_percentiles(Tiles.read(options.data).images)
    for path in options.cards:
        card_with(ModelCard.read(path), value_percentiles=found).write(path)


if __name__ == "__main__":
    main()
