"""Models as folders of Hugging Face: ``save_pretrained`` of the library that their network comes from."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geoseg.errors import ModelError, OutputError, one_line
from geoseg.models.card.card import CARD_FILE, Weights, card_with, multihash, window_side
from geoseg.models.card.known_answer import normalise, synthetic_pixels
from geoseg.models.card.scaling import card_transforms
from geoseg.models.networks.huggingface import PREFIX, build_huggingface
from geoseg.models.networks.temperature import without_temperature
from geoseg.system.files import replaced_folder

if TYPE_CHECKING:
    import torch

    from geoseg.models.card.card import ModelCard
    from geoseg.models.model import Model

WEIGHTS = "model.safetensors"

_TOLERANCE = 1e-4
"""Largest difference of what the folder returns when its library has loaded it, relative to the largest logit."""


def write_folder(model: Model, folder: Path) -> tuple[int, tuple[tuple[tuple[int, ...], float], ...], tuple[str, ...]]:
    """Write a model as a folder of Hugging Face, after loading it back with the library that it is for.

    Beside the library's files lies geoseg's card, so that geoseg runs the folder as it is.

    Parameters
    ----------
    model
        Of an architecture of segmentation-models-pytorch or transformers.
    folder
        Does not exist, or is empty.

    Returns
    -------
    Size of the weights in bytes, differences by input shape, and notes, one line each.

    Raises
    ------
    ModelError
        If the network is of neither library, or what the library loads answers otherwise; nothing is left then.
    OutputError
        If the folder cannot be written, or is not empty.
    """
    card = model.card
    network, load = _library_of(model)
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise OutputError(f"{folder} exists: name an empty folder, or a new one")
        with replaced_folder(folder) as part:
            part.mkdir(parents=True)
            network.save_pretrained(str(part))
            _write_texts(card, part)
            shape, difference = _difference(card, model, load(part))
    except OSError as error:
        raise OutputError(f"{folder} cannot be written: {error.strerror or error}") from None
    notes: tuple[str, ...] = ()
    if card.temperature is not None:
        notes = (f"its library leaves out the temperature, {card.temperature:.3g}: classes stay, confidence does not",)
    return (folder / WEIGHTS).stat().st_size, ((shape, difference),), notes


def _is_transformers(card: ModelCard) -> bool:
    return card.architecture.startswith(PREFIX)


def _library_of(model: Model) -> tuple[Any, Callable[[Path], torch.nn.Module]]:
    """Return the network as its library knows it, and how that loads a folder: pixels → logits of their size."""
    card, module = model.card, copy.deepcopy(without_temperature(model.module()))
    if _is_transformers(card):
        network: Any = module.network
        network.config.id2label = {item.id: item.name for item in card.classes}
        network.config.label2id = {item.name: item.id for item in card.classes}
        network.config.architectures = [card.architecture.removeprefix(PREFIX)]

        def load_theirs(folder: Path) -> torch.nn.Module:
            wrapped: Any = build_huggingface(card)
            wrapped.network = type(network).from_pretrained(str(folder), local_files_only=True)
            return wrapped.eval()  # type: ignore[no-any-return]

        return network, load_theirs
    if not hasattr(module, "save_pretrained") or "widths" in card.hyperparameters or card.inputs:
        pruned = "pruned layers" if "widths" in card.hyperparameters else card.architecture
        kind = "several inputs" if card.inputs else pruned
        raise ModelError(
            f"model {card.name!r} is neither of segmentation-models-pytorch nor of transformers ({kind}), which "
            "cannot load it; export it as ONNX or PT2"
        )

    def load_smp(folder: Path) -> torch.nn.Module:
        import segmentation_models_pytorch as smp

        loaded: torch.nn.Module = smp.from_pretrained(str(folder))
        return loaded.eval()

    return module, load_smp


def _write_texts(card: ModelCard, folder: Path) -> None:
    """Write the card, a README with the licence, and what the image processor does."""
    data = (folder / WEIGHTS).read_bytes()
    weights = Weights(href=WEIGHTS, size=len(data), checksum=multihash(data))
    if _is_transformers(card):
        _write_processor(card, folder)
        # transformers' names of weights are not those of the module that geoseg runs: geoseg reads config.json.
    else:
        card_with(card, weights=weights).write(folder / CARD_FILE)
    library = "transformers" if _is_transformers(card) else "segmentation-models-pytorch"
    head = f"---\nlibrary_name: {library}\npipeline_tag: image-segmentation\nlicense: {_one_word(card.license)}\n---\n"
    text = f"{head}# {card.name}\n\n```\n{card.describe()}\n```\n"
    (folder / "README.md").write_text(text, encoding="utf-8")


def _one_word(license_: str) -> str:
    return "-".join(license_.lower().split()) or "other"


def _write_processor(card: ModelCard, folder: Path) -> None:
    steps = card_transforms(card.value_scaling, len(card.bands))
    means, stds = [-step.b / step.a / 255 for step in steps], [1 / step.a / 255 for step in steps]
    content = {
        "image_processor_type": "SegformerImageProcessor",
        "do_resize": False,
        "do_rescale": True,
        "rescale_factor": 1 / 255,
        "do_normalize": True,
        "image_mean": means,
        "image_std": stds,
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(content, indent=2), encoding="utf-8")


def _difference(card: ModelCard, model: Model, loaded: torch.nn.Module) -> tuple[tuple[int, ...], float]:
    import torch

    side = window_side(card, 2 * card.stride)
    pixels = torch.from_numpy(normalise(card, synthetic_pixels(card, 1, side, side, seed=1)))
    try:
        with torch.inference_mode():
            theirs, ours = loaded(pixels), model.module()(pixels) * (card.temperature or 1.0)
    except Exception as error:  # noqa: BLE001 - libraries raise exceptions of any type
        raise ModelError(f"model {card.name!r}: its library cannot load the folder: {one_line(error)[:200]}") from None
    difference = float((theirs - ours).abs().max()) / max(float(ours.abs().max()), 1.0)
    if not difference <= _TOLERANCE:
        raise ModelError(
            f"model {card.name!r}: loaded by its library, it differs by {difference:.3g}, {_TOLERANCE:g} is allowed; "
            "nothing was written"
        )
    return tuple(pixels.shape), difference
