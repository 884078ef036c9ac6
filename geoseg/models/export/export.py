"""Models for other programs: ONNX (also with 8-bit integers) and PT2, checked against torch before they get a name."""

from __future__ import annotations

import copy
import json
import math
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from geoseg.errors import ModelError, OptionError, OutputError, one_line
from geoseg.models.card.known_answer import card_input, normalised, own_transforms
from geoseg.models.export.onnx_metadata import deepness_notes, described, onnx_item
from geoseg.models.export.options import ExportOptions
from geoseg.models.networks.onnx import SUFFIX
from geoseg.system.files import complete
from geoseg.system.resources import cpu_count

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

    from geoseg.models.card.card import ModelCard
    from geoseg.models.model import Model


_Run = Callable[["NDArray[np.float32]"], "NDArray[np.float32]"]

# Largest difference of probabilities between torch and the exported graph; float32 added in another order gives 1e-5.
_TOLERANCE = 1e-3


@dataclass(frozen=True)
class Export:
    """What was written.

    Attributes
    ----------
    path, size
        The file and its bytes.
    differences
        Shape of each input tried, and the largest difference to torch: of probabilities, or of logits relative to the
        largest.
    agreement
        Share of pixels of made-up pictures or calibration windows with the same class as in float32; None without
        quantisation.
    notes
        What the user should know.
    """

    path: Path
    size: int
    differences: tuple[tuple[tuple[int, ...], float], ...]
    agreement: float | None = None
    notes: tuple[str, ...] = ()


def export_model(
    model: Any, path: str | Path, options: ExportOptions | None = None, say: Callable[[str], None] | None = None
) -> Export:
    """Write a model as ONNX or PT2 for other programs, after checking it against torch.

    Batch, height and width of the input are free; sides must be multiples of the card's stride. The ONNX file holds the
    model card (STAC MLM) and the metadata that the QGIS plugin Deepness reads; geoseg loads it like any other model.

    Parameters
    ----------
    model
        Name, folder or loaded model.
    path
        ``model.onnx``, or ``model.pt2`` for ``torch.export``; a folder gets ``model.onnx`` and its card beside it.
    options
        See :class:`ExportOptions`.
    say
        Called with what is being done.

    Returns
    -------
    Export
        Size, differences to torch by input shape, notes.

    Raises
    ------
    ModelError
        If the network cannot be exported, or the export answers differently from torch: nothing is written then.
    OptionError, OutputError
        If an option or the path is impossible.
    """
    from geoseg.models.model import load_model

    options, say = options or ExportOptions(), say or (lambda _: None)
    loaded = load_model(model)
    target, folder = _target(Path(path), options)
    weights = loaded.card.weights
    if weights is not None and weights.href.lower().endswith(SUFFIX):
        raise ModelError(f"model {loaded.card.name!r} is ONNX already; copy its file, or export the torch model")
    network = _wrapped(loaded, options)
    say(f"trace {loaded.card.name}")
    if target.suffix.lower() == ".pt2":
        return _export_pt2(loaded.card, network, target, options)
    agreement = None
    notes = list(deepness_notes(loaded.card, options))
    try:
        proto = _trace(loaded.card, network, options)
        differences = _check(loaded.card, _runner(proto.SerializeToString()), _torch_runner(network), options)
    except ModelError:
        # Networks that go through their batch in Python (as geoseg:spectral does) can be traced for one window alone.
        proto = _trace(loaded.card, network, options, batch=1)
        differences = _check(loaded.card, _runner(proto.SerializeToString()), _torch_runner(network), options, batch=1)
        notes.append("the graph takes one window at a time: its network cannot be traced for any number")
    if options.int8:
        from geoseg.models.export.quantize import quantized

        say("quantise to 8-bit integers")
        proto, agreement, note = quantized(proto, loaded.card, options)
        notes.append(note)
    data = described(proto, loaded.card, options, target.name)
    _write(target, data)
    if folder:
        _card_beside(target)
    return Export(target, len(data), differences, agreement, tuple(notes))


def _target(path: Path, options: ExportOptions) -> tuple[Path, bool]:
    from geoseg.models.card.card import CARD_FILE

    suffix = path.suffix.lower()
    folder = path.is_dir() or suffix == ""
    target = path / "model.onnx" if folder else path
    if not folder and suffix not in (".onnx", ".pt2"):
        raise OptionError(f"{path}: models are exported as .onnx or .pt2 (TorchScript is deprecated)")
    if suffix == ".pt2" and (options.int8 or options.calibration):
        raise OptionError("int8 is for ONNX: name the file .onnx")
    if options.calibration and not options.int8:
        raise OptionError("calibrate is for --int8; add it, or leave the scenes out")
    if folder and (path / CARD_FILE).exists() and not (target.exists() and options.overwrite):
        raise OutputError(f"{path} holds another model already; name an empty folder, or a file: {path / 'NAME.onnx'}")
    if target.exists() and not options.overwrite:
        raise OutputError(f"{target} exists: choose another name or add --overwrite")
    return target, folder


def _wrapped(model: Model, options: ExportOptions) -> torch.nn.Module:
    """Return the network with what the options put around it."""
    import torch

    class Exported(torch.nn.Module):
        """Normalisation before, softmax after, where asked for."""

        scale: torch.Tensor
        offset: torch.Tensor
        low: torch.Tensor
        high: torch.Tensor

        def __init__(self, network: torch.nn.Module) -> None:
            super().__init__()
            self.network = network
            steps = own_transforms(model.card)
            for name, values in zip(("scale", "offset", "low", "high"), zip(*steps, strict=True), strict=True):
                column = torch.tensor([max(min(value, 3e38), -3e38) for value in values], dtype=torch.float64)
                self.register_buffer(name, column.float().view(1, -1, 1, 1))
            self._clips = any(math.isfinite(step.lo) or math.isfinite(step.hi) for step in steps)

        def forward(self, scene: torch.Tensor) -> torch.Tensor:
            x = scene * self.scale + self.offset if options.raw else scene
            if options.raw and self._clips:
                x = torch.minimum(torch.maximum(x, self.low), self.high)
            logits: torch.Tensor = self.network(x)
            return logits if options.logits else torch.softmax(logits, 1)

    return Exported(copy.deepcopy(model.module())).eval().requires_grad_(requires_grad=False)


def _sample(card: ModelCard, options: ExportOptions, shape: tuple[int, int, int], seed: int = 0) -> NDArray[np.float32]:
    pixels = card_input(card, *shape, seed=seed)
    return pixels if options.raw else normalised(card, pixels)


def _shapes(card: ModelCard, batch: int | None) -> list[tuple[int, int, int]]:
    """Batch, height and width of the inputs by which an export is checked: other than those it was traced with."""
    side = max(card.min_window, 2 * card.stride)
    large = max(-(-256 // card.stride) * card.stride, side)
    return [(1, side, side), (batch or 3, side, side + card.stride), (1, large, large + 2 * card.stride)]


def _dynamic(batch: int | None) -> tuple[dict[int, Any]]:
    import torch

    free = torch.export.Dim.AUTO
    return ({2: free, 3: free} if batch else {0: free, 2: free, 3: free},)


def _traced_with(card: ModelCard, options: ExportOptions, batch: int | None) -> torch.Tensor:
    """Return the input for tracing. Sides differ, and none is 1 or 2, which tracing would take for constants."""
    import torch

    side = max(card.min_window, 2 * card.stride, 8)
    return torch.from_numpy(_sample(card, options, (batch or 2, side, side + 2 * card.stride)))


def _trace(card: ModelCard, network: torch.nn.Module, options: ExportOptions, batch: int | None = None) -> Any:
    """Return the ONNX graph of a network."""
    import torch

    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise ModelError(f"{error.name} is not installed; install it with: pip install 'geoseg[onnx]'") from None
    sample = _traced_with(card, options, batch)
    try:
        with warnings.catch_warnings(), _quiet():
            warnings.simplefilter("ignore")
            program = torch.onnx.export(
                network, (sample,), dynamo=True, opset_version=options.opset, dynamic_shapes=_dynamic(batch),
                verbose=False, input_names=["scene"], output_names=["logits" if options.logits else "probabilities"],
            )  # fmt: skip
        assert program is not None
        return _named(program.model_proto, batch)
    except Exception as error:  # noqa: BLE001 - tracing other people's networks fails in many ways
        text = one_line(error)[:300]
        raise ModelError(f"model {card.name!r} cannot be exported to ONNX: {text}") from None


def _quiet() -> Any:
    """Keep the exporter's progress off the user's terminal."""
    import contextlib
    import io

    return contextlib.redirect_stdout(io.StringIO())


def _named(proto: Any, batch: int | None) -> Any:
    """Give the free sides of the input speaking names; leave those of the output open.

    Deepness takes outputs only whose height and width are the same, by number or by name.
    """
    names = ("batch", None, "height", "width")
    for entry, sides in ((proto.graph.input[0], names), (proto.graph.output[0], ("batch", None, None, None))):
        for number, (dim, name) in enumerate(zip(entry.type.tensor_type.shape.dim, sides, strict=True)):
            if number != 1 and not (number == 0 and batch):
                dim.Clear()
                if name:
                    dim.dim_param = name
    del proto.graph.value_info[:]  # they hold the names that were just changed
    return proto


def _runner(data: bytes) -> _Run:
    from geoseg.models.networks.onnx import make_session

    session = make_session(data, "cpu", cpu_count(), "export")
    name = session.get_inputs()[0].name

    def run(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        found: NDArray[np.float32] = session.run(None, {name: pixels})[0]
        return found

    return run


def _torch_runner(network: torch.nn.Module) -> _Run:
    import torch

    def run(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        with torch.inference_mode():
            found: NDArray[np.float32] = network(torch.from_numpy(pixels)).numpy()
        return found

    return run


def _check(
    card: ModelCard, exported: _Run, original: _Run, options: ExportOptions, batch: int | None = None
) -> tuple[tuple[tuple[int, ...], float], ...]:
    """Return the largest difference at several shapes.

    Raises
    ------
    ModelError
        If one is too large.
    """
    found = []
    for number, shape in enumerate(_shapes(card, batch)):
        pixels = _sample(card, options, shape, seed=number + 1)
        wanted = original(pixels)
        try:
            got = exported(pixels)
        except Exception as error:  # noqa: BLE001 - onnxruntime raises classes of its own
            text = one_line(error)[-250:]
            raise ModelError(f"model {card.name!r}: the export does not run on {pixels.shape}: {text}") from None
        size = max(float(np.abs(wanted).max()), 1.0) if options.logits else 1.0
        off = float(np.abs(got - wanted).max()) / size if got.shape == wanted.shape else math.inf
        found.append((tuple(pixels.shape), off))
        if not off <= _TOLERANCE:
            raise ModelError(
                f"model {card.name!r}: the export differs from torch by {off:.3g} for an input of {pixels.shape}, "
                f"where {_TOLERANCE:g} is allowed; nothing was written: try another --opset"
            )
    return tuple(found)


def _write(target: Path, data: bytes) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with complete(target) as part:
            part.write_bytes(data)
    except OSError as error:
        raise OutputError(f"{target} cannot be written: {error.strerror or error}") from error


def _card_beside(target: Path) -> None:
    from geoseg.models.card.card import CARD_FILE
    from geoseg.models.model import open_onnx

    open_onnx(target).card.write(target.parent / CARD_FILE)


def _program(card: ModelCard, network: torch.nn.Module, options: ExportOptions, batch: int | None = None) -> Any:
    import torch

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            sample = _traced_with(card, options, batch)
            return torch.export.export(network, (sample,), dynamic_shapes=_dynamic(batch))
    except Exception as error:  # noqa: BLE001 - tracing other people's networks fails in many ways
        text = one_line(error)[:300]
        raise ModelError(f"model {card.name!r} cannot be exported to PT2: {text}") from None


def _export_pt2(card: ModelCard, network: torch.nn.Module, target: Path, options: ExportOptions) -> Export:
    """Write ``torch.export``'s archive, with the card inside as the extra file ``model.json``."""
    import torch

    try:
        program = _program(card, network, options)
        differences = _check(card, _torch_runner(program.module()), _torch_runner(network), options)
    except ModelError:
        program = _program(card, network, options, batch=1)
        differences = _check(card, _torch_runner(program.module()), _torch_runner(network), options, batch=1)
    item = json.dumps(onnx_item(card, target.name, options) | {}, ensure_ascii=False).replace('"ONNX"', '"PyTorch"')
    with tempfile.TemporaryDirectory(prefix="geoseg-export-") as folder:
        # torch adds an ending of its own to names that lack it; the bytes are then written like any other file.
        made = Path(folder) / "model.pt2"
        torch.export.save(program, made, extra_files={"model.json": item})
        data = made.read_bytes()
    _write(target, data)
    return Export(target, len(data), differences)
