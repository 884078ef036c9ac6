"""Runs the two graphs of a click model: an embedding of a picture, then a mask for points in it.

The interface is that of SAM's published ONNX export (segment-anything, scripts/export_onnx_model.py, and notebook
onnx_model_example): the decoder takes image_embeddings, point_coords, point_labels, mask_input, has_mask_input and
orig_im_size, and returns masks, iou_predictions and low_res_masks. Point labels: 1 in, 0 out, 2 and 3 the corners of a
box, -1 no point. Kirillov et al. 2023, Segment Anything, arXiv:2304.02643.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from geoseg.errors import ModelError, one_line
from geoseg.models.networks.onnx import make_session, parse
from geoseg.system.resources import cpu_count

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from onnx import ModelProto

INPUTS = ("image_embeddings", "point_coords", "point_labels", "mask_input", "has_mask_input", "orig_im_size")
OUTPUTS = ("masks", "iou_predictions", "low_res_masks")

_SIDE = 1024
"""Longest side of the picture that SAM sees, where the encoder leaves it free."""

INSIDE, OUTSIDE, BOX_START, BOX_END, NO_POINT = 1.0, 0.0, 2.0, 3.0, -1.0


@dataclass(frozen=True, eq=False)
class Mask:
    """What a click points at.

    Attributes
    ----------
    inside
        (height, width), bool.
    score
        How well the model thinks that the mask fits, 0…1: its estimate of the intersection over union.
    """

    inside: NDArray[np.bool_]
    score: float


@dataclass(frozen=True)
class Ports:
    """What an encoder takes.

    Attributes
    ----------
    name
        Of its input.
    bands_first
        Whether it takes (1, 3, side, side), normalised; else (height, width, 3) of values 0…255, which it normalises.
    side
        Longest side of the picture.
    output
        Name of the embedding.
    """

    name: str
    bands_first: bool
    side: int
    output: str


def encoder_ports(proto: ModelProto, label: str) -> Ports:
    """Return what an encoder takes.

    Raises
    ------
    ModelError
        If its interface is another one; says what it has.
    """
    given = _given(proto)
    shapes = [_shape(port) for port in given]
    outputs = [port.name for port in proto.graph.output]
    if len(given) != 1 or len(outputs) != 1:
        listing = ", ".join(port.name for port in given)
        raise ModelError(
            f"{label}: an image encoder takes one picture and returns one embedding; this takes {listing} and returns "
            f"{', '.join(outputs)} (SAM 2 and others with more outputs are not run)"
        )
    shape = shapes[0]
    if len(shape) == 4 and shape[1] == 3:
        sides = {side for side in shape[2:] if side}
        if len(sides) > 1:
            raise ModelError(f"{label}: takes pictures of {shape[3]} × {shape[2]} px; export it for square ones")
        return Ports(given[0].name, True, sides.pop() if sides else _SIDE, outputs[0])
    if len(shape) == 3 and shape[2] == 3 and not any(shape[:2]):
        return Ports(given[0].name, False, _SIDE, outputs[0])
    sizes = " × ".join(str(side or "?") for side in shape)
    raise ModelError(
        f"{label}: takes {given[0].name} of {sizes}; an image encoder takes 1 × 3 × side × side or h × w × 3"
    )


def check_decoder(proto: ModelProto, label: str) -> None:
    """Check that a decoder has the interface of SAM's export.

    Raises
    ------
    ModelError
        If not; names what is missing.
    """
    have = {port.name for port in _given(proto)}, {port.name for port in proto.graph.output}
    lacks = [name for name in INPUTS if name not in have[0]] + [name for name in OUTPUTS[:2] if name not in have[1]]
    if lacks:
        raise ModelError(
            f"{label}: lacks {', '.join(lacks)}, so it is no decoder as SAM's own script exports it "
            "(scripts/export_onnx_model.py); it takes "
            f"{', '.join(sorted(have[0]))} and returns {', '.join(sorted(have[1]))}"
        )


def _given(proto: ModelProto) -> list[Any]:
    """Return the inputs that are no weights."""
    weights = {tensor.name for tensor in proto.graph.initializer}
    return [port for port in proto.graph.input if port.name not in weights]


def _shape(port: Any) -> list[int]:
    """Return the sides of a port; 0 where they are free."""
    return [int(side.dim_value) for side in port.type.tensor_type.shape.dim]


class Pair:
    """The two graphs.

    Parameters
    ----------
    encoder, decoder
        Content of the files.
    mean, std
        Of red, green and blue, as the encoder takes them.
    name
        Name of the model, for messages.
    """

    def __init__(self, encoder: bytes, decoder: bytes, mean: Sequence[float], std: Sequence[float], name: str) -> None:
        self._label = f"model {name!r}"
        graphs = parse(encoder, f"{self._label}: encoder"), parse(decoder, f"{self._label}: decoder")
        self.ports = encoder_ports(graphs[0], f"{self._label}: encoder")
        check_decoder(graphs[1], f"{self._label}: decoder")
        self._mask = next(_shape(port) for port in _given(graphs[1]) if port.name == "mask_input")
        self._mean, self._std = (np.asarray(values, np.float32) for values in (mean, std))
        self._encoder, self._decoder = (make_session(data, "cpu", cpu_count(), name) for data in (encoder, decoder))

    def embed(self, picture: NDArray[np.uint8]) -> NDArray[Any]:
        """Return the embedding of a picture (height, width, 3) of red, green and blue."""
        resized = _resized(picture, self.ports.side).astype(np.float32)
        if not self.ports.bands_first:
            return self._run(self._encoder, [self.ports.output], {self.ports.name: resized})[0]
        normal = (resized - self._mean) / self._std
        pixels = np.zeros((1, 3, self.ports.side, self.ports.side), np.float32)
        pixels[0, :, : normal.shape[0], : normal.shape[1]] = normal.transpose(2, 0, 1)
        return self._run(self._encoder, [self.ports.output], {self.ports.name: pixels})[0]

    def decode(
        self, embedding: NDArray[Any], shape: tuple[int, int], points: NDArray[np.float64], labels: NDArray[np.float64]
    ) -> Mask:
        """Return the mask of points.

        Parameters
        ----------
        embedding
            Of the picture.
        shape
            Height and width of the picture.
        points
            (n, 2), column and row in the picture, pixel centres at .5.
        labels
            (n,): :data:`INSIDE`, :data:`OUTSIDE`, :data:`BOX_START`, :data:`BOX_END`.
        """
        height, width = _size(shape, self.ports.side)
        scaled = points * (width / shape[1], height / shape[0])
        if BOX_START not in labels:  # as SAM's export wants it where there is no box
            scaled, labels = np.vstack([scaled, [[0.0, 0.0]]]), np.append(labels, NO_POINT)
        side = self._mask[-1] or self.ports.side // 4
        found = self._run(
            self._decoder,
            list(OUTPUTS[:2]),
            {
                "image_embeddings": embedding,
                "point_coords": scaled[None].astype(np.float32),
                "point_labels": labels[None].astype(np.float32),
                "mask_input": np.zeros((1, 1, side, side), np.float32),
                "has_mask_input": np.zeros(1, np.float32),
                "orig_im_size": np.array(shape, np.float32),
            },
        )
        masks, scores = found[0], found[1].reshape(-1)
        if masks.ndim != 4 or masks.shape[0] != 1 or masks.shape[1] != len(scores) or masks.shape[2:] != shape:
            raise ModelError(
                f"{self._label}: its decoder returns masks {masks.shape} and {len(scores)} scores for a picture of "
                f"{shape[1]} × {shape[0]} px; export it with SAM's own script"
            )
        best = _best(scores, len(labels))
        return Mask(masks[0, best] > 0, float(np.clip(scores[best], 0, 1)))

    def _run(self, session: Any, outputs: list[str], values: dict[str, NDArray[Any]]) -> list[NDArray[Any]]:
        try:
            results: list[NDArray[Any]] = session.run(outputs, values)
        except Exception as error:  # noqa: BLE001 - onnxruntime raises exception types of its own
            raise ModelError(f"{self._label}: its graph cannot be run: {one_line(error)[-300:]}") from None
        return results


def _best(scores: NDArray[Any], points: int) -> int:
    """Return which mask is taken: of four, the first for several points and one of the others for a single one.

    Source: SamOnnxModel.select_masks of segment-anything; the first mask is trained for prompts that are not ambiguous.
    """
    if len(scores) == 4:
        scores = scores + (points - 2.5) * np.array([1000.0, 0, 0, 0])
    return int(np.argmax(scores))


def _size(shape: tuple[int, int], side: int) -> tuple[int, int]:
    """Return the size at which a picture fits into a square: ResizeLongestSide of segment-anything."""
    scale = side / max(shape)
    return int(shape[0] * scale + 0.5), int(shape[1] * scale + 0.5)


def _resized(picture: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    height, width = _size(picture.shape[:2], side)
    if (height, width) == picture.shape[:2]:
        return picture
    from PIL import Image

    return np.asarray(Image.fromarray(picture).resize((width, height), Image.Resampling.BILINEAR))
