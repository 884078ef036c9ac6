"""PT2 archives: the scores of the network that was exported; nothing in a file is evaluated, unpickled or run."""

from __future__ import annotations

import copy
import io
import json
import shutil
import warnings
import zipfile

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - its usual name

from geoseg.errors import ModelError
from geoseg.models import load_model
from geoseg.models.export.export import export_model
from geoseg.models.export.options import ExportOptions
from geoseg.models.imports import ImportOptions, add_model
from geoseg.models.programs.archive import read_archive
from geoseg.models.programs.network import Program

SAID = ImportOptions(bands=("red", "nir"), classes=("land", "water", "cloud"), divide=255.0)


class Net(torch.nn.Module):
    """What networks for pixels are made of: convolutions, a window's mean, attention, resizing, a joined skip."""

    def __init__(self, classes=3, end=None):
        super().__init__()
        self.down = torch.nn.Conv2d(2, 8, 3, 2, 1)
        self.norm, self.layer, self.own = torch.nn.BatchNorm2d(8), torch.nn.LayerNorm(8), torch.nn.InstanceNorm2d(8)
        self.qkv = torch.nn.Linear(8, 24)
        self.up, self.end = torch.nn.Conv2d(10, classes, 3, padding=1), end
        self.register_buffer("shift", torch.tensor(0.25), persistent=False)

    def forward(self, x):
        y = F.silu(self.norm(self.down(x)))
        y = y + self.own(y)
        n, c, h, w = y.shape
        tokens = self.layer(y.flatten(2).transpose(1, 2) + self.shift)
        q, k, v = self.qkv(tokens).view(n, h * w, 3, c).unbind(2)
        attended = F.scaled_dot_product_attention(q[:, None], k[:, None], v[:, None])[:, 0]
        y = y + attended.transpose(1, 2).reshape(n, c, h, w) * y.mean((2, 3), keepdim=True).sigmoid()
        y = F.interpolate(y, size=x.shape[-2:], mode="bilinear", align_corners=False)
        y = self.up(torch.cat([y, x], 1))
        return y if self.end is None else self.end(y)


def network(classes=3, end=None, seed=0):
    torch.manual_seed(seed)
    net = Net(classes, end)
    net.norm.running_mean.uniform_(-0.1, 0.1)
    return net.eval().requires_grad_(False)


def exported(net, path, *, shape=(2, 2, 32, 48), free=True, decomposed=False, extra=None):
    auto = torch.export.Dim.AUTO
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sides = ({0: auto, 2: auto, 3: auto},) if free else None
        program = torch.export.export(net, (torch.rand(shape),), dynamic_shapes=sides)
        program = program.run_decompositions() if decomposed else program
        torch.export.save(program, path, extra_files=extra)
    return path


def rewritten(source, target, change, compression=zipfile.ZIP_STORED):
    """Copy an archive; ``change(name, data)`` returns new data, or None to leave the file out."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", compression) as new:
        for name in old.namelist():
            if (data := change(name, old.read(name))) is not None:
                new.writestr(name, data)
    return target


def edited(source, target, edit):
    """Copy an archive with another program: ``edit`` changes its JSON in place."""

    def change(name, data):
        if not name.endswith("/models/model.json"):
            return data
        program = json.loads(data)
        edit(program)
        return json.dumps(program)

    return rewritten(source, target, change)


@pytest.fixture(scope="module")
def net():
    return network()


@pytest.fixture(scope="module")
def archive(net, tmp_path_factory):
    return exported(net, tmp_path_factory.mktemp("pt2") / "net.pt2")


@pytest.fixture(scope="module")
def pixels():
    return np.random.default_rng(0).integers(0, 256, (3, 2, 64, 96)).astype(np.float32)


@pytest.fixture(autouse=True)
def models(tmp_path, monkeypatch):
    monkeypatch.setenv("GEOSEG_MODELS", str(tmp_path / "models"))
    torch.set_num_threads(1)
    return tmp_path / "models"


def logits(model, pixels):
    from geoseg.models.card.known_answer import normalise

    with torch.inference_mode():
        return model.module()(torch.from_numpy(normalise(model.card, pixels)))


def test_archive_of_torch_gives_the_scores_of_its_network(archive, net, pixels, models):
    folder, lines = add_model(archive, options=SAID)
    model = load_model("net")
    x = torch.from_numpy(pixels / 255)
    with torch.inference_mode():
        expected = net(x)
        torch.testing.assert_close(logits(model, pixels), expected, atol=1e-5, rtol=0)
        # Another layout, a copy, and half precision, as they are tried for speed.
        moved = copy.deepcopy(model.module()).to(memory_format=torch.channels_last)
        torch.testing.assert_close(moved(x.to(memory_format=torch.channels_last)), expected, atol=1e-4, rtol=0)
        with torch.autocast("cpu", torch.bfloat16):
            torch.testing.assert_close(moved(x), net(x).float(), atol=0.05, rtol=0)
    assert sorted(path.name for path in folder.iterdir()) == ["model.json", "weights.pt2"]
    assert any(line.startswith("test vector: reproduced") for line in lines)
    assert model.card.hyperparameters["origin"]["kind"] == "a PT2 archive"
    with pytest.raises(ModelError, match=r"does not state its 2 bands .*; its 3 classes"):
        add_model(archive, "other")
    with pytest.raises(ModelError, match="has no model card: add it first"):
        load_model(str(archive))
    assert [path.name for path in models.iterdir()] == ["net"]


@pytest.mark.parametrize(
    ("classes", "end"),
    [
        pytest.param(3, torch.nn.Softmax(1), id="softmax", marks=pytest.mark.slow),
        pytest.param(1, torch.nn.Sigmoid(), id="sigmoid", marks=pytest.mark.slow),
        pytest.param(1, None, id="one score"),
    ],
)
def test_what_ends_the_network(tmp_path, classes, end, pixels):
    net = network(classes, end)
    program = Program(read_archive(exported(net, tmp_path / "n.pt2").read_bytes(), "n"), "n")
    x = torch.from_numpy(pixels / 255)
    with torch.inference_mode():
        theirs = net(x) if end else net(x).sigmoid()
        theirs = torch.cat([1 - theirs, theirs], 1) if classes == 1 else theirs
        torch.testing.assert_close(torch.softmax(program(x), 1), theirs, atol=1e-6, rtol=0)


def test_fixed_windows_and_core_operators(tmp_path, pixels):
    net = network()
    exported(net, tmp_path / "n.pt2", shape=(1, 2, 64, 64), free=False, decomposed=True)
    folder, _ = add_model(tmp_path / "n.pt2", "fixed", SAID)
    model = load_model(folder)
    assert (model.card.window, model.module().shape.batch) == (64, 1)
    part = np.ascontiguousarray(pixels[:, :, :, :64])
    with torch.inference_mode():
        torch.testing.assert_close(logits(model, part), net(torch.from_numpy(part / 255)), atol=1e-5, rtol=0)
        with pytest.raises(ModelError, match="takes windows of 64 × 64 px"):
            model.module()(torch.zeros(1, 2, 64, 96))


@pytest.mark.parametrize(
    "options",
    [pytest.param(ExportOptions(), marks=pytest.mark.slow), ExportOptions(raw=True, logits=True)],
    ids=["plain", "raw"],
)
def test_export_comes_back(tmp_path, archive, pixels, options):
    """What ``geoseg model export`` writes is run as it is, added, and says what it is; the oracle is the model."""
    add_model(archive, "net", SAID)
    model = load_model("net")
    export_model(model, tmp_path / "out.pt2", options)
    expected = torch.softmax(logits(model, pixels), 1)
    add_model(tmp_path / "out.pt2", "back")
    for again in (load_model(tmp_path / "out.pt2"), load_model("back")):
        difference = float((torch.softmax(logits(again, pixels), 1) - expected).abs().max())
        assert difference < 1e-4, difference
        assert [one.name for one in again.card.classes] == ["land", "water", "cloud"]
    item = json.loads(read_archive((tmp_path / "out.pt2").read_bytes(), "x").extra["model.json"])
    asset = next(one for one in item["assets"].values() if "mlm:model" in one["roles"])
    assert (item["properties"]["mlm:framework"], asset["mlm:artifact_type"]) == ("PyTorch", "torch.export.save")


def test_segment_runs_an_archive(tmp_path, archive, scene_of_bands, geoseg):
    add_model(archive, "net", SAID)
    scene = scene_of_bands(tmp_path / "s.tif", ("red", "nir"), (70, 90))
    code, _, err = geoseg(
        "segment", scene, "-m", "net", "-o", tmp_path / "out", "--device", "cpu", "--precision", "fp32"
    )
    assert code == 0, err
    assert (tmp_path / "out" / "s_classes.tif").is_file()


@pytest.fixture
def scene_of_bands():
    import rasterio
    from rasterio.transform import from_origin

    def make(path, names, shape):
        data = np.random.default_rng(1).integers(0, 256, (len(names), *shape)).astype(np.uint8)
        profile = {"driver": "GTiff", "width": shape[1], "height": shape[0], "count": len(names), "dtype": "uint8",
                   "crs": "EPSG:32633", "transform": from_origin(5e5, 5e6, 1, 1)}  # fmt: skip
        with rasterio.open(path, "w", **profile) as file:
            file.write(data)
            file.descriptions = names
        return path

    return make


def test_archives_of_older_torch(tmp_path, archive, net, pixels):
    """Weights as one pickle of tensors: in the layout of torch 2.8, and in that of 2.5; made from today's archive."""
    x = torch.from_numpy(pixels / 255)
    state, constants = io.BytesIO(), io.BytesIO()
    torch.save(net.state_dict(), state)
    torch.save({"shift": net.shift}, constants)
    with zipfile.ZipFile(archive) as file:
        program = file.read("net/models/model.json")
    with zipfile.ZipFile(tmp_path / "28.pt2", "w") as file:
        for name, data in (("models/model.json", program), ("data/weights/model.pt", state.getvalue()),
                           ("data/constants/model.pt", constants.getvalue())):  # fmt: skip
            file.writestr(f"net/{name}", data)
    with zipfile.ZipFile(tmp_path / "25.pt2", "w") as file:
        for name, data in (("serialized_exported_program.json", program), ("version", b"5.3"),
                           ("serialized_state_dict.pt", state.getvalue()),
                           ("serialized_constants.pt", constants.getvalue())):  # fmt: skip
            file.writestr(name, data)
    for name in ("28.pt2", "25.pt2"):
        old = Program(read_archive((tmp_path / name).read_bytes(), name), name)
        with torch.inference_mode():
            torch.testing.assert_close(old(x), net(x), atol=1e-5, rtol=0)


class Evil:
    def __reduce__(self):
        return (print, ("executed",))


def _step(program, number=0):
    return program["graph_module"]["graph"]["nodes"][number]


def _convolution(program):
    return next(node for node in program["graph_module"]["graph"]["nodes"] if "conv2d" in node["target"])


def test_what_a_file_says_is_never_run(tmp_path, archive, net, pixels, capsys):
    """Sizes that sympy would evaluate as Python, as torch.export.load has it done: never looked at."""
    evil = f"__import__('pathlib').Path({str(tmp_path / 'owned')!r}).touch()"

    def put(program):
        graph = program["graph_module"]["graph"]
        for value in graph["tensor_values"].values():
            for size in value["sizes"]:
                if "as_expr" in size:
                    size["as_expr"]["expr_str"] = evil
        for value in graph["sym_int_values"].values():
            if "as_expr" in value:
                value["as_expr"]["expr_str"] = evil
        program["guards_code"] = [evil]
        program["range_constraints"] = {evil: {"min_val": 2, "max_val": None}}

    path = edited(archive, tmp_path / "evil.pt2", put)
    folder, _ = add_model(path, options=SAID)
    with torch.inference_mode():
        torch.testing.assert_close(
            logits(load_model(folder), pixels), net(torch.from_numpy(pixels / 255)), atol=1e-5, rtol=0
        )
    pickled = io.BytesIO()
    torch.save(Evil(), pickled)
    shutil.rmtree(folder)

    def with_object(name, data):
        if name.endswith("model_weights_config.json"):
            config = json.loads(data)
            next(iter(config["config"].values()))["use_pickle"] = True
            return json.dumps(config)
        return pickled.getvalue() if name.endswith("/weight_0") else data

    path = rewritten(archive, tmp_path / "object.pt2", with_object)
    with pytest.raises(ModelError, match="its weights are stored as objects, and code from files is never run"):
        add_model(path, options=SAID)
    assert "executed" not in capsys.readouterr().out
    assert not (tmp_path / "owned").exists()


def test_what_is_refused(tmp_path, archive, models):
    def target(name):
        return lambda program: _convolution(program).update(target=name)

    def argument(arg):
        return lambda program: _convolution(program)["inputs"][0].update(arg=arg)

    def weight(size):
        return lambda name, data: (
            data.replace(b'"as_int": 24', b'"as_int": %d' % size) if "weights_config" in name else data
        )

    cases = {
        "custom": (
            edited,
            target("torch.ops.mylib.run.default"),
            "custom operator 'torch.ops.mylib.run.default' needs",
        ),
        "file": (edited, target("torch.ops.aten.from_file.default"), "none of those that run from files"),
        "branch": (edited, target("torch.ops.higher_order.cond"), "without branches and loops"),
        "python": (edited, target("os.system"), "none of those that run from files"),
        "graph": (edited, argument({"as_graph": {"name": "g"}}), "a step takes graph"),
        "nothing": (edited, lambda program: program.pop("graph_module"), "lacks 'graph_module'"),
        "name": (edited, argument({"as_tensor": {"name": "unknown"}}), "does not run on windows of 512 × 512"),
        "large": (edited, _enlarged, r"would take 4.4e\+03 GB"),
        "outside": (rewritten, weight(2**30), "setStorage"),
        "negative": (rewritten, weight(-5), "it is not described"),
        "missing": (
            rewritten,
            lambda name, data: None if name.endswith("weight_3") else data,
            "it has no data/weights/weight_3",
        ),
    }
    for name, (make, change, message) in cases.items():
        path = make(archive, tmp_path / f"{name}.pt2", change)
        with pytest.raises(ModelError, match=message) as failed:
            add_model(path, options=SAID)
        assert "\n" not in str(failed.value)
    (tmp_path / "bad.pt2").write_bytes(archive.read_bytes()[:2000])
    (tmp_path / "empty.pt2").touch()
    rewritten(archive, tmp_path / "zip.pt2", lambda _, data: data, zipfile.ZIP_DEFLATED)
    for name, message in (("bad", "not a PT2 archive"), ("empty", "not a PT2 archive"), ("zip", "is compressed")):
        with pytest.raises(ModelError, match=message):
            add_model(tmp_path / f"{name}.pt2", options=SAID)
    assert not models.exists() or not list(models.iterdir())


def _enlarged(program):
    """Ask for a canvas of 2^40 numbers in place of the first convolution."""
    node = _convolution(program)
    node["target"] = "torch.ops.aten.new_zeros.default"
    node["inputs"] = [
        {"name": "self", "arg": node["inputs"][0]["arg"], "kind": 1},
        {"name": "size", "arg": {"as_ints": [2**20, 2**20]}, "kind": 1},
    ]


def test_networks_in_training_mode(tmp_path, archive):
    """By what an operator says, and by what it does to weights that it should only read."""

    def training(program):
        nodes = program["graph_module"]["graph"]["nodes"]
        node = next(node for node in nodes if "batch_norm" in node["target"])
        next(entry for entry in node["inputs"] if entry["name"] == "training")["arg"] = {"as_bool": True}

    def changing(program):
        nodes = program["graph_module"]["graph"]["nodes"]
        weight = _convolution(program)["inputs"][1]["arg"]
        inputs = [{"name": "self", "arg": weight, "kind": 1}, {"name": "other", "arg": weight, "kind": 1}]
        nodes.insert(0, {**nodes[0], "target": "torch.ops.aten.mul_.Tensor", "inputs": inputs,
                         "outputs": [{"as_tensor": {"name": "changed"}}]})  # fmt: skip

    for change, message in (
        (training, r"exported in training mode \(batch_norm\)"),
        (changing, "changes its own weights"),
    ):
        with pytest.raises(ModelError, match=message):
            add_model(edited(archive, tmp_path / "net.pt2", change), options=SAID)
