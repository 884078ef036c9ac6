"""A synthetic satellite scene with known truth, for a first try and for tests; or a small true place.

``landscape``, ``noise``, ``spectra`` make it; ``scene`` writes it; ``run`` segments it and scores the class map.
``real`` fetches a place from a catalogue and segments it.
May import: job and everything below it.
"""

from __future__ import annotations

from geoseg.demo.scene import DemoScene, accuracy, make_scene

__all__ = ["DemoScene", "accuracy", "make_scene"]
