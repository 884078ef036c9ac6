"""sketch(): scenes and a few drawings -> a model folder."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from geoseg.errors import InputError, OptionError
from geoseg.progress.reporters import Reporter, Silent
from geoseg.system.outputs import Inputs, local_path
from geoseg.train.options import as_list

if TYPE_CHECKING:
    import geopandas as gpd
    import xarray as xr
    from numpy.typing import NDArray

    from geoseg.classes import MapClass
    from geoseg.models import Model
    from geoseg.raster import Raster
    from geoseg.train.data.polygons import Polygons
    from geoseg.train.sketch.cache import Cache
    from geoseg.train.sketch.learn import Expert, Learned, Verdict
    from geoseg.train.sketch.network import Describer
    from geoseg.train.sketch.shapes import DrawnPixels

# Labelled pixels whose features are computed: more hardly change what is learned.
_MOST_PIXELS = 50_000


@dataclass(frozen=True, eq=False)
class _Request:
    """What the user asked for; see :func:`sketch` for each."""

    images: list[Any]
    labels: list[Any]
    output: Path | None
    class_field: str | None
    classes: Any
    ignore: tuple[str, ...]
    pretrained: str | Model | None
    previous: Path | None
    reading: Mapping[str, Any]
    licence: str
    seed: int
    quick: bool
    reporter: Reporter


def sketch(
    images: str | os.PathLike[str] | Raster | xr.DataArray | Sequence[Any],
    labels: str | os.PathLike[str] | gpd.GeoDataFrame | Sequence[Any],
    output: str | os.PathLike[str] | None = None,
    *,
    class_field: str | None = None,
    classes: str | Sequence[str] | Mapping[str, str] | None = None,
    ignore: Sequence[str] = (),
    pretrained: str | Model | None = "auto",
    previous: str | os.PathLike[str] | None = None,
    reading: Mapping[str, Any] | None = None,
    licence: str = "other",
    seed: int = 0,
    quick: bool = False,
    overwrite: bool = False,
    reporter: Reporter | None = None,
) -> Model:
    """Make a model from a few drawn polygons, lines or points, in seconds.

    Pixels are described by bands, ratios of bands, small windows around them, and what a pretrained model says of
    them; a small classifier is learned. Which of these, is chosen on drawings that are held out in turn, whole: the
    card says how well that went. The model runs like any other.

    Parameters
    ----------
    images
        Path, :class:`Raster` or array (band, y, x), or a list of these; any bands, the same in all. Read only around
        the drawings, and at up to 25 places each for the distribution of their values.
    labels
        Drawings in any CRS: vector files or GeoDataFrames. Polygons label the pixels whose centres they contain, points
        the pixel that they lie in, lines the pixels that they cross. Where drawings overlap, the last one counts.
    output
        Model folder to write. None keeps the model in memory only.
    class_field
        Field that holds the class; found by usual names if None. Drawings without a class are left out.
    classes
        As for :func:`geoseg.train`; those that occur if None.
    ignore
        Class names to leave out.
    pretrained
        Model whose answers are features: a name, folder or loaded model; ``"auto"`` takes a bundled one that fits
        bands, units and resolution, if there is one; None takes none.
    previous
        Model folder of an earlier sketch of these scenes: what was computed for it is not computed again.
    reading
        Keyword arguments of :func:`open_raster` for every image: bands, scale, offset, nodata ….
    licence
        Licence of the model for its card: an SPDX identifier, or ``"other"``.
    seed
        Of the choice of pixels and of what is held out.
    quick
        Do not compare ways to learn: features and classifier are those of the earlier sketch, or without one those that
        do well with few drawings. Held-out drawings judge them all the same.
    overwrite
        Replace an existing model.
    reporter
        Receives progress and messages; if None, warnings go to stderr.

    Returns
    -------
    Model

    Raises
    ------
    GeosegError
        If images, labels or options cannot be used, or the output is a URL or holds one of them.

    Examples
    --------
    >>> import geoseg
    >>> model = geoseg.sketch("scene.tif", "few.gpkg", "my-sketch")
    >>> [c.name for c in model.card.classes]
    ['field', 'water', 'wood']
    >>> model.card.metrics["held_out"]["places"]
    9
    """
    from geoseg.train.run import check_output

    target = None if output is None else local_path(output)
    if target is not None:
        Inputs(images, labels).check_folder(target)
        same = previous is not None and target.exists() and Path(previous).resolve() == target.resolve()
        check_output(target, overwrite=overwrite or same)
    request = _Request(
        images=as_list(images), labels=as_list(labels), output=target, class_field=class_field, classes=classes,
        ignore=tuple(ignore), pretrained=pretrained, previous=None if previous is None else Path(previous),
        reading=dict(reading or {}), licence=licence, seed=seed, quick=quick, reporter=reporter or Silent(),
    )  # fmt: skip
    return _sketch(request)


def _sketch(request: _Request) -> Model:
    from geoseg.train.data.images import open_images
    from geoseg.train.sketch.cache import Cache
    from geoseg.train.sketch.card import finished_card, metrics_of, score_text, unjudged
    from geoseg.train.sketch.network import finished
    from geoseg.train.sketch.shapes import read_drawings

    reporter = request.reporter
    reporter.start(
        images=[str(image) for image in request.images],
        output=None if request.output is None else str(request.output),
        previous=None if request.previous is None else str(request.previous),
    )
    rasters = open_images(request.images, request.reading, None)
    drawings = read_drawings(request.labels, rasters, request.class_field)
    classes, drawn = _drawn(request, rasters, drawings)
    rasters = [raster for raster, own in zip(rasters, drawn, strict=True) if own is not None]
    labelled = [own for own in drawn if own is not None]
    known = _previous(request, rasters)
    described, values, pretrained = _describer(request, rasters, labelled, known)
    pixels, kept = _pixels(request, rasters, labelled, described, known, len(classes))
    classes, pixels = _occurring(classes, pixels, reporter)
    expert, verdict, tried = _learned(request, pixels)
    layout, network = finished(described, expert, len(classes))
    card = finished_card(
        rasters=rasters, classes=classes, values=values, described=described, layout=layout, expert=expert,
        verdict=verdict, pixels=pixels, pretrained=pretrained, output=request.output, licence=request.licence,
    )  # fmt: skip
    reference = None if pretrained is None else (pretrained.card.name, pretrained.fingerprint)
    scenes = [raster.fingerprint() for raster in rasters]
    cache = Cache(values, reference, {s: p for s, (p, _) in zip(scenes, kept, strict=True)},
                  {s: f for s, (_, f) in zip(scenes, kept, strict=True)})  # fmt: skip
    model = _saved(request, card, network, cache)
    reporter.info(score_text(verdict, classes))
    if verdict is not None and (left := unjudged(verdict, classes)):
        reporter.warning(f"drawn in one place only, so the score says nothing of it: {', '.join(left)}")
    if verdict is None:
        reporter.warning("each class was drawn in one place only: draw more to learn how good the model is")
    reporter.info(f"every pixel gets one of these {len(classes)} classes: draw what else the scene holds, too")
    compared = "no candidates" if request.quick else f"{tried} candidates"
    reporter.info(f"{compared} compared; features: {', '.join(expert.candidate.groups)}"
                  + (f"; {pretrained.card.name} is weighed in" if pretrained and layout.prior else ""))  # fmt: skip
    reporter.result(
        outputs={} if request.output is None else {"model": str(request.output)},
        classes={c.name: {"id": c.id, "color": c.color, "pixels": int((pixels.classes == c.id).sum())}
                 for c in classes},
        metrics={} if verdict is None else metrics_of(verdict, classes),
        places={c.name: int(np.unique(pixels.places[pixels.classes == c.id]).size) for c in classes},
        learned={"features": list(expert.candidate.groups), "hidden": expert.candidate.hidden,
                 "decay": expert.candidate.decay, "trust_in_pretrained": expert.candidate.trust},
        compared=tried,
    )  # fmt: skip
    return model


def _learned(request: _Request, pixels: Learned) -> tuple[Expert, Verdict | None, int]:
    from geoseg.models import load_model
    from geoseg.train.sketch.card import candidate_of
    from geoseg.train.sketch.learn import MOST_CANDIDATES, learn, usual

    only = None
    if request.quick:
        known = None if request.previous is None else candidate_of(load_model(request.previous).card, pixels.groups)
        only = known or usual(pixels.groups)
    most, done = MOST_CANDIDATES if only is None else 1, 0

    def tick() -> None:
        nonlocal done
        done += 1
        request.reporter.progress(min(done, most), most, "learning")

    request.reporter.progress(0, most, "learning")
    found = learn(pixels, request.seed, tick, only)
    request.reporter.progress(most, most, "learning")
    return found


def _drawn(
    request: _Request, rasters: list[Raster], drawings: Polygons
) -> tuple[tuple[MapClass, ...], list[DrawnPixels | None]]:
    """Return the classes, and the labelled pixels of each scene."""
    from geoseg.train.data.class_mapping import map_classes, parse_classes
    from geoseg.train.sketch.shapes import drawn_pixels

    reporter, name = request.reporter, drawings.label
    for note in drawings.notes:
        reporter.warning(note)
    if drawings.skipped:
        reporter.warning(
            f"{name}: {drawings.skipped} drawings without a class are left out; to use them, fill in their field "
            f"{drawings.field!r}"
        )
    every = np.arange(len(drawings.vocabulary.classes))
    counts, touched = np.zeros(len(every), np.int64), np.zeros(len(every), np.bool_)
    for raster in rasters:
        found = drawn_pixels(drawings, raster, every)
        if found is not None:
            counts += np.bincount(found.codes, minlength=len(every))
            touched[found.drawn] = True
    if not counts.any():
        raise InputError(
            f"{name}: no drawing lies on {'the image' if len(rasters) == 1 else 'any of the images'} "
            f"({rasters[0].name}); do they cover the same place, and is the CRS of each right?"
        )
    names = np.array([c.name for c in drawings.vocabulary.classes])
    if (covered := names[touched & (counts == 0)]).size:
        reporter.warning(
            f"{name}: no pixel is left of {', '.join(covered[:10])}: all of them are drawn with another class later in "
            "the file, and the last drawing counts"
        )
    wanted = parse_classes(request.classes)
    mapping = map_classes(dict(enumerate(counts.tolist())), drawings.vocabulary, wanted, request.ignore, name,
                          drawn=True)  # fmt: skip
    codes = np.full(len(every), -1)
    codes[mapping.values] = np.where(mapping.indices == 255, -1, mapping.indices.astype(np.int64))
    drawn = [drawn_pixels(drawings, raster, codes) for raster in rasters]
    if (outside := names[~touched]).size:
        reporter.warning(f"{name}: no drawing of {', '.join(outside[:10])} lies on the images")
    if contradicted := sum(own.contradicted for own in drawn if own is not None):
        reporter.warning(
            f"{name}: {contradicted:,} pixels are drawn with several classes; of each, the drawing that comes last in "
            "the file counts"
        )
    return mapping.classes, drawn


def _previous(request: _Request, rasters: list[Raster]) -> Cache | None:
    """Return what an earlier sketch kept, if it is of scenes with the same bands."""
    from geoseg.models.card.card import CARD_FILE
    from geoseg.train.sketch.cache import read_cache

    if request.previous is None:
        return None
    if not (request.previous / CARD_FILE).is_file():
        raise OptionError(f"{request.previous} is no model folder; --from takes the folder of an earlier sketch")
    found = read_cache(request.previous)
    if found is None:
        raise OptionError(f"{request.previous} holds no sketch that can be continued; leave --from out")
    if [band.name for band in found.values.bands] != [band.name for band in rasters[0].bands]:
        raise OptionError(
            f"{request.previous} was sketched from the bands {', '.join(b.name for b in found.values.bands)}, "
            f"{rasters[0].name} has {', '.join(b.name for b in rasters[0].bands)}; leave --from out"
        )
    return found


def _describer(
    request: _Request, rasters: list[Raster], labelled: list[DrawnPixels], known: Cache | None
) -> tuple[Describer, Any, Model | None]:
    """Return the network that computes features, the values of the scenes, and the pretrained model in it."""
    from geoseg.models.card.scaling import fold
    from geoseg.train.sketch.network import describer
    from geoseg.train.sketch.pretrained import choose_pretrained, find_pretrained
    from geoseg.train.sketch.values import scene_values

    reporter = request.reporter
    pretrained: Model | None = None
    if known is None:
        pretrained = choose_pretrained(rasters, request.pretrained)
    elif known.pretrained is not None:
        pretrained = find_pretrained(*known.pretrained, request.pretrained)
    values = known.values if known is not None else scene_values(rasters, [own.pixels for own in labelled])
    for name in values.constant if known is None else ():
        reporter.warning(f"band {name} is constant in the scene: the model learns nothing from it")
    conventions = [(band.scale, band.offset) for band in values.bands]
    affine = [fold(raster.bands, conventions, values.scaling) for raster in rasters]
    if pretrained is not None:
        reporter.info(f"the answers of model {pretrained.card.name} are features")
    return describer(values, rasters, affine, pretrained), values, pretrained


def _pixels(
    request: _Request,
    rasters: list[Raster],
    labelled: list[DrawnPixels],
    described: Describer,
    known: Cache | None,
    count: int,
) -> tuple[Learned, list[tuple[NDArray[np.int64], NDArray[np.float32]]]]:
    """Return the labelled pixels with their features, and pixels and features of each scene to keep."""
    from geoseg.train.sketch.features import cell_count, describe_pixels
    from geoseg.train.sketch.learn import Learned

    network, geometry = described.network, (described.stride, described.margin)
    chosen = [_chosen(own, _MOST_PIXELS * len(own.pixels) // sum(len(o.pixels) for o in labelled)) for own in labelled]
    wide = network.layout.features
    scenes = [raster.fingerprint() for raster in rasters]
    no_scene = (np.zeros(0, np.bool_), np.zeros((0, wide), np.float32))
    there = [
        (np.zeros(len(own.pixels), np.bool_), np.zeros((len(own.pixels), wide), np.float32))
        if known is None else known.known(scene, own.pixels, wide)
        for scene, own in zip(scenes, chosen, strict=True)
    ] or [no_scene]  # fmt: skip
    total = sum(
        cell_count(own.pixels[~have], raster.shape, geometry)
        for raster, own, (have, _) in zip(rasters, chosen, there, strict=True)
    )
    done = 0

    def tick() -> None:
        nonlocal done
        done += 1
        request.reporter.progress(done, total, "features")

    features, classes, places, kept = [], [], [], []
    missing = first = 0
    for raster, affine, own, (have, found) in zip(rasters, described.affine, chosen, there, strict=True):
        new, valid = describe_pixels(network, raster, affine, own.pixels[~have], geometry, tick)
        good = have.copy()
        good[~have] = valid
        found[~have] = new
        missing += int((~good).sum())
        features.append(found[good])
        classes.append(own.codes[good])
        places.append(own.places[good] + first)
        first += int(own.places.max(initial=0)) + 1
        kept.append((own.pixels[good], found[good]))
    if missing:
        request.reporter.warning(f"{missing:,} drawn pixels have no data in the image and are left out")
    pixels = Learned(
        np.concatenate(features), np.concatenate(classes), np.concatenate(places), count, network.layout.groups
    )
    return pixels, kept


def _chosen(own: DrawnPixels, most: int) -> DrawnPixels:
    """Return at most about ``most`` pixels, spread over places; the same ones whenever a place is the same."""
    if len(own.pixels) <= max(most, 1):
        return own
    # A hash of the position: it does not depend on what else is drawn, so that unchanged drawings stay cached.
    rank = (own.pixels.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(16)
    order = np.lexsort((rank, own.places))
    _, starts, sizes = np.unique(own.places[order], return_index=True, return_counts=True)
    number = np.arange(len(order)) - np.repeat(starts, sizes)
    low, high = 1, int(sizes.max())
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if np.minimum(sizes, middle).sum() <= most else (low, middle - 1)
    rows = np.sort(order[number < low])
    return replace(own, pixels=own.pixels[rows], codes=own.codes[rows], places=own.places[rows])


def _occurring(
    classes: tuple[MapClass, ...], pixels: Learned, reporter: Reporter
) -> tuple[tuple[MapClass, ...], Learned]:
    """Return the classes that have a valid pixel, numbered anew."""
    found = np.bincount(pixels.classes, minlength=len(classes)) > 0
    if found.sum() < 2:
        have = [c.name for c, there in zip(classes, found, strict=True) if there]
        raise InputError(
            f"{'only ' + repr(have[0]) if have else 'nothing'} is drawn on pixels with data, but a model needs 2 "
            "classes: draw what is not of this class, too"
        )
    if not found.all():
        lost = ", ".join(c.name for c, there in zip(classes, found, strict=True) if not there)
        reporter.warning(f"no drawn pixel with data of {lost}: left out")
    number = np.cumsum(found) - 1
    kept = tuple(replace(c, id=int(number[c.id])) for c in classes if found[c.id])
    return kept, replace(pixels, classes=number[pixels.classes], count=len(kept))


def _saved(request: _Request, card: Any, network: Any, cache: Cache) -> Model:
    """Write the model folder, complete or not at all, or return the model in memory."""
    from geoseg.models import Model, load_model, save_model
    from geoseg.train.model_folder import replaced_folder
    from geoseg.train.sketch.cache import write_cache

    if request.output is None:
        return Model(card, module=network)
    with replaced_folder(request.output) as partial:
        save_model(partial, card, network)
        write_cache(partial, cache)
    return load_model(request.output)
