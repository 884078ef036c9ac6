"""Accuracy reports as pages: the figures of geoseg's own reports, and nothing that a class name could smuggle in."""

from __future__ import annotations

import re
import sys
import types

import numpy as np
import pytest

from geoseg.evaluate.area_estimation import estimate


@pytest.fixture
def pages(monkeypatch):
    """Import the module with a stand-in for Qt's translations."""
    names = ("qgis", "qgis.PyQt", "qgis.PyQt.QtCore")
    for name in names:
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    core = sys.modules["qgis.PyQt.QtCore"]
    core.QCoreApplication = types.SimpleNamespace(translate=lambda _, text: text)
    for name in ("geoseg_qgis.tr", "geoseg_qgis.accuracy_report"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    from geoseg_qgis import accuracy_report

    yield accuracy_report
    for name in ("geoseg_qgis.tr", "geoseg_qgis.accuracy_report"):
        sys.modules.pop(name, None)


def test_the_example_of_olofsson(pages):
    """Section 4.3 of Olofsson et al. 2014: 21,158 ± 6,158 ha of deforestation, overall accuracy 0.95 ± 0.02."""
    counts = np.array([[66, 0, 5, 4], [0, 55, 8, 12], [1, 0, 153, 11], [2, 1, 9, 313]])
    mapped = np.array([200000, 150000, 3200000, 6450000]) * 900.0
    names = ["deforestation", "gain", "forest", "<b>other</b>"]
    report = estimate(counts, mapped, names).to_dict(names, "m2")
    html = pages.estimate_html({**report, "map": "a_classes.tif", "notes": ["one class has few points"]})
    text = re.sub(r"<[^>]+>", " ", html)
    assert "94.7 ± 1.8 %" in text
    assert "21,157.8 ± 6,157.6" in text, text
    assert "one class has few points" in text
    assert "<b>other</b>" not in html
    assert "map ▸ reference" in text


def test_scores_that_are_not_defined_are_dashes(pages):
    facts = {"iou": None, "f1": 0.5, "precision": 0.25, "recall": 1.0, "reference_pixels": 1200}
    report = {
        "classes": {"a": facts},
        "overall_accuracy": 0.668055, "mean_iou": 0.5, "mean_f1": 0.5, "kappa": None,
        "predicted": "p", "reference": "r", "pixels": {"compared": 1200},
        "confusion": {"classes": ["a"], "rows": "reference", "columns": "map", "pixels": [[1200]]},
    }  # fmt: skip
    text = re.sub(r"<[^>]+>", " ", pages.evaluation_html(report))
    assert "66.8 %" in text
    assert "–" in text
    assert "25.0 %" in text
    assert "reference ▸ map" in text
