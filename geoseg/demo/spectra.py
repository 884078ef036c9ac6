"""Reflectance spectra of the demo scene's materials.

Surface reflectance in blue, green, red, near infrared and two short-wave infrared bands, as of Sentinel-2 and
Landsat. The values are typical, rounded, and within the range of the spectral libraries ECOSTRESS
(Meerdink et al. 2019, https://doi.org/10.1016/j.rse.2019.05.015) and USGS splib07 (Kokaly et al. 2017,
https://doi.org/10.3133/ds1035).
"""

from __future__ import annotations

import numpy as np

BANDS = ("blue", "green", "red", "nir", "swir16", "swir22")

_REFLECTANCE = {
    # material: blue, green, red, nir, swir16, swir22
    "broadleaf": (0.024, 0.046, 0.027, 0.370, 0.170, 0.078),
    "conifer": (0.017, 0.030, 0.019, 0.235, 0.095, 0.042),
    "meadow": (0.034, 0.068, 0.047, 0.335, 0.215, 0.115),
    "dry grass": (0.060, 0.090, 0.098, 0.275, 0.290, 0.185),
    "shrub": (0.034, 0.054, 0.046, 0.245, 0.180, 0.100),
    "green crop": (0.032, 0.070, 0.037, 0.475, 0.210, 0.100),
    "young crop": (0.048, 0.088, 0.068, 0.345, 0.250, 0.150),
    "ripe crop": (0.072, 0.110, 0.142, 0.285, 0.320, 0.225),
    "rapeseed": (0.045, 0.125, 0.105, 0.430, 0.220, 0.115),
    "brown soil": (0.078, 0.108, 0.145, 0.215, 0.290, 0.245),
    "dark soil": (0.050, 0.068, 0.088, 0.140, 0.205, 0.175),
    "pale soil": (0.120, 0.155, 0.195, 0.270, 0.350, 0.310),
    "tile roof": (0.085, 0.108, 0.180, 0.235, 0.270, 0.245),
    "grey roof": (0.130, 0.142, 0.152, 0.185, 0.200, 0.185),
    "white roof": (0.330, 0.350, 0.362, 0.380, 0.350, 0.320),
    "asphalt": (0.088, 0.098, 0.108, 0.135, 0.155, 0.145),
    "concrete": (0.165, 0.190, 0.210, 0.240, 0.260, 0.240),
    "garden": (0.040, 0.068, 0.055, 0.280, 0.190, 0.110),
    "gravel": (0.185, 0.220, 0.255, 0.305, 0.350, 0.320),
    "bare earth": (0.112, 0.162, 0.235, 0.295, 0.385, 0.352),
    "limestone": (0.270, 0.315, 0.355, 0.405, 0.430, 0.390),
    "deep water": (0.030, 0.028, 0.014, 0.008, 0.004, 0.003),
    "turbid water": (0.058, 0.074, 0.052, 0.020, 0.008, 0.005),
}

MATERIALS = {name: number for number, name in enumerate(_REFLECTANCE)}
"""Row of each material in :data:`REFLECTANCE`."""

REFLECTANCE = np.array(list(_REFLECTANCE.values()), np.float32)
"""``(materials, bands)``, 0…1."""
