"""Labelled images as batches of tensors.

``images`` and ``label_images`` pair rasters with labels (``labels``: class rasters; ``polygons``: vectors);
``class_mapping`` maps label values to classes; ``label_counts`` and ``statistics`` measure; ``windows``, ``samples``,
``augment`` and ``loading`` turn windows into batches that threads read ahead.
May import: raster, models, evaluate (class matching).
"""
