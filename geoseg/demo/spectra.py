"""Surfaces of the demo scene: spectra, spread and texture of each class, as measured on real tiles.

``statistics.json`` states the source and its attribution; ``scripts/demo_statistics.py`` makes it. Reflectance is in
blue, green, red, near infrared and two short-wave infrared bands, as of Sentinel-2 and Landsat.
"""

from __future__ import annotations

import json
from importlib.resources import files

import numpy as np

from geoseg.classes import LAND_COVER

_TABLE = json.loads(files("geoseg.demo").joinpath("statistics.json").read_text("utf-8"))
_CLASSES = [_TABLE["classes"][item.name] for item in LAND_COVER]

BANDS: tuple[str, ...] = tuple(_TABLE["bands"])

SOURCE: str = _TABLE["source"]
"""What the numbers were measured on."""

REFLECTANCE = np.array([row for entry in _CLASSES for row in entry["reflectance"]], np.float32)
"""Median reflectance of each surface, ``(surfaces, bands)``, 0…1; a class's surfaces are in a row."""

FIRST = np.cumsum([0] + [len(entry["reflectance"]) for entry in _CLASSES[:-1]]).astype(np.uint8)
"""Row of each class's first surface, the greenest."""

SHARES = tuple(np.array(entry["share"]) / np.sum(entry["share"]) for entry in _CLASSES)
"""How often each of a class's surfaces occurs."""

SPREAD = np.array([entry["spread"] for entry in _CLASSES], np.float32)
"""Principal components of what fields, stands and houses of one surface differ by, ``(classes, 3, bands)``, as
logarithms of reflectance."""

TEXTURE = np.array([entry["texture"] for entry in _CLASSES], np.float32)
"""The same of what pixels of 30 m differ by from their surroundings of 90 m."""

GRAIN = np.array(_TABLE["grain"], np.float32)
"""The same of pixels of 10 m and their surroundings of 30 m, ``(3, bands)``."""
