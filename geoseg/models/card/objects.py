"""How a model's class map is read as objects: which classes are cores of objects, and which are their rims."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from geoseg.models.card.values import without_controls

if TYPE_CHECKING:
    from collections.abc import Sequence

    from geoseg.classes import MapClass

TASK = "instance-segmentation"
"""The task of such models, as MLM spells it."""

MAX_REACH = 1024
"""Farthest that objects may grow from their cores, in pixels."""


class ObjectKind(BaseModel):
    """A class of objects.

    Attributes
    ----------
    name, color
        Of the objects.
    core, rim
        The model's classes that are the core of such objects, and the rim around it.
    area_m2
        Percentiles of the areas of the objects that the model was trained on, in m²: ``{"5": 4.1, "50": 22.0, …}``;
        empty if unknown.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: str = Field(min_length=1)
    color: str = Field(pattern="^#[0-9a-fA-F]{6}$")
    core: int = Field(ge=0, le=254)
    rim: int = Field(ge=0, le=254)
    area_m2: dict[str, float] = Field(default_factory=dict)

    @field_validator("name")
    @classmethod
    def _without_controls(cls, value: str) -> str:
        return without_controls(value, "name of objects")


class ObjectHeads(BaseModel):
    """What the classes of an instance model stand for.

    Attributes
    ----------
    kinds
        Classes of objects.
    background
        The model's class of pixels that belong to no object; what is missing to certainty of it is the score.
    reach
        Farthest that an object grows from its core, in pixels.
    least_core
        Smallest core of an object, in pixels; smaller ones are taken for rim.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kinds: tuple[ObjectKind, ...] = Field(min_length=1)
    background: int = Field(ge=0, le=254)
    reach: int = Field(default=16, ge=1, le=MAX_REACH)
    least_core: int = Field(default=1, ge=1)

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        used = [self.background, *(value for kind in self.kinds for value in (kind.core, kind.rim))]
        if len(set(used)) < len(used):
            raise ValueError("objects: background, cores and rims must be different classes")
        names = [kind.name for kind in self.kinds]
        if len(set(names)) < len(names):
            raise ValueError("objects: two kinds have the same name")
        return self

    def check_within(self, classes: Sequence[MapClass]) -> None:
        """Raise ValueError if a class is not one of the model's."""
        for value in (self.background, *(value for kind in self.kinds for value in (kind.core, kind.rim))):
            if value >= len(classes):
                raise ValueError(f"objects: class {value} does not exist: the model has {len(classes)}")

    def to_json(self) -> dict[str, Any]:
        """Return the value of ``geoseg:objects``."""
        return self.model_dump(mode="json")
