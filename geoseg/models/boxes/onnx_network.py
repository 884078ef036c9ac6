"""ONNX detectors behind the interface of torchvision's: pixels of one window in, boxes, scores and classes out."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from geoseg.errors import ModelError, one_line
from geoseg.models.boxes.layouts import best, decode
from geoseg.models.networks.onnx import make_session, parse
from geoseg.models.networks.onnx_adapt import InputForm, input_form, to_input
from geoseg.models.networks.onnx_contract import read_contract

if TYPE_CHECKING:
    from geoseg.models.card.card import ModelCard


class _Sessions:
    """onnxruntime's sessions of one graph, one per device and number of threads; shared by all copies of a network."""

    def __init__(self, data: bytes, name: str) -> None:
        self._data, self._name = data, name
        self._made: dict[tuple[str, int], Any] = {}
        self._lock = threading.Lock()

    def __deepcopy__(self, _memo: Any) -> _Sessions:
        return self

    def of(self, device: str) -> Any:
        key = device, torch.get_num_threads()
        with self._lock:
            if key not in self._made:
                self._made[key] = make_session(self._data, *key, self._name)
            return self._made[key]


class _Graph(torch.nn.Module):
    """Runs the graph: float32 (1, bands, h, w) → all it returns, by name, that of the boxes first."""

    def __init__(self, sessions: _Sessions, source: InputForm, outputs: tuple[str, ...], name: str) -> None:
        super().__init__()
        self._sessions, self._source, self._outputs, self._name = sessions, source, outputs, name

    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        for side, have in zip(self._source.sides, x.shape[-2:], strict=True):
            if side is not None and side != have:
                size = f"{self._source.sides[1]} × {self._source.sides[0]}"
                raise ModelError(f"model {self._name!r} takes windows of {size} pixels only")
        pixels = np.ascontiguousarray(x.detach().float().cpu().numpy())
        if self._source.batch:  # graphs of a fixed batch size take no smaller one
            pixels = pixels.repeat(self._source.batch, 0)
        try:
            arrays = self._sessions.of(x.device.type).run(
                list(self._outputs), {self._source.name: to_input(pixels, self._source)}
            )
        except Exception as error:  # noqa: BLE001 - onnxruntime raises exception types of its own
            text = one_line(error)
            memory = "out of memory: " if "alloc" in text.lower() else ""
            raise RuntimeError(f"{memory}{text[-300:]}") from None
        found = {}
        for name, array in zip(self._outputs, arrays, strict=True):
            found[name] = torch.from_numpy(np.ascontiguousarray(array[:1], dtype=np.float32)).to(x.device)
        return found


class OnnxDetector(torch.nn.Module):
    """Finds boxes in one window, with the limits that torchvision's detectors have.

    Parameters
    ----------
    graph
        The network, without what follows it.
    card
        Its card.
    """

    def __init__(self, graph: _Graph, card: ModelCard) -> None:
        super().__init__()
        assert card.boxes is not None
        assert card.boxes.layout is not None
        self.backbone, self._name = graph, card.name
        self._layout, self._masks, self._classes = card.boxes.layout, card.boxes.masks, len(card.classes) - 1
        self.detections_per_img, self.score_thresh = card.boxes.limit, card.boxes.least_score
        self.nms_thresh = card.boxes.overlap

    def forward(self, x: torch.Tensor) -> list[dict[str, torch.Tensor]]:
        """Return boxes (n, 4), scores (n,), labels (n,) from 1, and for masks coefficients (n, m) and prototypes.

        Raises
        ------
        ModelError
            If the graph returns classes that the card has not.
        """
        raw, *more = self.backbone(x).values()
        found = decode(raw, self._layout, self._classes, self.score_thresh)
        found = best(found, self._layout, self.nms_thresh, self.detections_per_img)
        if len(found.classes) and not (int(found.classes.min()) >= 0 and int(found.classes.max()) < self._classes):
            raise ModelError(
                f"model {self._name!r}: its graph returns class numbers {int(found.classes.min())}…"
                f"{int(found.classes.max())}; the card has {self._classes}"
            )
        height, width = x.shape[-2:]
        most = torch.tensor([width, height, width, height], dtype=found.boxes.dtype, device=x.device)
        result = {
            "boxes": torch.minimum(found.boxes.clamp(min=0), most),
            "scores": found.scores,
            "labels": found.classes + 1,
        }
        if self._masks:
            result |= {"coefficients": found.coefficients, "prototypes": more[0][0]}
        return [result]


def build_onnx_detector(data: bytes, card: ModelCard) -> torch.nn.Module:
    """Return the detector of an ONNX file.

    Raises
    ------
    ModelError
        If the file is damaged or unsafe, or its outputs are not those that the card says.
    """
    label = f"model {card.name!r}"
    contract = read_contract(parse(data, label), label)
    assert card.boxes is not None
    ports = sorted(contract.outputs, key=lambda port: len(port.shape or port.probe or ()))
    if len(ports) != 1 + card.boxes.masks:
        raise ModelError(f"{label}: its graph has {len(ports)} outputs, and {1 + card.boxes.masks} by its card")
    source = input_form(contract, len(card.bands), label)
    graph = _Graph(_Sessions(data, card.name), source, tuple(port.name for port in ports), card.name)
    return OnnxDetector(graph, card)
