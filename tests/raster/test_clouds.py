"""Clouds, shadows and snow are missing pixels: by the quality bands of products, local or of a catalogue."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pytest
from affine import Affine

from geoseg.errors import InputError, OptionError
from geoseg.raster import open_raster
from geoseg.raster.clouds.kinds import KINDS, MASKED, kind_named
from geoseg.raster.clouds.report import masked_clouds
from geoseg.raster.composite import composite
from geoseg.tiling import Box

UTM = Affine(10, 0, 500_000, 0, -10, 5_000_000)
SIDE = 60
SAFE = """<?xml version="1.0"?><P><Product_Info>{images}</Product_Info>
<BOA_QUANTIFICATION_VALUE unit="none">10000</BOA_QUANTIFICATION_VALUE></P>"""


def doubled(coarse):
    return coarse.repeat(2, -1).repeat(2, -2)


def quality(kind, size, seed=1):
    """Pixels of a quality band (bands, h, w), and which of them clouds, shadows and snow leave: written down anew."""
    rng = np.random.default_rng(seed)
    if kind == "scl":
        values = rng.integers(0, 12, (1, size, size)).astype("uint8")
        return values, ~np.isin(values[0], [0, 3, 8, 9, 10, 11])
    if kind == "qa":
        values = rng.choice([21824, 21952, 22280, 23888, 30048, 54596, 55052, 1], (1, size, size)).astype("uint16")
        return values, np.isin(values[0], [21824, 21952])  # clear land and water, as USGS lists them
    if kind == "fmask":
        values = rng.choice([0, 32, 64, 128 + 64, 2, 4, 8, 16, 255, 64 + 2], (1, size, size)).astype("uint8")
        return values, np.isin(values[0], [0, 32, 64, 192])
    values = np.zeros((8, size, size), "uint8")
    which = rng.integers(0, 6, (size, size))  # clear, snow, shadow, light haze, heavy haze, cloud
    for band in range(6):
        values[band] = which == band
    values[6] = rng.integers(0, 101, (size, size))
    values[7, :2] = 1
    return values, (which == 0) & (values[7] == 0)


def test_each_value_means_what_the_product_says():
    (scl,), (qa,), (fmask,) = (KINDS[name].rules for name in ("scl", "qa", "fmask"))
    everything = frozenset(MASKED)
    assert np.flatnonzero(~scl.table(everything)).tolist() == [0, 3, 8, 9, 10, 11]
    assert np.flatnonzero(~scl.table(frozenset(["snow"]))).tolist() == [0, 11]
    for value in range(2**16):
        assert qa.table(everything)[value] == (value & 0b111111 == 0)
        assert qa.table(frozenset(["shadows"]))[value] == (value & 0b10001 == 0)
    assert [value for value in range(256) if fmask.table(everything)[value]] == [
        value for value in range(255) if value & 0b11110 == 0
    ]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("T33UUU_20240601T101031_SCL_20m", "scl"), ("SCL", "scl"), ("scl", "scl"), ("SCL_60m", "scl"),
        ("LC08_L2SP_190024_20240601_20240605_02_T1_QA_PIXEL", "qa"), ("qa_pixel", "qa"),
        ("HLS.S30.T33UUU.2024153T101031.v2.0.Fmask", "fmask"), ("Fmask", None), ("scene_fmask", None),
        ("20240601_101031_12_24a1_3B_udm2", "udm"), ("ortho_udm2", "udm"), ("20240601_3B_udm2_clip", "udm"),
        ("QA_RADSAT", None), ("muscl", None), ("B04", None), ("cloud", None), ("SCL_B04", None),
    ],
)  # fmt: skip
def test_names(name, kind):
    assert kind_named(name) == kind
    assert kind_named("Fmask", ["HLSL30.v2.0"]) == "fmask"


@pytest.fixture
def product(tmp_path, write, pixels):
    """A product of each kind as files: what is opened, and what its mask leaves on the grid of its bands."""

    def make(kind):
        folder = tmp_path / {
            "scl": "S2A_MSIL2A_20240101T000000_N0510_R051_T31UFT_20240101T000000.SAFE", "qa": "LC08_L2SP",
            "fmask": "HLS.S30.T33UUU.2024153T101031.v2.0", "udm": "planet",
        }[kind]  # fmt: skip
        folder.mkdir()
        data = pixels(2, SIDE, SIDE)
        if kind == "scl":
            images = []
            values, kept = quality(kind, SIDE // 2)
            for code, metres, array in (("B02", 10, data[:1]), ("B04", 10, data[1:]), ("SCL", 20, values)):
                stem = f"GRANULE/L2A_T31UFT/IMG_DATA/R{metres}m/T31UFT_20240101T000000_{code}_{metres}m"
                path = folder / f"{stem}.jp2"
                path.parent.mkdir(parents=True, exist_ok=True)
                write(path, array, driver="JP2OpenJPEG", QUALITY=100, REVERSIBLE=True, nodata=0,
                      transform=UTM * Affine.scale(metres // 10))  # fmt: skip
                images.append(f"<IMAGE_FILE>{stem}</IMAGE_FILE>")
            (folder / "MTD_MSIL2A.xml").write_text(SAFE.format(images="".join(images)))
            return folder, doubled(kept)
        values, kept = quality(kind, SIDE)
        if kind == "udm":
            scene = write(folder / "20240601_101031_12_24a1_3B_AnalyticMS_SR.tif", data, descriptions=("blue", "red"))
            write(folder / "20240601_101031_12_24a1_3B_udm2.tif", values)
            return scene, kept
        stem = {"qa": "LC08_L2SP_190024_20240601_02_T1_SR_{}", "fmask": "HLS.S30.T33UUU.2024153T101031.v2.0.{}"}[kind]
        write(folder / f"{stem.format('B2' if kind == 'qa' else 'B02')}.tif", data[:1])
        write(folder / f"{stem.format('B4' if kind == 'qa' else 'B04')}.tif", data[1:])
        name = stem.replace("SR_", "").format("QA_PIXEL" if kind == "qa" else "Fmask")
        write(folder / f"{name}.tif", values)
        return folder, kept

    return make


@pytest.mark.parametrize("kind", ["scl", "qa", "fmask", "udm"])
def test_products_are_masked_by_their_quality_band(product, kind):
    path, kept = product(kind)
    raster, bare = open_raster(path), open_raster(path, mask_clouds="none")
    assert [band.name for band in raster.bands] == ["blue", "red"] == [band.name for band in bare.bands]
    data, every = raster.read(raster.box), bare.read(bare.box)
    np.testing.assert_array_equal(data.data, every.data)
    np.testing.assert_array_equal(data.valid, every.valid & kept)
    assert 0.1 < data.valid.mean() < 0.9
    assert any(f"by {KINDS[kind].title}" in note for note in raster.notes)
    assert not any("missing pixels" in note for note in bare.notes)
    assert raster.fingerprint() != bare.fingerprint()
    assert open_raster(path, mask_clouds=kind).fingerprint() == raster.fingerprint()
    # However it is read: by box, by band, cut, reduced, on another process, lazily.
    again = pickle.loads(pickle.dumps(raster)).select(["red"])
    box = Box(7, 11, 20, 30)
    np.testing.assert_array_equal(again.read(box).valid, (every.valid & kept)[box.within(raster.box)])
    cut = raster.cut(Box(5, 9, 40, 33))
    np.testing.assert_array_equal(cut.read(cut.box).valid, (every.valid & kept)[5:45, 9:42])
    np.testing.assert_array_equal(raster.read_by_band(box)[1].all(0), (every.valid & kept)[box.within(raster.box)])
    assert np.isnan(raster.to_xarray(chunks=16).values).any(0).sum() == (~(every.valid & kept)).sum()
    (said,) = masked_clouds(cut)
    hidden = kept if kind != "udm" else kept | (np.arange(SIDE) < 2)[:, None]
    nothing = {"scl": "SCL", "qa": "QA_PIXEL", "fmask": "Fmask", "udm": "UDM2"}[kind]
    assert (said["by"], said["masked"], said["sampled"]) == (nothing, ["clouds", "shadows", "snow"], False)
    assert 0 < said["share"] <= round(float((~hidden[5:45, 9:42]).mean()), 4)


def test_how_much_is_masked_is_counted_exactly(tmp_path, write, pixels):
    scl = np.full((1, SIDE, SIDE), 4, "uint8")
    scl[0, :10], scl[0, 10:15], scl[0, 15:20], scl[0, 20:23] = 9, 3, 11, 0  # clouds, shadows, snow, nothing there
    write(tmp_path / "s_B02.tif", pixels(1, SIDE, SIDE))
    write(tmp_path / "s_SCL.tif", scl)
    (said,) = masked_clouds(open_raster(tmp_path))
    assert said["share"] == round(20 / SIDE, 4)
    kept = open_raster(tmp_path).unmasked(["clouds"])
    assert masked_clouds(kept)[0]["share"] == round(10 / SIDE, 4)
    assert kept.read(kept.box).valid[:10].all()
    assert open_raster(tmp_path).unmasked(MASKED).quality is None
    chosen = open_raster(tmp_path, mask_clouds="scl")
    assert chosen.unmasked(MASKED) is chosen  # asked for by name


def test_a_quality_band_in_the_file_itself(tmp_path, write, pixels):
    values, kept = quality("scl", SIDE)
    data = np.concatenate([pixels(2, SIDE, SIDE, "float32"), values.astype("float32")])
    path = write(tmp_path / "gee.tif", data, descriptions=("B2", "B4", "SCL"))
    raster = open_raster(path, bands=["B2", "B4"])
    np.testing.assert_array_equal(raster.read(raster.box).valid, kept)
    # Resampled: bands by the bilinear rule, the quality band by the nearest pixel.
    finer = open_raster(path, bands=["B2"], resolution=5)
    np.testing.assert_array_equal(finer.read(finer.box).valid, doubled(kept))
    alone = open_raster(path, bands=["SCL"])
    assert alone.quality is None
    assert alone.read(alone.box).valid.all()
    only = open_raster(write(tmp_path / "T31_SCL_20m.tif", values))
    assert only.read(only.box).valid.all()


def test_what_is_asked_for_must_be_there(tmp_path, write, pixels):
    path = write(tmp_path / "plain.tif", pixels(2))
    with pytest.raises(InputError, match="has no SCL band for mask-clouds scl; it has no quality band"):
        open_raster(path, mask_clouds="scl")
    with pytest.raises(OptionError, match="mask-clouds 'cloudy' is unknown"):
        open_raster(path, mask_clouds="cloudy")
    write(tmp_path / "20240601_1010_24a1_3B_AnalyticMS.tif", pixels(4))
    write(tmp_path / "20240601_1010_24a1_3B_udm2.tif", pixels(1, dtype="uint8"))
    assert "has no band 2" in open_raster(tmp_path / "20240601_1010_24a1_3B_AnalyticMS.tif").notes[-1]
    with pytest.raises(InputError, match="so it is no UDM2"):
        open_raster(tmp_path / "20240601_1010_24a1_3B_AnalyticMS.tif", mask_clouds="udm")


def test_dates_of_a_composite_are_masked_each(tmp_path, write, pixels):
    masks = []
    for number in (1, 2):
        values, kept = quality("scl", SIDE, seed=number)
        folder = tmp_path / f"date{number}"
        folder.mkdir()
        write(folder / f"S2_2024060{number}_B04.tif", pixels(1, SIDE, SIDE, seed=number))
        write(folder / f"S2_2024060{number}_SCL.tif", values)
        masks.append(kept)
    joined = composite([tmp_path / "date1", tmp_path / "date2"], method="first")
    data = joined.read(joined.box)
    np.testing.assert_array_equal(data.data[-1], masks[0].astype(int) + masks[1])
    np.testing.assert_array_equal(data.valid, masks[0] | masks[1])
    assert [entry["name"] for entry in masked_clouds(joined)] == ["S2_20240601_B04", "S2_20240602_B04"]
    bare = joined.unmasked(["clouds", "shadows", "snow"])
    assert bare.read(bare.box).data[-1].min() == 2
    assert any(source.endswith("SCL.tif") for source in joined.sources)


def test_a_missing_quality_file_is_said(tmp_path, write, pixels):
    write(tmp_path / "red.tif", pixels(1))
    item = {"type": "Feature", "id": "one", "properties": {}, "assets": {
        "red": {"href": "red.tif", "type": "image/tiff", "eo:bands": [{"common_name": "red"}]},
        "scl": {"href": "scl.jp2", "type": "image/jp2"}, "SCL": {"href": "gone.tif", "type": "image/tiff"},
    }}  # fmt: skip
    (tmp_path / "item.json").write_text(json.dumps(item))
    with pytest.raises(InputError, match=r"gone\.tif: no such file|scl\.jp2: no such file"):
        open_raster(tmp_path / "item.json", bands=["red"])
