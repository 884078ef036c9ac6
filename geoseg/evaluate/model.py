"""A model against labelled images: each is segmented as by ``geoseg segment``, then compared with its labels."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geoseg.errors import InputError, OptionError
from geoseg.evaluate.api import check_compared, is_path, left_out_notes
from geoseg.evaluate.class_matching import match, parse_renames
from geoseg.evaluate.comparison import Comparison, ComparisonCounts, count_pixels
from geoseg.evaluate.evaluation import Evaluation
from geoseg.evaluate.metrics import scores
from geoseg.evaluate.reference import ClassLayer, RasterLayer, is_vector, open_map, open_reference
from geoseg.progress.forecast import expected_seconds, slowness
from geoseg.raster.files.members import check_unchanged
from geoseg.raster.scenes.suffixes import RASTER_SUFFIXES, VECTOR_SUFFIXES
from geoseg.raster.stacks.places import files_of, scenes_of
from geoseg.system.threads import ordered_map

if TYPE_CHECKING:
    from geoseg.segment.plan import Options, Plan

# Steps of the progress that an image counts.
_STEPS = 1000
# Seconds for each million pixels that a model is taken to need before it was measured.
_USUAL = 0.5

_LABEL_ENDS = ("_labels", "_label", "_mask", "_classes", "_truth", "_reference", "_gt")


def evaluate_model(
    model: Any,
    images: Sequence[Any] | str | Path | Mapping[str, Any],
    labels: Sequence[Any] | str | Path,
    *,
    class_field: str | None = None,
    buffer: float | None = None,
    renames: str | Mapping[str, str] | None = None,
    tolerance: float | None = 2.0,
    options: Options | None = None,
    reading: Mapping[str, Any] | None = None,
    progress: Callable[[int, int, str], None] | None = None,
    warn: Callable[[str], None] | None = None,
) -> Evaluation:
    """Segment labelled images and compare the maps with the labels.

    Parameters
    ----------
    model
        Name, folder or loaded model.
    images
        Images, or a folder of rasters. For a model of several inputs a mapping, as :func:`geoseg.train` takes it:
        ``{"optical": "S2/*.tif", "sar": "S1/*.tif"}``, ``{"date": "2024-*.tif"}``, ``{"before": …, "after": …}``.
    labels
        Class rasters, polygons, lines or points: one for each image in the same order, a folder with files named as
        the images (``A.tif`` or ``A_labels.tif``), or one file for all. Images may be labelled in part.
    class_field, buffer, renames, tolerance
        See :func:`geoseg.evaluate`.
    options
        Window, margin, device …: :class:`geoseg.segment.plan.Options`.
    reading
        Keyword arguments of :func:`geoseg.open_raster` for the images.
    progress
        Called with thousandths of images done and in total, and what is done: ``"evaluate: NAME"``.
    warn
        Called with each warning, one line.

    Returns
    -------
    Evaluation
        Scores over all images; ``facts["images"]`` has pixels, overall accuracy and mean IoU of each.

    Raises
    ------
    InputError, ContractError
        If an image or its labels cannot be used, or no pixel is labelled.
    """
    from geoseg.models import load_model, open_inputs
    from geoseg.models.card.inputs import AFTER, BEFORE
    from geoseg.raster import open_raster
    from geoseg.segment.cloud_model import masked_by, split_clouds
    from geoseg.segment.plan import Options, make_plan

    loaded, reading = load_model(model), dict(reading or {})
    opening, clouds = split_clouds(reading, several=isinstance(images, Mapping))
    pairs = pair(scenes_of(images, reading, (BEFORE, AFTER)) if isinstance(images, Mapping) else images, labels)
    limited_warn, total = _FirstWarnings(warn), None
    per_image: list[dict[str, Any]] = []
    parts: list[Evaluation] = []
    for number, (image, label) in enumerate(pairs):
        name = Path(str(files_of(image)[0])).name
        course = _Course(progress, name, number, len(pairs))
        course.tell(0.0)
        several = isinstance(image, Mapping)
        raster = open_inputs(loaded, image, reading) if several else open_raster(image, **opening)
        raster = raster if clouds is None else masked_by(raster, clouds, (options or Options()).device)
        plan = make_plan(raster, loaded, options or Options())
        for line in plan.warnings_of(raster.name):
            limited_warn(line)
        with tempfile.TemporaryDirectory(prefix="geoseg-evaluate-", ignore_cleanup_errors=True) as folder:
            maps = _segment(plan, Path(folder), course)
            layer = open_map(maps[0])
            field = class_field if is_vector(label) else None
            other = open_reference(label, layer.raster.grid, field, parse_renames(renames), buffer)
            part = _compare(plan, (layer, open_map(maps[1])), other, parse_renames(renames), tolerance, course)
        check_unchanged(raster)
        parts.append(part)
        image_scores = scores(part.matrix)
        per_image.append(
            {
                "image": {key: _plain(one) for key, one in image.items()} if several else str(image),
                "labels": str(label),
                "pixels": int(part.matrix.sum()),
                "overall_accuracy": None if not part.matrix.sum() else round(image_scores.overall_accuracy, 6),
                "mean_iou": None if not part.matrix.sum() else round(image_scores.mean_iou, 6),
            }
        )
        if not part.matrix.sum():
            limited_warn(f"{name}: no pixel of it is labelled")
        total = _added(total, part.counts)
    if progress is not None:
        progress(_STEPS * len(pairs), _STEPS * len(pairs), "evaluate")
    limited_warn.close()
    assert total is not None
    predicted = f"model {loaded.card.name}"
    reference = f"{len(pairs)} labelled image{'s' * (len(pairs) != 1)}"
    check_compared(total, predicted, reference)
    notes = tuple(dict.fromkeys(note.replace(part.reference, "labels") for part in parts for note in part.notes))
    facts = {"model": {"name": loaded.card.name, "fingerprint": loaded.fingerprint}, "images": per_image}
    inputs = tuple(one for image, label in pairs for one in (*files_of(image), label) if is_path(one))
    return Evaluation(predicted, reference, parts[0].classes, total, tolerance, notes, facts, inputs)


@dataclass
class _Course:
    """How far the evaluation of one image of several is; its blocks count by the time that they take."""

    progress: Callable[[int, int, str], None] | None
    name: str
    number: int
    images: int
    mapping: float = 1.0

    def tell(self, share: float, text: str = "") -> None:
        """Tell what share of the image is done."""
        if self.progress is not None:
            done = round(_STEPS * (self.number + share))
            self.progress(done, _STEPS * self.images, f"evaluate: {text or self.name}")

    def plan(self, plan: Plan) -> None:
        """Take from a plan what share of the time its blocks take."""
        pixels = math.prod(plan.raster.shape)
        seconds = plan.seconds()
        seconds = _USUAL * pixels / 1e6 if seconds is None else seconds * slowness("segment", plan.model.card.name)
        self.mapping = seconds / (seconds + expected_seconds(["evaluate"], pixels)["evaluate"])
        if self.images == 1 and plan.model.card.boxes is None and plan.measured_rate() is None:
            self.tell(0.0, "measuring the fastest settings for this model, once on this machine")

    def blocks(self, done: int, total: int) -> None:
        """Tell how many blocks are mapped."""
        self.tell(self.mapping * done / total)

    def windows(self, done: int, total: int) -> None:
        """Tell how many windows of the map are compared."""
        self.tell(self.mapping + (1 - self.mapping) * done / total)


class _FirstWarnings:
    """Passes on the first warnings and counts the rest: hundreds of images often have the same."""

    most = 5

    def __init__(self, warn: Callable[[str], None] | None) -> None:
        self._warn = warn or (lambda _: None)
        self._count = 0

    def __call__(self, line: str) -> None:
        self._count += 1
        if self._count <= self.most:
            self._warn(line)

    def close(self) -> None:
        """Report how many warnings were dropped."""
        if self._count > self.most:
            self._warn(f"{self._count - self.most} more warnings of this kind for other images")


def _added(total: ComparisonCounts | None, part: ComparisonCounts) -> ComparisonCounts:
    if total is None:
        return part
    total.add(part)
    total.errors = None  # an error map covers one scene
    return total


def _compare(
    plan: Plan,
    maps: tuple[RasterLayer, RasterLayer],
    other: ClassLayer,
    renames: dict[str, str],
    tolerance: float | None,
    course: _Course,
) -> Evaluation:
    """Compare class map and confidence of one image with its labels."""
    layer, confidence = maps
    # In messages the model's name replaces that of the temporary file.
    shown = RasterLayer(layer.raster, plan.model.card.classes, f"model {plan.model.card.name}")
    scheme = match(shown.side, other.side, renames)
    comparison = Comparison(shown, other, scheme, confidence, tolerance)
    counted = count_pixels(comparison, course.windows)
    from geoseg.raster import release_handles

    release_handles()  # Windows deletes no open file
    notes = (*scheme.notes, *left_out_notes(comparison, counted))
    return Evaluation(shown.label, other.side.label, scheme.classes, counted, tolerance, notes)


def _segment(plan: Plan, folder: Path, course: _Course) -> tuple[Path, Path]:
    """Write class map and confidence of a plan, block by block."""
    from geoseg.segment.block import make_recipe, segment_block
    from geoseg.write import CogSink

    course.plan(plan)
    recipe = make_recipe(plan)
    paths = folder / "classes.tif", folder / "confidence.tif"
    box = plan.raster.geobox
    with CogSink(paths[0], box) as classes, CogSink(paths[1], box, kind="confidence") as confidence:
        blocks = ordered_map(lambda index: segment_block(recipe, index), range(plan.tiling.block_count), plan.workers)
        for done, block in enumerate(blocks, 1):
            course.blocks(done, plan.tiling.block_count)
            classes.write(block.box, block.classes)
            confidence.write(block.box, block.confidence)
    return paths


def pair(images: Sequence[Any] | str | Path, labels: Sequence[Any] | str | Path) -> list[tuple[Any, Any]]:
    """Return images with their labels.

    Raises
    ------
    InputError
        If an image has no labels, or a folder no rasters.
    OptionError
        If there are several labels, but not one for each image.
    """
    scenes = _listed(images, "images")
    folder = _folder(labels)
    if folder is not None:
        return [(scene, _beside(folder, scene)) for scene in scenes]
    wanted = _listed(labels, "labels")
    if len(wanted) == 1:
        return [(scene, wanted[0]) for scene in scenes]
    if len(wanted) != len(scenes):
        raise OptionError(
            f"{len(scenes)} images and {len(wanted)} labels: give one label for each image, or one for all"
        )
    return list(zip(scenes, wanted, strict=True))


def _plain(source: Any) -> Any:
    """Return an input of an image for a report: its file, or the files by date."""
    return {str(day): str(one) for day, one in source.items()} if isinstance(source, Mapping) else str(source)


def _folder(source: Any) -> Path | None:
    if isinstance(source, Sequence) and not isinstance(source, str) and len(source) == 1:
        source = source[0]
    return Path(source) if isinstance(source, str | Path) and Path(source).is_dir() else None


def _listed(source: Any, what: str) -> list[Any]:
    folder = _folder(source)
    if folder is not None:
        found = sorted(path for path in folder.iterdir() if path.suffix.lower() in RASTER_SUFFIXES)
        if not found:
            raise InputError(f"{folder}: no rasters in this folder of {what}; name files")
        return list(found)
    found_list = [source] if isinstance(source, str | Path) or not isinstance(source, Sequence) else list(source)
    if not found_list:
        raise OptionError(f"no {what} given; name at least one")
    return found_list


def _beside(folder: Path, scene: Any) -> Path:
    first = files_of(scene)[0]
    stem = Path(str(first)).stem
    wanted = (stem, *(stem + end for end in _LABEL_ENDS), *(stem.removesuffix("_image") + end for end in _LABEL_ENDS))
    suffixes = (*RASTER_SUFFIXES, *VECTOR_SUFFIXES)
    files = {path.stem: path for path in sorted(folder.iterdir()) if path.suffix.lower() in suffixes}
    found = next((files[name] for name in wanted if name in files), None)
    if found is None:
        raise InputError(f"{first}: no labels of that name in {folder}; name them {stem}.tif or {stem}_labels.tif")
    return found
