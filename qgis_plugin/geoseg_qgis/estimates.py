"""How long a whole run takes, learned from the runs on this computer. No qgis import."""

from __future__ import annotations

from dataclasses import asdict, dataclass

_WEIGHT = 0.5  # of the last run
_FACTORS = (1.0, 4.0)  # a run never takes less than its forward passes


@dataclass
class Overheads:
    """What a run takes beside its forward passes: a fixed part, and a factor for reading, writing, polygons.

    Attributes
    ----------
    fixed
        Seconds of any run: start, first forward pass, closing of files.
    factor
        Seconds of a long run per second of forward passes.
    """

    fixed: float = 7.0
    factor: float = 1.5

    def whole_run(self, model_seconds: float | None) -> float | None:
        """Return the seconds that a run will take; None if the model's speed is unknown: its first run measures it."""
        return None if model_seconds is None else self.fixed + self.factor * model_seconds

    def learn(self, model_seconds: float | None, seconds: float) -> None:
        """Take in how long a run took: short runs teach the fixed part, long ones the factor."""
        if model_seconds is None:
            return
        if model_seconds * self.factor < 2 * self.fixed:
            fixed = max(seconds - self.factor * model_seconds, 0.3)
            self.fixed += _WEIGHT * (fixed - self.fixed)
        else:
            factor = min(max((seconds - self.fixed) / model_seconds, _FACTORS[0]), _FACTORS[1])
            self.factor += _WEIGHT * (factor - self.factor)

    def as_dict(self) -> dict[str, float]:
        """Return the numbers, to be stored."""
        return asdict(self)
