"""The time left of a training: with validation after each epoch, and what is measured in the end."""

from __future__ import annotations

import re
from types import SimpleNamespace

import pytest
import torch

from tests.recorder import Recorder

pytest.importorskip("lightning", reason="the extra train is not installed")

from geoseg.train import reporting
from geoseg.train.reporting import Course, ReportProgress


@pytest.mark.parametrize("learning", [2.0, 3.0, 6.0])  # seconds for a window, against 1 to compute it
@pytest.mark.parametrize("checks", [0, 10, 200])
def test_the_time_left_counts_validation_and_the_end(monkeypatch, checks, learning):
    now, recorder = [50.0], Recorder()
    monkeypatch.setattr(reporting.time, "monotonic", lambda: now[0])
    course = Course(epochs=5, batches=20, batch=4, checks=checks)
    progress = ReportProgress(recorder, "train", course)
    trainer = SimpleNamespace(current_epoch=0, is_global_zero=True, accumulate_grad_batches=1)
    end = course.epochs * (course.batches * course.batch * learning + checks) + (min(checks, 256) + 60) * bool(checks)
    progress.on_train_start(trainer, None)
    factors = []

    def note():
        done, total, text = recorder.of("progress")[-1][0]
        assert (done, total) == (trainer.current_epoch * 20 + batch + 1, 100)
        if (found := re.search(r"(\d+) (s|min) left$", text)) and now[0] < 50.0 + 0.95 * end:
            left = int(found[1]) * {"s": 1, "min": 60}[found[2]]
            factors.append((now[0] - 50.0, left / (50.0 + end - now[0])))

    for trainer.current_epoch in range(course.epochs):
        for batch in range(course.batches):
            now[0] += course.batch * learning
            progress.on_train_batch_end(trainer, None, {"loss": torch.tensor(1.0)}, None, batch)
            note()
        for check in range(checks):
            now[0] += 1
            progress.on_validation_batch_end(trainer, None, None, None, check)
            note()
    late = [factor for seconds, factor in factors if seconds > 5]
    assert len(late) > 80
    assert min(late) >= 0.5
    assert max(late) <= 2
