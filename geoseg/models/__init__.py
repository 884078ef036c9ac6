"""Models: cards (STAC MLM), folders, the bundled models, and what puts pixels through their networks.

``card/`` what a card says; ``networks/`` networks by name; ``weights``, ``build`` files -> a network; ``model`` finds
and loads; ``folder`` saves; ``inference/`` device, precision, forward pass; ``optimize/`` layers folded for speed;
``export/`` other formats; ``check`` verifies. Reading cards never imports torch; building a network does.
May import: raster, progress and what lies below them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from geoseg.models.card.card import BandSpec, ModelCard
from geoseg.models.card.contract import check_bands, check_contract
from geoseg.models.card.scaling import BandTransform, ValueScaling
from geoseg.models.check import check_model
from geoseg.models.folder import save_model
from geoseg.models.inference.execution import Execution, measured_rate
from geoseg.models.inference.malloc import keep_memory
from geoseg.models.model import DEFAULT_MODEL, Model, list_models, load_model
from geoseg.system.folders import user_models

if TYPE_CHECKING:
    from geoseg.models.inference.calibrate import choose_execution

__all__ = [
    "DEFAULT_MODEL",
    "BandSpec",
    "BandTransform",
    "Execution",
    "Model",
    "ModelCard",
    "ValueScaling",
    "check_bands",
    "check_contract",
    "check_model",
    "choose_execution",
    "keep_memory",
    "list_models",
    "load_model",
    "measured_rate",
    "save_model",
    "user_models",
]


def __getattr__(name: str) -> Any:
    if name == "choose_execution":  # imports torch
        from geoseg.models.inference.calibrate import choose_execution

        return choose_execution
    raise AttributeError(f"module 'geoseg.models' has no attribute {name!r}")
