"""Click models: adding a pair of graphs, and the outline of what a click points at.

The pair is a tiny one with the interface of SAM's published ONNX export, see ``tests/models/sam_graphs.py``: on
pictures of flat colours its masks are known exactly. No weights of SAM were at hand.
"""

from __future__ import annotations

import json

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely
from affine import Affine

import geoseg
from geoseg.errors import InputError, ModelError, OptionError
from geoseg.job.objects import clicks
from geoseg.models import check_model, load_model
from geoseg.models.clicks import list_click_models, load_click_model
from geoseg.models.imports import ImportOptions, add_model, remove_model

pytest.importorskip("onnx", reason="the extra onnx is not installed")
pytest.importorskip("onnxruntime", reason="the extra onnx is not installed")

from tests.models.sam_graphs import write_decoder, write_encoder

UTM = Affine(0.5, 0, 500_000, 0, -0.5, 5_000_000)
HEIGHT, WIDTH = 96, 128
GROUND, ROOF, POND = (90, 110, 60), (200, 60, 50), (30, 60, 160)
# Rows and columns of what stands in the scene; in cells of the encoder's windows of 64 px.
HOUSES = {"house": (8, 24, 12, 32), "other house": (8, 24, 40, 52), "pond": (64, 88, 72, 120)}


@pytest.fixture(autouse=True)
def models(tmp_path, monkeypatch):
    monkeypatch.setenv("GEOSEG_MODELS", str(tmp_path / "models"))
    monkeypatch.setattr(clicks, "_embeddings", type(clicks._embeddings)())
    return tmp_path / "models"


@pytest.fixture
def pair(tmp_path):
    return write_encoder(tmp_path / "enc.onnx"), write_decoder(tmp_path / "dec.onnx")


@pytest.fixture
def sam(pair):
    add_model(pair[0], "sam", decoder=pair[1])
    return "sam"


@pytest.fixture
def scene(tmp_path):
    """Houses and a pond on the ground, with a stripe without data."""
    values = np.empty((3, HEIGHT, WIDTH), np.uint8)
    values[:] = np.reshape(GROUND, (3, 1, 1))
    for name, (top, bottom, left, right) in HOUSES.items():
        values[:, top:bottom, left:right] = np.reshape(POND if name == "pond" else ROOF, (3, 1, 1))
    values[:, :, -2:] = 0
    path = tmp_path / "town.tif"
    with rasterio.open(
        path, "w", driver="GTiff", width=WIDTH, height=HEIGHT, count=3, dtype="uint8", crs="EPSG:32631", nodata=0,
        transform=UTM, photometric="RGB",
    ) as file:  # fmt: skip
        file.write(values)
    return path


def middle(name):
    top, bottom, left, right = HOUSES[name]
    return UTM * ((left + right) / 2, (top + bottom) / 2)


def outline(name):
    top, bottom, left, right = HOUSES[name]
    return shapely.box(*(UTM * (left, bottom)), *(UTM * (right, top)))


@pytest.mark.parametrize("name", list(HOUSES))
@pytest.mark.parametrize("masks", [1, 4])
def test_a_click_outlines_the_object(tmp_path, scene, name, masks):
    encoder, decoder = write_encoder(tmp_path / "e.onnx"), write_decoder(tmp_path / "d.onnx", masks=masks)
    add_model(encoder, "sam", decoder=decoder)
    found = geoseg.click(scene, "sam", [middle(name)])
    assert found.crs.to_epsg() == 32631
    assert found.geometry[0].equals(outline(name))
    assert found.score[0] == 0.9
    assert not found.cut[0]
    # 0.9996²: the scale of the projection, which areas on the ellipsoid are free of.
    assert found.area_m2[0] == pytest.approx(outline(name).area / 0.9996**2, rel=1e-3)


def test_points_that_are_not_on_it(scene, sam):
    both = geoseg.click(scene, sam, [middle("house")], outside=[UTM * (36, 30)])
    assert both.geometry[0].equals(outline("house"))
    none = geoseg.click(scene, sam, [middle("house")], outside=[middle("other house")])
    assert none.empty  # of the same colour: nothing is left of it
    assert list(none.columns) == ["score", "area_m2", "cut", "geometry"]


def test_an_object_that_the_model_sees_in_part(scene, sam):
    """The ground goes on beyond the window of 64 px; with larger pixels the whole scene is seen."""
    ground = UTM * (60.5, 40.5)
    part = geoseg.click(scene, sam, [ground])
    assert part.cut[0]
    whole = geoseg.click(scene, sam, [ground], pixel=1.0)
    assert not whole.cut[0]
    assert whole.area_m2[0] > part.area_m2[0]
    with rasterio.open(scene) as file:
        inside = rasterio.features.rasterize([(whole.geometry[0], 1)], (HEIGHT, WIDTH), transform=UTM)
        same = (file.read() == np.reshape(GROUND, (3, 1, 1))).all(0)
    assert (inside == same).mean() > 0.9  # cells of eight pixels mix colours


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:3857"])
def test_points_in_another_crs(scene, sam, crs):
    there = gpd.GeoSeries([shapely.Point(middle("pond"))], crs="EPSG:32631").to_crs(crs)[0]
    found = geoseg.click(scene, sam, [(there.x, there.y)], crs=crs)
    assert found.geometry[0].equals(outline("pond"))


def test_other_types_are_stretched_and_bands_are_chosen(tmp_path, scene, sam):
    with rasterio.open(scene) as file:
        profile, values = file.profile, file.read()
    profile.update(dtype="uint16", count=4, photometric="MINISBLACK")
    path = tmp_path / "reflectance.tif"
    with rasterio.open(path, "w", **profile) as file:
        file.write(np.concatenate([values[:1], values]).astype(np.uint16) * 37)
        file.descriptions = ("nir", "red", "green", "blue")
    found = geoseg.click(path, sam, [middle("house")])
    assert found.geometry[0].equals(outline("house"))
    with rasterio.open(path, "r+") as file:
        file.descriptions = ("a", "b", "c", "d")
    with pytest.raises(InputError, match=r"no red, green and blue .*--bands red=1"):
        geoseg.click(path, sam, [middle("house")])


def test_an_encoder_that_normalises_itself(tmp_path, scene):
    encoder = write_encoder(tmp_path / "e.onnx", side=1024, bands_first=False)
    add_model(encoder, "own", decoder=write_decoder(tmp_path / "d.onnx", side=1024))
    found = geoseg.click(scene, "own", [middle("pond")])  # 128 px shown at 1024: cells of half a pixel
    assert found.geometry[0].symmetric_difference(outline("pond")).area < 0.1 * outline("pond").area


def test_near_clicks_see_one_picture(scene, sam, monkeypatch):
    model = load_click_model(sam)
    seen, embed = [], model.pair().embed
    monkeypatch.setattr(model.pair(), "embed", lambda picture: seen.append(picture.shape) or embed(picture))
    for name in ("house", "other house", "house"):
        geoseg.click(scene, sam, [middle(name)])
    assert len(seen) == 1
    geoseg.click(scene, sam, [middle("pond")])
    assert len(seen) == 2


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"at": []}, OptionError, "no point is given"),
        ({"at": [(0, 0)]}, InputError, r"the point 0, 0 lies outside the scene; is it in another CRS"),
        ({"at": [UTM * (WIDTH - 1, 5)]}, InputError, "has no data where a point lies"),
        ({"at": [UTM * (1, 1), UTM * (120, 90)]}, InputError, "the points are 89 px apart, and the model sees 64"),
        ({"at": [UTM * (1, 1)], "pixel": -1.0}, OptionError, "pixel must be a positive number"),
        ({"at": [UTM * (1, 1)], "model": "landcover"}, ModelError, "maps classes|no click model is called"),
    ],
)
def test_impossible_clicks(scene, sam, arguments, error, message):
    given = {"model": sam, **arguments}
    with pytest.raises(error, match=message):
        geoseg.click(scene, given.pop("model"), given.pop("at"), **given)


def test_pairs_that_are_none(tmp_path, pair, models):
    encoder, decoder = pair
    (tmp_path / "text.onnx").write_bytes(b"no graph")
    lacking = write_decoder(tmp_path / "lacking.onnx", without=("has_mask_input", "mask_input"))
    for one, other, message in (
        (encoder, lacking, "lacks mask_input, has_mask_input, so it is no decoder as SAM's own script"),
        (decoder, encoder, "an image encoder takes one picture"),
        (encoder, encoder, "lacks image_embeddings"),
        (tmp_path / "text.onnx", decoder, "not an ONNX file"),
        (tmp_path / "lost.onnx", decoder, "no such file"),
    ):
        with pytest.raises(ModelError, match=message):
            add_model(one, "sam", decoder=other)
    with pytest.raises(OptionError, match="only mean and std"):
        add_model(encoder, "sam", ImportOptions(bands=("red",)), decoder=decoder)
    assert not models.exists() or not list(models.iterdir())


def test_a_changed_file_is_noticed(sam, models):
    assert check_model(sam)[-1].startswith("test vector: reproduced")
    (models / sam / "decoder.onnx").write_bytes(write_decoder(models / "x.onnx", masks=4).read_bytes())
    with pytest.raises(ModelError, match=r"decoder\.onnx: was changed or damaged"):
        check_model(sam)
    card = json.loads((models / sam / "model.json").read_text("utf-8"))
    card["assets"]["encoder"]["href"] = "../../elsewhere.onnx"
    (models / sam / "model.json").write_text(json.dumps(card), "utf-8")
    with pytest.raises(ModelError, match="no name of a file in the folder"):
        check_model(sam)


def test_another_answer_than_when_it_was_added(sam, models):
    path = models / sam / "model.json"
    card = json.loads(path.read_text("utf-8"))
    card["properties"]["geoseg:click"]["test_vector"][0] -= 0.1
    path.write_text(json.dumps(card), "utf-8")
    with pytest.raises(ModelError, match="fails its test vector"):
        check_model(sam)


def test_the_command(tmp_path, scene, pair, geoseg):
    code, out, err = geoseg("model", "add", pair[0], "--decoder", pair[1], "--as", "sam", "--license", "apache-2.0")
    assert code == 0, err
    assert "use it with geoseg click SCENE -m sam --at X,Y" in out
    assert "outlines what is clicked on" in geoseg("model", "list")[1]
    listed = json.loads(geoseg("model", "list", "--clicks", "--json")[1])
    assert [(row["name"], row["license"]) for row in listed] == [("sam", "apache-2.0")]
    assert "sam" not in [row["name"] for row in json.loads(geoseg("model", "list", "--json")[1])]  # maps nothing
    at = ",".join(map(str, middle("pond")))
    code, out, err = geoseg("click", scene, "-m", "sam", "--at", at, "-o", tmp_path / "pond.gpkg")
    assert code == 0, err
    assert "score 0.90" in out
    written = gpd.read_file(tmp_path / "pond.gpkg")
    assert written.geometry[0].equals(shapely.MultiPolygon([outline("pond")])) or written.geometry[0].equals(
        outline("pond")
    )
    assert geoseg("click", scene, "-m", "sam", "--at", at, "-o", tmp_path / "pond.gpkg")[0] == 1
    code, out, err = geoseg("click", scene, "-m", "sam", "--at", at, "--progress", "json")
    events = [json.loads(line) for line in out.splitlines()]
    assert shapely.from_wkt(events[-1]["outlines"][0]["wkt"]).equals(outline("pond"))
    other = ",".join(map(str, middle("other house")))
    house = ",".join(map(str, middle("house")))
    code, out, err = geoseg("click", scene, "-m", "sam", "--at", house, "--not", other, "-o", tmp_path / "no.gpkg")
    assert code == 0
    assert "nothing is outlined there" in err
    assert not (tmp_path / "no.gpkg").exists()
    for said, message in ((("-m", "sam", "--at", "1"), "give two numbers X,Y"),):
        code, _, err = geoseg("click", scene, *said)
        assert code == 2
        assert message in err
    code, _, err = geoseg("segment", scene, "-m", "sam", "-o", tmp_path / "out")
    assert code == 1
    assert "is a click model" in err
    assert [card.name for card in list_click_models()] == ["sam"]
    with pytest.raises(ModelError, match="is a click model"):
        load_model("sam")
    remove_model("sam")
    assert list_click_models() == []
