"""Cards of ONNX detectors, made from the metadata that Deepness or Ultralytics' exporters have written."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from geoseg.classes import MAX_CLASSES, MapClass, default_color
from geoseg.errors import ModelError
from geoseg.models.card.boxes import ONNX_ARCHITECTURE, BoxHeads, Layout
from geoseg.models.card.card import ModelCard
from geoseg.models.card.scaling import ValueScaling
from geoseg.models.networks.onnx_adapt import input_form
from geoseg.models.networks.onnx_card import (
    band_names,
    bands_of,
    class_names,
    metadata_value,
    name_of,
    number_in,
    resolution_in,
    scaling_in,
    short_text,
)
from geoseg.models.networks.onnx_contract import GraphContract, Port
from geoseg.tiling import round_up

# Deepness's names of what its detectors return, in lower case.
_DEEPNESS: dict[str, Layout] = {
    "yolo_v5_or_v7_default": "objectness",
    "yolo_v6": "classes",
    "yolo_v9": "columns",
    "yolo_ultralytics": "columns",
    "yolo_ultralytics_segmentation": "columns",
}

# What Ultralytics calls what a network does.
_TASKS = ("detect", "segment")
_OTHER_TASKS = {
    "classify": "classes of whole pictures",
    "pose": "key points",
    "obb": "rotated boxes",
}

_STRIDE, _SIDE, _MARGIN = 32, 640, 8
"""Usual stride and side of windows in pixels; the margin is an eighth of the side."""

_OVERLAP = 0.7
"""IoU from which on Ultralytics suppresses boxes by default."""


def is_detector(contract: GraphContract) -> bool:
    """Return whether a graph's metadata, or failing these its outputs, say that it finds boxes."""
    kind, task = (contract.metadata.get(key, "").strip(' "').lower() for key in ("model_type", "task"))
    if kind or task:
        return kind == "detector" or task in (*_TASKS, *_OTHER_TASKS)
    stated = "names" in contract.metadata and "stride" in contract.metadata
    return stated and any(len(_shape(port)) == 3 for port in contract.outputs)


def detector_card(contract: GraphContract, path: Path) -> ModelCard:
    """Return the card of an ONNX detector.

    Parameters
    ----------
    contract
        The graph's contract, with its metadata.
    path
        Its file, which gives the model its name.

    Raises
    ------
    ModelError
        If it finds something else than upright boxes, or its metadata and outputs do not agree or do not tell enough.
    """
    values = {key: metadata_value(text) for key, text in contract.metadata.items()}
    task = str(values.get("task", "")).strip().lower()
    if task in _OTHER_TASKS:
        raise ModelError(
            f"{path}: its metadata say task {task!r}: it returns {_OTHER_TASKS[task]}; geoseg runs detectors of "
            "upright boxes and of instances (tasks detect and segment)"
        )
    names, count = class_names(values, path), bands_of(contract, str(path))
    bands, scaling = band_names(values, count), _scaling(values, count, path)
    lacks = [
        text
        for text, known in (
            ("bands (--bands red,green,…)", bands),
            ("classes (--classes NAME,…)", names),
            ("normalisation (--divide 255, or --divide 1 for none)", scaling),
        )
        if not known
    ]
    if lacks or not bands or not names or scaling is None:
        raise ModelError(f"{path}: a detector that does not state its {'; its '.join(lacks)}")
    if len(names) >= MAX_CLASSES:
        raise ModelError(f"{path}: finds {len(names)} classes; at most {MAX_CLASSES - 1} are possible")
    layout, masks = _layout(contract, values, len(names), path)
    stated = values.get("license")
    score = number_in(values, ("det_conf",), path, least=0)
    window, fields = _windows(contract, values, count, path)
    return ModelCard(
        name=name_of(path),
        title="Made from the metadata of an ONNX detector",
        description="" if score is None else f"Its author suggests --score {score:g}.",
        license=stated if isinstance(stated, str) and stated.strip() else "other",
        architecture=ONNX_ARCHITECTURE,
        bands=[{"name": name} for name in bands],
        classes=_classes(names),
        value_scaling=scaling,
        value_range=(0.0, 255.0),
        resolution=resolution_in(values, path),
        boxes=BoxHeads(
            masks=masks, window=window, limit=300, layout=layout,
            overlap=min(number_in(values, ("det_iou_thresh",), path) or _OVERLAP, 1.0),
        ),
        **fields,
    )  # fmt: skip


def _classes(names: list[str]) -> tuple[MapClass, ...]:
    """Return the background and the classes of objects."""
    taken = {name.strip().lower() for name in names}
    rest = next(word for word in ("background", "nothing", "no object") if word not in taken)
    return tuple(MapClass(number, name, default_color(number)) for number, name in enumerate((rest, *names)))


def _scaling(values: Mapping[str, Any], count: int | None, path: Path) -> tuple[ValueScaling, ...] | None:
    """Return the scaling: bytes divided by 255, as Deepness and Ultralytics have it, or what the metadata state."""
    known = "model_type" in values or "Ultralytics" in f"{values.get('author', '')} {values.get('description', '')}"
    return scaling_in(values, count, path, deepness=known)


def _layout(contract: GraphContract, values: Mapping[str, Any], classes: int, path: Path) -> tuple[Layout, bool]:
    """Return the layout of what a graph returns, and whether it returns masks.

    Raises
    ------
    ModelError
        If its outputs are none that are known, or not of so many classes.
    """
    outputs = [port for port in contract.outputs if "float" in port.dtype]
    rows = [port for port in outputs if len(_shape(port)) == 3]
    prototypes = [port for port in outputs if len(_shape(port)) == 4]
    listed = ", ".join(map(str, contract.outputs))
    if len(rows) != 1 or len(prototypes) > 1 or len(outputs) != len(contract.outputs):
        raise ModelError(
            f"{path}: a detector whose outputs ({listed}) are not those of YOLO: one of boxes with three axes and, for "
            "masks, one of prototypes with four"
        )
    shape = _shape(rows[0])
    kinds = _shape(prototypes[0])[1] if prototypes else 0
    stated = values.get("det_type")
    layout = _DEEPNESS.get(str(stated).strip().lower()) if stated is not None else None
    if stated is not None and layout is None:
        raise ModelError(
            f"{path}: det_type {short_text(stated)} in its metadata is none that is known: {', '.join(_DEEPNESS)}"
        )
    fits: dict[Layout, bool] = {
        "columns": shape[1] == 4 + classes + (kinds or 0),
        "objectness": shape[2] == 5 + classes + (kinds or 0),
        "classes": shape[2] == 5 + classes + (kinds or 0),
        "final": shape[2] == 6 + (kinds or 0),
    }
    if layout is None:
        # Today's exporters name the task, and none of their networks has a score for any object.
        order: tuple[Layout, ...] = ("columns", "final") if "task" in values else ("columns", "objectness")
        layout = next((one for one in order if fits[one]), None)
    if layout is None or not fits[layout] or kinds is None:
        raise ModelError(
            f"{path}: a detector of {classes} classes whose output {rows[0]} is none that is known: for YOLO it has "
            f"4 + {classes} rows, 5 + {classes} columns, or 6 columns{f' and {kinds} of masks' if kinds else ''}"
        )
    return layout, bool(prototypes)


def _shape(port: Port) -> tuple[int | None, ...]:
    """Return an output's sides as stated, and where the graph leaves them free, as inferred for one window."""
    stated, inferred = port.shape or (), port.probe or ()
    if len(stated) != len(inferred):
        return stated or inferred
    return tuple(one if one is not None else other for one, other in zip(stated, inferred, strict=True))


def _windows(
    contract: GraphContract, values: Mapping[str, Any], count: int | None, path: Path
) -> tuple[int, dict[str, Any]]:
    """Return the side of windows, and stride, margin and least window of the card."""
    source = input_form(contract, count, str(path))
    sides = {side for side in source.sides if side}
    if len(sides) > 1:
        raise ModelError(f"{path}: takes windows of {source.sides[1]} × {source.sides[0]} px; square ones are needed")
    stride = int(number_in(values, ("stride",), path) or _STRIDE)
    size = values.get("imgsz")
    size = max(size) if isinstance(size, list | tuple) and size and all(type(one) is int for one in size) else size
    stated = number_in({**values, "imgsz": size}, ("imgsz", "tile_size", "tiles_size"), path)
    side = sides.pop() if sides else int(stated or _SIDE)
    overlap = number_in(values, ("tiles_overlap",), path, least=0)
    margin = side // _MARGIN if overlap is None else int(side * min(overlap, 80) / 200)
    if any(source.sides):
        return side, {"window": side, "min_window": side, "stride": 1, "margin": min(margin, (side - 1) // 2)}
    margin = round_up(margin, stride)
    side = max(round_up(side, stride), 2 * margin + stride)
    return side, {"stride": stride, "margin": margin, "min_window": stride}
