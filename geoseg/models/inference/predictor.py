"""torch as a runtime: raw integers go to the device; classes, confidence and percents come back as uint8.

Results do not depend on how windows are grouped: every batch is computed in the same shape (padded if it is not full),
because kernels are selected by shape and round differently.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from geoseg.errors import DeviceMemoryError, ModelError
from geoseg.models.card.card import window_side
from geoseg.models.card.scaling import transform_columns
from geoseg.models.inference.argmax import Decision, Prediction, decide, decide_strip, strip_rows
from geoseg.models.inference.execution import Execution
from geoseg.models.inference.prediction import not_finite
from geoseg.models.optimize.fuse import fused

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geoseg.models.model import Model

__all__ = ["Execution", "Predictor"]

# torch warns about read-only arrays; nothing here writes to them. (warnings.catch_warnings around the call would change
# the filters of all threads.)
warnings.filterwarnings("ignore", message=".*not writable.*")

_AUTOCAST = {"bf16": torch.bfloat16, "fp16": torch.float16}

# torch has no kernels for these dtypes: convert them with numpy first. Only uint64 above 2^53 loses precision.
_BRIDGE = {"uint32": np.int64, "uint64": np.float64, "bool": np.uint8}


class Predictor:
    """A model on a device, ready for windows of one scene. Thread-safe: call it from as many threads as it has streams.

    Parameters
    ----------
    model
        The model.
    affine
        Transform from each band's digital numbers to the network's input: ``ModelCard.affine``, or pairs (a, b).
    execution
        Device, precision, memory layout, batch size, threads.

    Raises
    ------
    ModelError
        If the weights cannot be loaded, or do not fit the device's memory.
    """

    def __init__(self, model: Model, affine: Sequence[tuple[float, ...]], execution: Execution) -> None:
        self.card = model.card
        self.execution = execution
        self.device = torch.device(execution.device)
        self._module = place(model, execution)
        self._pointwise = bool(getattr(self._module, "pointwise", False)) and self.device.type == "cpu"
        self._batch = execution.batch
        columns = torch.from_numpy(transform_columns(affine, len(model.card.bands), model.card.name))
        self._scale, self._offset, *clip = columns.reshape(len(columns), -1, 1, 1).to(self.device)
        self._clip = tuple(clip) if clip else None

    def classify(
        self, data: NDArray[Any], valid: NDArray[np.bool_] | None = None
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Return class and confidence of every pixel of some windows; see :meth:`predict`."""
        prediction = self.predict(data, valid)
        return prediction.classes, prediction.confidence

    def predict(
        self, data: NDArray[Any], valid: NDArray[np.bool_] | None = None, probabilities: tuple[int, ...] = ()
    ) -> Prediction:
        """Return class, confidence and, if asked for, probabilities of every pixel of some windows.

        Parameters
        ----------
        data
            (N, bands, h, w), digital numbers as the raster stores them; h and w multiples of the model's stride.
        valid
            (N, h, w); None if all pixels are valid. Invalid pixels enter the network as 0 after normalisation, whatever
            they hold; what is returned for them is meaningless.
        probabilities
            Positions of the classes whose percents are wanted.

        Raises
        ------
        ModelError
            If the model returns NaN or infinity for a valid pixel, or a shape other than (N, classes, h, w), or if one
            window does not fit the device's memory.
        """
        with self._running():
            if self._pointwise:
                return self._predict_strips(data, valid, probabilities)
            parts = [self._predict_batch(part, mask, probabilities) for part, mask in self._batches(data, valid)]
        if len(parts) > 1:
            return Prediction(*(np.concatenate(arrays)[: len(data)] for arrays in zip(*parts, strict=True)))
        return Prediction(*(array[: len(data)] for array in parts[0]))

    def scores(self, data: NDArray[Any], valid: NDArray[np.bool_] | None = None) -> torch.Tensor:
        """Return the probability of every class: float32 (N, classes, h, w), on the device. See :meth:`predict`."""
        with self._running():
            parts = []
            for part, mask in self._batches(data, valid):
                logits = self._forward(part, mask).float()
                self._check_finite(logits, mask)
                parts.append(torch.softmax(logits, 1))
        return (torch.cat(parts) if len(parts) > 1 else parts[0])[: len(data)]

    def _predict_batch(
        self, data: NDArray[Any], valid: NDArray[np.bool_] | None, probabilities: tuple[int, ...]
    ) -> Prediction:
        logits = self._forward(data, valid)
        decision, finite = decide(logits, probabilities)
        if not finite:
            self._check_finite(logits, valid)
            # Only invalid pixels are affected: decide again without NaN.
            decision, _ = decide(torch.nan_to_num(logits.float()), probabilities)
        return decision.to_host()

    def _predict_strips(
        self, data: NDArray[Any], valid: NDArray[np.bool_] | None, probabilities: tuple[int, ...]
    ) -> Prediction:
        """Run a network without context strip by strip, so that intermediate results stay in the CPU's cache."""
        source = to_tensor(data)
        n, bands, h, w = source.shape
        decision = Decision.empty(n, h, w, probabilities)
        rows = strip_rows(max(bands, len(self.card.classes)), w) * 4
        buffer, planes = torch.empty((1, bands, rows, w)), torch.empty((len(self.card.classes), rows, w))
        for i in range(n):
            for row in range(0, h, rows):
                part = slice(row, min(row + rows, h))
                mask = None if valid is None else valid[i : i + 1, part]
                x = self._normalise(source[i : i + 1, :, part], mask, buffer[:, :, : part.stop - part.start])
                logits = self._checked(self._module(x), x)
                strip, out = planes[:, : part.stop - part.start], decision.rows(i, part)
                if not decide_strip(strip.copy_(logits[0]), out):
                    self._check_finite(logits, mask)
                    decide_strip(strip.copy_(torch.nan_to_num(logits[0])), out)
        return decision.to_host()

    def _batches(
        self, data: NDArray[Any], valid: NDArray[np.bool_] | None
    ) -> Iterator[tuple[NDArray[Any], NDArray[np.bool_] | None]]:
        """Split into batches of one size; the last is padded with copies of its first window."""
        size = self._batch
        for start in range(0, len(data), size):
            part = data[start : start + size]
            mask = None if valid is None else valid[start : start + size]
            if missing := size - len(part):
                part = np.concatenate([part, np.repeat(part[:1], missing, 0)])
                mask = None if mask is None else np.concatenate([mask, np.repeat(mask[:1], missing, 0)])
            yield part, mask

    def _forward(self, data: NDArray[Any], valid: NDArray[np.bool_] | None) -> torch.Tensor:
        """Return the logits of one batch; if it does not fit the device's memory, halve the batch size for good."""
        try:
            return self._forward_once(data, valid)
        except RuntimeError as error:
            if not out_of_memory(error):
                raise ModelError(
                    f"model {self.card.name!r} does not run on windows of {data.shape[-2]} × {data.shape[-1]}: "
                    f"{_first_line(error)}"
                ) from None
            if len(data) == 1:
                raise DeviceMemoryError(
                    f"model {self.card.name!r}: one window of {data.shape[-2]} × {data.shape[-1]} pixels does not fit "
                    f"the memory of {self.device}; use a smaller --window or another --device"
                ) from None
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        half = len(data) // 2
        self._batch = min(self._batch, max(half, 1))
        halves = [
            (data[:half], None if valid is None else valid[:half]),
            (data[half:], None if valid is None else valid[half:]),
        ]
        return torch.cat([self._forward(part, mask) for part, mask in halves])

    def _forward_once(self, data: NDArray[Any], valid: NDArray[np.bool_] | None) -> torch.Tensor:
        source = to_tensor(data)
        if self.device.type == "cuda":
            # Copies from pinned memory overlap with the other stream's kernels.
            source = source.contiguous().pin_memory().to(self.device, non_blocking=True)
        layout = torch.channels_last if self.execution.channels_last else torch.contiguous_format
        x = torch.empty(source.shape, dtype=torch.float32, device=self.device, memory_format=layout)
        x = self._normalise(source, valid, x)
        half = _AUTOCAST.get(self.execution.precision)
        with torch.autocast(self.device.type, half or torch.bfloat16, enabled=half is not None):
            return self._checked(self._module(x), x)

    def _normalise(self, source: torch.Tensor, valid: NDArray[np.bool_] | None, out: torch.Tensor) -> torch.Tensor:
        """Write the network's input to ``out`` (float32) and return it."""
        if out.device.type == "cpu" and not out.is_contiguous():
            # Scaling planes and transposing them while they are in cache takes half the time.
            rows = strip_rows(out.shape[1], out.shape[3])
            for row in range(0, out.shape[2], rows):
                part = slice(row, row + rows)
                out[:, :, part] = self._scaled(source[:, :, part].to(torch.float32, copy=True))
        else:
            self._scaled(out.copy_(source))
        if valid is not None and not valid.all():
            # Where the card standardises, 0 is the mean of the training data: the most neutral value.
            invalid = torch.from_numpy(~valid)[:, None].to(self.device)
            out.masked_fill_(invalid, 0.0)
        return out

    def _scaled(self, values: torch.Tensor) -> torch.Tensor:
        values.mul_(self._scale).add_(self._offset)
        return values if self._clip is None else torch.clamp(values, *self._clip, out=values)

    def _checked(self, logits: Any, x: torch.Tensor) -> torch.Tensor:
        wanted = (x.shape[0], len(self.card.classes), *x.shape[2:])
        if not isinstance(logits, torch.Tensor) or tuple(logits.shape) != wanted:
            got = tuple(logits.shape) if isinstance(logits, torch.Tensor) else type(logits).__name__
            raise ModelError(
                f"model {self.card.name!r} returned {got} for an input of {tuple(x.shape)}; it must return {wanted}"
            )
        return logits

    def _check_finite(self, logits: torch.Tensor, valid: NDArray[np.bool_] | None) -> None:
        bad = (torch.isnan(logits) | torch.isposinf(logits)).any(1) | torch.isneginf(logits).all(1)
        if valid is not None:
            bad &= torch.from_numpy(np.ascontiguousarray(valid)).to(bad.device)
        if count := int(bad.sum()):
            raise not_finite(self.card, count, self.execution.precision)

    @contextmanager
    def _running(self) -> Iterator[None]:
        with torch.inference_mode(), intra_op_threads(self.execution.threads, self.device):
            if self.device.type != "cuda":
                yield
                return
            with torch.cuda.device(self.device), torch.cuda.stream(_stream(self.device)):
                yield


def to_tensor(data: NDArray[Any]) -> torch.Tensor:
    """Return an array as a tensor, without copying where torch supports its dtype."""
    if data.dtype.name in _BRIDGE:
        data = data.astype(_BRIDGE[data.dtype.name])
    if not data.dtype.isnative:
        data = data.astype(data.dtype.newbyteorder("="))
    if any(stride < 0 for stride in data.strides):
        data = np.ascontiguousarray(data)
    return torch.from_numpy(data)


@contextmanager
def intra_op_threads(count: int, device: torch.device) -> Iterator[None]:
    """Let kernels called from this thread use ``count`` CPU threads; other threads keep their own setting."""
    before = torch.get_num_threads()
    if device.type != "cpu" or before == count:
        yield
        return
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


_LOCAL = threading.local()


def _stream(device: torch.device) -> torch.cuda.Stream:
    """Return this thread's CUDA stream, so that one thread's copies overlap with another's kernels."""
    streams: dict[torch.device, torch.cuda.Stream] = _LOCAL.__dict__.setdefault("streams", {})
    if device not in streams:
        streams[device] = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
    return streams[device]


_PLACED: dict[tuple[object, ...], torch.nn.Module] = {}
_LOCK = threading.Lock()


def place(model: Model, execution: Execution) -> torch.nn.Module:
    """Return the model's network on the execution's device and in its memory layout; cached per process."""
    layout = torch.channels_last if execution.channels_last else torch.contiguous_format
    # Operators with a fused activation do not support autocast, and compilers fuse activations themselves.
    activations = (
        execution.device == "cpu"
        and execution.channels_last
        and execution.precision == "fp32"
        and not execution.compile
    )
    key = (model.fingerprint, execution.device, execution.channels_last, execution.compile, activations)
    with _LOCK:
        if key not in _PLACED:
            try:
                # fused() copies: the model's own module is shared with other users, perhaps in another layout.
                side = window_side(model.card, 2 * model.card.stride)
                sample = torch.randn((1, len(model.card.bands), side, side), generator=torch.Generator().manual_seed(0))
                # Folding upsampling into transposed convolutions was measured on CPUs only. Threads that share so small
                # passes spin for one another, ten times as long as the passes take while other programs compute.
                on_cpu = execution.device == "cpu"
                with intra_op_threads(1, torch.device("cpu")):
                    module = fused(model.module(), sample, upsampling=on_cpu, activations=activations)
                placed = module.to(execution.device).to(memory_format=layout)
            except RuntimeError as error:
                if not out_of_memory(error):
                    raise
                raise DeviceMemoryError(
                    f"model {model.card.name!r} does not fit the memory of {execution.device}; use --device cpu"
                ) from None
            if execution.compile:
                from geoseg.models.inference.torch_compile import compile_module

                placed = compile_module(placed.eval(), sample.to(execution.device), model.card.name)
            if execution.device.startswith("cuda"):
                torch.cuda.synchronize(execution.device)
            if len(_PLACED) >= 8:
                _PLACED.pop(next(iter(_PLACED)))
            _PLACED[key] = placed.eval()
        return _PLACED[key]


def out_of_memory(error: RuntimeError) -> bool:
    """Return whether an error of torch means that memory ran out."""
    return isinstance(error, torch.OutOfMemoryError) or any(
        text in str(error) for text in ("out of memory", "can't allocate memory", "not enough memory")
    )


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
