"""Models that find boxes (and masks) of objects: torchvision's detectors on windows of any number of bands.

In: a card with ``boxes`` and windows of a scene. Out: :class:`~geoseg.models.boxes.detections.Detections` per window,
which :mod:`geoseg.polygonize.boxes` makes objects of. May import what the rest of ``models`` may.
"""
