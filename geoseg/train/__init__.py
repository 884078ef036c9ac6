"""Labelled rasters in, a model folder with its card out.

``api`` is the door; ``options`` what may be chosen; ``data/`` images and labels -> batches; ``validation/`` places kept
for judging; ``prepare`` everything a training needs; ``network``, ``weights``, ``losses``, ``learner`` what is learned;
``fit`` the loop; ``tune`` the search before it; ``model_folder`` the result.
May import: evaluate, segment, models, raster and what lies below them.
"""

from __future__ import annotations

from geoseg.train.api import train
from geoseg.train.options import TrainOptions

__all__ = ["TrainOptions", "train"]
