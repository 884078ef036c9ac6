"""What a model that finds boxes says of itself: its windows, its limits and the sizes that it was trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

if TYPE_CHECKING:
    from collections.abc import Sequence

    from geoseg.classes import MapClass

Layout = Literal["columns", "objectness", "classes", "final"]
"""How an ONNX graph lays out its boxes; see ``BoxHeads``."""

TASK = "object-detection"
"""The task of such models, as MLM spells it."""

ARCHITECTURE = "torchvision:"
"""What the names of architectures begin with that are built from torchvision."""

ONNX_ARCHITECTURE = "onnx"
"""Architecture of detectors that are ONNX graphs; what they return is the layout of their boxes."""


class BoxHeads(BaseModel):
    """How a detector is run, and what it was trained on.

    Class 0 of the card is the background, which is never found; all others are classes of objects.

    Attributes
    ----------
    masks
        Whether it also gives the outline of each object.
    window
        Side of the windows that it is given by default, in pixels.
    limit
        Objects that it returns for a window of that side at most; for larger windows in proportion to their area.
    least_score
        Lowest score that it returns.
    overlap
        Of boxes in one window with a higher IoU than this, only the one with the highest score is returned.
    layout
        Of ONNX graphs: what they return, see :mod:`geoseg.models.boxes.layouts`.
    area_m2
        Percentiles of the areas of the boxes that it was trained on, in m², per class of objects:
        ``{"tree": {"5": 4.1, "50": 22.0, …}}``; empty if unknown.
    side_px
        The same of the longer sides of these boxes in pixels, of all classes together.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    masks: bool = False
    window: int = Field(default=512, ge=32, le=2**14)
    limit: int = Field(default=500, ge=1, le=10**6)
    least_score: float = Field(default=0.05, ge=0, le=1)
    overlap: float = Field(default=0.5, gt=0, le=1)
    layout: Layout | None = None
    area_m2: dict[str, dict[str, float]] = Field(default_factory=dict)
    side_px: dict[str, float] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _positive(self) -> Self:
        for sizes in (*self.area_m2.values(), self.side_px):
            if any(value <= 0 for value in sizes.values()):
                raise ValueError("boxes: sizes of objects must be positive")
        return self

    def check_within(self, classes: Sequence[MapClass], architecture: str) -> None:
        """Raise ValueError if a class is not one of the model's, or the architecture finds no boxes."""
        if (architecture == ONNX_ARCHITECTURE) != (self.layout is not None):
            raise ValueError(f"boxes: layout goes with architecture {ONNX_ARCHITECTURE!r}, and that with it")
        if self.layout is None and not architecture.startswith(ARCHITECTURE):
            raise ValueError(f"boxes: architecture {architecture!r} finds none; it must begin with {ARCHITECTURE!r}")
        names = {item.name for item in classes[1:]}
        for name in self.area_m2:
            if name not in names:
                raise ValueError(f"boxes: {name!r} is no class of objects of the model")

    def limit_of(self, height: int, width: int) -> int:
        """Return how many objects are returned for a window at most."""
        return max(self.limit, round(self.limit * height * width / self.window**2))

    def to_json(self) -> dict[str, Any]:
        """Return the value of ``geoseg:boxes``."""
        return self.model_dump(mode="json", exclude_none=True)
