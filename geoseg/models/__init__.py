"""Models: cards (STAC MLM), folders, the bundled models, and the runtime that puts pixels through them.

Reading cards never imports torch; weights and torch are loaded when :meth:`Model.module` is first called.
"""

from __future__ import annotations

from geoseg.models.card.card import BandSpec, ModelCard
from geoseg.models.card.contract import check_bands, check_contract
from geoseg.models.inference.execution import Execution, choose_execution, measured_rate
from geoseg.models.folder import save_model
from geoseg.models.model import Model
from geoseg.models.inference.malloc import keep_memory
from geoseg.system.folders import user_models
from geoseg.models.registry import DEFAULT_MODEL, check_model, list_models, load_model
from geoseg.models.card.scaling import BandTransform, ValueScaling

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
