"""Scenes without labels -> an encoder that has learned to fill in what is masked, for ``train --weights``.

``api`` is the entry; ``masking`` hides parts of windows and scores what is filled in. May import: what ``train`` may.
"""

from __future__ import annotations

from geoseg.train.pretrain.api import pretrain

__all__ = ["pretrain"]
