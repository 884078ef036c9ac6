"""Models that outline what a click points at: image encoders and prompt decoders of the SAM family, as ONNX pairs.

``card`` is what a folder says of such a model, ``pair`` runs its two graphs on a window, ``folder`` opens and adds one.
In: RGB windows and points in pixels. Out: masks with their scores. May import: models, system, errors.
"""

from __future__ import annotations

from geoseg.models.clicks.card import ClickCard
from geoseg.models.clicks.folder import (
    ClickModel,
    add_click_model,
    check_click_model,
    find_click_model,
    list_click_models,
    load_click_model,
)
from geoseg.models.clicks.pair import Mask

__all__ = [
    "ClickCard",
    "ClickModel",
    "Mask",
    "add_click_model",
    "check_click_model",
    "find_click_model",
    "list_click_models",
    "load_click_model",
]
