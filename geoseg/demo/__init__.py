"""A believable satellite scene with known truth, made on the spot: for a first try, and for tests."""

from __future__ import annotations

from geoseg.demo.scene import DemoScene, accuracy, make_scene

__all__ = ["DemoScene", "accuracy", "make_scene"]
