"""State dicts and checkpoints of torch, and folders of segmentation-models-pytorch (smp).

Pickles are read by torch's own reader of plain data, ``weights_only=True``: tensors, numbers and texts, no code.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geoseg.errors import ModelError, one_line
from geoseg.models.build import build_architecture
from geoseg.models.card.card import ModelCard
from geoseg.models.imports.described import ImportOptions, Stated, license_in
from geoseg.models.weights import MAX_WEIGHTS_BYTES, SAFETENSORS, read_file
from geoseg.system.json_text import parse_json

if TYPE_CHECKING:
    import torch

    State = Mapping[str, torch.Tensor]

# Where trainers keep the network in their checkpoints: Lightning, torchgeo, terratorch, smp, DataParallel.
_CONTAINERS = ("state_dict", "model_state_dict", "model", "network")

# Tensors beside a network's own: of a trainer's losses and scores, and constants that older versions stored.
_LEFT_OUT = re.compile(
    r"^(?:criterion|loss\w*|(?:train|val|test)_metrics|\w*metrics?)\.|(?:^|\.)(?:num_batches_tracked|position_ids|"
    r"relative_position_index)$"
)
_HEAD = "segmentation_head.0.weight"

# Arguments in smp's config.json that the card states itself, or that change nothing once weights are loaded.
_CARDS_OWN = ("encoder_name", "encoder_weights", "in_channels", "classes", "activation", "aux_params")


def read_state(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Return the tensors of a file, and the numbers and texts that a trainer has stored with them.

    Raises
    ------
    ModelError
        If it is damaged, holds more than plain data, or no tensors.
    """
    import torch

    data = read_file(path, MAX_WEIGHTS_BYTES, str(path))
    if path.suffix.lower() == SAFETENSORS:
        return _read_safetensors(data, path), {}
    try:
        content = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except Exception as error:  # noqa: BLE001 - of pickle, zipfile and torch
        if data[:2] != b"PK" and data[:1] != b"\x80":  # neither a zip file nor a pickle
            raise ModelError(f"{path}: not a file of torch; name the file of weights") from None
        if "weights_only" in str(error) or "Unsupported" in str(error):
            found = re.search(r"GLOBAL ([\w.]+)", str(error))
            what = f" ({found[1]})" if found else ""
            raise ModelError(
                f"{path}: holds more than weights{what}, and code from files is never run; where it was trained, save "
                "the weights alone: torch.save(model.state_dict(), 'weights.pth')"
            ) from None
        raise ModelError(f"{path}: not a file of torch, or a damaged one ({one_line(error)[:120]})") from None
    if not isinstance(content, Mapping):
        raise ModelError(f"{path}: holds a {type(content).__name__}, no state dict; save model.state_dict()")
    stored = content.get("hyper_parameters")
    state: Any = content
    for key in _CONTAINERS:
        if isinstance(state.get(key), Mapping):
            state = state[key]
            break
    tensors = {str(name): value for name, value in state.items() if isinstance(value, torch.Tensor)}
    if not tensors:
        raise ModelError(f"{path}: has no weights; save model.state_dict()")
    return tensors, dict(stored) if isinstance(stored, Mapping) else {}


def _read_safetensors(data: bytes, path: Path) -> dict[str, torch.Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        return load(data)
    except (SafetensorError, ValueError, KeyError) as error:
        raise ModelError(f"{path}: not a safetensors file, or a damaged one ({one_line(error)[:120]})") from None


def state_facts(path: Path, options: ImportOptions) -> tuple[Stated, dict[str, Any], dict[str, torch.Tensor]]:
    """Return what a state dict states, the fields of its architecture, and its tensors.

    Raises
    ------
    ModelError
        If the architecture is known neither from the checkpoint nor from options.
    """
    state, stored = read_state(path)
    stored, kwargs = _of_terratorch(path, stored)
    _check_task(path, stored)
    # torchgeo's trainers store model="unet", backbone="resnet18".
    arch = options.arch or _text(stored, "model")
    encoder = options.encoder or _text(stored, "backbone")
    if arch is None or encoder is None:
        lack = [name for name, value in (("--arch unet", arch), ("--encoder resnet18", encoder)) if value is None]
        raise ModelError(f"{path}: does not state its architecture; say it with {' and '.join(lack)}, for example")
    kind = "a checkpoint" if stored else "a state dict"
    classes = _whole(stored, "num_classes")
    stated = Stated(kind, _whole(stored, "in_channels"), _head_classes(state) or classes)
    parameters = {"encoder": encoder, **({"kwargs": kwargs} if kwargs else {})}
    return stated, {"architecture": arch, "hyperparameters": parameters}, state


def _check_task(path: Path, stored: Mapping[str, Any]) -> None:
    """Refuse networks of torchgeo's trainers whose outputs are no classes that exclude one another.

    The trainer's own name is not in a checkpoint; its arguments are.
    """
    if "num_outputs" in stored:
        what = "estimates a number for each pixel (its trainer is one of regression) and maps no classes"
    elif stored.get("task") == "multilabel":
        what = "may give a pixel several classes (task='multilabel'), and a map has one a pixel"
    elif "pos_weight" in stored:
        what = "compares two images (its trainer is one of change); geoseg train makes such models"
    elif stored.get("model") == "fcn":
        what = "is torchgeo's own FCN, which segmentation-models-pytorch has not; export it as ONNX or PT2"
    else:
        return
    raise ModelError(f"{path}: its network {what}")


def _of_terratorch(path: Path, stored: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what a checkpoint of terratorch states in torchgeo's terms, and arguments of the architecture.

    Raises
    ------
    ModelError
        If its network is none of segmentation-models-pytorch.
    """
    args, factory = stored.get("model_args"), _text(stored, "model_factory")
    if not isinstance(args, Mapping):
        return stored, {}
    if factory != "SMPModelFactory":
        raise ModelError(
            f"{path}: a checkpoint of terratorch whose network comes from {factory or 'an unnamed factory'} (backbone "
            f"{str(args.get('backbone'))[:60]}); added are those of SMPModelFactory: export it as ONNX or PT2 there"
        )
    bands = args.get("bands")
    own = {**args, "in_channels": args.get("in_channels") or (len(bands) if isinstance(bands, list | tuple) else None)}
    kwargs = {
        key.removeprefix("smp_"): list(value) if isinstance(value, list | tuple) else value
        for key, value in args.items()
        if isinstance(key, str) and key.startswith("smp_")
    }
    return own, kwargs


def smp_facts(folder: Path) -> tuple[Stated, dict[str, Any], dict[str, torch.Tensor]]:
    """Return the same of a folder that smp's ``save_pretrained`` has written.

    Raises
    ------
    ModelError
        If its files are missing or damaged.
    """
    config = read_config(folder)
    weights = folder / "model.safetensors"
    if not weights.is_file():
        raise ModelError(f"{folder}: has no model.safetensors; copy the whole folder")
    state, _ = read_state(weights)
    kwargs = {key: value for key, value in config.items() if key not in _CARDS_OWN and not key.startswith("_")}
    if config.get("aux_params"):
        raise ModelError(f"{folder}: has a second head that classifies whole images (aux_params), which is not used")
    parameters = {"encoder": config.get("encoder_name"), "kwargs": kwargs}
    if config.get("activation") not in (None, "identity"):
        raise ModelError(f"{folder}: ends in the activation {config['activation']!r}; save it with activation=None")
    stated = Stated(
        "a folder of segmentation-models-pytorch",
        _whole(config, "in_channels"),
        _whole(config, "classes"),
        license=license_of(folder),
    )
    return stated, {"architecture": str(config["_model_class"]), "hyperparameters": parameters}, state


def read_config(folder: Path) -> dict[str, Any]:
    """Return a folder's config.json."""
    path = folder / "config.json"
    content = parse_json(read_file(path, 10_000_000, str(path)), str(path), "the configuration of a model")
    if not isinstance(content, dict):
        raise ModelError(f"{path}: is no JSON object")
    return content


def license_of(folder: Path) -> str:
    """Return the licence in a folder's README; empty if there is none."""
    path = folder / "README.md"
    return license_in(read_file(path, 10_000_000, str(path)).decode("utf-8", "replace")) if path.is_file() else ""


def fitting_state(card: ModelCard, state: State) -> dict[str, torch.Tensor]:
    """Return the tensors under the names that the card's network has.

    Names may begin with those of the trainer that held the network, and a network of one output, the logit of a class
    against a background, becomes one of two: of logits 0 and z the softmax is the sigmoid of z.

    Raises
    ------
    ModelError
        If they do not fit the network: the first that is missing or of another shape.
    """
    import torch

    wanted = build_architecture(card).state_dict()
    best: tuple[int, dict[str, torch.Tensor]] = (-1, {})
    for prefix in _prefixes(state, wanted):
        own = {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}
        matching = sum(name in own for name in wanted)
        if matching > best[0]:
            best = matching, own
    found = {name: value for name, value in best[1].items() if name in wanted}
    for name in (_HEAD, _HEAD.replace("weight", "bias")):
        if name in found and name in wanted and found[name].shape[0] == 1 and wanted[name].shape[0] == 2:
            found[name] = torch.cat([torch.zeros_like(found[name]), found[name]])
    if absent := [name for name in wanted if name not in found and not name.endswith("num_batches_tracked")]:
        raise ModelError(
            f"model {card.name!r}: the file does not fit {card.architecture} with encoder "
            f"{card.hyperparameters.get('encoder')!r}: {len(absent)} of {len(wanted)} weights are missing, such as "
            f"{absent[0]}; is it another --arch or --encoder?"
        )
    # A smaller network would take a part of a larger one's weights, and answer with nonsense.
    if more := [name for name in best[1] if name not in wanted and not _LEFT_OUT.search(name)]:
        raise ModelError(
            f"model {card.name!r}: the file has {len(more)} weights that {card.architecture} with encoder "
            f"{card.hyperparameters.get('encoder')!r} has not, such as {more[0]}; is it another --arch or --encoder?"
        )
    for name, value in wanted.items():
        found.setdefault(name, value)
        if found[name].shape != value.shape:
            raise ModelError(
                f"model {card.name!r}: weight {name} has the shape {tuple(found[name].shape)}, and would be "
                f"{tuple(value.shape)} with {len(card.bands)} bands and {len(card.classes)} classes"
            )
    return found


def _prefixes(state: State, wanted: State) -> list[str]:
    """Return what the names in a state may begin with, from where the network's first weights are found."""
    first = next(iter(wanted))
    ends = [name for name in state if name == first or name.endswith(f".{first}")]
    return sorted({name.removesuffix(first) for name in ends}) or [""]


def _head_classes(state: State) -> int | None:
    sizes = {int(value.shape[0]) for name, value in state.items() if name.endswith(_HEAD)}
    return sizes.pop() if len(sizes) == 1 else None


def _text(values: Mapping[str, Any], key: str) -> str | None:
    value = values.get(key)
    return value if isinstance(value, str) and value else None


def _whole(values: Mapping[str, Any], key: str) -> int | None:
    value = values.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None
