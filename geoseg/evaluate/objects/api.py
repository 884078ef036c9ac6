"""Objects against reference objects: read both, match them, score them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from geoseg.errors import InputError
from geoseg.evaluate.class_matching import parse_renames
from geoseg.evaluate.objects.cells import centres, count_cells
from geoseg.evaluate.objects.classes import Renamer, with_common_classes
from geoseg.evaluate.objects.layer import Target, read_layer
from geoseg.evaluate.objects.matching import assign, rank_of
from geoseg.evaluate.objects.operating import best_score, count, outcome_at
from geoseg.evaluate.objects.options import LEAST_IOU, ObjectOptions
from geoseg.evaluate.objects.overlaps import find_overlaps
from geoseg.evaluate.objects.precision import Ranked, average_precision
from geoseg.evaluate.objects.result import ObjectEvaluation
from geoseg.evaluate.objects.source import ObjectSource, Wanted, choose_fields
from geoseg.geodesy.crs import crs_name
from geoseg.geodesy.polygons import PolygonAreas

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geoseg.evaluate.objects.layer import ObjectLayer
    from geoseg.evaluate.objects.source import Fields

_Progress = Callable[[int, int], None]


def evaluate_objects(
    objects: Any,
    reference: Any,
    *,
    class_field: str | None = None,
    renames: str | Mapping[str, str] | None = None,
    options: ObjectOptions | None = None,
    progress: _Progress | None = None,
) -> ObjectEvaluation:
    """Compare objects (buildings, trees, fields) with reference objects by the IoU of their polygons.

    Geometries rest in temporary files and are read quadrant by quadrant, so that memory grows by some 150 bytes an
    object, whatever its outline. AP is computed as COCO does, without its limit of 100 objects per image, which makes
    no sense for a scene.

    Equal scores are ranked by place: the object with the lesser western bound first, then the southern, eastern and
    northern one, the area, and a checksum of the outline. The order of features in a file does not matter.

    Parameters
    ----------
    objects, reference
        Polygons: GeoPackage, shapefile, GeoJSON, FlatGeobuf, Parquet, ``GeoDataFrame``. The reference is brought to the
        CRS of the objects.
    class_field
        Field of the reference (and of the objects, if they have it) with the class; ``class_name`` or ``class_id`` if
        None. If one side has no class, all objects are of one class.
    renames
        Classes to rename or merge, as for maps: ``"oak=tree,unknown="``.
    options
        Sizes, score, IoU, cells and extent.
    progress
        Called with the number of objects done and in total.

    Raises
    ------
    InputError
        If files cannot be read or change meanwhile (ChangedError), hold no polygons, scores are missing, only one side
        has a CRS, or no class is on both sides.
    OptionError
        If an option's value is impossible, or a field is missing.

    References
    ----------
    Lin et al. 2014, arXiv 1405.0312 (AP); Kirillov et al. 2019, arXiv 1801.00868 (panoptic quality).

    Examples
    --------
    >>> import geopandas, shapely
    >>> from geoseg.evaluate import evaluate_objects
    >>> trees = geopandas.GeoDataFrame(geometry=shapely.box([0, 9], 0, [4, 12], 4))
    >>> evaluate_objects(trees, trees).average_precision
    1.0
    """
    options = options or ObjectOptions()
    sources = ObjectSource(objects, "objects"), ObjectSource(reference, "reference")
    _check_crs(*sources)
    fields = choose_fields(*sources, Wanted(class_field or "", options.score_field or ""))
    bare = not sources[0].class_field, not (class_field or sources[1].class_field)
    renamer = Renamer(parse_renames(renames))
    target = Target(sources[0].crs, renamer if fields[0].classes else None)
    extent = options.extent_in(target.crs)
    steps = _Steps(progress, (2 * sources[0].count) + sources[1].count)
    ours, theirs = (
        read_layer(source, own, target, steps.over(source.batches(own.columns, options.most)))
        for source, own in zip(sources, fields, strict=True)
    )
    renamer.check_used()
    ours, theirs, notes = with_common_classes(ours, theirs)
    overlaps = find_overlaps(
        ours, theirs, min(LEAST_IOU, options.iou), most=options.most, progress=lambda done, _: steps.tell(done)
    )
    steps.tell(sources[0].count)
    ranked = Ranked(
        ours, theirs, overlaps, rank_of(ours.scores), _outside(ours, extent), _outside(theirs, extent),
        target.crs,
    )  # fmt: skip
    score = options.score
    if score is None:
        score = best_score(ranked, assign(overlaps, options.iou, ranked.rank, ranked.reference_outside))
    outcome = outcome_at(ranked, score, options.iou)
    unit = "m2" if PolygonAreas(target.crs).in_metres else "units2"
    return ObjectEvaluation(
        average_precision(ranked, options.sizes),
        count(ranked, outcome),
        count_cells(ranked, outcome, options.cell),
        options,
        unit,
        ranked,
        outcome,
        fields[0].score,
        (*ours.notes, *theirs.notes, *notes, *_notes(ranked, fields, bare, unit), *_score_notes(ranked, options)),
        tuple(one for one in (objects, reference) if isinstance(one, str | Path)),
    )


class _Steps:
    """Counts objects that are read, then those that are matched."""

    def __init__(self, progress: _Progress | None, total: int) -> None:
        self._progress, self._total, self._read = progress, total, 0

    def over(self, batches: Iterable[Any]) -> Iterator[Any]:
        """Yield batches, and tell when each is done."""
        for frame in batches:
            yield frame
            self._read += len(frame)
            self.tell(0)

    def tell(self, matched: int) -> None:
        """Tell how many objects are done."""
        if self._progress is not None:
            self._progress(min(self._read + matched, self._total), self._total)


def _check_crs(objects: ObjectSource, reference: ObjectSource) -> None:
    if (objects.crs is None) == (reference.crs is None):
        return
    bare, other = (objects, reference) if objects.crs is None else (reference, objects)
    raise InputError(
        f"{bare.label} has no CRS, but {other.label} has {crs_name(other.crs)}: they cannot be aligned; set it with: "
        f"ogr2ogr -a_srs EPSG:… NEW.gpkg {bare.label}"
    )


def _outside(layer: ObjectLayer, bbox: tuple[float, ...] | None) -> NDArray[np.bool_]:
    if bbox is None:
        return np.zeros(len(layer), bool)
    west, south, east, north = bbox
    x, y = centres(layer.bounds).T
    return np.asarray(~((x >= west) & (x < east) & (y >= south) & (y < north)))


def _no_classes(ranked: Ranked, bare: tuple[bool, bool]) -> str:
    """Return a note on sides that have no usual class field."""
    labels = [layer.label for layer, own in zip((ranked.objects, ranked.reference), bare, strict=True) if own]
    verb = "have" if len(labels) > 1 else "has"
    remedy = "; name the one of the reference with --class-field" if bare == (False, True) else ""
    return (
        f"{' and '.join(labels)} {verb} no field class_name or class_id: all objects are compared as one class{remedy}"
    )


def _notes(ranked: Ranked, fields: tuple[Fields, Fields], bare: tuple[bool, bool], unit: str) -> list[str]:
    ours, theirs = ranked.objects, ranked.reference
    notes = [f"{layer.label} holds no objects" for layer in (ours, theirs) if not len(layer)]
    if len(ours) and not fields[0].score:
        notes.append(
            f"{ours.label} has no field score or confidence: all objects count alike, and AP is that of one operating "
            "point"
        )
    if not fields[0].classes:
        notes.append(_no_classes(ranked, bare))
    if unit != "m2":
        notes.append("without a CRS, areas are in square units of the coordinates, not m²")
    if len(ours) and len(theirs) and not _extents_meet(ours, theirs):
        notes.append(f"{ours.label} and {theirs.label} do not overlap anywhere: are they of one place?")
    if cut := int(ranked.outside.sum() + ranked.reference_outside.sum()):
        notes.append(f"{cut} objects whose centre lies outside of the extent count neither as right nor as wrong")
    return notes


def _score_notes(ranked: Ranked, options: ObjectOptions) -> list[str]:
    scores = ranked.objects.scores
    highest = float(scores.max()) if len(scores) else 0.0
    if options.score is None or not 0 < options.score <= 1 < highest:
        return []
    taken = f"score {options.score:g} takes {int((scores >= options.score).sum())} of {len(scores)} objects"
    return [f"scores of {ranked.objects.label} reach {highest:g}: are they percents? {taken}"]


def _extents_meet(ours: ObjectLayer, theirs: ObjectLayer) -> bool:
    low = np.maximum(ours.bounds[:, :2].min(0), theirs.bounds[:, :2].min(0))
    high = np.minimum(ours.bounds[:, 2:].max(0), theirs.bounds[:, 2:].max(0))
    return bool((low <= high).all())
