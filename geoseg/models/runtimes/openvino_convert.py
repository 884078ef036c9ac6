"""From a model to OpenVINO's graph of its network: normalised pixels → logits.

torch networks are exported with free height and width, compared with torch, and kept on disk, so that the next process
needs no torch. ONNX graphs are read as they are.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import tempfile
import threading
import warnings
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from geoseg._version import __version__
from geoseg.errors import ModelError, OptionError, one_line
from geoseg.models import networks
from geoseg.models.card.card import window_side
from geoseg.models.runtimes.choices import package_version
from geoseg.models.runtimes.graph_file import GraphBytes, load_graph, store_graph
from geoseg.models.weights import read_weights

if TYPE_CHECKING:
    from geoseg.models.model import Model

# Raise it when graphs are made in another way.
_VERSION = 1

# Largest difference of logits from torch's, relative to the largest, in single precision.
_TOLERANCE = 5e-3

# Smallest probability of which the logarithm is taken, as in ``networks.onnx_adapt``.
_TINY = 1e-30

_GRAPHS: dict[str, GraphBytes] = {}
_LOCK = threading.Lock()


def openvino() -> Any:
    """Return the package openvino.

    Raises
    ------
    OptionError
        If it is not installed.
    """
    try:
        import openvino as package
    except ImportError:
        raise OptionError(
            'runtime openvino is not installed: pip install "geoseg[openvino]", or use --runtime auto'
        ) from None
    return package


@cache
def core() -> Any:
    """Return OpenVINO's core, one per process."""
    return openvino().Core()


def network_graph(model: Model) -> Any:
    """Return a new graph of the model's network: float32 (1, bands, h, w) → logits (1, classes, h, w).

    Raises
    ------
    ModelError
        If the network cannot be converted, or OpenVINO's results differ from torch's.
    OptionError
        If openvino is not installed.
    """
    openvino()
    if model.is_onnx:
        return _from_onnx(model)
    with _LOCK:
        if model.fingerprint not in _GRAPHS:
            if len(_GRAPHS) >= 4:
                _GRAPHS.pop(next(iter(_GRAPHS)))
            _GRAPHS[model.fingerprint] = _stored(model) or _converted(model)
        return _read(_GRAPHS[model.fingerprint])


def _read(graph: GraphBytes) -> Any:
    weights = np.frombuffer(graph.weights, np.uint8)
    return core().read_model(graph.description, openvino().Tensor(weights.copy()))


def _stored(model: Model) -> GraphBytes | None:
    """Return the graph that was converted earlier; None if there is none, or OpenVINO does not read it."""
    # A network that was given as an object is known by its weights, not by its code.
    graph = None if model.folder is None else load_graph(*_key(model))
    if graph is not None:
        with contextlib.suppress(RuntimeError):
            _read(graph)
            return graph
    return None


def _key(model: Model) -> tuple[object, ...]:
    packages = ("openvino", "torch", "segmentation-models-pytorch", "timm")
    return (_VERSION, __version__, _networks_hash(), model.fingerprint, *map(package_version, packages))


@cache
def _networks_hash() -> str:
    """Return a hash of the source of geoseg's networks."""
    digest = hashlib.sha256()
    for path in sorted(Path(networks.__path__[0]).glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


# From torch ---------------------------------------------------------------------------------------------------------


def _converted(model: Model) -> GraphBytes:
    """Convert a torch network, compare it with torch, and store it."""
    try:
        with _quiet():
            converted = _exported(model)
            graph = _bytes_of(converted)
            difference = _difference(model, _read(graph))
    except Exception as error:  # noqa: BLE001 - torch's exporter and OpenVINO raise exceptions of any type
        raise ModelError(
            f"model {model.card.name!r} cannot be converted for OpenVINO: {one_line(error)[:200]}; use --runtime torch"
        ) from None
    if not difference <= _TOLERANCE:
        raise ModelError(
            f"model {model.card.name!r} cannot be converted for OpenVINO: its logits would differ from torch's by "
            f"{difference:.1%}; use --runtime torch"
        )
    if model.folder is not None:
        store_graph(graph, *_key(model))
    return graph


def _exported(model: Model) -> Any:
    import torch

    free = None if model.card.window is not None else torch.export.Dim.AUTO
    shapes = None if free is None else ({2: free, 3: free},)
    with torch.no_grad():
        program = torch.export.export(model.module(), (_sample(model, 2),), dynamic_shapes=shapes)
    return openvino().convert_model(program)


def _sample(model: Model, strides: int) -> Any:
    """Return an input whose sides differ, unless only one size is taken."""
    import torch

    card = model.card
    side = max(window_side(card, strides * card.stride), 8 // card.stride * card.stride)
    width = side if card.window is not None else side + 2 * card.stride
    return torch.randn((1, len(card.bands), side, width), generator=torch.Generator().manual_seed(0))


def _bytes_of(graph: Any) -> GraphBytes:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        path = Path(folder) / "graph.xml"
        openvino().save_model(graph, path, compress_to_fp16=False)
        return GraphBytes(path.read_bytes(), path.with_suffix(".bin").read_bytes())


def _difference(model: Model, graph: Any) -> float:
    """Return the largest difference of logits from torch's, relative to the largest logit."""
    import torch

    x = _sample(model, 3)  # another size than the one that was exported
    with torch.no_grad():
        expected = model.module()(x).float().numpy()
    graph.reshape(list(x.shape))
    compiled = core().compile_model(graph, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    actual = compiled(x.numpy())[0]
    finite = np.isfinite(expected)
    if actual.shape != expected.shape or not finite.any() or (finite != np.isfinite(actual)).any():
        return float("inf")
    return float(np.abs(actual - expected)[finite].max() / max(np.abs(expected[finite]).max(), 1e-6))


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporters' progress and warnings of their own deprecations from the user."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        yield


# From ONNX ----------------------------------------------------------------------------------------------------------


def _from_onnx(model: Model) -> Any:
    """Return the graph of an ONNX file, with what it returns turned into logits of the card's classes."""
    form, card = model.form, model.card
    assert form is not None
    assert model.folder is not None
    source, result = form.source, form.result
    plain = source.axes == "NCHW" and source.dtype == "float32" and result.kind == "scores" and result.axes == "NCHW"
    if not plain or source.batch not in (None, 1):
        raise ModelError(
            f"model {card.name!r} cannot be converted for OpenVINO: its graph takes {source.axes} {source.dtype} and "
            f"returns {result.kind} {result.axes or 'of unknown layout'}; use --runtime onnx"
        )
    try:
        graph = core().read_model(read_weights(model.folder, card))
    except RuntimeError as error:
        raise ModelError(
            f"model {card.name!r} cannot be converted for OpenVINO: {one_line(error)[-200:]}; use --runtime onnx"
        ) from None
    output = next(port for port in graph.outputs if result.name in port.names)
    return openvino().Model([_result(output.get_node().input_value(0), model)], graph.get_parameters())


def _result(values: Any, model: Model) -> Any:
    """Return the result node of logits."""
    from openvino import opset13 as ops

    assert model.form is not None
    if values.get_element_type() != openvino().Type.f32:
        values = ops.convert(values, "f32").output(0)
    if model.form.result.activation in ("softmax", "sigmoid"):
        # The caller takes a softmax, and softmax(log p) = p.
        values = ops.log(ops.maximum(values, np.float32(_TINY))).output(0)
    if model.card.temperature is not None:
        values = ops.divide(values, np.float32(model.card.temperature)).output(0)
    return ops.result(values)
