"""A smaller, faster model from a trained one: pruned, taught by others, or in 8-bit integers; kept only if it pays.

``api`` is the entry; ``options`` checks what can be chosen; ``pruning`` and ``distillation`` give the smaller network;
``teachers`` writes the maps it learns from; training is that of the package above. ``quantization`` chooses what of a
network goes to 8 bits, ``run_int8`` does it. ``measure`` compares score, speed and size; ``verdict`` decides; ``card``
documents. A further method adds a module beside ``pruning``.
May import: train, evaluate, models, raster and what lies below them.
"""

from __future__ import annotations

from geoseg.train.compress.api import compress_model
from geoseg.train.compress.options import CompressOptions
from geoseg.train.compress.verdict import Compression, Measured

__all__ = ["CompressOptions", "Compression", "Measured", "compress_model"]
