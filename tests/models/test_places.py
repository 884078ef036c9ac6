"""Models by address, from lists with checksums and from Hugging Face: all against servers on this machine."""

from __future__ import annotations

import functools
import hashlib
import http.server
import json
import shutil
import threading

import numpy as np
import pytest
import segmentation_models_pytorch as smp
import torch

from geoseg.classes import MapClass
from geoseg.errors import GeosegError
from geoseg.models import BandSpec, ModelCard, load_model, save_model
from geoseg.models.imports import ImportOptions, add_model

SMALL = {
    "encoder_name": "tu-mobilenetv4_conv_small_035", "encoder_weights": None, "decoder_channels": (16, 16, 8, 8, 8),
    "in_channels": 3, "classes": 2,
}  # fmt: skip
SAID = ImportOptions(bands=("red", "green", "blue"), classes=("land", "water"), divide=255.0)


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serves files; those in ``cut`` end early, and those in ``moved`` are at another address."""

    cut: tuple[str, ...] = ()
    moved: dict[str, str] = {}  # noqa: RUF012 - replaced by tests, never changed

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.server.asked.append(self.path)
        name = self.path.rpartition("/")[2]
        if name in self.moved:
            self.send_response(302)
            self.send_header("Location", self.moved[name])
            self.end_headers()
        elif name in self.cut:
            data = (self.server.root / name).read_bytes()
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data[: len(data) // 2])
            self.close_connection = True
        else:
            super().do_GET()


def serving(root, handler=Handler):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(handler, directory=str(root)))
    server.root, server.asked = root, []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


@pytest.fixture(autouse=True)
def models(tmp_path, monkeypatch):
    monkeypatch.setenv("GEOSEG_MODELS", str(tmp_path / "models"))
    torch.set_num_threads(1)
    return tmp_path / "models"


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(1)
    return smp.Unet(**SMALL).eval()


@pytest.fixture(scope="module")
def root(tmp_path_factory, network):
    """A folder to serve: a model of geoseg with its card as a STAC item, and a list of it."""
    folder = tmp_path_factory.mktemp("zoo")
    card = ModelCard(
        name="lakes", license="cc-by-4.0", title="Water in pictures", architecture="Unet",
        bands=[BandSpec(name=name) for name in SAID.bands],
        classes=[MapClass(0, "land", "#999966"), MapClass(1, "water", "#3366cc")],
    )  # fmt: skip
    kwargs = {"decoder_channels": list(SMALL["decoder_channels"])}
    save_model(folder / "m", card, network, encoder=SMALL["encoder_name"], **kwargs)
    shutil.copy(folder / "m" / "weights.safetensors", folder / "w.safetensors")
    item = json.loads((folder / "m" / "model.json").read_text())
    asset = next(iter(item["assets"].values()))
    asset["href"] = "./w.safetensors"
    (folder / "item.json").write_text(json.dumps(item))
    digest = hashlib.sha256((folder / "item.json").read_bytes()).hexdigest()
    weights = hashlib.sha256((folder / "w.safetensors").read_bytes()).hexdigest()
    entries = [
        {"name": "lake", "href": "w.safetensors", "checksum": weights, "license": "mit", "title": "Lakes"},
        {"name": "old", "href": "w.safetensors", "checksum": digest},
        {"name": "far", "href": "https://elsewhere.example/w.safetensors", "checksum": weights},
        {"name": "item", "href": "item.json", "checksum": weights},
    ]
    (folder / "index.json").write_text(json.dumps({"models": entries}))
    (folder / "items.json").write_text(json.dumps({"type": "FeatureCollection", "features": [item]}))
    return folder


@pytest.fixture(scope="module")
def server(root):
    server = serving(root)
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def at(server, monkeypatch):
    monkeypatch.setattr(Handler, "cut", ())
    monkeypatch.setattr(Handler, "moved", {})
    server.asked.clear()
    return lambda name: f"http://127.0.0.1:{server.server_port}/{name}"


def check_same(name, network):
    pixels = torch.from_numpy(np.random.default_rng(0).random((1, 3, 64, 64)).astype("float32"))
    with torch.inference_mode():
        torch.testing.assert_close(load_model(name).module()(pixels), network(pixels), atol=1e-5, rtol=0)


def test_item_by_address(at, network, models, geoseg):
    code, out, err = geoseg("model", "add", at("item.json"))
    assert code == 0, err
    assert "lakes: added" in out
    check_same("lakes", network)
    card = load_model("lakes").card
    origin = card.hyperparameters["origin"]
    assert (origin["kind"], origin["file"], origin["address"]) == ("a STAC MLM item", "item.json", at("item.json"))
    assert card.license == "cc-by-4.0"
    assert [one.name for one in models.iterdir()] == ["lakes"]
    code, out, _ = geoseg("model", "list")
    assert "  licence cc-by-4.0" in out
    assert "  origin  a STAC MLM item, item.json, added 20" in out


@pytest.mark.parametrize("index", ["index.json", "items.json"])
def test_models_of_a_list(at, network, geoseg, index):
    name = "lake" if index == "index.json" else "lakes"
    code, out, err = geoseg("model", "list", "--index", at(index))
    assert code == 0, err
    assert f"{name}: " in out
    said = () if index == "items.json" else (
        "--bands", "red,green,blue", "--classes", "land,water", "--divide", "1", "--arch", "unet", "--encoder",
        SMALL["encoder_name"],
    )  # fmt: skip
    code, out, err = geoseg("model", "add", name, "--index", at(index), *said)
    if index == "index.json":  # the decoder's widths are not those of the architecture: as for any state dict
        assert code == 1
        assert "weight decoder" in err
        return
    assert code == 0, err
    check_same("lakes", network)
    assert load_model("lakes").card.hyperparameters["origin"]["index"] == at(index)


def test_what_is_refused(at, server, monkeypatch, models, root, tmp_path):
    monkeypatch.setattr(Handler, "cut", ("cut.safetensors",))
    monkeypatch.setattr(Handler, "moved", {"moved.safetensors": "http://localhost:1/w.safetensors"})
    shutil.copy(root / "w.safetensors", root / "cut.safetensors")
    item = json.loads((root / "item.json").read_text())

    def put(name, href, **more):
        asset = next(iter(item["assets"].values()))
        (root / name).write_text(json.dumps({**item, "assets": {"weights": {**asset, "href": href, **more}}}))
        return name

    (root / "list.json").write_text("[1]")
    (root / "half.json").write_text('{"models": [{"name": "x", "href": "w.safetensors"}]}')
    arch = ImportOptions(**{**vars(SAID), "arch": "unet", "encoder": SMALL["encoder_name"]})
    for source, index, message in (
        (at("gone.onnx"), None, "answers 404"),
        (at("cut.safetensors"), None, r"ended after [\d,]+ of [\d,]+ bytes"),
        (at("moved.safetensors"), None, "leads to another host, http://localhost:1/w.safetensors"),
        (at("notes.txt"), None, "is no address of a model"),
        (
            at(put("far.json", "https://elsewhere.example/w.safetensors")),
            None,
            "leads to another host, https://elsewhere",
        ),
        (at(put("file.json", "file:///etc/passwd.onnx")), None, "leads to another host"),
        (at(put("pickle.json", "w.pth")), None, "names no model that is read from an item"),
        (at(put("sum.json", "w.safetensors", **{"file:checksum": "1220" + 64 * "0"})), None, "was changed or damaged"),
        ("old", at("index.json"), r"was changed or damaged: its SHA-256 is \w{12}…, and should be"),
        ("far", at("index.json"), "leads to another host, https://elsewhere.example"),
        ("nothing", at("index.json"), "lists no model 'nothing'; it lists lake, old, far, item"),
        ("x", at("list.json"), "is no JSON object"),
        ("x", at("half.json"), r"an entry \(x\) has no checksum"),
        ("x", at("item.json"), "is no list of models"),
        ("http://127.0.0.1:9/x.onnx", None, "cannot be fetched"),
        ("hf:nothing", None, "is no repository; write hf:OWNER/NAME"),
    ):
        with pytest.raises(GeosegError, match=message) as failed:
            add_model(source, "name-of-it", arch, index=index)
        assert "\n" not in str(failed.value)
    assert not models.exists() or not list(models.iterdir())
    assert not any("elsewhere" in path for path in server.asked)
    server.asked.clear()
    (models / "taken").mkdir(parents=True)
    with pytest.raises(GeosegError, match="is installed"):
        add_model(at("item.json"), "taken")
    assert not server.asked  # nothing is fetched in vain


class Hub(Handler):
    """What huggingface_hub asks for a file: its size, tag and commit, then the file."""

    def do_HEAD(self):
        self._answer(body=False)

    def do_GET(self):
        self._answer(body=True)

    def _answer(self, *, body):
        parts = self.path.partition("?")[0].split("/")
        path = self.server.root / parts[-1]
        self.server.asked.append(self.path)
        if self.path.startswith("/api") or parts[1:3] != ["them", "net"] or not path.is_file():
            self.send_response(404)
            known = parts[1:3] == ["them", "net"]
            self.send_header("X-Error-Code", "EntryNotFound" if known else "RepoNotFound")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        data = path.read_bytes()
        self.send_response(200)
        self.send_header("ETag", f'"{hashlib.sha256(data).hexdigest()}"')
        self.send_header("X-Repo-Commit", "c0ffee" + 34 * "0")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if body:
            self.wfile.write(data)


def test_hugging_face(tmp_path, network, monkeypatch, geoseg):
    """Against a stand-in of the hub; then without it, from the cache."""
    import huggingface_hub

    folder = tmp_path / "repo"
    network.save_pretrained(folder)
    (folder / "README.md").write_text("---\nlicense: mit\n---\n")
    (folder / "evil.py").write_text("raise SystemExit")
    server = serving(folder, Hub)
    endpoint = f"http://127.0.0.1:{server.server_port}"
    real = huggingface_hub.hf_hub_download
    monkeypatch.setattr(huggingface_hub, "hf_hub_url", functools.partial(huggingface_hub.hf_hub_url, endpoint=endpoint))
    monkeypatch.setattr(
        huggingface_hub, "hf_hub_download", functools.partial(real, endpoint=endpoint, cache_dir=tmp_path / "cache")
    )
    said = ("--bands", "red,green,blue", "--classes", "land,water", "--divide", "1")
    code, out, err = geoseg("model", "add", "hf:them/net", *said)
    assert code == 0, err
    assert "net: added" in out
    check_same("net", network)
    card = load_model("net").card
    origin = card.hyperparameters["origin"]
    assert (card.license, origin["file"], origin["commit"][:6]) == ("mit", "hf:them/net", "c0ffee")
    assert not any("evil" in path for path in server.asked)
    code, _, err = geoseg("model", "add", "hf:them/other", *said)
    assert code == 1
    assert "there is no such repository" in err
    server.shutdown()
    server.server_close()
    code, out, err = geoseg("model", "add", "hf:them/net", *said, "--as", "again")
    assert code == 0, err
    assert "the hub cannot be reached" in out
    assert "the copy in the cache is used, commit c0ffee" in out
    check_same("again", network)
    code, _, err = geoseg("model", "add", "hf:them/never", *said)
    assert code == 1
    assert "no copy of it is in the cache" in err
