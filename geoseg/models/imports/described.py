"""What must be known of a model: stated by its source, by options, or asked for; never guessed."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from geoseg.classes import MapClass, default_color
from geoseg.errors import ModelError, OptionError
from geoseg.models.card.card import BandSpec, ModelCard
from geoseg.models.card.scaling import ValueScaling

IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
"""Mean and standard deviation of red, green and blue in 0…1, with which encoders are pretrained on ImageNet."""

# Pixel sizes that are near enough to the one that is stated.
_NEAR = (0.8, 1.25)


@dataclass(frozen=True)
class ImportOptions:
    """What the user says of a model; None leaves it to the source.

    Attributes
    ----------
    bands
        Names of the bands, in the network's order.
    classes
        Names of the classes, in the network's order.
    divide, mean, std
        Normalisation: network input = (digital number / divide - mean) / std; ``mean`` and ``std`` one number, or one
        for each band. ``divide=1`` alone says that the network takes digital numbers as they are.
    scale, offset
        Physical value = digital number x scale + offset, of the images that it was trained on.
    resolution
        Pixel size in metres that it was trained on.
    arch, encoder
        Architecture of segmentation-models-pytorch and its encoder, for state dicts that do not name them.
    license, title
        Text for people.

    Raises
    ------
    OptionError
        If a number is impossible.

    Examples
    --------
    >>> from geoseg.models.imports import ImportOptions
    >>> ImportOptions(bands=("red", "green", "blue"), divide=255.0, mean=(0.5,), std=(0.25,)).normalisation(3)
    (255.0, (0.5, 0.5, 0.5), (0.25, 0.25, 0.25))
    """

    bands: tuple[str, ...] | None = None
    classes: tuple[str, ...] | None = None
    divide: float | None = None
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    scale: float | None = None
    offset: float | None = None
    resolution: float | None = None
    arch: str | None = None
    encoder: str | None = None
    license: str | None = None
    title: str | None = None

    def __post_init__(self) -> None:
        for name in ("divide", "scale", "resolution"):
            value = getattr(self, name)
            if value is not None and not (math.isfinite(value) and value > 0):
                raise OptionError(f"{name} must be a positive number, got {value:g}")
        if self.std is not None and not all(math.isfinite(value) and value > 0 for value in self.std):
            raise OptionError("std must be positive numbers")
        if self.mean is not None and not all(map(math.isfinite, self.mean)):
            raise OptionError("mean must be finite numbers")

    def normalisation(self, count: int) -> tuple[float, tuple[float, ...], tuple[float, ...]] | None:
        """Return divisor, means and standard deviations for a number of bands; None if nothing is said."""
        if self.divide is None and self.mean is None and self.std is None:
            return None
        return (
            1.0 if self.divide is None else self.divide,
            _each(self.mean or (0.0,), count, "mean"),
            _each(self.std or (1.0,), count, "std"),
        )


@dataclass(frozen=True)
class Stated:
    """What a source states of its model.

    Attributes
    ----------
    kind
        What it is: ``"a folder of segmentation-models-pytorch"``.
    bands, classes
        Number of input bands and of outputs, as far as known.
    band_names, class_names
        Their names; None where they are not stated.
    normalisation
        As :meth:`ImportOptions.normalisation`; None if not stated.
    license
        Its licence; empty if not stated.
    """

    kind: str
    bands: int | None = None
    classes: int | None = None
    band_names: tuple[str, ...] | None = None
    class_names: tuple[str, ...] | None = None
    normalisation: tuple[float, tuple[float, ...], tuple[float, ...]] | None = None
    license: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)


def make_card(name: str, stated: Stated, options: ImportOptions, origin: Mapping[str, Any], **fields: Any) -> ModelCard:
    """Return the card of a model, from options first and its source second.

    Parameters
    ----------
    name
        Name of the model.
    stated, options
        What is known.
    origin
        Where it comes from, for the card.
    fields
        Further fields of the card: architecture and hyperparameters.

    Raises
    ------
    ModelError
        If something is not known: one line names the options that say it.
    OptionError
        If options contradict the network.
    """
    bands, classes = options.bands or stated.band_names, options.classes or stated.class_names
    count = len(bands) if bands else stated.bands
    if bands and stated.bands is not None and len(bands) != stated.bands:
        raise OptionError(f"bands names {len(bands)} bands ({', '.join(bands)}); the network takes {stated.bands}")
    if classes and stated.classes == 1 and len(classes) == 1:
        classes = ("background", *classes)
    expected = None if stated.classes is None else max(stated.classes, 2)
    if classes and expected is not None and len(classes) != expected:
        raise OptionError(f"classes names {len(classes)} classes; the network returns {stated.classes}")
    normalisation = options.normalisation(count or 3) or stated.normalisation
    missing = []
    if not bands:
        missing.append(f"its {stated.bands or ''} bands (--bands red,green,…)".replace("  ", " "))
    if normalisation is None:
        missing.append("how values are normalised (--divide 255, --mean … --std …, --imagenet, or --divide 1 for not)")
    if not classes:
        missing.append(f"its {stated.classes or ''} classes (--classes NAME,…)".replace("  ", " "))
    if missing or bands is None or classes is None or normalisation is None:
        raise ModelError(f"{name}: {stated.kind} does not state {'; '.join(missing)}")
    parameters = {**fields.pop("hyperparameters", {}), "origin": dict(origin)}
    return ModelCard(
        name=name,
        title=options.title or f"Added from {stated.kind}",
        license=options.license or stated.license or "other",
        bands=tuple(BandSpec(name=one, scale=options.scale or 1.0, offset=options.offset or 0.0) for one in bands),
        classes=map_classes(classes),
        value_scaling=scaling_of(normalisation),
        value_range=(0.0, 255.0) if normalisation[0] == 255 else None,
        resolution=near(options.resolution),
        hyperparameters=parameters,
        **fields,
    )


def map_classes(names: Sequence[str]) -> tuple[MapClass, ...]:
    """Return classes 0, 1, … of these names."""
    return tuple(MapClass(number, name, default_color(number)) for number, name in enumerate(names))


def scaling_of(normalisation: tuple[float, tuple[float, ...], tuple[float, ...]]) -> tuple[ValueScaling, ...]:
    """Return (value / divide - mean) / std as a z-score of digital numbers; empty if it changes nothing."""
    divide, means, stds = normalisation
    if divide == 1 and set(means) == {0.0} and set(stds) == {1.0}:
        return ()
    return tuple(
        ValueScaling(type="z-score", mean=divide * mean, stddev=divide * std)
        for mean, std in zip(means, stds, strict=True)
    )


def near(resolution: float | None) -> tuple[float, float] | None:
    """Return the smallest and largest pixel size that is near enough."""
    return None if resolution is None else (resolution * _NEAR[0], resolution * _NEAR[1])


def license_in(text: str) -> str:
    """Return the licence in the header of a README of Hugging Face; empty if there is none."""
    header = re.match(r"---\s*\n(.*?)\n---", text, re.DOTALL)
    found = re.search(r"^license:\s*[\"']?([\w.+-]+)[\"']?\s*$", header[1], re.MULTILINE) if header else None
    return found[1] if found else ""


def _each(values: tuple[float, ...], count: int, what: str) -> tuple[float, ...]:
    if len(values) not in (1, count):
        raise OptionError(f"{what} has {len(values)} numbers for {count} bands: give one, or one for each")
    return values * count if len(values) == 1 else values
