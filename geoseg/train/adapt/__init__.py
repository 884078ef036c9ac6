"""A model and scenes of another place, season or sensor -> the model adapted to them, without labels.

``api`` is the entry; ``options`` what can be chosen; ``methods`` what is changed; ``measure``, ``verdict``
what that gained on places held out; ``card`` documents it. May import: what ``train`` may.
"""

from __future__ import annotations

from geoseg.train.adapt.api import adapt
from geoseg.train.adapt.options import METHODS, AdaptOptions
from geoseg.train.adapt.verdict import Adaptation

__all__ = ["METHODS", "AdaptOptions", "Adaptation", "adapt"]
