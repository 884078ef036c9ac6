"""A class map read as objects: instances that may touch, whole across every seam.

In: a class map in which a model tells cores of objects from their rims (or any class map), and how sure it is. Out: one
polygon per object, streamed. Exact in bounded memory: the same objects as in one pass over the whole raster. May import
the rest of polygonize, write, geodesy, system, errors; never torch.
"""

from geoseg.polygonize.objects.api import ObjectMap, ObjectSummary, write_objects
from geoseg.polygonize.objects.layer import ObjectFilter
from geoseg.polygonize.objects.reading import ObjectReading
from geoseg.polygonize.objects.sources import label_objects

__all__ = ["ObjectFilter", "ObjectMap", "ObjectReading", "ObjectSummary", "label_objects", "write_objects"]
