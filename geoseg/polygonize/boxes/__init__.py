"""Boxes that a detector found in windows -> objects, each once -> a file of polygons.

In: detections of a scene's windows, and the lattice of the windows. Out: the layer ``objects``. May import
``geodesy``, ``tiling``, ``models.boxes.detections`` and the rest of ``polygonize``; no torch.
"""
