"""Model folders: ``model.json`` (the card) and ``weights.safetensors``.

Nothing from a model folder is executed: weights come from safetensors only (pickles run code when loaded), the
architecture is built by segmentation-models-pytorch from names and numbers in the card, and nothing is fetched from
a network.
"""

from __future__ import annotations

import hashlib
import inspect
import os
import re
import warnings
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Any

from geoseg.errors import ModelError
from geoseg.system.files import complete
from geoseg.models.card.card import CARD_FILE, ModelCard, Weights
from geoseg.models.model import Model

if TYPE_CHECKING:
    from collections.abc import Mapping

    import torch

WEIGHTS_FILE = "weights.safetensors"
"""Name of the weights in folders that geoseg writes."""

_PICKLES = (".pt", ".pth", ".ckpt", ".bin", ".pkl", ".pickle", ".joblib")

# Names of timm models reach out to a hub with prefixes such as "hf-hub:"; plain names never do.
_ENCODER = re.compile(r"[A-Za-z0-9_.\-]+")

# Arguments of smp models that fetch files or change what the network returns.
_FORBIDDEN = ("encoder_weights", "activation", "in_channels", "classes", "encoder_name", "aux_params")

_SMP_STRIDE, _SMP_MARGIN = 32, 64


def open_folder(folder: Path, ref: str) -> Model:
    """Return the model of a folder; weights are looked for and sized, but read only when the network is built.

    Raises
    ------
    ModelError
        If card or weights are missing, unsafe or of the wrong size.
    """
    pickles = sorted(path.name for path in folder.iterdir() if path.suffix.lower() in _PICKLES)
    if not (folder / CARD_FILE).exists():
        if pickles:
            raise ModelError(f"model folder {folder} has {pickles[0]} and no {CARD_FILE}: {_pickle_remedy(pickles[0])}")
        raise ModelError(f"{folder} is not a model folder: it has no {CARD_FILE}")
    card = ModelCard.read(folder)
    if card.weights is not None:
        _check_size(weights_path(folder, card), card)
    return Model(card, folder=folder, ref=ref)


def weights_path(folder: Path, card: ModelCard) -> Path:
    """Return the path of the weights file that the card names.

    Raises
    ------
    ModelError
        If the name leads out of the folder, is a pickle, or no such file is there.
    """
    assert card.weights is not None
    href = card.weights.href
    if Path(href).suffix.lower() in _PICKLES:
        raise ModelError(f"model {card.name!r}: weights {href!r} are a pickle: {_pickle_remedy(href)}")
    if "://" in href:
        raise ModelError(
            f"model {card.name!r}: weights {href!r} are not in the folder; download them beside {CARD_FILE} first"
        )
    parts = {*PurePosixPath(href).parts, *PureWindowsPath(href).parts}
    outside = PurePosixPath(href).is_absolute() or PureWindowsPath(href).anchor or PureWindowsPath(href).drive
    path = folder / href
    if outside or ".." in parts or not path.resolve().is_relative_to(folder.resolve()):
        raise ModelError(
            f"model {card.name!r}: weights {href!r} lie outside the model folder; only files in it are loaded"
        )
    if path.suffix.lower() not in (".safetensors", ".onnx"):
        raise ModelError(
            f"model {card.name!r}: weights {href!r} are not a .safetensors or .onnx file, the kinds that are loaded"
        )
    if not path.is_file():
        raise ModelError(f"model {card.name!r}: weights {path} are missing; copy the whole model folder")
    return path


def _pickle_remedy(name: str) -> str:
    return (
        f"a pickle can execute code when it is loaded, so {Path(name).suffix} files are refused; where you "
        "trust it, convert it with "
        "torch.load(…, weights_only=True) and geoseg.models.save_model()"
    )


def _check_size(path: Path, card: ModelCard) -> None:
    assert card.weights is not None
    size = path.stat().st_size
    if card.weights.size is not None and size != card.weights.size:
        state = "truncated" if size < card.weights.size else "not the file that the card describes"
        raise ModelError(
            f"model {card.name!r}: {path} is {state}: {size} bytes, the card says {card.weights.size}; copy it again"
        )


def read_weights(folder: Path, card: ModelCard) -> bytes:
    """Return the weights file's bytes after checking size and checksum.

    The bytes that were checked are the bytes that are loaded: nothing can change the file in between.

    Raises
    ------
    ModelError
        If they differ from what the card says.
    """
    assert card.weights is not None
    path = weights_path(folder, card)
    _check_size(path, card)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ModelError(f"model {card.name!r}: {path} cannot be read: {error.strerror or error}") from None
    if card.weights.checksum is not None and card.weights.checksum != multihash(data):
        raise ModelError(
            f"model {card.name!r}: {path} was changed or damaged: its checksum is not the card's; get it again "
            "from its source"
        )
    return data


def multihash(data: bytes) -> str:
    """Return the sha2-256 multihash in hexadecimal, as the STAC file extension has it."""
    return "1220" + hashlib.sha256(data).hexdigest()


def build_module(folder: Path, card: ModelCard) -> torch.nn.Module:
    """Build the network of a folder and load its weights.

    Raises
    ------
    ModelError
        If architecture or weights are wrong.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load

    data = read_weights(folder, card)
    if weights_path(folder, card).suffix.lower() == ".onnx":
        from geoseg.models.networks.onnx import build_network

        network: torch.nn.Module = build_network(data, card).eval()
        return network
    module = build_architecture(card)
    try:
        state = load(data)
    except (SafetensorError, ValueError, KeyError) as error:
        raise ModelError(
            f"model {card.name!r}: {weights_path(folder, card)} is not a safetensors file: {error}"
        ) from None
    _load_state(module, state, card)
    return module.eval().requires_grad_(requires_grad=False)


def _load_state(module: torch.nn.Module, state: Mapping[str, torch.Tensor], card: ModelCard) -> None:
    try:
        # assign=False copies into float32 parameters, so weights stored in half precision load too.
        module.load_state_dict(state, strict=True)
    except RuntimeError as error:
        lines = [line.strip() for line in str(error).splitlines()]
        defect = " ".join((lines[1:] or lines)[0].split())[:200]
        raise ModelError(
            f"model {card.name!r}: the weights do not fit architecture {card.architecture!r} "
            f"with encoder {card.hyperparameters.get('encoder')!r}: {defect}"
        ) from None


def build_architecture(card: ModelCard) -> torch.nn.Module:
    """Return the card's network with untrained weights; never touches a network connection.

    Raises
    ------
    ModelError
        If segmentation-models-pytorch has no such architecture or encoder, or refuses the arguments.
    """
    if card.architecture == _LANDCOVER_NET:
        return _landcover_net(card)
    # smp takes seconds to import; only models that need it pay.
    import segmentation_models_pytorch as smp

    known = smp.MODEL_ARCHITECTURES_MAPPING
    arch = re.sub(r"[\s_\-]", "", card.architecture.lower()).replace("++", "plusplus").replace("+", "plus")
    if arch not in known:
        raise ModelError(
            f"model {card.name!r}: architecture {card.architecture!r} is unknown: use one of "
            f"{', '.join(cls.__name__ for cls in known.values())}"
        )
    encoder, kwargs = card.hyperparameters.get("encoder"), card.hyperparameters.get("kwargs") or {}
    if not isinstance(encoder, str) or not _ENCODER.fullmatch(encoder):
        raise ModelError(
            f"model {card.name!r}: encoder {encoder!r} is not a plain name; mlm:hyperparameters must name one, "
            "such as 'resnet18'"
        )
    if not isinstance(kwargs, dict):
        raise ModelError(f"model {card.name!r}: kwargs in mlm:hyperparameters must be an object, got {kwargs!r}")
    accepted = set(inspect.signature(known[arch]).parameters)
    for key in kwargs:
        if key in _FORBIDDEN or key not in accepted:
            raise ModelError(f"model {card.name!r}: {card.architecture} takes no argument {key!r} from a card")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            module: torch.nn.Module = known[arch](
                encoder_name=encoder,
                encoder_weights=None,
                in_channels=len(card.bands),
                classes=len(card.classes),
                **_tuples(kwargs),
            )
    except Exception as error:  # noqa: BLE001 - whatever smp or timm make of a foreign card, it is one line for the user
        raise ModelError(
            f"model {card.name!r}: {card.architecture} with encoder {encoder!r} cannot be built: "
            f"{' '.join(str(error).split())[:300]}"
        ) from None
    return module


def _tuples(value: Any) -> Any:
    """JSON has lists where smp's signatures have tuples."""
    if isinstance(value, dict):
        return {key: _tuples(entry) if isinstance(entry, list) else entry for key, entry in value.items()}
    return tuple(_tuples(entry) for entry in value) if isinstance(value, list) else value


def save_model(
    folder: str | os.PathLike[str],
    card: ModelCard,
    module: torch.nn.Module | Mapping[str, torch.Tensor],
    *,
    arch: str | None = None,
    encoder: str | None = None,
    **kwargs: Any,
) -> Model:
    """Write a model folder and return the model in it.

    Parameters
    ----------
    folder
        Created if it is not there; card and weights in it are replaced.
    card
        Its architecture, encoder and weights are filled in.
    module
        The network or its state dict.
    arch, encoder, **kwargs
        How segmentation-models-pytorch builds it; the card's own if None.

    Raises
    ------
    ModelError
        If the weights do not fit the architecture, or the folder cannot be written. Nothing half-written is left.
    """
    import torch
    from safetensors.torch import save

    from geoseg.models.card.known_answer import make_vector

    parameters = dict(card.hyperparameters)
    if encoder is not None:
        parameters["encoder"] = encoder
    if kwargs:
        parameters["kwargs"] = kwargs
    geometry = (
        {}
        if card.stride > 1
        else {"stride": _SMP_STRIDE, "margin": card.margin or _SMP_MARGIN, "min_window": _SMP_STRIDE}
    )
    card = card_with(card, architecture=arch or card.architecture, hyperparameters=parameters, **geometry)
    state = module.state_dict() if isinstance(module, torch.nn.Module) else dict(module)
    # Loading before writing: a folder that cannot be loaded must never be made.
    network = build_architecture(card)
    _load_state(network, state, card)
    if card.bytes_per_pixel is None:
        card = card_with(card, bytes_per_pixel=_footprint(network, card))
    card = card_with(card, test_vector=make_vector(network.eval(), card))
    data = save({name: tensor.detach().cpu().contiguous().clone() for name, tensor in state.items()})
    card = card_with(card, weights=Weights(href=WEIGHTS_FILE, size=len(data), checksum=multihash(data)))
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with complete(folder / WEIGHTS_FILE) as part:
            part.write_bytes(data)
    except OSError as error:
        raise ModelError(f"model folder {folder} cannot be written: {error.strerror or error}") from None
    card.write(folder / CARD_FILE)
    return open_folder(folder, str(folder))


# The network of scripts/train_landcover.py.
_LANDCOVER_NET = "geoseg:landcover-net"

# What the runtime takes beyond the tensors that are counted: scratch and reordered copies of oneDNN and cuDNN. Measured
# for Unet(resnet18) on a CPU at 512–1536 px: 1.03–1.36 times the count.
_SCRATCH = 1.35


def _footprint(network: torch.nn.Module, card: ModelCard) -> float | None:
    from geoseg.models.inference.memory_footprint import bytes_per_pixel

    side = max(-(-512 // card.stride) * card.stride, card.min_window)
    counted = bytes_per_pixel(network, len(card.bands), side)
    return None if counted is None else round(counted * _SCRATCH, 1)


def _landcover_net(card: ModelCard) -> torch.nn.Module:
    from geoseg.models.networks.landcover import LandcoverNet

    kwargs = card.hyperparameters.get("kwargs") or {}
    try:
        return LandcoverNet(**kwargs).eval()
    except (TypeError, RuntimeError) as error:
        raise ModelError(f"model {card.name!r}: {card.architecture} cannot be built from {kwargs!r}: {error}") from None


def card_with(card: ModelCard, **changes: Any) -> ModelCard:
    """Return the card with some fields changed, checked again (``model_copy`` would not check)."""
    fields = {name: getattr(card, name) for name in type(card).model_fields}
    return ModelCard(**(fields | changes))
