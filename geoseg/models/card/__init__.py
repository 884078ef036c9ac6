"""What a model card states: bands, value scaling, classes, window geometry; and whether a scene fits it.

``card`` the card; ``stac`` its form as a STAC MLM item; ``summary`` its text for people; ``scaling`` digital numbers
-> network input; ``contract`` checks a scene against a card; ``known_answer`` the test vector. In and out: values, no
pixels of scenes. May import: raster, classes, tiling, system. Never imports torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from geoseg.models.card.card import ModelCard, Weights

__all__ = ["ModelCard", "Weights"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    # Loaded on first use: modules of this package import each other through it.
    from geoseg.models.card import card

    return getattr(card, name)
