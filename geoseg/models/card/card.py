"""The model card: a STAC Item with the Machine Learning Model extension (MLM), beside the weights.

It says which bands the model sees, in which numbers, at which resolution, and what its classes are called. The card
decides
how pixels reach the model; nothing is guessed from the pixels. https://github.com/stac-extensions/mlm
"""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geoseg.errors import ModelError
from geoseg.system.files import complete

if TYPE_CHECKING:
    from collections.abc import Mapping


import json
import textwrap
from collections.abc import Mapping, Sequence
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from geoseg.classes import MAX_CLASSES, MapClass
from geoseg.errors import GeosegError
from geoseg.models.card import stac
from geoseg.models.card.scaling import BandTransform, RasterBand, ValueScaling, fold

CARD_FILE = "model.json"
"""Name of the card in a model folder."""

# The schema allows spaces inside, not at the ends.
_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9_.\- ]*[a-zA-Z0-9]")


class BandSpec(BaseModel):
    """A band that the model sees.

    Attributes
    ----------
    name
        Common name (``"blue"``, ``"swir16"``: the STAC eo names) or whatever the raster's band is called.
    scale, offset
        The convention of digital numbers that the model was made for: ``physical = DN * scale + offset``. Reflectance
        × 10,000 has scale 0.0001.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: str = Field(min_length=1)
    scale: float = 1.0
    offset: float = 0.0

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
        File name inside the model folder.
    size
        Bytes.
    checksum
        Multihash in hexadecimal: ``1220`` and the SHA-256.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    href: str = Field(min_length=1)
    size: int | None = Field(default=None, ge=0)
    checksum: str | None = None

    @field_validator("checksum")
    @classmethod
    def _sha256(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch("1220[0-9a-f]{64}", value):
            raise ValueError(f"file:checksum {value!r} is not a sha2-256 multihash: 1220 and 64 hexadecimal digits")
        return value


class ModelCard(BaseModel):
    """What is known of a model.

    Attributes
    ----------
    name
        Letters, digits and ``_ . -``; the name by which the model is loaded.
    title, description, version, license
        For people.
    architecture
        Class of segmentation-models-pytorch (``"Unet"``) or a geoseg module (``"geoseg:spectral"``).
    hyperparameters
        ``encoder`` and ``kwargs`` with which the architecture is built; anything else is information.
    bands
        What the model sees, in this order.
    value_scaling
        Scaling of each band's numbers, in the card's digital numbers; empty for none.
    value_range
        Least and largest sensible digital number in the card's convention: ``(0, 10000)``. Used to find scenes in other
        units; not a clip.
    classes
        Class ``i`` of the output; ids are 0…K−1.
    stride
        Window sides must be multiples of this, in pixels.
    margin
        Default context around the kept centre of a window on each side, in pixels: how far a pixel's surroundings
        matter noticeably.
    min_window
        Least window side, in pixels.
    resolution
        Least and largest pixel size in metres for which the model was made.
    bytes_per_pixel
        Peak memory of a forward pass in float32 per input pixel.
    metrics
        Measured numbers by name.
    training_data, known_failures, attribution
        One line each, for people.
    test_vector
        A made-up input and the network's answer, by which a build is checked: :mod:`geoseg.models.card.known_answer`.
    weights
        The file with the weights; None for models that are code.
    item
        The STAC item that the card came from: fields that geoseg does not know are written back as they were.
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
    value_scaling: tuple[ValueScaling | None, ...] = ()
    value_range: tuple[float, float] | None = None
    classes: tuple[MapClass, ...]
    stride: int = Field(default=1, ge=1)
    margin: int = Field(default=0, ge=0)
    min_window: int = Field(default=1, ge=1)
    resolution: tuple[float, float] | None = None
    bytes_per_pixel: float | None = Field(default=None, gt=0)
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
    def _speakable(cls, value: str) -> str:
        if not _NAME.fullmatch(value):
            raise ValueError(f"{value!r} is not a name: begin with a letter and use letters, digits and _ . - only")
        return value

    @field_validator("classes")
    @classmethod
    def _numbered(cls, classes: tuple[MapClass, ...]) -> tuple[MapClass, ...]:
        if len(classes) < 2:
            raise ValueError(f"{len(classes)} classes: a segmentation model needs at least 2")
        if len(classes) > MAX_CLASSES:
            raise ValueError(
                f"{len(classes)} classes: class maps are uint8 with 255 for nodata, so at most {MAX_CLASSES}"
            )
        if [c.id for c in classes] != list(range(len(classes))):
            raise ValueError(f"class values are {[c.id for c in classes][:6]}…: they must be 0, 1, 2, … in order")
        if repeated := _repeated([c.name for c in classes]):
            raise ValueError(f"class name {repeated!r} occurs twice")
        return classes

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        if repeated := _repeated([band.name for band in self.bands]):
            raise ValueError(f"band {repeated!r} occurs twice")
        if self.value_scaling and len(self.value_scaling) != len(self.bands):
            raise ValueError(
                f"value_scaling has {len(self.value_scaling)} entries for {len(self.bands)} bands: give 1 or "
                "one per band"
            )
        for field in ("margin", "min_window"):
            value = getattr(self, field)
            if value % self.stride and value > 1:
                raise ValueError(f"{field} {value} must be a multiple of the stride {self.stride}")
        for field, pair in (("value_range", self.value_range), ("resolution", self.resolution)):
            if pair is not None and not pair[0] < pair[1]:
                raise ValueError(f"{field} {list(pair)}: the first number must be below the second")
        return self

    def affine(self, bands: Sequence[RasterBand]) -> tuple[BandTransform, ...]:
        """Return what turns each raster band's digital numbers into the network's input.

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
            raise ModelError(f"model {self.name!r} sees {len(self.bands)} bands, {len(bands)} were given")
        return fold(bands, [(band.scale, band.offset) for band in self.bands], self.value_scaling)

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> ModelCard:
        """Return the card of a STAC MLM item.

        Raises
        ------
        ModelError
            With one line that says what is wrong in the item.
        """
        return cls(**stac.parse(item), item=dict(item))

    def to_item(self) -> dict[str, Any]:
        """Return the card as a STAC MLM item; unknown fields of the item it came from are kept."""
        return stac.build({name: getattr(self, name) for name in type(self).model_fields})

    def to_json(self) -> str:
        """Return the card as the text of a STAC MLM item."""
        return json.dumps(self.to_item(), indent=2, ensure_ascii=False)

    def describe(self) -> str:
        """Return the card as lines for people."""
        low, high = self.value_range or (None, None)
        pairs = (
            ("", self.description),
            ("version", self.version),
            ("license", self.license),
            ("bands", ", ".join(band.name for band in self.bands)),
            ("values", f"{low:g}…{high:g}" if low is not None else ""),
            ("pixel size", "–".join(f"{side:g}" for side in self.resolution) + " m" if self.resolution else ""),
            ("classes", ", ".join(c.name for c in self.classes)),
            (
                "network",
                " ".join(str(part) for part in (self.architecture, self.hyperparameters.get("encoder")) if part),
            ),
            ("windows", f"multiples of {self.stride} px, margin {self.margin} px"),
            *(("metrics", line) for line in _flat(self.metrics)),
            *(("training data", line) for line in self.training_data),
            *(("known failure", line) for line in self.known_failures),
            *(("attribution", line) for line in self.attribution),
        )
        lines = [f"{self.name}: {self.title}"]
        before = None
        for key, value in pairs:
            if value:
                label = key if key != before else ""  # several lines of one kind are named once
                wrapped = textwrap.wrap(value, 100) or [""]
                lines += [
                    f"  {part:<14}{text}" for part, text in zip([label, *[""] * len(wrapped)], wrapped, strict=False)
                ]
                before = key
        return "\n".join(lines)

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> ModelCard:
        """Read a card from a JSON file, or from ``model.json`` in a folder.

        Raises
        ------
        ModelError
            If there is none, or with what is wrong in it.
        """
        path = Path(path)
        path = path / CARD_FILE if path.is_dir() else path
        try:
            item = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise ModelError(f"no model card at {path}") from None
        except (OSError, UnicodeDecodeError) as error:
            raise ModelError(f"model card {path} cannot be read: {error}") from None
        except (json.JSONDecodeError, RecursionError) as error:
            raise ModelError(f"model card {path} is not valid JSON: {error}") from None
        if not isinstance(item, dict):
            raise ModelError(f"model card {path} is not a STAC item: it must be a JSON object")
        try:
            return cls.from_item(item)
        except GeosegError as error:
            raise ModelError(f"{error} (in {path})") from None

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write the card as JSON, complete or not at all.

        Raises
        ------
        ModelError
            If it cannot be written.
        """
        path = Path(path)
        try:
            with complete(path) as part:
                part.write_text(self.to_json() + "\n", encoding="utf-8")
        except OSError as error:
            raise ModelError(f"model card {path} cannot be written: {error.strerror or error}") from None


def first_defect(error: ValidationError) -> str:
    """Condense pydantic's report to one line: the first defect and how many follow."""
    first, *others = error.errors()
    where = ".".join(str(part) for part in first["loc"])
    what = first["msg"].removeprefix("Value error, ")
    more = f" (and {len(others)} more)" if others else ""
    return " ".join(f"{where}: {what}{more}".removeprefix(": ").split())


def _flat(values: Mapping[str, Any], before: str = "") -> list[str]:
    """Return nested numbers as lines: ``mean_iou 0.52``, ``iou tree 0.71``."""
    lines: list[str] = []
    simple: list[str] = []
    for key, value in values.items():
        name = f"{before}{key}"
        if isinstance(value, Mapping):
            lines += _flat(value, f"{name} ")
        elif isinstance(value, float):
            simple.append(f"{key} {value:.4g}")
        elif value is not None:
            simple.append(f"{key} {value if isinstance(value, str | int) else json.dumps(value, ensure_ascii=False)}")
    return ([before + ", ".join(simple)] if simple else []) + lines


def _repeated(names: Sequence[str]) -> str | None:
    return next((name for i, name in enumerate(names) if name in names[:i]), None)


def multihash(data: bytes) -> str:
    """Return the sha2-256 multihash in hexadecimal, as the STAC file extension has it."""
    return "1220" + hashlib.sha256(data).hexdigest()


def card_with(card: ModelCard, **changes: Any) -> ModelCard:
    """Return the card with some fields changed, checked again (``model_copy`` would not check)."""
    fields = {name: getattr(card, name) for name in type(card).model_fields}
    return ModelCard(**(fields | changes))
