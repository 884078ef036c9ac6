"""Models: cards (STAC MLM), folders, the bundled models, and the inference that runs them.

``card/`` what a card states; ``networks/`` architectures by name; ``weights``, ``build`` files -> a network;
``model`` finds and loads; ``folder`` saves; ``inputs`` opens several scenes as one; ``boxes/`` detectors;
``inference/`` device, precision, forward pass; ``optimize/`` layers fused for speed; ``export/`` other formats,
``imports/`` models of other libraries; ``check`` verifies. Reading cards never imports torch; building a network does.
May import: raster, progress and what lies below them.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from geoseg.models.card.card import BandSpec, ModelCard
    from geoseg.models.card.contract import check_bands, check_contract
    from geoseg.models.card.scaling import BandTransform, ValueScaling
    from geoseg.models.check import check_model
    from geoseg.models.folder import save_model
    from geoseg.models.inference.calibrate import choose_execution
    from geoseg.models.inference.execution import Execution, measured_rate
    from geoseg.models.inference.malloc import keep_memory
    from geoseg.models.inputs import open_inputs
    from geoseg.models.model import DEFAULT_MODEL, Model, list_models, load_model
    from geoseg.system.folders import user_models

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
    "open_inputs",
    "save_model",
    "user_models",
]

# Loaded on first use: the command line takes a list of names from this package and must not wait for pydantic or torch.
_HOME = {
    "BandSpec": "geoseg.models.card.card",
    "BandTransform": "geoseg.models.card.scaling",
    "DEFAULT_MODEL": "geoseg.models.model",
    "Execution": "geoseg.models.inference.execution",
    "Model": "geoseg.models.model",
    "ModelCard": "geoseg.models.card.card",
    "ValueScaling": "geoseg.models.card.scaling",
    "check_bands": "geoseg.models.card.contract",
    "check_contract": "geoseg.models.card.contract",
    "check_model": "geoseg.models.check",
    "choose_execution": "geoseg.models.inference.calibrate",
    "keep_memory": "geoseg.models.inference.malloc",
    "list_models": "geoseg.models.model",
    "load_model": "geoseg.models.model",
    "measured_rate": "geoseg.models.inference.execution",
    "open_inputs": "geoseg.models.inputs",
    "save_model": "geoseg.models.folder",
    "user_models": "geoseg.system.folders",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'geoseg.models' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOME[name]), name)
    globals()[name] = value
    return value
