"""The card of a sketch: what was drawn, what was chosen, and what held-out places say of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from geoseg.models import ModelCard
from geoseg.models.networks.builtin import SKETCH_NET
from geoseg.models.networks.sketch import ANSWERS
from geoseg.models.networks.sketch_card import kwargs_of
from geoseg.train.data.statistics import resolution_of
from geoseg.train.model_folder import model_name
from geoseg.train.sketch.learn import Candidate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from geoseg.classes import MapClass
    from geoseg.models import Model
    from geoseg.models.networks.sketch import Layout
    from geoseg.raster import Raster
    from geoseg.train.sketch.learn import Expert, Learned, Verdict
    from geoseg.train.sketch.network import Describer
    from geoseg.train.sketch.values import SceneValues

# How much finer or coarser scenes may be than those that were drawn on.
_ZOOM = 1.5

# Logits fitted to a few places are neither made much surer than they are, nor levelled.
_LEAST_TEMPERATURE, _MOST_TEMPERATURE = 0.5, 20.0

# Most that is taken from an earlier card: far above what is tried.
_MOST_HIDDEN, _MOST_TRUST = 256, 10.0

# Scenes that the card lists by name.
_LISTED = 20


def finished_card(
    *, rasters: Sequence[Raster], classes: tuple[MapClass, ...], values: SceneValues, described: Describer,
    layout: Layout, expert: Expert, verdict: Verdict | None, pixels: Learned, pretrained: Model | None,
    output: Path | None, licence: str,
) -> ModelCard:  # fmt: skip
    """Return the card of a sketch, without weights."""
    used = pretrained if layout.base_bands else None
    places = {c.name: np.unique(pixels.places[pixels.classes == c.id]).size for c in classes}
    numbers = {c.name: int((pixels.classes == c.id).sum()) for c in classes}
    drawn = ", ".join(f"{name} {numbers[name]:,} in {places[name]}" for name in numbers)
    names = [raster.name for raster in rasters]
    listed = ", ".join(names[:_LISTED]) + (f" and {len(names) - _LISTED} more" if len(names) > _LISTED else "")
    lines = [f"{listed}", f"labelled pixels, and places that they lie in: {drawn}"]
    if used is not None:
        lines += [f"pretrained model {used.card.name} {used.card.version}: {text}" for text in used.card.training_data]
    temperature = None
    if verdict is not None and verdict.temperature is not None:
        temperature = round(float(np.clip(verdict.temperature, _LEAST_TEMPERATURE, _MOST_TEMPERATURE)), 4)
    candidate = expert.candidate
    return ModelCard(
        name=model_name(output),
        title=f"{len(classes)} classes from {len(values.bands)} bands, sketched with geoseg",
        description=f"Sketched from {sum(places.values())} drawn places. {score_text(verdict, classes)}",
        license=licence,
        architecture=SKETCH_NET,
        hyperparameters={
            "kwargs": kwargs_of(layout, None if used is None else used.card),
            "training": {
                "features": list(candidate.groups), "decay": candidate.decay, "trust_in_pretrained": candidate.trust,
            },
        },
        bands=values.bands,
        value_scaling=values.scaling,
        value_range=values.value_range,
        value_percentiles=values.percentiles,
        classes=classes,
        stride=described.stride,
        margin=described.margin,
        min_window=max(described.stride, 1 if pretrained is None else pretrained.card.min_window),
        resolution=resolution_of(rasters, _ZOOM),
        bytes_per_pixel=_bytes_per_pixel(layout, used),
        temperature=temperature,
        metrics={} if verdict is None else {"held_out": metrics_of(verdict, classes)},
        training_data=tuple(lines),
        known_failures=("Learned from one user's drawings in a few places; elsewhere its accuracy is unknown.",),
        attribution=() if used is None else used.card.attribution,
    )  # fmt: skip


def candidate_of(card: ModelCard, groups: Mapping[str, int]) -> Candidate | None:
    """Return how an earlier sketch was learned; None if its card does not say, or names other features."""
    kwargs: Any = card.hyperparameters.get("kwargs")
    training: Any = card.hyperparameters.get("training")
    try:
        names = tuple(name for name in groups if name in training["features"])
        found = Candidate(
            names, int(kwargs["hidden"]), float(training["decay"]), float(training["trust_in_pretrained"])
        )
        same = set(training["features"]) == set(names) and bool(names)
    except (TypeError, KeyError, ValueError):
        return None
    sound = 0 <= found.hidden <= _MOST_HIDDEN and 0 < found.decay < 1 and 0 <= found.trust <= _MOST_TRUST
    return found if same and sound and (ANSWERS in groups or not found.trust) else None


def _bytes_per_pixel(layout: Layout, used: Model | None) -> float:
    """Return the memory of a forward pass per pixel: its features twice, the layers, and the pretrained network."""
    own = 4.0 * (2 * layout.features + 4 * layout.bands + layout.hidden + 4 * layout.classes)
    return own + (0.0 if used is None else used.card.bytes_per_pixel or 0.0)


def metrics_of(verdict: Verdict, classes: Sequence[MapClass]) -> dict[str, Any]:
    """Return what held-out places say, for the card."""
    return {
        "balanced_accuracy": round(verdict.accuracy, 4),
        "spread": None if verdict.spread is None else round(verdict.spread, 4),
        "places": verdict.places,
        "accuracy": {
            c.name: None if share is None else round(share, 4)
            for c, share in zip(classes, verdict.by_class, strict=True)
        },
        "not_judged": unjudged(verdict, classes),
    }


def unjudged(verdict: Verdict | None, classes: Sequence[MapClass]) -> list[str]:
    """Return the names of classes that were drawn in one place only, and so never held out."""
    if verdict is None:
        return [c.name for c in classes]
    return [c.name for c, share in zip(classes, verdict.by_class, strict=True) if share is None]


def score_text(verdict: Verdict | None, classes: Sequence[MapClass]) -> str:
    """Return the score as a sentence."""
    if verdict is None:
        return "Not judged: each class was drawn in one place only, and none could be held out."
    spread = "" if verdict.spread is None else f" ± {verdict.spread:.2f}"
    text = (
        f"On drawings that were held out in turn ({verdict.places} places), {verdict.accuracy:.2f}{spread} of the "
        "pixels were right, classes weighing alike (mean, deviation over parts)."
    )
    left = unjudged(verdict, classes)
    return text + (f" Not judged, for lack of a second place: {', '.join(left)}." if left else "")
