"""Accuracy of a map against a reference, or from a sample of interpreted points.

``api`` compares maps, ``model`` segments labelled images first; ``reference``, ``class_matching`` prepare both sides;
``comparison`` counts, ``metrics``, ``boundary`` and ``calibration`` score; ``evaluation`` and ``figure`` report.
``objects``: objects against reference objects, both vector layers.
``sample_design``, ``interpretation_form``, ``points``, ``area_estimation``: sampled points -> accuracy and areas;
``advice``: finished maps -> where a label would help most.
May import: segment, write, models, raster and what lies below them.
"""

from __future__ import annotations

from geoseg.evaluate.api import evaluate
from geoseg.evaluate.evaluation import Evaluation
from geoseg.evaluate.objects import ObjectEvaluation, ObjectOptions, evaluate_objects

__all__ = ["Evaluation", "ObjectEvaluation", "ObjectOptions", "evaluate", "evaluate_objects"]
