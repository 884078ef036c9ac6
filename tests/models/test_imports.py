"""``geoseg model add``: each source, made by its own library, gives that library's scores; what lacks is asked for."""

from __future__ import annotations

import hashlib
import io
import json
import sys
import types
import warnings

import numpy as np
import pytest
import segmentation_models_pytorch as smp
import torch

from geoseg.errors import ModelError, OptionError
from geoseg.models import load_model
from geoseg.models.card.training_window import window_doubt
from geoseg.models.imports import ImportOptions, add_model, remove_model

RGBN = ("red", "green", "blue", "nir")
ENCODER = "tu-mobilenetv4_conv_small_035"
MEAN = (0.4, 0.5, 0.3, 0.2)
SAID = ImportOptions(bands=RGBN, classes=("land", "water", "cloud"), divide=255.0, mean=MEAN, std=(0.25,))
SMALL = {"encoder_name": ENCODER, "encoder_weights": None, "decoder_channels": (16, 16, 8, 8, 8)}


@pytest.fixture(autouse=True)
def models(tmp_path, monkeypatch):
    monkeypatch.setenv("GEOSEG_MODELS", str(tmp_path / "models"))
    torch.set_num_threads(1)  # the networks are tiny
    return tmp_path / "models"


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(1)
    return smp.Unet(in_channels=4, classes=3, **SMALL).eval()


@pytest.fixture(scope="module")
def pixels():
    return np.random.default_rng(0).integers(0, 256, (2, 4, 64, 96)).astype(np.float32)


def normalised(pixels, divide=255.0, mean=MEAN, std=0.25):
    return torch.from_numpy(((pixels / divide - np.reshape(mean, (-1, 1, 1))) / std).astype("float32"))


def scores(folder, pixels):
    """Return the probabilities that geoseg computes from digital numbers: through the card and the network it loads."""
    from geoseg.models.card.known_answer import normalise

    model = load_model(folder)
    with torch.inference_mode():
        return torch.softmax(model.module()(torch.from_numpy(normalise(model.card, pixels))), 1)


def same(folder, pixels, theirs):
    with torch.inference_mode():
        return float((scores(folder, pixels) - theirs).abs().max()) < 1e-4


def softmax(network, inputs):
    with torch.inference_mode():
        return torch.softmax(network(inputs), 1)


def test_folder_of_smp(tmp_path, network, pixels, models):
    network.save_pretrained(tmp_path / "their unet")
    (tmp_path / "their unet" / "README.md").write_text("---\nlibrary_name: x\nlicense: cc-by-4.0\n---\n# Unet\n")
    folder, lines = add_model(tmp_path / "their unet", options=SAID)
    assert folder == models / "their-unet"
    assert same(folder, pixels, softmax(network, normalised(pixels)))
    card = load_model("their-unet").card
    assert (card.license, card.hyperparameters["origin"]["file"]) == ("cc-by-4.0", "their unet")
    assert any(line.startswith("test vector: reproduced") for line in lines)
    assert lines[-1] == "licence: cc-by-4.0"
    assert [path.name for path in models.iterdir()] == ["their-unet"]


@pytest.mark.parametrize("form", [pytest.param("prefixed", marks=pytest.mark.slow), "lightning", "safetensors"])
def test_weights_alone(tmp_path, pixels, form):
    from safetensors.torch import save_file

    torch.manual_seed(2)
    network = smp.Unet(ENCODER, encoder_weights=None, in_channels=4, classes=3).eval()
    state = network.state_dict()
    said = {name: getattr(SAID, name) for name in ("bands", "classes", "divide", "mean", "std")}
    path = tmp_path / "net.pth"
    if form == "prefixed":
        torch.save({"model": {f"module.{key}": value for key, value in state.items()}, "epoch": 3}, path)
    elif form == "lightning":  # as torchgeo's SemanticSegmentationTask stores it
        stored = {**TASK, "task": "multiclass", "num_classes": 3, "num_labels": None, "class_weights": [1.0, 2.0, 3.0]}
        weights = {f"model.{key}": value for key, value in state.items()} | {"criterion.weight": torch.ones(3)}
        torch.save({"state_dict": weights, "hyper_parameters": stored, "pytorch-lightning_version": "2.6"}, path)
    else:
        path = path.with_suffix(".safetensors")
        save_file(state, path)
    if form != "lightning":
        said |= {"arch": "unet", "encoder": ENCODER}
    folder, _ = add_model(path, options=ImportOptions(**said))
    assert same(folder, pixels, softmax(network, normalised(pixels)))


def test_weights_of_another_network(tmp_path, network):
    """Each is one line: a decoder of other widths, fewer weights, and a larger network, of which this one is a part."""
    said = ImportOptions(**{**vars(SAID), "arch": "unet", "encoder": ENCODER})
    state = smp.Unet(ENCODER, encoder_weights=None, in_channels=4, classes=3).state_dict()
    for content, message in (
        (network.state_dict(), r"weight decoder.* has the shape"),
        (dict(list(state.items())[:-4]), r"3 of \d+ weights are missing, such as"),
        ({**state, "encoder.more.weight": torch.ones(1)}, r"has 1 weights that unet .* has not, such as encoder.more"),
    ):
        torch.save(content, tmp_path / "net.pth")
        with pytest.raises(ModelError, match=message) as failed:
            add_model(tmp_path / "net.pth", options=said)
        assert "\n" not in str(failed.value)


@pytest.fixture
def torchgeo(tmp_path, monkeypatch):
    """A stand-in for torchgeo's list, and torch's cache; entries are as in torchgeo 0.8.1."""
    listed = {}
    module = types.ModuleType("torchgeo.models")

    def get_weight(name):
        if name not in listed:
            raise ValueError(name)
        return listed[name]

    module.get_weight = get_weight
    package = types.ModuleType("torchgeo")
    package.models = module
    monkeypatch.setitem(sys.modules, "torchgeo", package)
    monkeypatch.setitem(sys.modules, "torchgeo.models", module)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    (tmp_path / "torch" / "hub" / "checkpoints").mkdir(parents=True)

    def add(name, state, *, wrong=False, transforms=None, **meta):
        data = io.BytesIO()
        torch.save(state, data)
        digest = "0" * 8 if wrong else hashlib.sha256(data.getvalue()).hexdigest()[:8]
        file = f"{name.partition('.')[2].lower()}-{digest}.pth"
        listed[name] = types.SimpleNamespace(
            url=f"https://hf.co/torchgeo/x/resolve/1/{file}", meta=meta, transforms=transforms
        )
        path = tmp_path / "torch" / "hub" / "checkpoints" / file
        path.write_bytes(data.getvalue())
        return path

    return add


def normalize(mean, std):
    from torchvision.transforms import v2

    return v2.Normalize(mean=mean, std=std, inplace=True)


def test_names_of_torchgeo(torchgeo, pixels, geoseg):
    """Two dates and a normalisation, as Unet_Weights.SENTINEL2_3CLASS_FTW states them."""
    torch.manual_seed(4)
    network = smp.Unet(ENCODER, encoder_weights=None, in_channels=8, classes=3).eval()
    known = {"in_chans": 8, "num_classes": 3, "model": "U-Net", "encoder": ENCODER, "license": "CC-BY-4.0",
             "bands": ["B4", "B3", "B2", "B8"] * 2}  # fmt: skip
    transforms = torch.nn.Sequential(normalize([0.0], [3000.0]))
    path = torchgeo("Unet_Weights.SENTINEL2_3CLASS_FTW", network.state_dict(), transforms=transforms, **known)
    torchgeo("Unet_Weights.DAMAGED", network.state_dict(), wrong=True, **known)
    torchgeo("ResNet18_Weights.SENTINEL2_ALL_MOCO", {}, in_chans=13, model="resnet18")
    torchgeo("EarthLoc_Weights.SENTINEL2_RESNET50", {}, in_chans=3, encoder="resnet50", bands=["B4", "B3", "B2"])
    said = ImportOptions(classes=("a", "b", "c"))
    folder, _ = add_model("Unet_Weights.SENTINEL2_3CLASS_FTW", options=said)
    model = load_model(folder)
    assert folder.name == "sentinel2_3class_ftw"
    bands = ["red_1", "green_1", "blue_1", "nir_1", "red_2", "green_2", "blue_2", "nir_2"]
    assert [band.name for band in model.card.bands] == bands
    assert model.card.license == "CC-BY-4.0"
    values = 40 * np.concatenate([pixels, pixels[::-1]], 1)
    assert same(folder, values, softmax(network, transforms(torch.from_numpy(values.copy()))))
    # A normalisation of the user's own is taken whole, not mixed with the one that is stated.
    own, _ = add_model("Unet_Weights.SENTINEL2_3CLASS_FTW", "own", ImportOptions(classes=said.classes, divide=10000.0))
    assert same(own, values, softmax(network, torch.from_numpy(values / 10000)))
    path.unlink()
    for name, message in (
        ("Unet_Weights.SENTINEL2_3CLASS_FTW", r"was not downloaded yet .*nothing is fetched by a name alone"),
        ("Unet_Weights.DAMAGED", "was changed or damaged"),
        ("ResNet18_Weights.SENTINEL2_ALL_MOCO", r"no network .*SENTINEL2_ALL_MOCO --encoder resnet18$"),
        ("EarthLoc_Weights.SENTINEL2_RESNET50", r"no network of segmentation-models-pytorch that maps classes$"),
        ("Unet_Weights.UNKNOWN", "has no weights of this name"),
    ):
        with pytest.raises(ModelError, match=message):
            add_model(name, "other", said)
    sys.modules["torchgeo"] = sys.modules["torchgeo.models"] = None
    code, _, err = geoseg("model", "add", "Unet_Weights.SENTINEL2_3CLASS_FTW", "--as", "again")
    assert code == 1
    assert "is a name of torchgeo, which is not installed here" in err


def test_what_torchgeo_does_not_state_is_asked_for(torchgeo):
    """As Unet_Weights.OAM_RGB_RESNET34_TCD: classes and pixel size, but transforms without a normalisation."""
    from torchvision.transforms import v2

    network = smp.Unet(ENCODER, encoder_weights=None, in_channels=3, classes=2)
    known = {"in_chans": 3, "num_classes": 2, "encoder": ENCODER, "bands": ["R", "G", "B"],
             "classes": ("background", "tree-canopy"), "resolution": 0.1}  # fmt: skip
    name, resize = "Unet_Weights.OAM_RGB_RESNET34_TCD", v2.Resize((1024, 1024))
    for transforms in (
        torch.nn.Sequential(resize),
        torch.nn.Sequential(normalize([0], [255]), normalize([0.5], [0.2])),
        torch.nn.Sequential(v2.RandomHorizontalFlip(), normalize([0], [255])),
    ):
        torchgeo(name, network.state_dict(), transforms=transforms, **known)
        with pytest.raises(ModelError, match=r"does not state how values are normalised \([^;]*$"):
            add_model(name)
    card = load_model(add_model(name, options=ImportOptions(divide=255.0))[0]).card
    assert [band.name for band in card.bands] == ["red", "green", "blue"]
    assert [one.name for one in card.classes] == ["background", "tree-canopy"]
    assert card.resolution == pytest.approx((0.08, 0.125))


# Arguments that the trainers of torchgeo 0.8.1 store, without those of optimiser and loss.
TASK = {"model": "unet", "backbone": ENCODER, "in_channels": 4, "num_filters": 3, "freeze_backbone": False}


@pytest.mark.parametrize(
    ("stored", "message"),
    [
        ({"num_outputs": 1}, r"estimates a number for each pixel"),
        ({"task": "multilabel", "num_classes": None, "num_labels": 3}, r"may give a pixel several classes"),
        ({"task": "binary", "num_classes": None, "num_labels": None, "pos_weight": None}, r"compares two images"),
        ({"task": "multiclass", "num_classes": 3, "model": "fcn"}, r"is torchgeo's own FCN"),
    ],
)
def test_torchgeo_checkpoints_that_map_no_classes(tmp_path, stored, message):
    """Their weights are those of a network of smp, or might be taken for one: only what is stored tells."""
    weights = {"model.segmentation_head.0.weight": torch.ones(1, 16, 3, 3)}
    torch.save({"state_dict": weights, "hyper_parameters": {**TASK, **stored}}, tmp_path / "net.ckpt")
    with pytest.raises(ModelError, match=message):
        add_model(tmp_path / "net.ckpt", options=SAID)


def test_checkpoint_of_terratorch(tmp_path, network, pixels):
    """As its SemanticSegmentationTask stores it with SMPModelFactory; terratorch itself is not installed here."""
    args = {"model": "Unet", "backbone": ENCODER, "bands": ["RED", "GREEN", "BLUE", "NIR_NARROW"], "num_classes": 3,
            "smp_decoder_channels": [16, 16, 8, 8, 8]}  # fmt: skip
    stored = {"model_args": args, "model_factory": "SMPModelFactory", "loss": "ce"}
    weights = {f"model.smp_model.{key}": value for key, value in network.state_dict().items()}
    torch.save({"state_dict": weights, "hyper_parameters": stored}, tmp_path / "net.ckpt")
    folder, _ = add_model(tmp_path / "net.ckpt", options=SAID)
    assert same(folder, pixels, softmax(network, normalised(pixels)))
    stored["model_factory"], args["backbone"] = "EncoderDecoderFactory", "prithvi_eo_v2_300"
    torch.save({"state_dict": weights, "hyper_parameters": stored}, tmp_path / "other.ckpt")
    with pytest.raises(ModelError, match=r"comes from EncoderDecoderFactory \(backbone prithvi_eo_v2_300\)"):
        add_model(tmp_path / "other.ckpt", options=SAID)


def test_one_output_becomes_two_classes(tmp_path, pixels):
    torch.manual_seed(3)
    network = smp.Unet(in_channels=4, classes=1, **SMALL).eval()
    network.save_pretrained(tmp_path / "roads")
    said = ImportOptions(bands=RGBN, classes=("road",), divide=255.0)
    folder, _ = add_model(tmp_path / "roads", options=said)
    with torch.inference_mode():
        road = torch.sigmoid(network(normalised(pixels, mean=0.0, std=1.0)))
    assert same(folder, pixels, torch.cat([1 - road, road], 1))
    assert [one.name for one in load_model("roads").card.classes] == ["background", "road"]


def _export(network, path, metadata=None):
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    axes = {"x": {0: "n", 2: "h", 3: "w"}, "y": {0: "n", 2: "h", 3: "w"}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # this exporter is the older one, and the faster
        torch.onnx.export(
            network, (torch.zeros(1, 4, 64, 96),), path, dynamo=False, opset_version=17, input_names=["x"],
            output_names=["y"], dynamic_axes=axes,
        )  # fmt: skip
    proto = onnx.load(path)
    for key, value in (metadata or {}).items():
        proto.metadata_props.add(key=key, value=value)
    onnx.save(proto, path)
    return path


@pytest.fixture(scope="module")
def graph(tmp_path_factory, network):
    return _export(network, tmp_path_factory.mktemp("onnx") / "plain net.onnx")


def test_plain_onnx(graph, network, pixels):
    with pytest.raises(ModelError, match=r"does not state its .*--bands.*--divide") as failed:
        add_model(graph)
    assert "\n" not in str(failed.value)
    folder, _ = add_model(graph, options=SAID)
    assert same(folder, pixels, softmax(network, normalised(pixels)))
    card = load_model(folder).card
    assert card.test_vector
    assert card.value_range == (0, 255)
    with pytest.raises(ModelError, match=r"the card requires 2 scores"):
        add_model(graph, "other", ImportOptions(**{**vars(SAID), "classes": ("a", "b")}))


def test_onnx_of_deepness(tmp_path, graph, network, pixels):
    import onnx

    proto = onnx.load(graph)
    said = {"model_type": "Segmentor", "class_names": json.dumps({0: "land", 1: "water", 2: "cloud"}),
            "standardization_mean": "[0.4, 0.5, 0.3, 0.2]", "standardization_std": "[0.25, 0.25, 0.25, 0.25]",
            "resolution": "60"}  # fmt: skip
    for key, value in said.items():
        proto.metadata_props.add(key=key, value=value)
    onnx.save(proto, tmp_path / "deepness.onnx")
    folder, _ = add_model(tmp_path / "deepness.onnx", options=ImportOptions(bands=RGBN))
    assert same(folder, pixels, softmax(network, normalised(pixels)))
    card = load_model(folder).card
    assert [one.name for one in card.classes] == ["land", "water", "cloud"]
    assert card.resolution == pytest.approx((0.48, 0.75))


def test_onnx_that_finds_objects(tmp_path, graph):
    import onnx

    proto = onnx.load(graph)
    proto.metadata_props.add(key="task", value="segment")
    onnx.save(proto, tmp_path / "yolo.onnx")
    with pytest.raises(ModelError, match="a detector whose outputs"):
        add_model(tmp_path / "yolo.onnx", options=SAID)


@pytest.fixture(scope="module")
def transformers():
    return pytest.importorskip("transformers")


NAMES = {0: "land", 1: "water", 2: "cloud"}


def _segformer(transformers):
    return transformers.SegformerForSemanticSegmentation(
        transformers.SegformerConfig(
            hidden_sizes=[8, 16, 16, 32], depths=[1, 1, 1, 1], num_attention_heads=[1, 2, 2, 4], decoder_hidden_size=16,
            id2label=NAMES, label2id={name: key for key, name in NAMES.items()},
        )
    )  # fmt: skip


def _upernet(transformers):
    backbone = transformers.ConvNextConfig(
        hidden_sizes=[8, 8, 16, 16], depths=[1, 1, 1, 1], out_features=["stage1", "stage2", "stage3", "stage4"]
    )
    return transformers.UperNetForSemanticSegmentation(
        transformers.UperNetConfig(
            backbone_config=backbone, hidden_size=16, auxiliary_channels=8, auxiliary_in_channels=16, id2label=NAMES,
            label2id={name: key for key, name in NAMES.items()},
        )
    )  # fmt: skip


@pytest.mark.parametrize("make", [_segformer, pytest.param(_upernet, marks=pytest.mark.slow)])
def test_folders_of_transformers(tmp_path, transformers, pixels, make):
    """The oracle: their image processor and network, the logits brought to the picture's size as in their examples."""
    torch.manual_seed(4)
    network = make(transformers).eval()
    network.save_pretrained(tmp_path / "hf")
    processor = transformers.SegformerImageProcessor(size={"height": 64, "width": 96})
    processor.save_pretrained(tmp_path / "hf")
    folder, _ = add_model(tmp_path / "hf", "theirs", ImportOptions(license="mit"))
    card = load_model("theirs").card
    assert "was trained on windows of 64 px, and its network" in window_doubt(card, 192)
    assert window_doubt(card, 128) is None
    assert [band.name for band in card.bands] == ["red", "green", "blue"]
    assert [one.name for one in card.classes] == ["land", "water", "cloud"]
    pictures = [torch.from_numpy(picture[:3].astype("uint8")) for picture in pixels]
    inputs = processor(images=pictures, return_tensors="pt")
    with torch.inference_mode():
        logits = network(**inputs).logits
        logits = torch.nn.functional.interpolate(logits, size=pixels.shape[-2:], mode="bilinear", align_corners=False)
    assert same(folder, pixels[:, :3], torch.softmax(logits, 1))


def test_transformers_that_state_little(tmp_path, transformers):
    network = _segformer(transformers)
    network.config.id2label = {number: f"LABEL_{number}" for number in range(3)}
    network.save_pretrained(tmp_path / "hf")
    with pytest.raises(ModelError, match=r"does not state its 3 bands .*; how values are normalised .*; its 3 classes"):
        add_model(tmp_path / "hf")
    config = json.loads((tmp_path / "hf" / "config.json").read_text())
    (tmp_path / "hf" / "config.json").write_text(json.dumps({**config, "architectures": ["BertModel"]}))
    with pytest.raises(ModelError, match="its architecture is BertModel; added are Segformer"):
        add_model(tmp_path / "hf")
    said = ImportOptions(bands=RGBN[:3], classes=("a", "b", "c"), divide=255.0)
    (tmp_path / "hf" / "config.json").write_text(
        json.dumps({**config, "backbone": "resnet50", "use_timm_backbone": True})
    )
    with pytest.raises(ModelError, match=r"which fetches weights or code; rejected"):
        add_model(tmp_path / "hf", options=said)


class Evil:
    def __reduce__(self):
        return (print, ("executed",))


def test_what_is_refused(tmp_path, network, capsys, models):
    torch.save({"state_dict": network.state_dict(), "extra": Evil()}, tmp_path / "evil.pth")
    (tmp_path / "package.dlpk").write_bytes(b"PK")
    (tmp_path / "program.pt2").write_bytes(b"PK")
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / "bad.pth").write_bytes(b"garbage")
    (tmp_path / "list.pth").touch()
    torch.save([1, 2], tmp_path / "list.pth")
    (tmp_path / "empty").mkdir()
    arch = {"arch": "unet", "encoder": ENCODER}
    for name, options, message in [
        ("evil.pth", arch, "holds more than weights.*code from files is never run"),
        ("package.dlpk", {}, "licences of the models in them bind them"),
        ("program.pt2", {}, "not a PT2 archive"),
        ("notes.txt", {}, "none of the files that are added"),
        ("bad.pth", arch, "not a file of torch"),
        ("list.pth", arch, "holds a list, no state dict"),
        ("empty", {}, "neither model.json nor config.json"),
        ("nothing.onnx", {}, "no such file"),
    ]:
        with pytest.raises(ModelError, match=message) as failed:
            add_model(tmp_path / name, options=ImportOptions(**options))
        assert "\n" not in str(failed.value)
    assert "executed" not in capsys.readouterr().out
    torch.save(network.state_dict(), tmp_path / "net.pth")
    with pytest.raises(ModelError, match=r"does not state its architecture; say it with --arch unet and --encoder"):
        add_model(tmp_path / "net.pth")
    assert not models.exists() or not list(models.iterdir())
    for more in ({"divide": 0.0}, {"std": (0.0,)}, {"resolution": float("nan")}, {"mean": (float("inf"),)}):
        with pytest.raises(OptionError):
            ImportOptions(**more)


def test_add_list_and_remove(tmp_path, network, geoseg, models):
    network.save_pretrained(tmp_path / "net")
    said = ("--bands", "red,green,blue,nir", "--classes", "land,water,cloud")
    code, _, err = geoseg("model", "add", tmp_path / "net", *said)
    assert code == 1
    assert "does not state how values are normalised (--divide 255" in err
    code, out, err = geoseg("model", "add", tmp_path / "net", *said, "--divide", "255", "--mean", "0.4,0.5,0.3,0.2")
    assert code == 0, err
    assert "forward pass: " in out
    assert "net: added; use it with -m net" in out
    code, _, err = geoseg("model", "add", tmp_path / "net", *said, "--divide", "255")
    assert code == 1
    assert "choose another name with --as, or --overwrite" in err
    assert geoseg("model", "add", tmp_path / "net", *said, "--divide", "1", "--overwrite")[0] == 0
    assert load_model("net").card.value_scaling == ()
    code, out, _ = geoseg("model", "list")
    assert "net: Added from a folder of segmentation-models-pytorch" in out
    assert "  licence mit" in out  # of the README that segmentation-models-pytorch writes
    assert "  origin  a folder of segmentation-models-pytorch, net, added 20" in out
    assert "  origin  part of geoseg" in out
    assert geoseg("model", "add", models / "net", "--as", "copy")[0] == 0
    assert geoseg("model", "remove", "net")[0] == 0
    assert [path.name for path in models.iterdir()] == ["copy"]
    assert remove_model("copy") == models / "copy"
    for name, message in (
        ("net", "no model 'net' is installed"),
        ("landcover", "part of geoseg"),
        ("../x", "no model"),
    ):
        code, _, err = geoseg("model", "remove", name)
        assert code == 1
        assert message in err
    code, _, err = geoseg("model", "add", tmp_path / "net", *said, "--divide", "1", "--as", "landcover")
    assert code == 1
    assert "is part of geoseg" in err


def _dpt(transformers):
    return transformers.DPTForSemanticSegmentation(
        transformers.DPTConfig(
            hidden_size=16, num_hidden_layers=4, num_attention_heads=2, intermediate_size=16, image_size=64,
            patch_size=8, backbone_out_indices=[0, 1, 2, 3], neck_hidden_sizes=[8, 8, 8, 8], fusion_hidden_size=8,
            use_auxiliary_head=False, backbone_config=None, is_hybrid=False, id2label=NAMES,
            label2id={name: key for key, name in NAMES.items()},
        )
    )  # fmt: skip


@pytest.mark.slow
def test_dpt_takes_windows_of_one_size(tmp_path, transformers, pixels):
    torch.manual_seed(5)
    network = _dpt(transformers).eval()
    network.save_pretrained(tmp_path / "hf")
    said = ImportOptions(bands=RGBN[:3], divide=255.0)
    folder, _ = add_model(tmp_path / "hf", "dpt", said)
    part = np.ascontiguousarray(pixels[:, :3, :, :64])
    with torch.inference_mode():
        logits = network(torch.from_numpy(part / 255)).logits
        logits = torch.nn.functional.interpolate(logits, size=(64, 64), mode="bilinear", align_corners=False)
    assert same(folder, part, torch.softmax(logits, 1))
    card = load_model("dpt").card
    assert (card.window, card.min_window, card.stride, card.margin) == (64, 64, 8, 16)


def test_mask2former(tmp_path, transformers, pixels):
    """The oracle: their image processor's scores, made from its network's answers; ours sum to 1 in each pixel."""
    backbone = transformers.SwinConfig(
        embed_dim=8, depths=[1, 1, 1, 1], num_heads=[1, 1, 2, 2], window_size=4,
        out_features=["stage1", "stage2", "stage3", "stage4"],
    )  # fmt: skip
    config = transformers.Mask2FormerConfig(
        backbone_config=backbone, feature_size=32, mask_feature_size=32, hidden_dim=32, encoder_feedforward_dim=16,
        encoder_layers=1, decoder_layers=2, num_attention_heads=2, dim_feedforward=16, num_queries=6, id2label=NAMES,
        label2id={name: key for key, name in NAMES.items()},
    )  # fmt: skip
    torch.manual_seed(6)
    network = transformers.Mask2FormerForUniversalSegmentation(config).eval()
    network.save_pretrained(tmp_path / "hf")
    folder, _ = add_model(tmp_path / "hf", "m2f", ImportOptions(bands=RGBN[:3], divide=255.0))
    part = np.ascontiguousarray(pixels[:, :3])
    with torch.inference_mode():
        answer = network(torch.from_numpy(part / 255))
        kinds = torch.softmax(answer.class_queries_logits, -1)[:, :, :-1]
        theirs = (kinds[..., None, None] * answer.masks_queries_logits.sigmoid()[:, :, None]).sum(1)
        theirs = torch.nn.functional.interpolate(theirs, pixels.shape[-2:], mode="bilinear", align_corners=False)
    assert same(folder, part, theirs / theirs.sum(1, keepdim=True))
    assert [one.name for one in load_model("m2f").card.classes] == ["land", "water", "cloud"]


def test_export_to_a_folder_of_smp(tmp_path, network, pixels, geoseg):
    network.save_pretrained(tmp_path / "net")
    add_model(tmp_path / "net", "theirs", ImportOptions(**{**vars(SAID), "license": "CC-BY-4.0"}))
    code, out, err = geoseg("model", "export", "theirs", "-o", tmp_path / "out", "--huggingface")
    assert code == 0, err
    assert "against torch, input 1 × 4 × 64 × 64: largest difference 0.0e+00" in out
    loaded = smp.from_pretrained(str(tmp_path / "out")).eval()
    with torch.inference_mode():
        torch.testing.assert_close(loaded(normalised(pixels)), network(normalised(pixels)))
    assert "license: cc-by-4.0" in (tmp_path / "out" / "README.md").read_text("utf-8")
    folder, _ = add_model(tmp_path / "out", "again")
    assert same(folder, pixels, softmax(network, normalised(pixels)))
    for name, more, message in (
        ("theirs", (), "exists: name an empty folder"),
        ("spectral", (), "is neither of segmentation-models-pytorch nor of transformers"),
        ("theirs", ("--raw",), "leave the other options out"),
    ):
        code, _, err = geoseg("model", "export", name, "-o", tmp_path / "out", "--huggingface", *more)
        assert code == 1
        assert message in err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["models", "net", "out"]


@pytest.mark.slow
def test_export_to_a_folder_of_transformers(tmp_path, transformers, pixels, geoseg):
    torch.manual_seed(7)
    network = _segformer(transformers).eval()
    network.save_pretrained(tmp_path / "hf")
    add_model(tmp_path / "hf", "theirs", ImportOptions(bands=RGBN[:3], divide=255.0, mean=MEAN[:3], std=(0.25,)))
    code, _, err = geoseg("model", "export", "theirs", "-o", tmp_path / "out", "--huggingface")
    assert code == 0, err
    loaded = transformers.SegformerForSemanticSegmentation.from_pretrained(tmp_path / "out").eval()
    assert loaded.config.id2label == NAMES
    processor = transformers.SegformerImageProcessor.from_pretrained(tmp_path / "out")
    pictures = [torch.from_numpy(picture[:3].astype("uint8")) for picture in pixels]
    inputs = processor(images=pictures, return_tensors="pt")
    with torch.inference_mode():
        theirs = loaded(**inputs).logits
        expected = network(pixel_values=normalised(pixels[:, :3], mean=MEAN[:3])).logits
    torch.testing.assert_close(theirs, expected, atol=1e-4, rtol=0)
    folder, _ = add_model(tmp_path / "out", "again")  # which states bands, classes and normalisation now
    assert [step.stddev for step in load_model(folder).card.value_scaling] == pytest.approx([63.75] * 3)
