"""At which pixel size a scene goes through a model, when that is not its own."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from geoseg.errors import OptionError
from geoseg.geodesy import pixel_sides
from geoseg.models.card.contract import resolution_fits
from geoseg.raster.resampled.lattice import rounded_ratio
from geoseg.raster.resampled.source import resampled
from geoseg.raster.stacks.source import stack_of
from geoseg.system.text import rounded

if TYPE_CHECKING:
    from geoseg.models import Model
    from geoseg.raster import Raster

AUTO, NEVER = "auto", "never"

# Coarser scenes are not refined further: a model sees nothing that the scene does not show, at the square of the cost.
_FINEST = 1 / 4

# Ratios nearer to 1 change nothing that a model could see.
_SAME = 0.02


def checked(value: str | float) -> str | float:
    """Return the option ``resample``: ``"auto"``, ``"never"`` or metres.

    Raises
    ------
    OptionError
        If it is none of these.
    """
    text = str(value).strip().lower()
    if text in (AUTO, NEVER):
        return text
    try:
        metres = float(text)
    except ValueError:
        metres = math.nan
    if not 1e-3 <= metres <= 1e6:
        raise OptionError(f"resample {str(value)[:40]!r} is no pixel size: give auto, never, or metres, 0.001…1000000")
    return metres


def at_model_resolution(raster: Raster, model: Model, resample: str | float) -> tuple[Raster | None, list[str]]:
    """Return the scene as a model shall see it, if at other pixels than its own, and what is said about it.

    Parameters
    ----------
    raster
        The scene.
    model
        The model; its card says for which pixel sizes it was made.
    resample
        What :func:`checked` returned. With ``"auto"`` the size that is nearest to the scene's of those that the card
        states, unless the scene's own is one of them, within 10 %.

    Returns
    -------
    The raster at other pixels or None, and notes, one line each.

    Raises
    ------
    OptionError
        If metres are given and the scene cannot be resampled.
    """
    card, forced = model.card, isinstance(resample, float)
    sides = pixel_sides(raster.crs, raster.transform, raster.shape)
    if resample == NEVER:
        return None, []
    if card.inputs or card.boxes is not None or stack_of(raster) is not None or raster.computed or sides is None:
        if forced:
            reason = "it has no CRS" if sides is None else "detectors, arrays of dask and stacks are not"
            raise OptionError(f"{raster.name}: cannot be resampled to {resample:g} m: {reason}; leave --resample out")
        return None, []
    size = sum(sides) / 2
    if isinstance(resample, float):
        target = resample
    elif card.resolution is None or resolution_fits(card, size):
        return None, []
    else:
        target = min(max(size, card.resolution[0]), card.resolution[1])
    if target / size < _FINEST:
        if forced:
            raise OptionError(
                f"{raster.name}: has pixels of {rounded(size)} m, finer ones than {rounded(size * _FINEST)} m show no "
                "more; give a larger --resample"
            )
        return None, []
    down, across = rounded_ratio(target / sides[1]), rounded_ratio(target / sides[0])
    if max(abs(down - 1), abs(across - 1)) < _SAME:
        return None, []
    if raster.shape[0] / down < 1 or raster.shape[1] / across < 1:
        return None, []
    how = "means of finer pixels" if target > size else "bilinear between its pixels"
    made = f"{card.resolution[0]:g}–{card.resolution[1]:g} m" if card.resolution else "pixels of any size"
    note = (
        f"{raster.name}: has pixels of {rounded(size)} m, model {card.name!r} was made for {made}: it is read at "
        f"{rounded(size * (down + across) / 2)} m ({how}), and the map is brought back to its pixels (resample never "
        "reads it as it is)"
    )
    return resampled(raster, (down, across)), [note]
