"""Labelled rasters in, a model folder with its card out.

Modules, each used by those after it::

    options      what may be chosen
    labels       class rasters and polygons on an image's pixels;  polygons  reading them;  images  what belongs to what
    legend       which classes are learned
    cells        how many pixels of each class lie where
    split        which places are kept for validation;  groups  the same by the user's groups
    statistics   what normalises the input
    windows      where training windows lie
    augment, samples, loading   windows as tensors, read ahead
    losses, weights, network, learner    what is learned, from where, how
    labelled     images with the labels on them;  divide  their split
    prepare      images and labels -> everything a training needs
    fit          the loop: progress, checkpoints, resuming, memory
    package      the model folder
    api          train();  tune  the search before it
"""

from __future__ import annotations

from geoseg.train.api import train
from geoseg.train.options import TrainOptions

__all__ = ["TrainOptions", "train"]
