"""A few drawn polygons, lines or points -> a model folder, in seconds.

``api`` is the entry; ``shapes`` drawings to pixels; ``values`` how bands enter; ``pretrained`` whose answers are
features; ``features`` of labelled pixels; ``learn``, ``classifier`` what is learned, chosen on held-out places;
``network``, ``card``, ``cache`` what is written. May import: what ``train`` may.
"""

from __future__ import annotations

from geoseg.train.sketch.api import sketch

__all__ = ["sketch"]
