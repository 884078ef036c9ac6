"""The model card: a STAC Item with the Machine Learning Model extension (MLM), beside the weights.

It states which bands the model takes, in which units and at which resolution, and what its classes are. The card
decides how pixels reach the model; nothing is guessed from the pixels. https://github.com/stac-extensions/mlm
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from geoseg.classes import MAX_CLASSES, MapClass
from geoseg.errors import GeosegError, InputError, ModelError
from geoseg.models.card import stac, summary
from geoseg.models.card.boxes import BoxHeads
from geoseg.models.card.inputs import InputSpec, check_inputs
from geoseg.models.card.objects import ObjectHeads
from geoseg.models.card.percentiles import ValuePercentiles
from geoseg.models.card.scaling import BandTransform, RasterBand, ValueScaling, fold
from geoseg.models.card.values import first_defect, without_controls
from geoseg.system.files import check_regular_file, complete, read_regular
from geoseg.system.outputs import local_path
from geoseg.tiling import round_up

CARD_FILE = "model.json"
"""Name of the card in a model folder."""

CLICK = "geoseg:click"
"""Property of cards of click models, see :mod:`geoseg.models.clicks`."""

MAX_CARD_BYTES = 16_000_000
"""Largest card that is read; real ones have some kilobytes."""

MAX_SIDE = 2**16
"""Largest side of windows, stride and margin that a card may ask for, in pixels."""

# As MLM's schema has it: spaces are allowed inside, not at the ends.
_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9_.\- ]*[a-zA-Z0-9]")


class BandSpec(BaseModel):
    """An input band of a model.

    Attributes
    ----------
    name
        Common name of the STAC eo extension (``"blue"``, ``"swir16"``), or the name of the raster's band.
    scale, offset
        Digital numbers (DN) that the model was trained on: ``physical = DN * scale + offset``. Reflectance stored
        × 10,000 has scale 0.0001. Scale must not be 0.

    Examples
    --------
    >>> from geoseg.models import BandSpec
    >>> BandSpec(name="nir", scale=0.0001, offset=-0.1)
    BandSpec(name='nir', scale=0.0001, offset=-0.1)
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: str = Field(min_length=1)
    scale: float = 1.0
    offset: float = 0.0

    @field_validator("name")
    @classmethod
    def _without_controls(cls, value: str) -> str:
        return without_controls(value, "band name")

    @field_validator("scale")
    @classmethod
    def _not_zero(cls, value: float) -> float:
        if value == 0:
            raise ValueError("scale must not be 0")
        return value


class Weights(BaseModel):
    """The asset that holds the weights.

    Attributes
    ----------
    href
        Path inside the model folder.
    size
        Size in bytes; None if unknown.
    checksum
        sha2-256 multihash in hexadecimal: ``1220`` and the SHA-256; None if unknown.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    href: str = Field(min_length=1, max_length=1024)
    size: int | None = Field(default=None, ge=0)
    checksum: str | None = None

    @field_validator("href")
    @classmethod
    def _without_controls(cls, value: str) -> str:
        return without_controls(value, "href of the weights")

    @field_validator("checksum")
    @classmethod
    def _sha256(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch("1220[0-9a-f]{64}", value):
            raise ValueError(f"file:checksum {value!r} is not a sha2-256 multihash: 1220 and 64 hexadecimal digits")
        return value


class ModelCard(BaseModel):
    """The model card.

    Attributes
    ----------
    name
        Starts with a letter; letters, digits, spaces and ``_ . -``.
    title, description, version, license
        Text for people.
    architecture
        Class of segmentation-models-pytorch (``"Unet"``), a network of geoseg (``"geoseg:spectral"``), or a detector of
        torchvision (``"torchvision:faster-rcnn"``).
    hyperparameters
        ``encoder`` and ``kwargs``, from which the architecture is built, and ``widths`` of pruned layers; other entries
        are information only.
    bands
        Input bands, in the network's order.
    inputs
        Of a model of several inputs (sensors, dates, before and after): each of them, see
        :mod:`geoseg.models.card.inputs`; empty for a model of one scene. ``bands`` are then those of all of them.
    value_scaling
        Normalisation of each band's digital numbers, None for a band without; empty for none at all.
    value_range
        Smallest and largest plausible digital number, such as ``(0, 10000)``. Detects scenes in other units; values
        outside are not clipped.
    value_percentiles
        Distribution of the training data's digital numbers, see :mod:`geoseg.models.card.percentiles`. Tells in which
        units a scene is stored, and whether it is like them at all.
    classes
        Classes of the output; the ids are 0…K−1 in order, K from 2 to 255.
    objects
        Which classes are cores and rims of objects, see :mod:`geoseg.models.card.objects`; None for models of classes.
    boxes
        Of models that find boxes of objects: how, see :mod:`geoseg.models.card.boxes`; None for all others.
    stride
        Window sides must be multiples of this, in pixels.
    margin
        Default context on each side of a window's kept centre, in pixels: how far surroundings matter noticeably.
    min_window
        Smallest window side, in pixels.
    window
        The only window side that the network takes, in pixels; None if it takes any.
    resolution
        Smallest and largest pixel size, in metres, that the model was made for.
    bytes_per_pixel
        Peak memory of a float32 forward pass per input pixel.
    temperature
        Divides the network's logits before their softmax, so that confidences agree with how often pixels are right;
        found on places that the network had not seen. None leaves them as they are. Classes do not depend on it.
    metrics
        Measured scores by name; may be nested.
    training_data, known_failures, attribution
        Text for people, one sentence or paragraph per entry.
    test_vector
        A synthetic input and the network's answer, see :mod:`geoseg.models.card.known_answer`.
    weights
        The file with the weights; None for networks that are code.
    item
        The STAC item that the card was read from; fields unknown to geoseg are written back unchanged.

    Raises
    ------
    ModelError
        If a field is missing or invalid; the message names the first one.

    Examples
    --------
    >>> from geoseg.classes import MapClass
    >>> from geoseg.models import BandSpec, ModelCard
    >>> card = ModelCard(
    ...     name="water", architecture="Unet", hyperparameters={"encoder": "resnet18"},
    ...     bands=[BandSpec(name="green", scale=0.0001), BandSpec(name="nir", scale=0.0001)],
    ...     classes=[MapClass(0, "land", "#999966"), MapClass(1, "water", "#3366cc")],
    ...     stride=32, margin=64, min_window=32,
    ... )
    >>> ModelCard.from_item(card.to_item()).name
    'water'
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True, allow_inf_nan=False)

    name: str
    title: str = ""
    description: str = ""
    version: str = "1.0.0"
    license: str = "other"
    architecture: str = Field(min_length=1)
    hyperparameters: dict[str, Any] = Field(default_factory=dict)
    bands: tuple[BandSpec, ...] = Field(min_length=1)
    inputs: tuple[InputSpec, ...] = ()
    value_scaling: tuple[ValueScaling | None, ...] = ()
    value_range: tuple[float, float] | None = None
    value_percentiles: ValuePercentiles | None = None
    classes: tuple[MapClass, ...]
    objects: ObjectHeads | None = None
    boxes: BoxHeads | None = None
    stride: int = Field(default=1, ge=1, le=MAX_SIDE)
    margin: int = Field(default=0, ge=0, le=MAX_SIDE)
    min_window: int = Field(default=1, ge=1, le=MAX_SIDE)
    window: int | None = Field(default=None, ge=1, le=MAX_SIDE)
    resolution: tuple[float, float] | None = None
    bytes_per_pixel: float | None = Field(default=None, gt=0)
    temperature: float | None = Field(default=None, ge=0.01, le=100)
    metrics: dict[str, Any] = Field(default_factory=dict)
    training_data: tuple[str, ...] = ()
    known_failures: tuple[str, ...] = ()
    attribution: tuple[str, ...] = ()
    test_vector: dict[str, Any] = Field(default_factory=dict, repr=False)
    weights: Weights | None = None
    item: dict[str, Any] = Field(default_factory=dict, repr=False, exclude=True)

    def __init__(self, **data: Any) -> None:
        try:
            super().__init__(**data)
        except ValidationError as error:
            raise ModelError(f"model card {data.get('name', '')!r}: {first_defect(error)}") from None

    @field_validator("name")
    @classmethod
    def _valid_name(cls, value: str) -> str:
        if not _NAME.fullmatch(value):
            raise ValueError(
                f"{value!r} is not a valid name: start with a letter and use letters, digits and _ . - only"
            )
        return value

    @field_validator("classes")
    @classmethod
    def _valid_classes(cls, classes: tuple[MapClass, ...]) -> tuple[MapClass, ...]:
        if len(classes) < 2:
            raise ValueError(f"{len(classes)} classes: a segmentation model needs at least 2")
        if len(classes) > MAX_CLASSES:
            raise ValueError(
                f"{len(classes)} classes: class maps are uint8 with 255 for nodata, so at most {MAX_CLASSES}"
            )
        if [c.id for c in classes] != list(range(len(classes))):
            raise ValueError(f"class values are {[c.id for c in classes][:6]}…: they must be 0, 1, 2, … in order")
        for item in classes:
            if not without_controls(item.name, "class name").strip():
                raise ValueError(f"class {item.id} has no name")
        if repeated := _repeated([c.name.strip() for c in classes]):
            raise ValueError(f"class name {repeated!r} occurs twice")
        return classes

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if repeated := _repeated([band.name for band in self.bands]):
            raise ValueError(f"band {repeated!r} occurs twice")
        if self.value_scaling and len(self.value_scaling) != len(self.bands):
            raise ValueError(
                f"value_scaling has {len(self.value_scaling)} entries for {len(self.bands)} bands: give one per band"
            )
        if self.value_percentiles is not None and len(self.value_percentiles.center) != len(self.bands):
            raise ValueError(
                f"value_percentiles are of {len(self.value_percentiles.center)} bands, the model has {len(self.bands)}"
            )
        if self.objects is not None:
            self.objects.check_within(self.classes)
        if self.boxes is not None:
            self.boxes.check_within(self.classes, self.architecture)
            if self.objects is not None or self.temperature is not None:
                raise ValueError("boxes: a detector has neither cores and rims of objects nor a temperature")
        if self.inputs:
            check_inputs(self.inputs, [band.name for band in self.bands])
        for field in ("margin", "min_window"):
            value = getattr(self, field)
            if value % self.stride and value > 1:
                raise ValueError(f"{field} {value} must be a multiple of the stride {self.stride}")
        if self.window is not None and (self.window % self.stride or 2 * self.margin + self.stride > self.window):
            raise ValueError(
                f"window {self.window} must be a multiple of the stride {self.stride} and larger than twice the margin "
                f"{self.margin}"
            )
        for field, pair in (("value_range", self.value_range), ("resolution", self.resolution)):
            if pair is not None and not pair[0] < pair[1]:
                raise ValueError(f"{field} {list(pair)}: the first number must be below the second")
        return self

    def affine(self, bands: Sequence[RasterBand]) -> tuple[BandTransform, ...]:
        """Return the transform of each raster band's digital numbers to the network's input.

        Parameters
        ----------
        bands
            The raster's bands in the card's order, with ``scale``, ``offset`` and ``scaled``.

        Returns
        -------
        One :class:`BandTransform` per band, computed in float64.

        Raises
        ------
        ModelError
            If the number of bands differs from the card's.
        """
        if len(bands) != len(self.bands):
            raise ModelError(f"model {self.name!r} takes {len(self.bands)} bands, {len(bands)} were given")
        return fold(bands, [(band.scale, band.offset) for band in self.bands], self.value_scaling)

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> ModelCard:
        """Return the card of a STAC MLM item.

        Raises
        ------
        ModelError
            If the item is not a card; one line names the first defect.
        """
        return cls(**stac.parse(item), item=dict(item))

    def to_item(self) -> dict[str, Any]:
        """Return the card as a STAC MLM item; unknown fields of the item it was read from are kept."""
        return stac.build(self._fields())

    def to_json(self) -> str:
        """Return the card as the text of a STAC MLM item."""
        return json.dumps(self.to_item(), indent=2, ensure_ascii=False)

    def describe(self) -> str:
        """Return the card as text for people."""
        return summary.describe(self._fields())

    def entries(self) -> list[tuple[str, str]]:
        """Return labels and texts for people; a label may repeat."""
        return [(label, text) for label, text in summary.entries(self._fields()) if text]

    def _fields(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in type(self).model_fields}

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> ModelCard:
        """Read a card from a JSON file, or from ``model.json`` in a folder.

        Raises
        ------
        ModelError
            If there is none, or it is invalid; one line names the first defect.
        """
        path = Path(path)
        path = path / CARD_FILE if path.is_dir() else path
        try:
            check_regular_file(path, limit=MAX_CARD_BYTES)
            text = read_regular(path, MAX_CARD_BYTES).decode("utf-8")
        except FileNotFoundError:
            raise ModelError(f"no model card at {path}") from None
        except InputError as error:
            raise ModelError(f"model card {error}") from None
        except OSError as error:
            raise ModelError(f"model card {path} cannot be read: {error.strerror or error}") from None
        except UnicodeDecodeError as error:
            raise ModelError(f"model card {path} cannot be read: {error}") from None
        return card_of(text, f"model card {path}")

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write the card as JSON, atomically.

        Raises
        ------
        ModelError
            If it cannot be written.
        OutputError
            If the path is a URL.
        """
        path = local_path(path)
        try:
            with complete(path) as part:
                part.write_text(self.to_json() + "\n", encoding="utf-8")
        except OSError as error:
            raise ModelError(f"model card {path} cannot be written: {error.strerror or error}") from None


def card_of(text: str, label: str) -> ModelCard:
    """Return the card in the text of a STAC MLM item.

    Parameters
    ----------
    text
        JSON.
    label
        What error messages call it.

    Raises
    ------
    ModelError
        If it is invalid; one line names the first defect.
    """
    try:
        item = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{label} is not valid JSON: {error}") from None
    if not isinstance(item, dict):
        raise ModelError(f"{label} is not a STAC item: it must be a JSON object")
    properties = item.get("properties")
    if isinstance(properties, dict) and CLICK in properties:
        raise ModelError(f"{label}: is a click model, which outlines what is clicked on: use it with geoseg click")
    try:
        return ModelCard.from_item(item)
    except GeosegError as error:
        raise ModelError(f"{error} (in {label.removeprefix('model card ')})") from None


def _repeated(names: Sequence[str]) -> str | None:
    return next((name for i, name in enumerate(names) if name in names[:i]), None)


def multihash(data: bytes) -> str:
    """Return the sha2-256 multihash in hexadecimal, as the STAC file extension has it."""
    return "1220" + hashlib.sha256(data).hexdigest()


def card_with(card: ModelCard, **changes: Any) -> ModelCard:
    """Return the card with some fields changed and all validated (``model_copy`` does not validate)."""
    fields = {name: getattr(card, name) for name in type(card).model_fields}
    return ModelCard(**(fields | changes))


def window_side(card: ModelCard, at_least: int) -> int:
    """Return the side of a window, in pixels, that the model takes: the only one, or the least from ``at_least`` on."""
    return card.window or max(round_up(at_least, card.stride), card.min_window)
