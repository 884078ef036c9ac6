"""Metadata of Sentinel-2 products."""

from __future__ import annotations

import geoseg
from tests.security.fuzz.sandbox import Sandbox
from tests.security.fuzz.scenes import tif
from tests.security.fuzz.structures import xml_mutation

_BOX = Sandbox()
_CODES = ("B02", "B03", "B04", "B08", "B8A")
_NAME = "S2A_MSIL2A_20240101T100000_N0510_R022_T31TCJ_20240101T120000.SAFE"
(_BOX.folder / _NAME / "IMG_DATA").mkdir(parents=True)
for _code in _CODES:
    tif(_BOX.folder / _NAME / "IMG_DATA" / f"T31_{_code}_10m.jp2", driver="JP2OpenJPEG")
mutate = xml_mutation((
    "IMG_DATA/T31_B04_10m", "IMG_DATA/T31_B00_10m", "IMG_DATA/T31_B99_60m", "../egg_B04_10m", "/dev/zero_B04_10m",
    "B8A",
    f"{_BOX.url}/x_B04_10m", "-1000", "10000", "99", "0x10", "1e3", "٣", "utf-16", "IMG_DATA/T31_B04_20m", "cp037",
))  # fmt: skip


def target(data: bytes) -> None:
    path = _BOX.write(f"{_NAME}/MTD_MSIL2A.xml", data)
    with _BOX.watched():
        raster = geoseg.open_raster(path.parent)
        repr(raster).encode()
        assert all(band.name for band in raster.bands)


def seeds() -> list[bytes]:
    head = (
        '<?xml version="1.0" encoding="UTF-8"?><n1:Level-2A_User_Product xmlns:n1="https://psd-14.sentinel2.eo.esa.int/x">'
        "<n1:General_Info><Product_Info><PROCESSING_BASELINE>05.10</PROCESSING_BASELINE><Product_Organisation><Granule_List>"
        '<Granule imageFormat="JPEG2000">'
    )
    images = "".join(f"<IMAGE_FILE>IMG_DATA/T31_{code}_10m</IMAGE_FILE>" for code in _CODES)
    offsets = "".join(f'<BOA_ADD_OFFSET band_id="{n}">-1000</BOA_ADD_OFFSET>' for n in range(13))
    tail = (
        "</Granule></Granule_List></Product_Organisation></Product_Info><Product_Image_Characteristics>"
        '<QUANTIFICATION_VALUES_LIST><BOA_QUANTIFICATION_VALUE unit="none">10000</BOA_QUANTIFICATION_VALUE>'
        "</QUANTIFICATION_VALUES_LIST><BOA_ADD_OFFSET_VALUES_LIST>{}</BOA_ADD_OFFSET_VALUES_LIST>"
        "</Product_Image_Characteristics></n1:General_Info></n1:Level-2A_User_Product>"
    )
    old = head + images + tail.replace("BOA_QUANTIFICATION_VALUE", "QUANTIFICATION_VALUE").format("")
    return [(head + images + tail.format(offsets)).encode(), old.encode()]
