"""Training of detectors: images with boxes of objects -> a model that :func:`geoseg.detect` takes.

In: images, and boxes from COCO, Pascal VOC, CSV or polygons. Out: a model folder whose card has ``boxes``. Split,
windows and augmentation are those of ``train``. May import what the rest of ``train`` may.
"""
