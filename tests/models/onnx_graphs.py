"""Tiny ONNX graphs of every kind that models from elsewhere come in, and folders with cards for them."""

from __future__ import annotations

import json

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from geoseg.classes import MapClass, default_color
from geoseg.models import BandSpec, ModelCard
from geoseg.models.card.card import Weights

KINDS = {
    "float32": TensorProto.FLOAT, "float16": TensorProto.FLOAT16, "float64": TensorProto.DOUBLE,
    "uint8": TensorProto.UINT8, "int32": TensorProto.INT32, "int64": TensorProto.INT64, "uint16": TensorProto.UINT16,
}  # fmt: skip


def value(name, kind, shape):
    return helper.make_tensor_value_info(name, KINDS[kind], shape)


def constant(name, array):
    return numpy_helper.from_array(np.asarray(array), name)


def save(path, nodes, inputs, outputs, initializers=(), metadata=None, functions=(), domains=()):
    graph = helper.make_graph(
        list(nodes), "g", [value(*entry) for entry in inputs], [value(*entry) for entry in outputs], list(initializers)
    )
    imports = [helper.make_opsetid("", 17), *(helper.make_opsetid(domain, 1) for domain in domains)]
    proto = helper.make_model(graph, opset_imports=imports, functions=list(functions))
    proto.ir_version = 8
    if metadata:
        helper.set_model_props(proto, metadata)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(proto.SerializeToString())
    return path


def network(
    bands=3, classes=4, *, dtype="float32", layout="NCHW", sides=(None, None), batch="n", end="", scale=1,
    channels=None, extra=(), context=True,
):  # fmt: skip
    """Return nodes, inputs, outputs and weights: a convolution, then what ``end`` says.

    The graph works in NCHW float32 inside. ``end``: ``""``, ``"softmax"``, ``"sigmoid"``, ``"logsoftmax"``,
    ``"argmax"``, ``"exp"`` (softmax as some exporters write it) or ``"cast"`` (class numbers as floats).
    """
    rng = np.random.default_rng(bands * 100 + classes)
    channels = channels or classes
    side = 3 if context else 1
    kernel = rng.normal(0, 1, (channels, bands, side, side)).astype(np.float32) * (0.02 if dtype == "uint8" else 1)
    weights = [constant("kernel", kernel.astype(np.float32))]
    h, w = (s or name for s, name in zip(sides, ("h", "w"), strict=True))
    dims = {"N": batch, "C": bands, "H": h, "W": w}
    inputs = [("x", dtype, [dims[axis] for axis in layout])]
    nodes, name = [], "x"

    def add(op, *more, **attributes):
        nonlocal name
        after = f"v{len(nodes)}"
        nodes.append(helper.make_node(op, [name, *more], [after], **attributes))
        name = after

    if dtype != "float32":
        add("Cast", to=TensorProto.FLOAT)
    if layout == "NHWC":
        add("Transpose", perm=[0, 3, 1, 2])
    elif layout == "HWC":
        weights.append(constant("axis0", np.array([0], np.int64)))
        add("Transpose", perm=[2, 0, 1])
        add("Unsqueeze", "axis0")
    elif layout == "CHW":
        weights.append(constant("axis0", np.array([0], np.int64)))
        add("Unsqueeze", "axis0")
    add("Conv", "kernel", kernel_shape=[side, side], pads=[side // 2] * 4)
    if scale > 1:
        add("AveragePool", kernel_shape=[scale, scale], strides=[scale, scale])
    if end in ("softmax", "logsoftmax"):
        add("Softmax" if end == "softmax" else "LogSoftmax", axis=1)
    elif end == "sigmoid":
        add("Sigmoid")
    elif end == "exp":
        add("Exp")
        top = name
        add("ReduceSum", "axis1", keepdims=1)
        weights.append(constant("axis1", np.array([1], np.int64)))
        nodes.append(helper.make_node("Div", [top, name], ["divided"]))
        name = "divided"
    elif end in ("argmax", "cast"):
        add("ArgMax", axis=1, keepdims=0)
        if end == "cast":
            add("Cast", to=TensorProto.FLOAT)
    out = "int64" if end == "argmax" else "float32"
    small = [s // scale if s else None for s in sides]
    dims |= {"C": channels, "H": small[0], "W": small[1]}
    axes = layout.replace("C", "") if end in ("argmax", "cast") else layout
    if dtype == "float16" and out == "float32":
        add("Cast", to=TensorProto.FLOAT16)
        out = "float16"
    if layout == "NHWC" and "C" in axes:
        add("Transpose", perm=[0, 2, 3, 1])
    elif layout in ("HWC", "CHW"):
        add("Squeeze", "axis0")
        if layout == "HWC" and "C" in axes:
            add("Transpose", perm=[1, 2, 0])
    nodes.append(helper.make_node("Identity", [name], ["y"]))
    outputs = [("y", out, [dims[axis] for axis in axes])]
    if "features" in extra:
        nodes.append(helper.make_node("Concat", ["y", "y"], ["features"], axis=layout.index("C")))
        outputs.insert(0, ("features", out, [2 * dims[a] if a == "C" else dims[a] for a in axes]))
    if "twin" in extra:
        nodes.append(helper.make_node("Neg", ["y"], ["twin"]))
        outputs.append(("twin", out, [dims[axis] for axis in axes]))
    return nodes, inputs, outputs, weights


def card_for(folder, bands=3, classes=4, **fields):
    """Write the card of ``folder / "model.onnx"``, as somebody does who found a graph, and return the folder."""
    names = ("red", "green", "blue", "nir", "swir16", "swir22")
    output = fields.pop("output", None)
    item = ModelCard(
        name="found", architecture="onnx", bands=tuple(BandSpec(name=name) for name in names[:bands]),
        classes=tuple(MapClass(i, f"class {i}", default_color(i)) for i in range(classes)),
        weights=Weights(href="model.onnx", size=(folder / "model.onnx").stat().st_size), **fields,
    ).to_item()  # fmt: skip
    if output:
        item["properties"]["mlm:output"][0]["name"] = output
    (folder / "model.json").write_text(json.dumps(item))
    return folder


def model_folder(folder, bands=3, classes=4, *, card=None, **graph):
    save(folder / "model.onnx", *network(bands, classes, **graph))
    return card_for(folder, bands, classes, **(card or {}))
