"""Models of other libraries become model folders: ``geoseg model add``.

``api`` has add_model and remove_model; ``described`` the options, what a source states, and the card made of both;
``torch_files`` reads state dicts and the folders of segmentation-models-pytorch, ``huggingface`` those of transformers,
``onnx_files`` ONNX files. Nothing is executed or downloaded; what a source does not state is asked for.
May import: models, raster, classes, system, errors.
"""

from __future__ import annotations

from geoseg.models.imports.api import add_model, remove_model
from geoseg.models.imports.described import ImportOptions

__all__ = ["ImportOptions", "add_model", "remove_model"]
