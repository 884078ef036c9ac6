"""The sensor of a scene, and what its band codes mean.

The same code means different bands: B8 is near infrared for Sentinel-2 and panchromatic for Landsat 8. The sensor is
therefore decided once per scene, from names of files and folders, tags, and the set of all codes. Where it is not
certain, no common names are given and bands keep their codes.

Common names are those of the STAC eo extension; a band without one maps to None. Sources of the tables:

- Sentinel-2 MSI, Sentinel-3 OLCI: https://sentiwiki.copernicus.eu
- Landsat: https://www.usgs.gov/faqs/what-are-band-designations-landsat-satellites
- HLS, in which S30 and L30 keep the codes of their sensors: https://hls.gsfc.nasa.gov/products-description
- MODIS (MOD09), ASTER (L1T) and VIIRS (VNP09): product pages of https://lpdaac.usgs.gov
- CBERS and Amazonia-1: http://www.cbers.inpe.br and https://github.com/fredliporace/cbers-on-aws
- PlanetScope: https://docs.planet.com/data/imagery/planetscope
- WorldView-2 and -3, 8 bands: the Vantor (DigitalGlobe) core imagery product guide
- Himawari AHI: https://www.data.jma.go.jp/mscweb/en/himawari89/space_segment/spsg_ahi.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Sensor:
    """An instrument and its bands.

    Attributes
    ----------
    name
        As users know it: ``"Sentinel-2"``.
    family
        Sensors of one family may be named together: ``"Landsat"``.
    codes
        Common name of each band code as :func:`code_of` returns it; None where the band has none.
    mention
        Matches names and tags that only this sensor has.
    """

    name: str
    family: str
    codes: Mapping[str, str | None]
    mention: re.Pattern[str]


@dataclass(frozen=True)
class Reading:
    """The names of a scene's bands after the sensor was decided.

    Attributes
    ----------
    names
        Common names where the sensor is known, else the names given.
    note
        The decision in words, or why there is none; empty where bands have no codes or nothing speaks for a sensor.
    """

    names: tuple[str, ...]
    note: str = ""


def _mention(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(rf"(?<![A-Za-z0-9])(?:{pattern})" for pattern in patterns), re.IGNORECASE)


def _numbered(prefix: str, *names: str | None, start: int = 1) -> dict[str, str | None]:
    return {f"{prefix}{number}": name for number, name in enumerate(names, start)}


_END = r"(?![A-Za-z0-9])"
_NEVER = re.compile(r"(?!)")  # for sensors that only their family names
_SENTINEL2 = {
    "B1": "coastal", "B2": "blue", "B3": "green", "B4": "red", "B5": "rededge071", "B6": "rededge075",
    "B7": "rededge078", "B8": "nir", "B8A": "nir08", "B9": "nir09", "B10": "cirrus", "B11": "swir16", "B12": "swir22",
}  # fmt: skip
_OLI = _numbered(
    "B", "coastal", "blue", "green", "red", "nir", "swir16", "swir22", "pan", "cirrus", "lwir11", "lwir12"
)  # fmt: skip
_TM = _numbered("B", "blue", "green", "red", "nir", "swir16", "lwir", "swir22")
# Oa01 … Oa21; Sentinel Hub and the Copernicus Browser call them B01 … B21.
_OLCI = (
    None, None, "coastal", "blue", None, "green", None, "red", None, None, "rededge071", "rededge075", None, None, None,
    "rededge078", "nir", None, None, "nir09", None,
)  # fmt: skip
_VISIBLE_NIR = ("blue", "green", "red", "nir")
_CBERS4 = _numbered("B", *_VISIBLE_NIR, start=5) | _numbered("B", *_VISIBLE_NIR, start=13)

SENTINEL2 = Sensor("Sentinel-2", "Sentinel-2", _SENTINEL2, _mention(
    rf"Sentinel[\s_-]?2[ABCD]?{_END}", r"S2[ABCD]?_MSI", r"S2[ABCD]?[\s_-]L?(?:1C|2A)" + _END, r"MSIL(?:1C|2A)",
    r"S2MSI(?:1C|2A)", r"S2_(?:SR|TOA|HARMONIZED)", r"S2[ABCD]_", rf"COPERNICUS/S2{_END}", r"S2_(?=\d{8}|B\d)",
    r"HLS[._-]?S30" + _END, r"HLSS30", r"L(?:1C|2A)_T\d{2}[A-Z]{3}_", r"T\d{2}[C-X][A-Z]{2}_20\d{6}(?:T\d{6})?" + _END,
    rf"(?:QA60|MSK_CLDPRB|MSK_SNWPRB|MSK_CLASSI_\w+|SCL){_END}",
))  # fmt: skip
_LANDSAT8 = Sensor("Landsat 8/9", "Landsat", _OLI, _mention(
    r"L[CO]0[89](?=[_./-]|\d{6}|$)", r"L[CO][89]\d{13}", rf"Landsat[\s_-]?[89](?:[\s_,/-]+9)?{_END}",
    rf"OLI(?:[_/ -]?TIRS)?{_END}",
    r"L[89]_(?=SR|TOA|\d{8}|B\d)", r"HLS[._-]?L30" + _END, r"HLSL30", rf"(?:SR_B0?6|ST_B10|SR_QA_AEROSOL){_END}",
))  # fmt: skip
_LANDSAT7 = Sensor("Landsat 7", "Landsat", {**_TM, "B6_VCID_1": "lwir", "B6_VCID_2": "lwir", "B8": "pan"}, _mention(
    r"LE07(?=[_./-]|\d{6}|$)", r"LE7\d{13}", rf"Landsat[\s_-]?7{_END}", r"ETM\+?" + _END, r"L7_(?=SR|TOA|\d{8}|B\d)",
    rf"(?:ST_B0?6|SR_ATMOS_OPACITY|SR_CLOUD_QA){_END}",
))  # fmt: skip
_LANDSAT5 = Sensor("Landsat 4/5 TM", "Landsat", _TM, _mention(
    r"LT0[45](?=[_./-]|\d{6}|$)", r"LT[45]\d{13}", rf"Landsat[\s_-]?[45](?:[\s_,/-]+5)?{_END}(?!.*MSS)",
    r"L[45]_(?=SR|TOA|\d{8}|B\d)", rf"(?:ST_B0?6|SR_ATMOS_OPACITY|SR_CLOUD_QA){_END}",
))  # fmt: skip

SENSORS = (
    SENTINEL2,
    _LANDSAT8,
    _LANDSAT7,
    _LANDSAT5,
    Sensor("Landsat 1–3 MSS", "Landsat", {"B4": "green", "B5": "red", "B6": "nir", "B7": "nir08"}, _mention(
        r"LM0[123]_", r"LM[123]\d{13}", rf"Landsat[\s_-]?[123](?:[\s_,/-]+[235])?{_END}",
    )),
    Sensor("Landsat 4/5 MSS", "Landsat", {"B1": "green", "B2": "red", "B3": "nir", "B4": "nir08"}, _mention(
        r"LM0[45]_", r"LM[45]\d{13}", r"Landsat[\s_-]?(?:[1-5]-)?[45](?:[\s_,/-]+5)?(?=[^A-Za-z0-9].*MSS)",
    )),
    Sensor(
        "MODIS",
        "MODIS",
        _numbered("B", "red", "nir", "blue", "green", None, "swir16", "swir22", *[None] * 29),
        _mention(r"M[OY]D(?:02|09|13|43)", r"MCD43", rf"MODIS{_END}", r"sur_refl_b\d", r"Nadir_Reflectance_Band\d"),
    ),
    Sensor(
        "ASTER",
        "ASTER",
        _numbered("B", "green", "red") | {"B3N": "nir", "B3B": None}
        | _numbered("B", "swir16", None, "swir22", *[None] * 8, start=4),
        _mention(r"AST_(?:L1[ABT]|0\d)", rf"ASTER{_END}"),
    ),
    Sensor(
        "VIIRS",
        "VIIRS",
        _numbered("I", "red", "nir", "swir16", None, "lwir11")
        | _numbered(
            "M", None, None, "blue", "green", "red", None, "nir08", None, "cirrus", "swir16", "swir22", None, None,
            None, "lwir11", "lwir12",
        ),
        _mention(r"V(?:NP|J1|J2)(?:02|09|43)", rf"VIIRS{_END}", r"SurfReflect_[IM]\d"),
    ),
    # PAN takes 5 and 10 m, MUX 20 m, WFI 64 m.
    Sensor("CBERS-4", "CBERS", _CBERS4 | _numbered("B", "pan", *_VISIBLE_NIR[1:]), _mention(r"CBERS[_-]?4(?!A|\d)")),
    Sensor("CBERS-4A", "CBERS", _CBERS4 | _numbered("B", "pan", *_VISIBLE_NIR, start=0), _mention(r"CBERS[_-]?4A")),
    Sensor("CBERS-2", "CBERS", _numbered("B", *_VISIBLE_NIR, "pan"), _mention(r"CBERS[_-]?2B?(?![A-Za-z0-9])")),
    Sensor("Amazonia-1", "Amazonia", _numbered("B", *_VISIBLE_NIR), _mention(r"AMAZONIA[_-]?1", r"AMZ1")),
    Sensor(
        "Sentinel-3 OLCI",
        "Sentinel-3",
        _numbered("OA", *_OLCI) | _numbered("B", *_OLCI),
        _mention(rf"Sentinel[\s_-]?3[AB]?{_END}", r"S3[AB]?_OL", rf"OLCI{_END}"),
    ),
    Sensor(
        "PlanetScope, 4 bands",
        "PlanetScope",
        _numbered("B", *_VISIBLE_NIR),
        _mention(r"AnalyticMS(?!_(?:SR_)?8b)", r"analytic_4b"),
    ),
    Sensor(
        "PlanetScope, 8 bands",
        "PlanetScope",
        _numbered("B", "coastal", "blue", None, "green", "yellow", "red", "rededge", "nir"),
        _mention(r"AnalyticMS_(?:SR_)?8b", r"analytic_8b"),
    ),
    Sensor(
        "WorldView-2/3",
        "WorldView",
        _numbered("B", "coastal", "blue", "green", "yellow", "red", "rededge", "nir", None),
        _NEVER,
    ),
    Sensor("WorldView, 4 bands", "WorldView", _numbered("B", *_VISIBLE_NIR), _NEVER),
    Sensor(
        "Himawari AHI",
        "Himawari",
        _numbered("B", "blue", "green", "red", "nir", "swir16", "swir22", *[None] * 10),
        _mention(rf"Himawari[\s_-]?[89]?{_END}", r"HS_H0[89]", rf"AHI{_END}"),
    ),
    # Band numbers differ between cameras and products: a scene of these has no common names.
    *(
        Sensor(name, name, {}, _mention(pattern))
        for name, pattern in (
            ("Gaofen", r"GF-?\d[A-Z]?_"),
            ("SPOT", rf"SPOT[\s_-]?[1-7]{_END}"),
            ("Pléiades", rf"(?:PHR1[AB]|PNEO\d){_END}"),
            ("GOES ABI", r"ABI-L\d|GOES[\s_-]?1\d"),
            ("EnMAP", rf"ENMAP{_END}"),
            ("PRISMA", r"PRS_L\d"),
        )
    ),
)  # fmt: skip

# Names of a family without a member; all its sensors are then possible.
_FAMILIES = {
    "Landsat": _mention(
        r"Landsat(?![\s_-]?\d)", r"S[RT]_B0?\d", rf"(?:QA_PIXEL|QA_RADSAT){_END}", r"(?:sr|toa)_band\d"
    ),
    "CBERS": _mention(r"CBERS(?![_-]?\d)"),
    "PlanetScope": _mention(rf"PlanetScope{_END}", rf"PSScene{_END}", rf"PSB\.SD{_END}"),
    "WorldView": _mention(rf"WorldView[\s_-]?[23]?{_END}", r"WV0[23]"),
}
# Sensors that a set of plain codes may come from, for the message about an ambiguous one.
_USUAL = (SENTINEL2, _LANDSAT8, _LANDSAT7, _LANDSAT5)

# "B02", "b2", "B8A", "B08A", "SR_B4", "ST_B10", "sur_refl_b01", "S2_B8A", "B3N", "B6_VCID_1", "I1", "M05", "Oa08",
# and these followed by the reducer of a composite: "B4_median".
_CODE = re.compile(
    r"(?:(?:SR|ST|TOA|S2|L[4-9]|sur_refl|HLS)_)?"
    r"(?:B[\s_-]?(?P<number>0?\d|[1-3]\d)(?P<letter>[ANB]?)(?P<gain>_VCID_[12])?"
    r"|(?:(?:Nadir_Reflectance_|sr_|toa_)Band_?)(?P<long>\d{1,2})"
    r"|(?:SurfReflect_)?(?P<viirs>[IM])0?(?P<channel>\d{1,2})(?:_\d)?"
    r"|Oa(?P<olci>\d{1,2})(?:_(?:radiance|reflectance))?)"
    r"(?:_(?:mean|median))?",
    re.IGNORECASE,
)
_IN_NAME = re.compile(
    r"(?:^|[^A-Za-z0-9])"
    r"(B(?:3[NB]|0?8A|6_VCID_[12]|0?\d|1[0-6])|Oa\d\d)"
    r"(?=$|[^A-Za-z0-9])",
    re.IGNORECASE,
)
_LONG_IN_NAME = re.compile(r"(?:^|[^A-Za-z0-9])(band[\s_-]?\d{1,3})(?=$|[^A-Za-z0-9])", re.IGNORECASE)
# Codes that only in the names of one sensor's files are codes.
_OWN_IN_NAME = {
    "VIIRS": re.compile(r"(?:^|[^A-Za-z0-9])([IM]0?\d{1,2})(?=$|[^A-Za-z0-9])"),
    "Sentinel-3 OLCI": re.compile(r"(?:^|[^A-Za-z0-9])(B1[7-9]|B2[01])(?=$|[^A-Za-z0-9])"),
}


def code_of(text: str | None) -> str | None:
    """Return the band code that a whole text is, in one spelling: ``"B02"`` → ``"B2"``, ``"SR_B4"`` → ``"B4"``.

    None if it is none. ``"band 4"`` is no code: every file has a fourth band.
    """
    match = _CODE.fullmatch((text or "").strip())
    if match is None:
        return None
    if match["viirs"]:
        return f"{match['viirs'].upper()}{int(match['channel'])}"
    if match["olci"]:
        return f"OA{int(match['olci'])}"
    if match["long"]:
        return f"B{int(match['long'])}"
    return f"B{int(match['number'])}{match['letter'].upper()}{(match['gain'] or '').upper()}"


def code_in_name(stem: str) -> str | None:
    """Return the part of a file name that is a band code, as it stands there: ``"scene_B02_10m"`` → ``"B02"``.

    ``"…_BAND5"`` is ``"B5"`` in the names of sensors that number their files so, and ``"…_M05"`` a code for VIIRS.
    """
    if tokens := _IN_NAME.findall(stem):
        return str(tokens[-1])
    if _mentioned([stem]) and (numbered := _LONG_IN_NAME.findall(stem)):
        return f"B{int(re.sub(r'[^0-9]', '', numbered[-1]))}"
    sensors = [sensor.name for sensor in _mentioned([stem])]
    if len(sensors) == 1 and sensors[0] in _OWN_IN_NAME and (tokens := _OWN_IN_NAME[sensors[0]].findall(stem)):
        return str(tokens[-1])
    return None


def name_bands(names: Sequence[str], evidence: Sequence[Iterable[str]]) -> Reading:
    """Replace band codes by common names, if the sensor of the scene is certain.

    Parameters
    ----------
    names
        Names of all bands of a scene, of all its files; codes among them as the files state them.
    evidence
        What names the scene, the most specific first: names of files and tags, then of folders. Of these the first
        that mention a sensor count.

    Examples
    --------
    >>> name_bands(["B4", "B8A", "QA60"], []).names
    ('red', 'nir08', 'QA60')
    >>> name_bands(["B4", "B5"], [["LC09_L2SP_190030_20240101"]]).names
    ('red', 'nir')
    >>> name_bands(["B4", "B8"], []).names  # Sentinel-2, Landsat 7, 8 or 9: B8 is ambiguous
    ('B4', 'B8')
    """
    codes = [code_of(name) for name in names]
    present = frozenset(code for code in codes if code is not None)
    if not present:
        return Reading(tuple(names))
    sensor, note = _decide(present, [[*names, *(evidence[0] if evidence else ())], *evidence[1:]])
    if sensor is None:
        return Reading(tuple(names), note)
    table = sensor.codes
    return Reading(tuple((table[c] or n) if c else n for n, c in zip(names, codes, strict=True)), note)


def ambiguity(names: Sequence[str]) -> str:
    """Say what the codes among band names may mean: ``"B8 is nir for Sentinel-2 and pan for Landsat 8/9"``.

    Empty if there are no codes, or no usual sensor has them all.
    """
    codes = {code: name for name in names if (code := code_of(name))}
    usual = [sensor for sensor in _mentioned(names) if sensor.codes] or _USUAL
    fitting = [sensor for sensor in usual if codes.keys() <= sensor.codes.keys()]
    for code in sorted(codes, key=lambda code: (code not in ("B8", "B5"), len(code), code)):
        meanings: dict[str | None, list[str]] = {}
        for sensor in fitting:
            meanings.setdefault(sensor.codes[code], []).append(sensor.name)
        if len(meanings) > 1:
            parts = [f"{meaning} for {' and '.join(sensors)}" for meaning, sensors in meanings.items()]
            return f"{codes[code]} is {', '.join(parts[:-1])} and {parts[-1]}"
    return ""


def _decide(codes: frozenset[str], evidence: Sequence[Iterable[str]]) -> tuple[Sensor | None, str]:
    mentioned = next((found for texts in evidence if (found := _mentioned(texts))), [])
    if not mentioned:
        return _by_codes(codes)
    names = _listed([sensor.name for sensor in mentioned])
    if len({sensor.family for sensor in mentioned}) > 1:
        return None, f"its names mention {names}, so the meaning of its band codes is unknown"
    fitting = [sensor for sensor in mentioned if codes <= sensor.codes.keys()]
    if not fitting:
        foreign = _listed(sorted(codes - set().union(*(sensor.codes for sensor in mentioned)), key=_by_number))
        if not foreign or not any(sensor.codes for sensor in mentioned):
            return None, f"band codes of {names} differ between products, so their meaning is unknown"
        return None, f"its names mention {names}, which has no band {foreign}, so the meaning of its codes is unknown"
    if len({tuple(sensor.codes[code] for code in sorted(codes)) for sensor in fitting}) > 1:
        return None, f"its band codes may be those of {_listed([sensor.name for sensor in fitting])}"
    return fitting[0], f"bands read as {' or '.join(sensor.name for sensor in fitting)}, as its names say"


def _mentioned(texts: Iterable[str]) -> list[Sensor]:
    texts = list(texts)
    sensors = [sensor for sensor in SENSORS if any(sensor.mention.search(text) for text in texts)]
    families = {sensor.family for sensor in sensors}
    for family, pattern in _FAMILIES.items():
        if family not in families and any(pattern.search(text) for text in texts):
            sensors += [sensor for sensor in SENSORS if sensor.family == family]
    return sensors


def _by_codes(codes: frozenset[str]) -> tuple[Sensor | None, str]:
    """Return the only sensor that has such codes."""
    numbers = {f"B{number}" for number in range(1, len(codes) + 1)}
    marks = {
        # ASTER has a B12, but no plain B3; software numbers twelve bands B1 … B12, whatever they are.
        SENTINEL2.name: codes & {"B8A", "B12"} if "B8A" in codes or ("B3" in codes and codes != numbers) else (),
        "Sentinel-3 OLCI": {code for code in codes if code.startswith("OA")},
        "ASTER": codes & {"B3N", "B3B"},
        "Landsat 7": codes & {"B6_VCID_1", "B6_VCID_2"},
    }
    for sensor in SENSORS:
        if codes <= sensor.codes.keys() and (own := sorted(marks.get(sensor.name, ()), key=_by_number)):
            return sensor, f"bands read as {sensor.name} ({', '.join(own[:3])}{', …' * (len(own) > 3)})"
    return None, ""


def _by_number(code: str) -> tuple[int, str]:
    return int(re.sub(r"[^0-9]", "", code.partition("_")[0])), code


def _listed(texts: Sequence[str]) -> str:
    return " and ".join([", ".join(texts[:-1]), texts[-1]] if len(texts) > 1 else texts)
