"""8-bit quantisation of exported graphs by onnxruntime.

Static quantisation (weights and activations, ranges from calibration windows) suits convolutions; dynamic quantisation
needs no calibration, measures activations at run time, and pays off for the matrix products of transformers.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from geoseg.errors import InputError, ModelError, one_line
from geoseg.models.card.card import window_side
from geoseg.models.card.contract import check_contract
from geoseg.models.card.known_answer import synthetic_pixels
from geoseg.models.card.scaling import to_card_units
from geoseg.models.export.static_int8 import StaticQuantizer
from geoseg.models.export.trace import INPUT, graph_input
from geoseg.raster import open_raster
from geoseg.tiling import Box

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geoseg.models.card.card import ModelCard
    from geoseg.models.export.options import ExportOptions

WINDOWS = 24
"""Number of windows for calibration, and of others on which the quantised network is compared with the original."""

SIDE = 256
"""Their side in pixels, rounded up to the card's stride."""


def quantized(proto: Any, card: ModelCard, options: ExportOptions) -> tuple[Any, float, str]:
    """Return the quantised graph, its share of pixels with the class of the float32 graph, and how that was measured.

    Raises
    ------
    ModelError
        If onnxruntime cannot quantise the graph.
    InputError, ContractError
        If a calibration scene cannot be used.
    """
    if options.calibration:
        windows = list(calibration_windows(card, options))
        fit, test = windows[::2], windows[1::2] or windows
        how = f"agreement with float32 measured on {len(test)} other windows of the calibration scenes"
    else:
        side = window_side(card, SIDE)
        fit = []
        test = [graph_input(card, options, synthetic_pixels(card, 1, side, side, seed=seed)) for seed in range(4)]
        how = "agreement with float32 measured on synthetic images; add --calibrate SCENE for real ones"
    original = proto.SerializeToString()
    smaller = StaticQuantizer(proto, fit, card.name).quantized() if fit else _dynamic(original, card.name)
    return smaller, _agreement(original, smaller.SerializeToString(), test), how


def calibration_windows(card: ModelCard, options: ExportOptions) -> Iterator[NDArray[np.float32]]:
    """Yield windows (1, bands, h, w), spread over the calibration scenes, as input of the graph.

    Raises
    ------
    InputError, ContractError
        If a scene cannot be read, does not fit the card, or is smaller than a window.
    """
    side = window_side(card, SIDE)
    each = max(2 * WINDOWS // len(options.calibration), 2)
    count = 0
    for scene in options.calibration:
        raster = open_raster(scene, **options.reading)
        check_contract(card, raster, raster.sample())
        raster = raster.select([band.name for band in card.bands])
        units = [
            to_card_units(band, spec.scale, spec.offset) for band, spec in zip(raster.bands, card.bands, strict=True)
        ]
        largest = min(side, *(size // card.stride * card.stride for size in raster.shape))
        for box in _boxes(raster.shape, largest, each):
            pixels = raster.read(box)
            if pixels.valid.mean() < 0.5:
                continue
            data = pixels.data.astype(np.float32)
            for band, step in zip(data, units, strict=True):
                band *= np.float32(step.a)  # noqa: PLW2901  in place
                band += np.float32(step.b)  # noqa: PLW2901
            window = graph_input(card, options, data[None])
            window[:, :, ~pixels.valid] = 0  # as in the predictor
            count += 1
            yield window
    if count < 2:
        raise InputError("calibrate: fewer than two windows with enough valid pixels; give larger or other scenes")


def _boxes(shape: tuple[int, int], side: int, count: int) -> Iterator[Box]:
    """Yield about ``count`` boxes spread evenly over a scene, fewer if it is small."""
    height, width = shape
    if side < 1:
        raise InputError(
            f"calibrate: a scene of {height} × {width} pixels is smaller than the model's windows; give a larger one"
        )
    across = max(round((count * width / height) ** 0.5), 1)
    down = max(-(-count // across), 1)
    rows = np.unique(np.linspace(0, height - side, down).astype(int))
    cols = np.unique(np.linspace(0, width - side, across).astype(int))
    for row in rows:
        for col in cols:
            yield Box(int(row), int(col), side, side)


def _dynamic(original: bytes, name: str) -> Any:
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with tempfile.TemporaryDirectory(prefix="geoseg-quantise-", ignore_cleanup_errors=True) as folder:
        source, target = Path(folder) / "source.onnx", Path(folder) / "quantised.onnx"
        source.write_bytes(original)
        try:
            # Unsigned weights: onnxruntime has no integer convolution for signed ones.
            quantize_dynamic(source, target, weight_type=QuantType.QUInt8)
        except Exception as error:  # noqa: BLE001 - onnxruntime raises exception types of its own
            text = one_line(error)[:250]
            raise ModelError(f"model {name!r} cannot be quantised: {type(error).__name__}: {text}") from None
        return onnx.load(target)


def _agreement(original: bytes, smaller: bytes, windows: list[NDArray[np.float32]]) -> float:
    """Return the share of pixels for which both graphs give the same class."""
    from geoseg.models.networks.onnx import make_session

    sessions = [make_session(data, "cpu", 0, "export") for data in (original, smaller)]
    same = total = 0
    for window in windows:
        one, other = (session.run(None, {INPUT: window})[0].argmax(1) for session in sessions)
        same += int((one == other).sum())
        total += one.size
    return same / total
