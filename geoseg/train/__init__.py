"""Labelled rasters in, a model folder with its card out.

``api`` is the entry; ``options`` checks what can be chosen; ``run`` keeps a run resumable; ``data/`` makes batches;
``validation/`` holds out places; ``semi/`` adds unlabelled scenes; ``prepare`` gathers what a training needs;
``start/`` is the network and its weights; ``losses``, ``learner`` are how it learns; ``fit`` trains it, ``calibrate``
finds its temperature; ``tune`` searches options; ``model_folder`` writes the result. ``sketch/``, ``adapt/``,
``pretrain/``, ``compress/`` are other ends of the same way.
May import: evaluate, segment, models, raster and what lies below them.
"""

from __future__ import annotations

from geoseg.train.api import train
from geoseg.train.options import TrainOptions

__all__ = ["TrainOptions", "train"]
