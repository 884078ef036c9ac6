"""Which objects are wanted, and how a model's classes are read as objects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from geoseg.classes import MapClass
from geoseg.errors import OptionError
from geoseg.geodesy import pixel_sides
from geoseg.system.choices import REGULAR_SHAPES
from geoseg.system.text import rounded

if TYPE_CHECKING:
    from geoseg.models import ModelCard
    from geoseg.polygonize.objects import ObjectReading
    from geoseg.raster import Raster

_BACKGROUNDS = {"background", "other", "none", "unlabelled", "unlabeled"}
"""Names of classes that are no objects unless they are asked for."""

USUAL_SCORE = 0.5
"""Lowest score of objects where nothing tells a better one."""

_LEAST_PIXELS = 12
"""Objects of fewer pixels than this are hardly told apart: about 3 × 4."""


@dataclass(frozen=True)
class DetectOptions:
    """What ``detect`` is asked for.

    Attributes
    ----------
    score
        Lowest score of objects, 0…1; None for the one with the best F1 where the model was validated, see
        :func:`least_score`.
    classes
        Names of the classes of objects that are wanted; None for all but a background.
    regularize
        ``"square"`` or ``"circle"`` for regular outlines; None leaves their shape.

    Examples
    --------
    >>> from geoseg.job.objects import DetectOptions
    >>> DetectOptions(score=0.7).classes is None
    True
    """

    score: float | None = None
    classes: tuple[str, ...] | None = None
    # Not in the repr, which identifies results: those of runs without it must stay valid.
    regularize: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.score is not None and not 0 <= self.score <= 1:
            raise OptionError(f"score must lie in 0…1, got {self.score}")
        if self.regularize not in (None, *REGULAR_SHAPES):
            raise OptionError(f"regularize is {self.regularize!r}: use one of {', '.join(REGULAR_SHAPES)}")
        if self.classes is not None and not self.classes:
            raise OptionError("classes: no class is named; name some, or leave the option out")


def object_reading(card: ModelCard, options: DetectOptions) -> ObjectReading:
    """Return how the class map of a model is read as objects.

    Raises
    ------
    OptionError
        If a class is not one that the model finds, or regular outlines are asked of a detector without outlines.
    """
    from geoseg.polygonize.objects import ObjectReading

    if card.boxes is not None:
        if options.regularize is not None and not card.boxes.masks:
            raise OptionError(
                f"regularize: model {card.name!r} finds boxes, which are rectangles already; leave it out, or train "
                "outlines with --arch mask-rcnn"
            )
        _chosen(card, card.classes[1:], options)
        return ObjectReading.of_classes(card.classes[1:])
    if card.objects is None:
        return ObjectReading.of_classes(_chosen(card, card.classes, options))
    reading = ObjectReading.of_heads(card.objects)
    _chosen(card, reading.classes, options)
    return reading


def least_score(card: ModelCard, options: DetectOptions) -> float:
    """Return the lowest score of objects that are written.

    If none is asked for, it is the one with the best F1 on the places held out when the model was trained, as its card
    says; 0.5 for models that were not validated on objects.
    """
    if options.score is not None:
        return options.score
    best = _validated_score(card)
    return USUAL_SCORE if best is None else best


def score_note(card: ModelCard, options: DetectOptions) -> str | None:
    """Return a line on the lowest score, if it is the model's; None if it was asked for or is the usual one."""
    if options.score is not None or _validated_score(card) is None:
        return None
    return (
        f"objects of a score of {least_score(card, options):g} or more are written: it gave model {card.name!r} its "
        "best F1 in validation; --score sets another"
    )


def _validated_score(card: ModelCard) -> float | None:
    if card.boxes is None and card.objects is None:
        return None
    found: Any = card.metrics.get("validation")
    found = found.get("objects", found) if card.objects is not None and isinstance(found, Mapping) else found
    if not isinstance(found, Mapping):
        return None
    best: Any = found.get("score")
    f1: Any = found.get("f1")
    # Cards are from strangers; and where nothing was found right, no score is better than another.
    for one in (best, f1):
        if isinstance(one, bool) or not isinstance(one, int | float):
            return None
    return float(best) if 0 <= best <= 1 and f1 > 0 else None


def wanted_classes(card: ModelCard, options: DetectOptions) -> tuple[MapClass, ...]:
    """Return the classes of objects that are written."""
    return _chosen(card, object_reading(card, options).classes, options)


def _chosen(card: ModelCard, classes: tuple[MapClass, ...], options: DetectOptions) -> tuple[MapClass, ...]:
    names = [item.name for item in classes]
    if options.classes is None:
        found = tuple(item for item in classes if item.name.lower() not in _BACKGROUNDS)
        return found or classes
    for name in options.classes:
        if name not in names:
            raise OptionError(
                f"classes: {name!r} is nothing that model {card.name!r} finds; it finds {', '.join(names)}"
            )
    return tuple(item for item in classes if item.name in options.classes)


def needed_probabilities(card: ModelCard) -> tuple[str, ...] | None:
    """Return the classes whose probabilities scores are made of; None where confidence is enough."""
    return None if card.objects is None else (card.classes[card.objects.background].name,)


def object_warnings(card: ModelCard, raster: Raster) -> tuple[str, ...]:
    """Return what users should know about objects of this model in this scene, one line each."""
    if card.boxes is not None:
        return _coarse(card, raster, {item.name: card.boxes.area_m2.get(item.name, {}) for item in card.classes[1:]})
    if card.objects is None:
        rule = "each connected region of a class is one object, objects that touch are one, and scores are confidences"
        return (f"model {card.name!r} tells classes, not objects: {rule}",)
    return _coarse(card, raster, {kind.name: kind.area_m2 for kind in card.objects.kinds})


def _coarse(card: ModelCard, raster: Raster, sizes: Mapping[str, Mapping[str, float]]) -> tuple[str, ...]:
    """Warn of classes whose objects are hardly larger than the scene's pixels."""
    sides = pixel_sides(raster.crs, raster.transform, raster.shape)
    found = []
    for name, area in sizes.items():
        median = area.get("50")
        if sides is None or median is None or median >= _LEAST_PIXELS * sides[0] * sides[1]:
            continue
        found.append(
            f"pixels of {rounded(sides[0])} × {rounded(sides[1])} m are too coarse for objects like those that model "
            f"{card.name!r} was trained on: a {name} of {rounded(median)} m², the median, is "
            f"{median / (sides[0] * sides[1]):.2g} pixels"
        )
    return tuple(found)
