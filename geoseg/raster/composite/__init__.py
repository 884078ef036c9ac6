"""Many dates as one scene: each pixel from the dates that have data there.

``api`` has composite; ``source`` reads the dates of a box a strip at a time and joins them; ``methods`` is the
arithmetic, on arrays; ``scenes`` opens the dates on one grid, in one unit; ``dates`` finds when they were taken;
``doubts`` are told.
A composite is a Raster like any other: it is read lazily, by box, and can be segmented, cut, or written.
May import: raster.
"""

from __future__ import annotations

from geoseg.raster.composite.api import composite

__all__ = ["composite"]
