"""Folders that transformers' ``save_pretrained`` has written."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geoseg.errors import ModelError, one_line
from geoseg.models.imports.described import Stated
from geoseg.models.imports.torch_files import license_of
from geoseg.models.networks.huggingface import CLASSES, PREFIX, check_config, require_transformers
from geoseg.models.weights import read_file
from geoseg.system.json_text import parse_json
from geoseg.tiling import round_up

if TYPE_CHECKING:
    import torch

_WEIGHTS = ("model.safetensors", "pytorch_model.bin")

_MARGIN = 64

# What training leaves in a configuration and building a network does not need.
_NOT_KEPT = ("transformers_version", "architectures", "dtype", "torch_dtype", "_name_or_path", "id2label", "label2id")


def huggingface_facts(folder: Path, config: dict[str, Any]) -> tuple[Stated, dict[str, Any], dict[str, torch.Tensor]]:
    """Return what a folder states, the fields of its architecture, and its tensors.

    Raises
    ------
    ModelError
        If its network is not one that gives a class to each pixel, or files are missing or damaged.
    """
    named = config.get("architectures")
    name = named[0] if isinstance(named, list) and named and isinstance(named[0], str) else ""
    if name not in CLASSES:
        raise ModelError(f"{folder}: its architecture is {name or 'not stated'}; added are {', '.join(CLASSES)}")
    require_transformers(str(folder))
    if not any((folder / one).is_file() for one in _WEIGHTS):
        raise ModelError(f"{folder}: has neither of {' and '.join(_WEIGHTS)}; copy the whole folder")
    check_config(config, str(folder))
    bands = _bands(config)
    names = _class_names(config)
    state = _state(folder, name)
    kept = {key: value for key, value in config.items() if key not in _NOT_KEPT}
    processor = _processor(folder)
    normalisation = _normalisation(processor, bands)
    stated = Stated(
        f"a folder of transformers ({name})",
        bands,
        len(config["id2label"]) if isinstance(config.get("id2label"), dict) else 2,
        # Image processors take pictures as red, green, blue.
        ("red", "green", "blue") if bands == 3 and normalisation is not None else None,
        names,
        normalisation,
        license_of(folder),
    )
    parameters: dict[str, Any] = {"config": kept}
    if (side := _side(processor)) is not None:
        parameters["training"] = {"window": side}
    fields = {"architecture": PREFIX + name, "hyperparameters": parameters, **_windows(name, config, folder)}
    return stated, fields, {f"network.{key}": value for key, value in state.items()}


def _state(folder: Path, name: str) -> dict[str, torch.Tensor]:
    """Return the weights under the names of the installed version, which are not those in the file.

    transformers reads them: from this folder alone, from safetensors or as plain data, without code of the folder.
    """
    import transformers

    messages: Any = transformers.utils.logging
    before = messages.get_verbosity()
    messages.set_verbosity_error()
    messages.disable_progress_bar()
    try:
        network, report = getattr(transformers, name).from_pretrained(
            str(folder), local_files_only=True, trust_remote_code=False, weights_only=True, output_loading_info=True
        )
    except Exception as error:  # noqa: BLE001 - transformers raises exceptions of any type
        raise ModelError(f"{folder}: transformers cannot load it: {one_line(error)[:300]}") from None
    finally:
        messages.set_verbosity(before)
        messages.enable_progress_bar()
    for what in ("missing", "unexpected", "mismatched"):
        if keys := sorted(str(key) for key in report.get(f"{what}_keys") or ()):
            raise ModelError(f"{folder}: its weights do not fit {name}: {len(keys)} {what}, such as {keys[0]}")
    return {key: value.float() for key, value in network.state_dict().items()}


def _windows(name: str, config: dict[str, Any], folder: Path) -> dict[str, int]:
    """Return the windows of networks that take one size only: those whose positions are learned."""
    if not name.startswith("DPT"):
        return {}
    side, patch = config.get("image_size"), config.get("patch_size", 16)
    whole = all(isinstance(one, int) and one > 1 for one in (side, patch))
    if not isinstance(side, int) or not isinstance(patch, int) or not whole or side % patch:
        raise ModelError(f"{folder}: its config gives no square image_size of whole patches, the only size it takes")
    margin = min(round_up(_MARGIN, patch), side // 4 // patch * patch)
    return {"window": side, "min_window": side, "stride": patch, "margin": margin}


def _bands(config: dict[str, Any]) -> int:
    inner = config.get("backbone_config")
    value = config.get("num_channels", inner.get("num_channels") if isinstance(inner, dict) else None)
    return value if isinstance(value, int) and value > 0 else 3


def _class_names(config: dict[str, Any]) -> tuple[str, ...] | None:
    """Return the names of the classes; None for LABEL_0, LABEL_1, …, which transformers writes where none are given."""
    names = config.get("id2label")
    if not isinstance(names, dict):
        return None
    try:
        ordered = [str(names[key]) for key in sorted(names, key=int)]
    except ValueError:
        return None
    return None if all(name == f"LABEL_{number}" for number, name in enumerate(ordered)) else tuple(ordered)


def _processor(folder: Path) -> dict[str, Any] | None:
    """Return the configuration of the folder's image processor; None if it has none."""
    path = folder / "preprocessor_config.json"
    if not path.is_file():
        return None
    found = parse_json(read_file(path, 10_000_000, str(path)), str(path), "the configuration of an image processor")
    return found if isinstance(found, dict) else None


def _side(processor: dict[str, Any] | None) -> int | None:
    """Return the side of the pictures that an image processor makes, on which the network was trained."""
    size = None if processor is None or not processor.get("do_resize", True) else processor.get("size")
    if not isinstance(size, dict):
        return size if type(size) is int and size > 0 else None
    sides = [value for key, value in size.items() if key in ("height", "width", "shortest_edge") and type(value) is int]
    return min(sides) if sides and min(sides) > 0 else None


def _normalisation(
    found: dict[str, Any] | None, bands: int
) -> tuple[float, tuple[float, ...], tuple[float, ...]] | None:
    """Return what an image processor does: rescale, then subtract a mean and divide by a deviation."""
    if found is None:
        return None
    divide = 1.0
    if found.get("do_rescale", True):
        factor = found.get("rescale_factor", 1 / 255)
        if not isinstance(factor, int | float) or not factor > 0:
            return None
        divide = 1 / factor
        divide = round(divide) if math.isclose(divide, round(divide), rel_tol=1e-6) else divide
    if not found.get("do_normalize", True):
        return float(divide), (0.0,) * bands, (1.0,) * bands
    means, stds = found.get("image_mean"), found.get("image_std")
    if not (isinstance(means, list) and isinstance(stds, list) and len(means) == len(stds) == bands):
        return None
    return float(divide), tuple(map(float, means)), tuple(map(float, stds))
