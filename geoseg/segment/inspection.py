"""``geoseg inspect``: properties of a scene, whether it fits a model, and an estimate of what a run will cost."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from geoseg.errors import ContractError, GeosegError
from geoseg.errors.printable import printable
from geoseg.geodesy.crs import crs_name, unit_name
from geoseg.models import DEFAULT_MODEL, Model, load_model, open_inputs
from geoseg.models.card.unit_choices import UnitFinding, unit_choices
from geoseg.progress.forecast import AFTER_BLOCKS, expected_seconds, slowness
from geoseg.progress.reporters import format_seconds
from geoseg.raster import Raster, open_raster
from geoseg.raster.fill import Fill, find_fill
from geoseg.raster.sources import FileSource, leaf_sources
from geoseg.segment.cloud_model import masked_by, split_clouds
from geoseg.segment.plan import Options, Plan, make_plan
from geoseg.segment.survey import survey_scene
from geoseg.segment.unit_pictures import unit_pictures
from geoseg.system.resources import format_bytes

# Values that are read to look for fill in a scene that does not fit.
_SAMPLED = 6_000_000


@dataclass(frozen=True)
class Inspection:
    """A scene compared with a model.

    Attributes
    ----------
    name, model
        Names of scene and model.
    raster
        The open scene; None if it cannot be read.
    plan
        What a run would do; None if the scene does not fit the model.
    error
        Why the scene cannot be read or does not fit.
    notes
        Warnings of the reader about a scene that does not fit.
    needs
        Names of the model's bands.
    proposed
        Names of the models whose bands the scene has, those made for its pixel size first.
    fill
        Value that fills part of the scene although no file declares it as nodata; None if there is none.
    units
        The units in which the scene may be stored; None if bands are missing.
    pictures
        A picture for each of ``units.choices``, as ``data:`` URLs; empty if they were not asked for.
    """

    name: str
    model: str
    raster: Raster | None = None
    plan: Plan | None = None
    error: GeosegError | None = None
    notes: tuple[str, ...] = field(default=())
    needs: tuple[str, ...] = field(default=())
    proposed: tuple[str, ...] = field(default=())
    fill: Fill | None = None
    units: UnitFinding | None = None
    pictures: tuple[str, ...] = field(default=())

    @property
    def fits(self) -> bool:
        """Whether ``segment`` would accept the scene."""
        return self.plan is not None

    @property
    def failure(self) -> str | None:
        """Why ``segment`` would not accept the scene, in one line; None if it would."""
        return None if self.error is None else str(self.error)

    def as_dict(self) -> dict[str, Any]:
        """Return everything as JSON-compatible values."""
        facts: dict[str, Any] = {"scene": self.name, "model": self.model, "fits": self.fits, "needs": list(self.needs)}
        facts["proposed"] = list(self.proposed)
        facts["warnings"] = list(self.plan.warnings if self.plan else self.notes)
        if self.raster is not None:
            facts["raster"] = _raster_facts(self.raster)
        facts["fill"] = None if self.fill is None else _fill_facts(self.fill)
        facts["units"] = None if self.units is None else _unit_facts(self.units, self.needs, self.pictures)
        if self.plan is not None:
            facts["run"] = _run_facts(self.plan)
        if self.error is not None:
            suggested = self.error.suggested_options if isinstance(self.error, ContractError) else {}
            facts["error"] = {"type": type(self.error).__name__, "message": str(self.error), "mend": suggested}
        return facts

    def as_text(self) -> str:
        """Return the same as text, but for the error (:attr:`failure`); empty if the scene cannot be read."""
        if self.raster is None:
            return ""
        lines = [self.name, *_raster_lines(self.raster)]
        warnings = self.plan.warnings if self.plan else self.notes
        lines += [f"  warning     {warning}" for warning in warnings]
        if self.plan is not None:
            lines += [f"  fits        model {self.model}", *_run_lines(_run_facts(self.plan))]
        return "\n".join(printable(line, None) for line in lines)


def inspect_scene(
    source: Any, model: str | None, reading: Mapping[str, Any], options: Options, *, pictures: bool = False
) -> Inspection:
    """Open a scene and compare it with a model; errors of the scene are returned, not raised.

    Parameters
    ----------
    source, reading
        As ``open_raster`` takes them; or an open raster; or a mapping, as :func:`geoseg.models.open_inputs` takes it.
    model
        Name or folder; the bundled default if None.
    options
        Of the run that is planned.
    pictures
        Make a picture of the scene in each unit that it may be stored in, unless the unit is certain.

    Raises
    ------
    ModelError, OptionError
        If the model cannot be loaded, or an option is impossible for any scene.
    """
    from geoseg.models.proposals import proposed_models

    loaded = load_model(DEFAULT_MODEL if model is None else model)
    name, needs = loaded.card.name, tuple(band.name for band in loaded.card.bands)
    try:
        opening, clouds = split_clouds(reading, several=isinstance(source, Mapping))
        raster = _opened(source, loaded, opening)
        raster = raster if clouds is None else masked_by(raster, clouds, options.device)
    except GeosegError as error:
        return Inspection(_label(source), name, error=error, needs=needs)
    proposed = tuple(proposal.card.name for proposal in proposed_models(raster))
    found = Inspection(raster.name, name, raster, needs=needs, proposed=proposed)
    try:
        survey = survey_scene(raster, loaded)
        units = unit_choices(loaded.card, *survey)
        found = replace(found, fill=survey.fill, units=units)
        if pictures and units.verdict != "certain":
            found = replace(found, pictures=tuple(unit_pictures(survey.raster, loaded.card, units.choices)))
        return replace(found, plan=make_plan(raster, loaded, options, survey))
    except GeosegError as error:
        fill = found.fill or _fill_of(raster)
        notes = raster.notes if fill is None else (*raster.notes, fill.warning(raster.name))
        return replace(found, error=error, notes=notes, fill=fill)


def _opened(source: Any, model: Model, reading: Mapping[str, Any]) -> Raster:
    if isinstance(source, Mapping):
        return open_inputs(model, source, reading)
    return source if isinstance(source, Raster) else open_raster(source, **reading)


def _label(source: Any) -> str:
    """Return the name of a scene that cannot be read."""
    while isinstance(source, Mapping | list | tuple):
        source = next(iter(source.values() if isinstance(source, Mapping) else source))
    return str(source)


def _fill_facts(fill: Fill) -> dict[str, Any]:
    facts: dict[str, Any] = {"value": fill.value, "values": list(fill.values), "share": round(fill.share, 4)}
    return {**facts, "where": fill.where, "options": {"nodata": fill.text}}


def _unit_facts(units: UnitFinding, bands: Sequence[str], pictures: Sequence[str]) -> dict[str, Any]:
    choices = []
    for place, choice in enumerate(units.choices):
        facts: dict[str, Any] = {"name": choice.name, "options": choice.options, "given": choice.given}
        facts["distance"] = choice.distance
        facts["values"] = {
            band: [float(f"{value:.4g}") for value in row] for band, row in zip(bands, choice.values, strict=True)
        }
        if pictures:
            facts["picture"] = pictures[place]
        choices.append(facts)
    return {"verdict": units.verdict, "choices": choices}


def _fill_of(raster: Raster) -> Fill | None:
    """Return the fill of a scene that does not fit."""
    with suppress(GeosegError):  # a scene that cannot be read is reported already
        return find_fill(raster, raster.sample(max(_SAMPLED // len(raster.bands), 1)))
    return None


def _raster_facts(raster: Raster) -> dict[str, Any]:
    return {
        "sources": list(raster.sources),
        "height": raster.shape[0],
        "width": raster.shape[1],
        "crs": str(raster.crs) if raster.crs else None,
        "transform": list(raster.transform)[:6],
        "dtype": str(raster.dtype),
        "bands": [asdict(band) for band in raster.bands],
    }


def _raster_lines(raster: Raster) -> list[str]:
    height, width = raster.shape
    across, down, crs = abs(raster.transform.a), abs(raster.transform.e), raster.grid.crs
    pixel = f"{across:.6g}" if math.isclose(across, down, rel_tol=1e-4) else f"{across:.6g} × {down:.6g}"
    unit = "px" if crs is None else "°" if unit_name(crs) == "degree" else unit_name(crs)
    lines = [
        f"  size        {width} × {height} px ({width * height / 1e6:.1f} Mpx), {raster.dtype}",
        f"  grid        {'no CRS' if crs is None else crs_name(crs)}, pixel {pixel} {unit}",
        f"  bands       {', '.join(_band_text(number, band) for number, band in enumerate(raster.bands, 1))}",
    ]
    if masks := _masks(raster):
        lines.append(f"  masks       {masks}")
    if len(raster.sources) > 1:
        lines.append(f"  files       {len(raster.sources)}")
    return lines


def _masks(raster: Raster) -> str:
    """Return the kinds of masks that the files have beside nodata values."""
    files = [source for source in leaf_sources(raster.inputs) if isinstance(source, FileSource)]
    found = [source.masks for source in files if source.masks]
    kinds = {
        "of each band": any(masks.bands for masks in found),
        "of the file": any(masks.dataset for masks in found),
        "a band of the file": any(masks.alpha for masks in found),
    }
    text = ", ".join(kind for kind, present in kinds.items() if present)
    return f"{text} (in {len(found)} of {len(files)} files)" if 0 < len(found) < len(files) else text


def _band_text(number: int, band: Any) -> str:
    text = f"{number}={band.name}"
    if band.scaled:
        text += f" (×{band.scale:g}{band.offset:+g})" if band.offset else f" (×{band.scale:g})"
    if band.nodata is not None:
        text += f" [nodata {band.nodata:g}]"
    return text


def _run_facts(plan: Plan) -> dict[str, Any]:
    tiling = plan.passes.tiling
    seconds = plan.seconds()
    return {
        "window": list(tiling.largest_read()),
        "keep": tiling.keep,
        "margin": tiling.margin,
        "windows": len(tiling.windows()),
        "block": tiling.block,
        "blocks": tiling.block_count,
        "pixels_kept_per_computed": round(tiling.kept_share, 4),
        "memory_bytes": plan.memory,
        "budget_bytes": plan.options.budget,
        "disk_bytes": plan.disk,
        "seconds": None if seconds is None else round(seconds, 1),
        "slowness": round(slowness("segment", plan.model.card.name), 3),
        "seconds_after": round(sum(expected_seconds(AFTER_BLOCKS, tiling.scene.area).values()), 1),
        "runtimes": {name: round(rate, 3) for name, rate in plan.candidates.items()},
    }


def _run_lines(facts: dict[str, Any]) -> list[str]:
    rows, cols = facts["window"]
    kept = facts["pixels_kept_per_computed"]
    if facts["seconds"] is None:
        time = "not measured on this machine yet; the first run measures it"
    else:
        time = f"about {format_seconds(facts['seconds'] * facts['slowness'] + facts['seconds_after'])} on this machine"
    size = f"{cols} × {rows} px"
    blocks = f"{facts['blocks']} block{'s' * (facts['blocks'] != 1)}"
    rates = ", ".join(f"{name} {rate:.3g}" for name, rate in facts["runtimes"].items())
    lines = [
        f"  windows     {facts['windows']} of up to {size}, margin {facts['margin']}, {blocks}",
        f"  context     {kept:.2f} of the computed pixels are kept: context costs {100 / kept - 100:.0f} % more work",
        f"  memory      about {format_bytes(facts['memory_bytes'])} (budget {format_bytes(facts['budget_bytes'])})",
        f"  disk        up to {format_bytes(facts['disk_bytes'])} while it runs",
        f"  time        {time}",
    ]
    return [*lines, f"  runtimes    {rates} Mpx/s measured"] if rates else lines
