"""Let the tests of this folder import their helpers; grids to write on."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from affine import Affine
from odc.geo.geobox import GeoBox

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def grid():
    """Make a GeoBox: ``grid(height, width)``; UTM, 10 m."""

    def make(height: int, width: int, transform: Affine | None = None, crs: str | None = "EPSG:32633") -> GeoBox:
        return GeoBox((height, width), transform or Affine(10, 0, 500000, 0, -10, 5400000), crs)

    return make
