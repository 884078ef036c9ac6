"""Rasters of one place, put on one grid slot by slot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from geoseg.errors import ContractError, InputError
from geoseg.geodesy import pixel_sides
from geoseg.raster.bands.names import scene_name
from geoseg.raster.grids import bounds_in, overlaps
from geoseg.raster.open import merged_notes, open_on_grid, open_raster
from geoseg.raster.raster import Part, Raster
from geoseg.raster.stacks.source import DAY, VALID, Slot, StackSource
from geoseg.raster.types import Band

if TYPE_CHECKING:
    from datetime import date

# Options of open_raster that decide on which grid a scene lies.
_GRID = ("bbox", "bbox_crs", "resolution")


@dataclass(frozen=True)
class SlotFiles:
    """What a slot shall hold.

    Attributes
    ----------
    name
        Its name.
    source
        Anything that :func:`geoseg.open_raster` takes as one scene; None if it is missing.
    bands
        Names of the bands that it shall have, in order; None for all.
    required, day, when
        As of :class:`~geoseg.raster.stacks.source.Slot`.
    """

    name: str
    source: Any
    bands: tuple[str, ...] | None = None
    required: bool = False
    day: int | None = None
    when: date | None = None

    @property
    def label(self) -> str:
        """Name for messages: of a series its day, else its own."""
        return self.name if self.when is None else self.when.isoformat()


def stack_slots(
    slots: Sequence[SlotFiles], reading: Mapping[str, Any] | None = None, *, name: str | None = None
) -> Raster:
    """Open the rasters of all slots on the pixels of the first one. No pixel is read.

    The others are brought to it as :func:`geoseg.open_raster` does with the files of a stack: shifted by whole pixels
    where they coincide, else resampled bilinearly (classes by the nearest pixel). What they do not cover is missing.

    Parameters
    ----------
    slots
        At least one of them has a source. A slot that is missing takes its bands from the first slot with as many and
        the same names, and must name them.
    reading
        Keyword arguments of :func:`geoseg.open_raster` for all of them.
    name
        Name of the stack; that of the first raster by default.

    Raises
    ------
    InputError
        If a raster cannot be opened, or does not overlap the first.
    ContractError
        If one lacks a band.
    """
    options = dict(reading or {})
    given = [slot for slot in slots if slot.source is not None]
    if not given:
        raise InputError("no raster is given for any input: name at least one")
    first = _opened(given[0], options)
    beside = {key: value for key, value in options.items() if key not in _GRID}
    placed: dict[str, Slot] = {}
    notes: list[str] = []
    for slot in given:
        own = first if slot is given[0] else _opened(slot, beside)
        raster = _on_grid(slot, own, first, beside)
        if slot.bands is not None:
            raster = _select(raster, slot)
        names = tuple(band.name for band in raster.bands)
        placed[slot.name] = Slot(
            slot.name, names, raster, required=slot.required, day=slot.day, when=slot.when, pixel=_pixel(own)
        )
        notes += [note.replace("the finest", given[0].label) for note in raster.notes]
        if slot.when is not None and _reaches_beyond(own, first):
            notes.append(f"{slot.label}: reaches beyond {given[0].label}, whose extent is mapped")
    made = [placed.get(slot.name) or _missing(slot) for slot in slots]
    label = scene_name(name or first.name)
    bands = [band for slot in made for band in _bands(slot, list(placed.values()))]
    source = StackSource(tuple(made), label)
    return Raster(
        name=label,
        grid=first.grid,
        bands=tuple(bands),
        notes=tuple(merged_notes(notes, "files")),
        parts=tuple(Part(0, number) for number in range(1, len(bands) + 1)),
        inputs=(source,),
    )


def _opened(slot: SlotFiles, options: dict[str, Any]) -> Raster:
    raster = slot.source if isinstance(slot.source, Raster) else open_raster(slot.source, **options)
    if raster.computed:
        raise InputError(
            f"{slot.label}: is computed by dask when it is read; write it to a file first (gdal_translate; "
            "in Python write_cog)"
        )
    return raster


def _on_grid(slot: SlotFiles, own: Raster, first: Raster, options: dict[str, Any]) -> Raster:
    if own.grid == first.grid:
        return own
    if (own.grid.crs is None) != (first.grid.crs is None):
        without, other = (own, first) if own.grid.crs is None else (first, own)
        raise InputError(
            f"{without.sources[0]} has no CRS and {other.sources[0]} has one, so they cannot be aligned; set it with: "
            f"gdal_edit.py -a_srs EPSG:… {without.sources[0]}"
        )
    if not overlaps(own.grid, first.grid, own.sources[0]):
        raise InputError(
            f"{slot.label}: {own.sources[0]} does not overlap {first.sources[0]}; give rasters of the same place, or "
            "leave this one out"
        )
    if isinstance(slot.source, Raster):
        raise InputError(f"{slot.label}: an open raster must lie on the pixels of the first one; give its file")
    return open_on_grid(slot.source, first.grid, **{k: v for k, v in options.items() if k != "allow_remote"})


def _reaches_beyond(raster: Raster, first: Raster) -> bool:
    """Whether a raster covers more than a pixel's width outside of the first one."""
    west, south, east, north = bounds_in(raster.grid, first.grid.crs, raster.name)
    left, bottom, right, top = first.grid.bounds()
    across, down = abs(first.transform.a), abs(first.transform.e)
    return west < left - across or east > right + across or south < bottom - down or north > top + down


def _select(raster: Raster, slot: SlotFiles) -> Raster:
    assert slot.bands is not None
    have = [band.name for band in raster.bands]
    if absent := [name for name in slot.bands if name not in have]:
        raise ContractError(
            f"{slot.label}: {raster.sources[0]} lacks band{'s' * (len(absent) > 1)} {', '.join(absent)}; it has "
            f"{', '.join(have)}: name its bands in the file, by their descriptions"
        )
    return raster.select(slot.bands)


def _missing(slot: SlotFiles) -> Slot:
    if slot.bands is None:
        raise ValueError(f"slot {slot.name} has no raster and names no bands")
    return Slot(slot.name, slot.bands, None, required=slot.required, day=slot.day, when=slot.when)


def _bands(slot: Slot, known: list[Slot]) -> list[Band]:
    """Return the bands of a slot in the stack; those of a missing one are like those of another with the same names."""
    like = slot if slot.raster is not None else next((one for one in known if one.bands == slot.bands), None)
    own = [Band(name, "uint8") for name in slot.bands] if like is None or like.raster is None else like.raster.bands
    named = [replace(band, name=f"{slot.name}:{name}", nodata=None) for band, name in zip(own, slot.bands, strict=True)]
    named.append(Band(f"{slot.name}:{VALID}", "uint8", description="1 where there is data"))
    if slot.day is not None:
        named.append(Band(f"{slot.name}:{DAY}", "uint16", description="day"))
    return named


def _pixel(raster: Raster) -> float | None:
    sides = pixel_sides(raster.crs, raster.transform, raster.shape)
    return None if sides is None else sum(sides) / 2
