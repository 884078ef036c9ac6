"""Graphs made to hang, to fill the memory, or to reach beyond the file: refused in one line, at once."""

from __future__ import annotations

import subprocess
import sys
import time

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from onnx import TensorProto, helper  # noqa: E402

from geoseg.errors import ModelError  # noqa: E402
from geoseg.models import load_model  # noqa: E402
from tests.models.onnx_graphs import card_for, constant, network, save  # noqa: E402

node = helper.make_node
INT, FLOAT = TensorProto.INT64, TensorProto.FLOAT


def _loop(turns, inner=()):
    body = helper.make_graph(
        [node("Identity", ["c"], ["c2"]), *inner, node("Identity", ["a"], ["a2"])], "body",
        [helper.make_tensor_value_info("i", INT, []), helper.make_tensor_value_info("c", TensorProto.BOOL, []),
         helper.make_tensor_value_info("a", FLOAT, None)],
        [helper.make_tensor_value_info("c2", TensorProto.BOOL, []), helper.make_tensor_value_info("a2", FLOAT, None)],
    )  # fmt: skip
    return node("Loop", [turns, "true", "x"], ["z"], body=body), body


def loop(count=2**62):
    return [_loop("count")[0]], [constant("count", np.int64(count)), constant("true", np.bool_(True))]


def endless():
    return [_loop("")[0]], [constant("true", np.bool_(True))]


def computed_loop():
    return [node("Size", ["x"], ["count"]), _loop("count")[0]], [constant("true", np.bool_(True))]


def nested_loops():
    inner = _loop("count")[0]
    for _ in range(4):
        inner, _ = _loop("count", [inner])
    return [inner], [constant("count", np.int64(100)), constant("true", np.bool_(True))]


def hidden_count():
    """The body's own input has the name of a small constant outside."""
    inner, _ = _loop("i")
    return [_loop("count", [inner])[0]], [
        constant("count", np.int64(3)), constant("i", np.int64(1)), constant("true", np.bool_(True)),
    ]  # fmt: skip


def big(op, shape_from, *, dynamic=False):
    nodes = []
    if dynamic:  # a size that shape inference does not follow
        nodes += [node("Pow", ["base", "one"], ["power"]), node("Cast", ["power"], ["size"], to=INT)]
        shape_from = "size"
    if op == "ConstantOfShape":
        nodes.append(node(op, [shape_from], ["big"], value=helper.make_tensor("v", FLOAT, [1], [1.0])))
    elif op == "Range":
        nodes.append(node(op, ["zero", "end", "step"], ["big"]))
    else:
        nodes.append(node(op, ["small", shape_from], ["big"]))
    nodes.append(node("ReduceSum", ["big"], ["r"], keepdims=0))
    nodes.append(node("Add", ["x", "r"], ["z"]))
    size = 3_000_000_000
    return nodes, [
        constant("shape", np.array([size], np.int64)), constant("base", np.array([float(size * 1000)])),
        constant("one", np.array([1.0])), constant("small", np.ones(1, np.float32)), constant("zero", np.float32(0)),
        constant("end", np.float32(size)), constant("step", np.float32(1)),
    ]  # fmt: skip


def doubled_value():
    nodes, name = [], "x"
    for i in range(24):
        nodes.append(node("Concat", [name, name], [f"d{i}"], axis=2))
        name = f"d{i}"
    return [*nodes, node("ReduceMax", [name], ["m"], keepdims=0), node("Add", ["x", "m"], ["z"])], []


_REDUCED = node("ReduceMax", ["p"], ["m"], keepdims=0), node("Add", ["x", "m"], ["z"])


def padded():
    pads = constant("pads", np.array([0, 0, 100_000, 100_000] * 2, np.int64))
    return [node("Pad", ["x", "pads"], ["p"]), *_REDUCED], [pads]


def enlarged():
    return [node("Resize", ["x", "", "s"], ["p"]), *_REDUCED], [constant("s", np.array([1, 1, 1000, 1000], np.float32))]


def text():
    return [node("StringNormalizer", ["s"], ["t"]), node("Identity", ["x"], ["z"])], [
        helper.make_tensor("s", TensorProto.STRING, [1], [b"x"])
    ]


def growing_list():
    return [node("SequenceConstruct", ["x"], ["s"]), node("ConcatFromSequence", ["s"], ["z"], axis=0)], []


def foreign():
    return [node("Mine", ["x"], ["z"], domain="evil.ops")], []


def compiled():
    return [node("EPContext", ["x"], ["z"], domain="com.microsoft")], []


def outside():
    tensor = constant("w", np.zeros(4, np.float32))
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "../../../etc/passwd"
    return [node("Identity", ["x"], ["z"])], [tensor]


CASES = {
    "loop": (loop, "more than 1,000,000 operators"),
    "endless_loop": (endless, "number of turns is not written"),
    "computed_loop": (computed_loop, "number of turns is not written"),
    "nested_loops": (nested_loops, "more than 1,000,000 operators"),
    "hidden_count": (hidden_count, "number of turns is not written"),
    "constant_of_12_gb": (lambda: big("ConstantOfShape", "shape"), "would take 12 GB"),
    "expand": (lambda: big("Expand", "shape"), "would take 12 GB"),
    "tile": (lambda: big("Tile", "shape"), "would take 12 GB"),
    "range": (lambda: big("Range", ""), "would take 12 GB"),
    "doubled_value": (doubled_value, "GB allowed"),
    "padded": (padded, "GB allowed"),
    "enlarged": (enlarged, "GB allowed"),
    "text": (text, "works on text or lists"),
    "list": (growing_list, "works on text or lists"),
    "foreign": (foreign, "needs a library of its own"),
    "compiled": (compiled, "code compiled for"),
    "outside": (outside, "weights in other files"),
}  # fmt: skip


def _graph(folder, made, **more):
    nodes, weights = made
    shape = [1, 3, 64, 64]
    save(
        folder / "model.onnx", [*nodes, node("Identity", ["z"], ["y"])], [("x", "float32", shape)],
        [("y", "float32", shape)], weights, **more,
    )  # fmt: skip
    return card_for(folder, 3, 3)


def _refused(folder, message):
    start = time.perf_counter()
    with pytest.raises(ModelError, match=message) as raised:
        load_model(folder).module()
    assert "\n" not in str(raised.value)
    assert time.perf_counter() - start < 5


@pytest.mark.parametrize("name", CASES)
def test_hostile_graphs_are_refused_in_one_line(name, tmp_path):
    make, message = CASES[name]
    _refused(_graph(tmp_path / "m", make(), domains=("evil.ops", "com.microsoft")), message)


def _function(name, nodes):
    imports = [helper.make_opsetid("", 17), helper.make_opsetid("f", 1)]
    return helper.make_function("f", name, ["a"], ["b"], nodes, imports)


def _doubling(levels):
    functions = [_function("f0", [node("Relu", ["a"], ["b"])])]
    for i in range(1, levels):
        calls = [node(f"f{i - 1}", ["a"], ["m"], domain="f"), node(f"f{i - 1}", ["m"], ["b"], domain="f")]
        functions.append(_function(f"f{i}", calls))
    return functions


@pytest.mark.parametrize("levels", [31, 64, 500])
def test_functions_that_double(levels, tmp_path):
    made = [node(f"f{levels - 1}", ["x"], ["z"], domain="f")], []
    _refused(
        _graph(tmp_path / "m", made, functions=_doubling(levels), domains=("f",)),
        "more than 1,000,000 operators|levels deep",
    )


def test_functions_that_call_themselves(tmp_path):
    functions = [
        _function("f0", [node("f1", ["a"], ["b"], domain="f")]),
        _function("f1", [node("f0", ["a"], ["b"], domain="f")]),
    ]
    made = [node("f0", ["x"], ["z"], domain="f")], []
    _refused(_graph(tmp_path / "m", made, functions=functions, domains=("f",)), "levels deep, or themselves")


def test_functions_and_loops_within_bounds_run(tmp_path):
    import torch

    made = [node("f4", ["x"], ["v"], domain="f"), _loop("count")[0]], loop(50)[1]
    made[0][1].input[2] = "v"
    folder = _graph(tmp_path / "m", made, functions=_doubling(5), domains=("f",))
    pixels = torch.randn(2, 3, 64, 64)
    torch.testing.assert_close(load_model(folder).module()(pixels), pixels.relu())


_LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, (int(8e9), int(8e9)))
from geoseg.errors import GeosegError
from geoseg.models import check_model
try:
    check_model(sys.argv[1])
except GeosegError as error:
    print(type(error).__name__, error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs resource limits")
@pytest.mark.parametrize("op", ["ConstantOfShape", "Expand", "Tile"])
def test_sizes_that_cannot_be_inferred_end_in_one_line(op, tmp_path):
    """Three thousand gigabytes, asked for while the graph runs: more than any machine has."""
    folder = _graph(tmp_path / "m", big(op, "", dynamic=True))
    done = subprocess.run(
        [sys.executable, "-c", _LIMITED, folder], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.stdout.count("\n") == 1, done.stderr[-500:]
    assert "ModelError" in done.stdout or "DeviceMemoryError" in done.stdout


def test_damaged_files(tmp_path):
    path = save(tmp_path / "m/model.onnx", *network())
    data = path.read_bytes()
    rng = np.random.default_rng(0)
    for _ in range(60):
        broken = bytearray(data[: rng.integers(1, len(data))] if rng.random() < 0.5 else data)
        for _ in range(3):
            broken[rng.integers(len(broken))] = rng.integers(256)
        path.write_bytes(bytes(broken))
        card_for(tmp_path / "m")
        try:
            load_model(tmp_path / "m").module()
        except ModelError as error:
            assert "\n" not in str(error)  # noqa: PT017


def test_files_that_never_end(tmp_path):
    import os

    (tmp_path / "zero.onnx").symlink_to("/dev/zero")
    with pytest.raises(ModelError):
        load_model(tmp_path / "zero.onnx")
    save(tmp_path / "m/model.onnx", *network())
    card_for(tmp_path / "m")
    (tmp_path / "m/model.onnx").unlink()
    os.mkfifo(tmp_path / "m/model.onnx")
    with pytest.raises(ModelError, match="not a regular file"):
        load_model(tmp_path / "m")
    (tmp_path / "m/model.json").unlink()
    os.mkfifo(tmp_path / "m/model.json")
    with pytest.raises(ModelError, match="not a regular file"):
        load_model(tmp_path / "m")
