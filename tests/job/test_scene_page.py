"""NAME_report.html: with the products of a scene, made of them, and safe to open whatever the model's card says."""

from __future__ import annotations

import re
import shutil
import subprocess

import numpy as np
import pytest
import rasterio

from geoseg.job import Job, Options, Products, run
from geoseg.job.page.pictures import _histogram, cell_means
from geoseg.job.page.scene_page import _file_name
from tests.recorder import Recorder
from tests.write.test_html import Parsed

FAST = Options(device="cpu", precision="fp32", block=32)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory, card):
    """A finished run of a model whose names and texts attack the page."""
    import torch
    from affine import Affine
    from odc.geo.geobox import GeoBox
    from odc.geo.xr import xr_coords
    from xarray import DataArray

    from geoseg.classes import MapClass
    from geoseg.models import Model

    attack = "</script><script>document.title='owned'</script>"

    class Identity(torch.nn.Module):
        def forward(self, x):
            return -0.4 * (x[:, :1] - torch.arange(3, device=x.device).view(1, -1, 1, 1)) ** 2

    made = card(
        "attack", classes=3, description=attack, title=attack, license=attack[:60], attribution=(attack,),
        known_failures=(f'"><img src=x onerror="document.title=1">{attack}',),
        metrics={attack: {attack: 0.5}},
    )  # fmt: skip
    classes = (
        MapClass(0, attack, "#112233"),
        MapClass(1, "<b>bold</b>", "#445566"),
        MapClass(2, "a\u202eb", "#778899"),
    )
    made = made.model_copy(update={"classes": classes})
    values = np.random.default_rng(0).integers(0, 3, (1, 70, 90), dtype=np.uint8)
    grid = GeoBox((70, 90), Affine(10, 0, 500000, 0, -10, 5400000), "EPSG:32633")
    scene = DataArray(values, dims=("band", "y", "x"), coords=xr_coords(grid), name="<i>scene</i>")
    folder = tmp_path_factory.mktemp("hostile")
    (result,) = run(Job([scene], folder, Model(made, module=Identity()), options=FAST), Recorder())
    assert result.error is None, result.error
    return result


def test_the_page_is_one_of_the_products(hostile):
    page = hostile.outputs["html"]
    assert page.name.endswith("_report.html")
    assert list(hostile.outputs) == ["classes", "confidence", "polygons", "preview", "html", "report"]
    assert page.stat().st_size < 300_000
    assert hostile.report["seconds"]["html"] > 0


def test_names_from_files_stay_text(hostile):
    text = hostile.outputs["html"].read_text("utf-8")
    parsed = Parsed(text)
    assert text.count("<script") == 1
    assert not [tag for tag, _ in parsed.tags if tag in ("iframe", "object", "link", "a", "base")]
    assert sum(tag == "i" for tag, _ in parsed.tags) == 1  # the scale bar
    assert not [name for _, attributes in parsed.tags for name in attributes if name.startswith("on")]
    shown = "".join(parsed.texts)
    assert "<b>bold</b>" in shown
    assert "a\\u202eb" in shown
    for _, attributes in parsed.tags:
        for name in ("src", "href"):
            assert (attributes.get(name) or "data:").startswith("data:")


def test_it_says_what_the_report_says(hostile):
    shown = "".join(Parsed(hostile.outputs["html"].read_text("utf-8")).texts)
    for name, facts in hostile.report["classes"].items():
        if "\u202e" not in name:
            assert name in shown
        assert f"{facts['pixels']:,}" in shown
    with rasterio.open(hostile.outputs["confidence"]) as file:
        confidence = file.read(1)
    assert f"{confidence.mean():.0f} %mean confidence" in shown
    below = 100 * (confidence < 50).mean()
    assert f"{below:.1f} % of the pixels are less than 50 % sure" in shown


@pytest.mark.slow
def test_no_script_of_others_runs_in_a_browser(hostile, tmp_path):
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no chromium here")
    done = subprocess.run(
        [browser, "--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}", "--dump-dom",
         "--virtual-time-budget=2000", hostile.outputs["html"].as_uri()],
        capture_output=True, text=True, encoding="utf-8", timeout=120, check=False,
    )  # fmt: skip
    assert re.search(r"<title>[^<]*classes by model attack</title>", done.stdout)
    assert "translate(" in done.stdout  # our own script has placed the map


def test_what_is_wanted_decides(tmp_path, scene, identity_model):
    def made(folder, *, overwrite=False, **products):
        job = Job([scene(40, 40)], tmp_path / folder, identity_model(), options=FAST, overwrite=overwrite,
                  products=Products(polygons=False, **products))  # fmt: skip
        (result,) = run(job, Recorder())
        return result.status, set(result.outputs) - {"classes", "confidence", "report"}

    assert made("plain", preview=False) == ("done", set())
    assert made("page", preview=False, html=True) == ("done", {"html"})
    assert made("both", html=False) == ("done", {"preview"})
    # Results are not computed again for a page that nobody asked for, nor replaced for one that somebody did.
    assert made("both") == ("kept", {"preview"})
    assert made("both", html=True) == ("failed", set())
    assert made("page", preview=False, html=True) == ("kept", {"html"})
    assert made("page", preview=False, overwrite=True) == ("done", set())
    assert not list((tmp_path / "page").glob("*.html"))  # the page of another run would be believed


@pytest.mark.parametrize(("shape", "side"), [((40, 60), 7), ((5, 5), 8), ((1, 30), 4), ((64, 64), 16)])
def test_cells_have_the_mean_of_their_valid_pixels(shape, side):
    rng = np.random.default_rng(1)
    confidence = rng.integers(0, 101, shape).astype(np.uint8)
    confidence[rng.random(shape) < 0.4] = 255
    means, (rows, cols) = cell_means(confidence, side)
    for r in range(means.shape[0]):
        for c in range(means.shape[1]):
            part = confidence[r * side : (r + 1) * side, c * side : (c + 1) * side]
            known = part[part <= 100]
            if 2 * known.size >= min(side * side, confidence.size):
                assert means[r, c] == pytest.approx(known.mean())
            else:
                assert np.isnan(means[r, c])
            assert rows[r] == r * side + part.shape[0] / 2
            assert cols[c] == c * side + part.shape[1] / 2


def test_confidence_is_counted_in_tiles_spread_over_large_maps(tmp_path):
    values = np.random.default_rng(0).integers(0, 101, (1100, 700)).astype(np.uint8)
    values[0] = 255
    path = tmp_path / "confidence.tif"
    with rasterio.open(path, "w", driver="GTiff", height=1100, width=700, count=1, dtype="uint8") as file:
        file.write(values, 1)
    counts, share = _histogram(path)
    assert share == 1
    np.testing.assert_array_equal(counts, np.bincount(values.ravel(), minlength=256)[:101])


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("https://user:word@host/a/b.tif?sig=secret", "b.tif"),
        ("C:\\Users\\ada\\scene.tif", "scene.tif"),
        ("/home/ada/S2.SAFE/", "S2.SAFE"),
        ("array", "array"),
    ],
)
def test_pages_name_files_without_folders_and_signatures(source, name):
    assert _file_name(source) == name


def test_a_sample_picture_replaces_an_older_one_only_when_it_is_whole(tmp_path, reflectance):
    from PIL import Image

    from geoseg.errors import GeosegError
    from geoseg.job.page.sample import sample_picture

    scene = reflectance(tmp_path / "scene.tif", 96, 96, nodata=False)
    path = tmp_path / "spectral_sample.png"
    path.write_bytes(b"older")
    with pytest.raises(GeosegError, match="no such file"):
        sample_picture("spectral", str(tmp_path / "none.tif"), path)
    assert path.read_bytes() == b"older"
    assert sample_picture("spectral", str(scene), path) == path
    width, height = Image.open(path).size
    assert width > 1.5 * height, "the map beside the scene"
    assert {one.name for one in tmp_path.iterdir()} == {"scene.tif", "spectral_sample.png"}
