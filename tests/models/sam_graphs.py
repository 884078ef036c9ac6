"""A tiny encoder and decoder with the inputs and outputs of SAM's published ONNX export.

The "object" is what has nearly the colour of the first point, in cells of four pixels of the picture that the encoder
sees, without what has the colour of a second point that is outside.
"""

from __future__ import annotations

import numpy as np
from onnx import TensorProto, helper, numpy_helper

SIDE, CELL, NEAR = 64, 4, 0.25
FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64


def _save(path, nodes, inputs, outputs, constants):
    ports = [
        [helper.make_tensor_value_info(name, FLOAT, shape) for name, shape in entries] for entries in (inputs, outputs)
    ]
    weights = [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "g", *ports, weights)
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    proto.ir_version = 8
    path.write_bytes(proto.SerializeToString())
    return path


def node(kind, inputs, output, **attributes):
    return helper.make_node(kind, inputs.split(), [output], **attributes)


def write_encoder(path, *, side=SIDE, bands_first=True):
    """The mean colour of each cell; (h, w, 3) of bytes are padded to a square and normalised in the graph."""
    pool = node("AveragePool", "square", "image_embeddings", kernel_shape=[CELL, CELL], strides=[CELL, CELL])
    output = [("image_embeddings", [1, 3, side // CELL if bands_first else "h", side // CELL if bands_first else "w"])]
    if bands_first:
        start = [node("Identity", "x", "square")]
        return _save(path, [*start, pool], [("x", [1, 3, side, side])], output, {})
    nodes = [
        node("Sub", "x mean", "a"), node("Div", "a std", "b"), node("Transpose", "b", "c", perm=[2, 0, 1]),
        node("Unsqueeze", "c zero", "d"), node("Shape", "d", "shape"), node("Sub", "full shape", "missing"),
        node("Concat", "none missing", "pads", axis=0), node("Pad", "d pads", "square"), pool,
    ]  # fmt: skip
    constants = {
        "mean": np.float32([123.675, 116.28, 103.53]), "std": np.float32([58.395, 57.12, 57.375]),
        "zero": np.int64([0]), "full": np.int64([1, 3, 1024, 1024]), "none": np.int64([0, 0, 0, 0]),
    }  # fmt: skip
    return _save(path, nodes, [("x", ["h", "w", 3])], output, constants)


def write_decoder(path, *, side=SIDE, masks=1, without=()):
    """Masks of cells by colour, brought to the size of the picture as SAM's mask_postprocessing does."""
    nodes = [
        # Embeddings (h, w, 3), and those at the first two points.
        node("Transpose", "image_embeddings", "cells", perm=[0, 2, 3, 1]), node("Squeeze", "cells zero", "flat"),
        node("Div", "point_coords cell", "scaled"), node("Floor", "scaled", "floored"),
        node("Cast", "floored", "whole", to=INT64), node("Gather", "whole swap", "row_col", axis=2),
        node("Squeeze", "row_col zero", "places"),
        node("GatherND", "flat places", "colours"),  # (n, 3)
        node("Gather", "colours first", "own", axis=0), node("Gather", "colours second", "other", axis=0),
        node("Sub", "flat own", "d1"), node("Abs", "d1", "d2"), node("ReduceSum", "d2 last", "far", keepdims=0),
        node("Sub", "flat other", "e1"), node("Abs", "e1", "e2"), node("ReduceSum", "e2 last", "near", keepdims=0),
        node("Sub", "threshold far", "like"),
        # A second point counts if its label is 0: outside.
        node("Gather", "point_labels second", "label", axis=1), node("Equal", "label out", "is_out"),
        node("Sub", "near threshold", "unlike"), node("Min", "like unlike", "both"),
        node("Where", "is_out both like", "logits"), node("Unsqueeze", "logits axes", "low"),
        # To the square, without its padding, to the picture.
        helper.make_node(
            "Resize", ["low", "", "", "square"], ["large"], mode="nearest",
            coordinate_transformation_mode="asymmetric", nearest_mode="floor"),
        node("ReduceMax", "orig_im_size", "longest", keepdims=1), node("Div", "side longest", "ratio"),
        node("Mul", "orig_im_size ratio", "m1"), node("Add", "m1 half", "m2"), node("Floor", "m2", "m3"),
        node("Cast", "m3", "padless", to=INT64), node("Slice", "large start padless spatial", "cut"),
        node("Cast", "orig_im_size", "size", to=INT64), node("Concat", "one size", "sizes", axis=0),
        helper.make_node("Resize", ["cut", "", "", "sizes"], ["mask"], mode="nearest",
                         coordinate_transformation_mode="half_pixel", nearest_mode="floor"),
        node("Identity", "low", "low_res_masks"),
    ]  # fmt: skip
    if masks == 1:
        nodes += [node("Identity", "mask", "masks"), node("Identity", "score", "iou_predictions")]
    else:  # of four, the first is what is not the object, and has the highest score
        nodes += [node("Neg", "mask", "not"), node("Concat", "not mask not not", "masks", axis=1),
                  node("Identity", "scores", "iou_predictions")]  # fmt: skip
    constants = {
        "zero": np.int64([0]), "cell": np.float32(CELL), "swap": np.int64([1, 0]), "first": np.int64(0),
        "second": np.int64(1), "last": np.int64([-1]), "threshold": np.float32(NEAR), "out": np.float32([0]),
        "axes": np.int64([0, 1]), "square": np.int64([1, 1, side, side]), "side": np.float32(side),
        "half": np.float32(0.5), "start": np.int64([0, 0]), "spatial": np.int64([2, 3]), "one": np.int64([1, 1]),
        "score": np.float32([[0.9]]), "scores": np.float32([[0.95, 0.9, 0.1, 0.2]]),
    }  # fmt: skip
    low = side // 4
    inputs = [
        ("image_embeddings", [1, 3, side // CELL, side // CELL]), ("point_coords", [1, "n", 2]),
        ("point_labels", [1, "n"]), ("mask_input", [1, 1, low, low]), ("has_mask_input", [1]), ("orig_im_size", [2]),
    ]  # fmt: skip
    outputs = [
        ("masks", [1, masks, "h", "w"]), ("iou_predictions", [1, masks]), ("low_res_masks", [1, 1, "a", "b"])
    ]  # fmt: skip
    inputs = [entry for entry in inputs if entry[0] not in without]
    return _save(path, nodes, inputs, outputs, constants)
