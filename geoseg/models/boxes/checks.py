"""What detectors are not used for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from geoseg.errors import ModelError

if TYPE_CHECKING:
    from geoseg.models.card.card import ModelCard


def check_finds_classes(card: ModelCard) -> None:
    """Check that a model tells the class of each pixel.

    Raises
    ------
    ModelError
        If it finds boxes of objects.
    """
    if card.boxes is not None:
        raise ModelError(
            f"model {card.name!r} finds boxes of objects, and tells no class of each pixel: use it with geoseg detect"
        )
