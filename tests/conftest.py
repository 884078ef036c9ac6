"""Shared fixtures."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Shared machines stall now and then: time limits per example would report that, not a defect.
settings.register_profile("geoseg", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("geoseg")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real rasters beside the repository; tests that need it skip where it is absent."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"real rasters are not at {folder}")
    return folder
