"""The last step of a run that detects objects: polygons, picture and counts instead of a class map.

In: a scene's finished blocks. Out: its objects under their contract names; ``detect`` and
``click`` for Python. May import what the rest of ``job`` may.
"""

from geoseg.job.objects.options import DetectOptions

__all__ = ["DetectOptions"]
