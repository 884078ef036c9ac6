"""Which objects are wanted, and how a model's classes are read as objects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from geoseg.classes import MapClass
from geoseg.errors import OptionError
from geoseg.geodesy import pixel_sides
from geoseg.system.choices import REGULAR_SHAPES

if TYPE_CHECKING:
    from geoseg.models import ModelCard
    from geoseg.polygonize.objects import ObjectReading
    from geoseg.raster import Raster

_BACKGROUNDS = {"background", "other", "none", "unlabelled", "unlabeled"}
"""Names of classes that are no objects unless they are asked for."""

_LEAST_PIXELS = 12
"""Objects of fewer pixels than this are hardly told apart: about 3 × 4."""


@dataclass(frozen=True)
class DetectOptions:
    """What ``detect`` is asked for.

    Attributes
    ----------
    score
        Lowest score of objects, 0…1.
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

    score: float = 0.5
    classes: tuple[str, ...] | None = None
    # Not in the repr, which identifies results: those of runs without it must stay valid.
    regularize: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if not 0 <= self.score <= 1:
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
        If a class is not one that the model finds, or regular outlines are asked of a detector.
    """
    from geoseg.polygonize.objects import ObjectReading

    if card.boxes is not None:
        if options.regularize is not None:
            raise OptionError(
                f"regularize: model {card.name!r} is a detector, whose outlines stay as they are; leave it out"
            )
        _chosen(card, card.classes[1:], options)
        return ObjectReading.of_classes(card.classes[1:])
    if card.objects is None:
        return ObjectReading.of_classes(_chosen(card, card.classes, options))
    kinds = tuple(MapClass(number, kind.name, kind.color) for number, kind in enumerate(card.objects.kinds, 1))
    # Cores and rims of all kinds are read, also of those that are not wanted: they hold their ground.
    cores = tuple((kind.core, number) for number, kind in enumerate(card.objects.kinds, 1))
    rims = tuple((kind.rim, number) for number, kind in enumerate(card.objects.kinds, 1))
    _chosen(card, kinds, options)
    return ObjectReading(kinds, cores, rims, card.objects.reach, card.objects.least_core)


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
            f"pixels of {sides[0]:.3g} × {sides[1]:.3g} m are too coarse for objects like those that model "
            f"{card.name!r} was trained on: a {name} of {median:.3g} m², the median, is "
            f"{median / (sides[0] * sides[1]):.2g} pixels"
        )
    return tuple(found)
