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
    unmeasured
        Seconds of a run of unknown speed, the first with a model: the speed is measured then.
    """

    fixed: float = 7.0
    factor: float = 1.5
    unmeasured: float = 25.0

    def whole_run(self, model_seconds: float | None) -> float:
        """Return the seconds that a run will take."""
        return self.unmeasured if model_seconds is None else self.fixed + self.factor * model_seconds

    def learn(self, model_seconds: float | None, seconds: float) -> None:
        """Take in how long a run took: short runs teach the fixed part, long ones the factor."""
        if model_seconds is None:
            self.unmeasured += _WEIGHT * (seconds - self.unmeasured)
        elif model_seconds * self.factor < 2 * self.fixed:
            fixed = max(seconds - self.factor * model_seconds, 0.3)
            self.fixed += _WEIGHT * (fixed - self.fixed)
        else:
            factor = min(max((seconds - self.fixed) / model_seconds, _FACTORS[0]), _FACTORS[1])
            self.factor += _WEIGHT * (factor - self.factor)

    def as_dict(self) -> dict[str, float]:
        """Return the numbers, to be stored."""
        return asdict(self)
