"""ONNX networks: loaded safely, run by onnxruntime behind the interface of a torch module.

Graphs from elsewhere differ in layout, type, size and meaning of what they take and return: ``onnx_contract`` reads
that from the file, ``onnx_adapt`` translates, and ``onnx_safety`` refuses what could do harm.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import numpy as np

from geoseg.errors import ModelError, one_line
from geoseg.models.card.card import ModelCard
from geoseg.models.networks.onnx_adapt import OUTPUT_KEY, Form, form_of, to_input, to_logits
from geoseg.models.networks.onnx_contract import Port, read_contract
from geoseg.models.networks.onnx_safety import MAX_FILE_BYTES, check_safe
from geoseg.system.resources import available_memory

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from onnx import ModelProto

__all__ = ["CARD_KEY", "OUTPUT_KEY", "build_network", "make_session", "metadata_of", "parse"]

CARD_KEY = "geoseg:card"
"""Metadata key of the model card, a STAC MLM item."""

_MISSING = 'onnx and onnxruntime are not installed: pip install "geoseg[onnx]"'

# Share of the free memory that all graphs of a process may use together; beyond it onnxruntime raises an error.
_MEMORY_SHARE = 0.6

_LOCK = threading.Lock()


def parse(data: bytes, label: str) -> ModelProto:
    """Return the graph in a file's bytes after checking that it is safe to run.

    Parameters
    ----------
    data
        Content of an ``.onnx`` file.
    label
        What error messages call it.

    Raises
    ------
    ModelError
        If it is damaged, needs custom operators, keeps weights in other files, contains compiled code, or would not
        run in bounded time and memory.
    """
    try:
        import onnx
    except ImportError:
        raise ModelError(f"{label}: {_MISSING}") from None
    if len(data) > MAX_FILE_BYTES:
        raise ModelError(f"{label}: {len(data) / 1e9:.1f} GB are more than an ONNX file can hold; get it again")
    try:
        proto = onnx.load_model_from_string(data)
    except Exception as error:  # noqa: BLE001 - protobuf raises exception types of its own
        raise ModelError(
            f"{label}: not an ONNX file, or a damaged one ({type(error).__name__}); get it again"
        ) from None
    check_safe(proto, label)
    return proto


def metadata_of(proto: ModelProto) -> dict[str, str]:
    """Return the metadata of a graph's file."""
    return {entry.key: entry.value for entry in proto.metadata_props}


def build_network(data: bytes, card: ModelCard) -> Any:
    """Return the network of an ONNX file as a torch module: normalised pixels → logits.

    Raises
    ------
    ModelError
        If it is unsafe, or its inputs and outputs do not fit the card.
    """
    label = f"model {card.name!r}"
    contract = read_contract(parse(data, label), label)
    form = form_of(contract, card)
    port = next(port for port in contract.outputs if port.name == form.result.name)
    return _network()(data, form, port, card.name)


def _network() -> type:
    """Return the module class; a function, since the class needs torch, which takes seconds to import."""
    import torch

    class OnnxNetwork(torch.nn.Module):
        """Runs a graph on torch tensors; sessions are created on first use, one per device and number of threads."""

        def __init__(self, data: bytes, form: Form, port: Port, name: str) -> None:
            super().__init__()
            self._data, self._form, self._port, self._name = data, form, port, name
            self._sessions: dict[tuple[str, int], Any] = {}
            self._lock = threading.Lock()

        def __deepcopy__(self, memo: dict[int, Any]) -> Any:
            return self  # immutable but for the cache of sessions

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            """Return logits (N, classes, h, w) of normalised pixels (N, bands, h, w)."""
            session = self._session(x.device.type, torch.get_num_threads())
            pixels = np.ascontiguousarray(x.detach().float().cpu().numpy())
            height, width = pixels.shape[-2:]
            batch = self._form.source.batch or len(pixels)
            parts = []
            for start in range(0, len(pixels), batch):
                part = pixels[start : start + batch]
                if missing := batch - len(part):  # graphs of a fixed batch size take no smaller one
                    part = np.concatenate([part, part[:1].repeat(missing, 0)])
                parts.append(self._run(session, part))
            logits = parts[0] if len(parts) == 1 else torch.cat(parts)
            return logits[: len(pixels), :, :height, :width].to(x.device)

        def _run(self, session: Any, pixels: NDArray[np.float32]) -> torch.Tensor:
            source = self._form.source
            window = self._window(pixels)
            try:
                (array,) = session.run([self._form.result.name], {source.name: to_input(pixels, source)})
            except Exception as error:  # noqa: BLE001 - onnxruntime raises exception types of its own
                text = one_line(error)
                memory = "out of memory: " if "alloc" in text.lower() else ""
                raise RuntimeError(f"{memory}{text[-300:]}") from None
            return to_logits(array, self._form, self._port, window, self._name)

        def _window(self, pixels: NDArray[np.float32]) -> tuple[int, int]:
            """Return height and width as the graph sees them."""
            sides = self._form.source.sides
            height, width = (side or have for side, have in zip(sides, pixels.shape[-2:], strict=True))
            if height < pixels.shape[-2] or width < pixels.shape[-1]:
                raise ModelError(f"model {self._name!r} takes windows of {width} × {height} pixels only")
            return height, width

        def _session(self, device: str, threads: int) -> Any:
            with self._lock:
                key = device, threads
                if key not in self._sessions:
                    self._sessions[key] = make_session(self._data, device, threads, self._name)
                return self._sessions[key]

    return OnnxNetwork


def make_session(data: bytes, device: str, threads: int, name: str) -> Any:
    """Return an onnxruntime session.

    Raises
    ------
    ModelError
        If onnxruntime is not installed or rejects the graph.
    """
    try:
        import onnxruntime as ort
    except ImportError:
        raise ModelError(f"model {name!r}: {_MISSING}") from None
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4  # errors are raised; do not log them too
    # Several sessions share the CPU: waiting threads must not spin.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if _limit_memory():
        options.add_session_config_entry("session.use_env_allocators", "1")
    wanted = ["CUDAExecutionProvider"] if device == "cuda" else []
    providers = [entry for entry in wanted if entry in ort.get_available_providers()] + ["CPUExecutionProvider"]
    try:
        return ort.InferenceSession(data, options, providers=providers)
    except Exception as error:  # noqa: BLE001 - onnxruntime raises exception types of its own
        text = one_line(error)
        raise ModelError(f"model {name!r}: onnxruntime cannot run its graph: {text[-300:]}") from None


_limited: list[bool] = []


def _limit_memory() -> bool:
    """Bound the memory of onnxruntime in this process, once; return whether that is possible."""
    import onnxruntime as ort

    with _LOCK:
        if not _limited:
            # Grow by what is asked for, not to the next power of two; -1 means the default.
            limits = {
                "max_mem": int(available_memory() * _MEMORY_SHARE),
                "arena_extend_strategy": 1,
                "initial_chunk_size_bytes": -1,
                "max_dead_bytes_per_chunk": -1,
            }
            memory = ort.OrtMemoryInfo("Cpu", ort.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, ort.OrtMemType.DEFAULT)
            try:
                ort.create_and_register_allocator(memory, ort.OrtArenaCfg(limits))
                _limited.append(True)
            except Exception:  # noqa: BLE001 - builds without an arena, and processes that registered one themselves
                _limited.append(False)
        return _limited[0]
