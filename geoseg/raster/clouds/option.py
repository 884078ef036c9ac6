"""``mask_clouds``: which quality band of a scene is used, if it has one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from geoseg.errors import InputError, OptionError
from geoseg.raster.clouds.kinds import KINDS, MASKED, kind_named
from geoseg.raster.clouds.quality import Quality
from geoseg.raster.grids import place
from geoseg.raster.probe import stem_of

if TYPE_CHECKING:
    from geoseg.raster.files.georeference import Grid
    from geoseg.raster.probe import FileInfo

AUTO, NONE = "auto", "none"
PRODUCTS = ("scl", "qa", "fmask", "udm")
"""Quality bands of products that can be asked for."""


@dataclass(frozen=True)
class Found:
    """A band that may be a quality band: of a file, from its number on."""

    kind: str
    info: FileInfo
    first: int = 1


def checked(value: str) -> str:
    """Return the option's value in lower case.

    Raises
    ------
    OptionError
        If it is unknown.
    """
    text = str(value).strip().lower()
    if text not in (AUTO, NONE, *PRODUCTS):
        raise OptionError(
            f"mask-clouds {str(value)[:100]!r} is unknown: use {', '.join((AUTO, NONE, *PRODUCTS))}; models mask "
            "clouds with --mask-clouds MODEL in segment, detect, train and evaluate"
        )
    return text


def found_in(infos: Sequence[FileInfo]) -> list[Found]:
    """Return the quality bands among the bands of files; none if nothing else is there: then they are data."""
    found = []
    if all(kind_named(stem_of(info.label), _evidence(info)) for info in infos):
        return []
    for info in infos:
        evidence = _evidence(info)
        for index, band in zip(info.indexes, info.bands, strict=True):
            kind = kind_named(band.name, evidence) or kind_named(band.description, evidence)
            if kind is not None and len(KINDS[kind].rules) == 1:
                found.append(Found(kind, info, index))
        kind = kind_named(stem_of(info.label), evidence)
        if kind is not None and info.indexes and all(one.info is not info for one in found):
            found.append(Found(kind, info))
    return found


def _evidence(info: FileInfo) -> list[str]:
    return [text for level in info.evidence for text in level]


def quality_of(wanted: str, found: Sequence[Found], grid: Grid, name: str) -> tuple[Quality | None, list[str]]:
    """Return the quality band that is used, on the grid of the scene, and what is said about it.

    Parameters
    ----------
    wanted
        What :func:`checked` returned.
    found
        The quality bands that there are, the best first.
    grid
        The grid of the scene.
    name
        Name of the scene.

    Raises
    ------
    InputError
        If the scene lacks the band that is asked for.
    """
    if wanted == NONE:
        return None, []
    chosen = [one for one in found if wanted in (AUTO, one.kind)]
    if not chosen:
        if wanted == AUTO:
            return None, []
        there = ", ".join(sorted({KINDS[one.kind].title for one in found})) or "no quality band that is known"
        raise InputError(
            f"{name}: has no {KINDS[wanted].title} band for mask-clouds {wanted}; it has {there}: leave the option "
            "out, or name a model that finds clouds"
        )
    one = chosen[0]
    kind = KINDS[one.kind]
    rules = tuple(replace(rule, band=rule.band + one.first - 1) for rule in kind.rules)
    if lacking := [rule.band for rule in rules if rule.band not in one.info.indexes]:
        if wanted != AUTO:
            raise InputError(f"{one.info.label}: has no band {lacking[0]}, so it is no {kind.title}")
        return None, [f"{name}: {one.info.label} has no band {lacking[0]} and masks no clouds"]
    source = place(replace(one.info, categorical=True), grid)
    dtype = one.info.dtypes[one.first - 1]
    quality = Quality(kind.title, source, rules, frozenset(MASKED), dtype, wanted != AUTO)
    quality = replace(quality, masked=frozenset(MASKED) & quality.told)
    return quality, [note_of(quality, name)]


def note_of(quality: Quality, name: str) -> str:
    """Return what is said about a quality band."""
    masked = [one for one in MASKED if one in quality.masked]
    told = " and ".join([", ".join(masked[:-1]), masked[-1]] if len(masked) > 1 else masked)
    return f"{name}: {told} are missing pixels, by {quality.title} (mask-clouds none keeps them)"
