"""Export of models to ONNX (also in 8-bit integers) and PT2, written only if they agree with torch."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geoseg.errors import ModelError, OptionError, OutputError
from geoseg.models.boxes.checks import check_finds_classes
from geoseg.models.card.card import CARD_FILE
from geoseg.models.export.compare import Differences, compare, onnx_runner, torch_runner
from geoseg.models.export.onnx_metadata import deepness_notes, pt2_item, with_metadata
from geoseg.models.export.options import FORMATS, PT2, ExportOptions
from geoseg.models.export.trace import trace_onnx, trace_pt2, wrapped
from geoseg.models.model import load_model, open_onnx
from geoseg.models.weights import ONNX
from geoseg.system.files import complete
from geoseg.system.outputs import Inputs, local_path

if TYPE_CHECKING:
    import torch

    from geoseg.models.card.card import ModelCard


@dataclass(frozen=True)
class Export:
    """A finished export.

    Attributes
    ----------
    path, size
        The file or folder, and the size of the file or its weights in bytes.
    differences
        Shape of each input tried, and the largest difference from torch: of probabilities, or of logits relative to the
        largest logit.
    agreement
        Share of pixels, 0…1, that get the same class as in float32; None without quantisation.
    notes
        Limitations the user should know, one line each.
    """

    path: Path
    size: int
    differences: Differences
    agreement: float | None = None
    notes: tuple[str, ...] = ()


def export_model(
    model: Any, path: str | Path, options: ExportOptions | None = None, say: Callable[[str], None] | None = None
) -> Export:
    """Write a model as ONNX or PT2 for other programs, after comparing it with torch.

    Batch, height and width of the input are free; height and width must be multiples of the card's stride. ONNX files
    contain the model card (STAC MLM) and the metadata that the QGIS plugin Deepness reads; geoseg loads them like any
    other model.

    Parameters
    ----------
    model
        Name, path or loaded model, as for :func:`geoseg.load_model`.
    path
        ``NAME.onnx``, or ``NAME.pt2`` for ``torch.export``; a folder gets ``model.onnx`` and its card.
    options
        See :class:`~geoseg.models.export.options.ExportOptions`.
    say
        Called with the name of each step before it starts.

    Returns
    -------
    Export
        Path and size, differences from torch by input shape, notes.

    Raises
    ------
    ModelError
        If the network cannot be exported, or the export differs from torch; nothing is written then.
    OptionError, OutputError
        If an option or the path is invalid, or the file exists.

    Examples
    --------
    >>> import tempfile
    >>> from geoseg.models.export.export import export_model
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     export_model("spectral", f"{folder}/spectral.pt2").path.name
    'spectral.pt2'
    """
    options, say = options or ExportOptions(), say or (lambda _: None)
    folder = local_path(path)
    loaded = load_model(model)
    check_finds_classes(loaded.card)
    card = loaded.card
    if options.huggingface:
        if options != ExportOptions(huggingface=True):
            raise OptionError("huggingface: leave the other options out")
        from geoseg.models.export.huggingface import write_folder

        say(f"write {card.name}")
        size, differences, notes = write_folder(loaded, folder)
        return Export(folder, size, differences, notes=notes)
    target, is_folder = _target(folder, options)
    Inputs(model, options.calibration).check(target)
    if card.weights is not None and card.weights.href.lower().endswith(ONNX):
        raise ModelError(f"model {card.name!r} is ONNX already; copy its file, or export the torch model")
    network = wrapped(loaded, options)
    say(f"trace {card.name}")
    if target.suffix.lower() == PT2:
        return _export_pt2(card, network, target, options)
    made = _export_onnx(card, network, target, options, say)
    if is_folder:
        open_onnx(target).card.write(target.parent / CARD_FILE)
    return made


def _target(path: Path, options: ExportOptions) -> tuple[Path, bool]:
    """Return the file to write, and whether it goes into a folder with its card."""
    suffix = path.suffix.lower()
    is_folder = path.is_dir() or suffix == ""
    target = path / f"model{ONNX}" if is_folder else path
    if not is_folder and suffix not in FORMATS:
        raise OptionError(f"{path}: models are exported as {' or '.join(FORMATS)} (TorchScript is deprecated)")
    if suffix == PT2 and (options.int8 or options.calibration):
        raise OptionError("int8 is for ONNX: name the file .onnx")
    if options.calibration and not options.int8:
        raise OptionError("calibrate is for --int8; add it, or leave the scenes out")
    if is_folder and (path / CARD_FILE).exists() and not (target.exists() and options.overwrite):
        raise OutputError(f"{path} holds another model already; name an empty folder, or a file: {path / 'NAME.onnx'}")
    if target.exists() and not options.overwrite:
        raise OutputError(f"{target} exists: choose another name or add --overwrite")
    return target, is_folder


def _export_onnx(
    card: ModelCard, network: torch.nn.Module, target: Path, options: ExportOptions, say: Callable[[str], None]
) -> Export:
    notes = list(deepness_notes(card, options))
    proto, differences, one_window = traced(card, network, options)
    if one_window:
        notes.append("the graph takes one window at a time: its network cannot be traced for any batch size")
    agreement = None
    if options.int8:
        from geoseg.models.export.quantize import quantized

        say("quantise to 8-bit integers")
        proto, agreement, note = quantized(proto, card, options)
        notes.append(note)
    data = with_metadata(proto, card, options, target.name)
    _write(target, data)
    return Export(target, len(data), differences, agreement, tuple(notes))


def traced(card: ModelCard, network: torch.nn.Module, options: ExportOptions) -> tuple[Any, Differences, bool]:
    """Return a network's ONNX graph, how far it is from torch, and whether it takes only one window at a time.

    Parameters
    ----------
    card
        Of the model.
    network
        What :func:`~geoseg.models.export.trace.wrapped` returns for it.
    options
        Of the export.

    Raises
    ------
    ModelError
        If a package of the extra ``onnx`` is missing, the network cannot be traced, or the graph differs from torch.
    """
    original = torch_runner(network)
    try:
        proto = trace_onnx(card, network, options)
        return proto, compare(card, onnx_runner(proto.SerializeToString()), original, options), False
    except ModelError:
        # Networks that loop over their batch in Python (as geoseg:spectral does) can be traced for one window only.
        proto = trace_onnx(card, network, options, batch=1)
        return proto, compare(card, onnx_runner(proto.SerializeToString()), original, options, batch=1), True


def _export_pt2(card: ModelCard, network: torch.nn.Module, target: Path, options: ExportOptions) -> Export:
    """Write ``torch.export``'s archive, with the card as the extra file ``model.json``."""
    import torch

    original = torch_runner(network)
    try:
        program = trace_pt2(card, network, options)
        differences = compare(card, torch_runner(program.module()), original, options)
    except ModelError:
        program = trace_pt2(card, network, options, batch=1)
        differences = compare(card, torch_runner(program.module()), original, options, batch=1)
    item = json.dumps(pt2_item(card, target.name, options), ensure_ascii=False)
    with tempfile.TemporaryDirectory(prefix="geoseg-export-", ignore_cleanup_errors=True) as folder:
        # torch appends its own extension to names that lack it, so it saves under a name of its own.
        saved = Path(folder) / f"model{PT2}"
        torch.export.save(program, saved, extra_files={CARD_FILE: item})
        data = saved.read_bytes()
    _write(target, data)
    return Export(target, len(data), differences)


def _write(target: Path, data: bytes) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with complete(target) as part:
            part.write_bytes(data)
    except OSError as error:
        raise OutputError(f"{target} cannot be written: {error.strerror or error}") from error
