"""Common names of bands in words; for codes such as B04 see :mod:`geoseg.raster.bands.sensors`.

The names are those of the STAC electro-optical extension (https://github.com/stac-extensions/eo): coastal, blue,
green, red, rededge071, rededge075, rededge078, nir, nir08, nir09, cirrus, swir16, swir22, lwir11, lwir12, pan.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from geoseg.raster.bands.sensors import code_in_name

COMMON = (
    "coastal", "blue", "green", "yellow", "red", "rededge", "rededge071", "rededge075", "rededge078", "nir", "nir08",
    "nir09", "cirrus", "swir16", "swir22", "lwir", "lwir11", "lwir12", "pan",
)  # fmt: skip

# Other names of these bands, if unambiguous: not "vegetation red edge", which has no number, nor "band 4".
_ALIASES = {
    "b": "blue", "g": "green", "r": "red", "n": "nir",
    "coastalaerosol": "coastal", "coastalblue": "coastal", "aerosol": "coastal", "aerosols": "coastal",
    "ultrablue": "coastal",
    "nearinfrared": "nir", "nearir": "nir", "infrared": "nir", "nir1": "nir", "nirbroad": "nir",
    "nirnarrow": "nir08", "narrownir": "nir08", "nira": "nir08", "nir8a": "nir08",
    "watervapour": "nir09", "watervapor": "nir09",
    "swir1": "swir16", "swir2": "swir22", "shortwaveinfrared1": "swir16", "shortwaveinfrared2": "swir22",
    "panchromatic": "pan", "greenii": "green",
    "rededge1": "rededge071", "rededge2": "rededge075", "rededge3": "rededge078", "re1": "rededge071",
    "re2": "rededge075", "re3": "rededge078", "rededge71": "rededge071", "rededge75": "rededge075",
    "rededge78": "rededge078", "rededge70": "rededge071", "rededge74": "rededge075",
    "vegetationrededge1": "rededge071", "vegetationrededge2": "rededge075", "vegetationrededge3": "rededge078",
}  # fmt: skip

# Of these only the whole text is a name: among other words they mean something else.
_ALONE = {"b", "g", "r", "n", "aerosol", "aerosols", "infrared"}

# Words that make another band, or no band, of the name beside them: far red, mid infrared, PlanetScope's Green I (which
# comes before its Green), the standard deviation of red.
_QUALIFIERS = {
    "i", "edge", "far", "deep", "short", "shortwave", "mid", "middle", "medium", "long", "thermal", "wave", "infrared",
    "tir", "narrow", "aerosol", "aerosols", "aot", "wvp", "std", "stddev", "stdev", "stddeviation", "deviation",
    "variance", "uncertainty", "error", "count", "index", "ndvi", "ratio", "difference", "normalized",
}  # fmt: skip
_LONGEST_PHRASE = 4

_BAND_NUMBER = re.compile(r"(?:^|[^A-Za-z0-9])(band[\s_-]?\d{1,3})(?=$|[^A-Za-z0-9])", re.IGNORECASE)

_MASKS = re.compile(
    r"(?:^|[^a-z])(mask|scl|qa\w*|fmask|cloud\w*|class(?:es|ification)?|labels?|landcover|datamask)(?:$|[^a-z])",
    re.IGNORECASE,
)
_AUXILIARY = re.compile(
    r"(?:^|[^A-Za-z0-9])(QA|QA_PIXEL|QA_RADSAT|SR_QA_AEROSOL|SCL|AOT|WVP|TCI|PVI|ST|SAA|SZA|VAA|VZA|CLD|SNW|FMASK|"
    r"preview|thumbnail|overview)(?=$|[^A-Za-z0-9])",
    re.IGNORECASE,
)

_SENTINEL1 = re.compile(r"(?:^|[^A-Za-z0-9])(?:S1[ABCD](?=_)|Sentinel[\s_-]?1)", re.IGNORECASE)
_POLARIZATION = re.compile(r"(?:^|[^A-Za-z0-9])(VV|VH|HH|HV)(?=$|[^A-Za-z0-9])", re.IGNORECASE)
# Angles, layover and shadow, heights, pictures and areas that come with radiometrically terrain-corrected radar.
_BESIDE_RADAR = re.compile(r"[^A-Za-z0-9](?:inc_map|inc_map_ell|ls_map|dem|rgb|area|mask)$", re.IGNORECASE)


def from_text(text: str | None) -> str | None:
    """Return the common name in a band's own name or description, or None.

    Only words count: what a code (``"B8"``) or number (``"band 4"``) means depends on the sensor.
    """
    if not text:
        return None
    plain = re.sub(r"[^a-z0-9]", "", text.lower())
    if plain in COMMON:
        return plain
    if plain in _ALIASES:
        return _ALIASES[plain]
    # "B2 (blue)", "blue (490 nm)", "SR_B4 red": exactly one common name among other words.
    found = _phrases(text, numbered=True) if not _MASKS.search(text) else []
    return found[0][0] if found else None


def _phrases(text: str, *, numbered: bool = False) -> list[tuple[str, str]]:
    """Return the one common name in a text with each part that says so; none if other words contradict it.

    Parameters
    ----------
    numbered
        Whether a number after a name makes it another one, as in ``"NIR 2"``; in names of files it may number these.
    """
    words = list(re.finditer(r"[A-Za-z]+|\d+(?:\.\d+)?", text))
    found: list[tuple[str, str]] = []
    start = 0
    while start < len(words):
        stop, name = _longest(words, start)
        if name is not None:
            found.append((name, text[words[start].start() : words[stop - 1].end()]))
            follows = words[stop][0] if stop < len(words) else ""
            if numbered and re.fullmatch(r"\d", follows) and words[stop].start() - words[stop - 1].end() <= 1:
                return []
        elif words[start][0].lower() in _QUALIFIERS:
            return []
        start = stop
    return found if len({name for name, _ in found}) == 1 else []


def _longest(words: Sequence[re.Match[str]], start: int) -> tuple[int, str | None]:
    """Return the end of the longest phrase from a word on that is a common name, and the name."""
    for stop in range(min(start + _LONGEST_PHRASE, len(words)), start, -1):
        if name := _among_words("".join(word[0].lower() for word in words[start:stop])):
            return stop, name
    return start + 1, None


def _among_words(phrase: str) -> str | None:
    if phrase in COMMON:
        return phrase
    return None if phrase in _ALONE else _ALIASES.get(phrase)


def _polarization(stem: str) -> str | None:
    """Return the polarization in the name of a file of Sentinel-1, as it stands there: ``"VV"``."""
    found = _POLARIZATION.findall(stem) if _SENTINEL1.search(stem) else []
    return str(found[-1]) if found else None


def from_filename(stem: str) -> str | None:
    """Return the common name (``scene_red``) or band code (``scene_B02_10m``) in a file name, or None."""
    code = code_in_name(stem)
    if code is not None:
        return code
    if polarization := _polarization(stem):
        return polarization.lower()
    found = _phrases(stem)
    return found[0][0] if found and not _MASKS.search(stem) else None


def band_token(stem: str) -> str | None:
    """Return the part of a file name that identifies the band: ``"B02"``, ``"band1"``, ``"red"``."""
    code = code_in_name(stem)
    if code is not None and code in stem:
        return code
    if tokens := _BAND_NUMBER.findall(stem):
        return str(tokens[-1])
    if polarization := _polarization(stem):
        return polarization
    found = _phrases(stem)
    return found[0][1] if len(found) == 1 else None


def is_auxiliary(stem: str) -> bool:
    """Return whether a file of a scene is not a spectral band: quality flags, angles, true-colour pictures."""
    if _SENTINEL1.search(stem) and not _POLARIZATION.search(stem) and _BESIDE_RADAR.search(stem):
        return True
    return _AUXILIARY.search(stem) is not None


def is_categorical(text: str) -> bool:
    """Return whether the name of a band denotes classes or flags, which must not be interpolated."""
    return _MASKS.search(text) is not None


def unique(names: list[str]) -> list[str]:
    """Give repeated names a number: ``blue, blue`` → ``blue, blue_2``."""
    seen: dict[str, int] = {}
    result = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        candidate = name if seen[name] == 1 else f"{name}_{seen[name]}"
        while candidate in result:
            seen[name] += 1
            candidate = f"{name}_{seen[name]}"
        result.append(candidate)
    return result


def scene_name(text: str) -> str:
    """Return ``text`` as a name that is safe as a file name on every system."""
    name = re.sub(r"[^\w.()+-]+", "_", text).strip("._- ") or "scene"
    # Names that Windows reserves for devices, with any extension.
    if re.fullmatch(r"(?i)(con|prn|aux|nul|(com|lpt)[\d¹²³])(\..*)?", name):
        name = f"{name}_"
    # File systems allow 255 bytes, of which suffixes and temporary names take up to 60.
    return name[:120].encode()[:180].decode(errors="ignore").rstrip(". ")  # which Windows would drop


def shared_name(stems: list[str]) -> str | None:
    """Return the common start of several files' names, up to a separator, or None."""
    if len(stems) == 1:
        return stems[0]
    prefix = stems[0]
    for stem in stems[1:]:
        length = next((i for i, (a, b) in enumerate(zip(prefix, stem, strict=False)) if a != b), None)
        prefix = prefix[: min(len(prefix), len(stem)) if length is None else length]
    # Inside a word ("…_B0" of B02, B03): go back to the separator before it.
    if any(len(stem) > len(prefix) and stem[len(prefix)].isalnum() for stem in stems):
        cut = max((prefix.rfind(c) for c in "_-. ,"), default=-1)
        prefix = prefix[: cut + 1] if cut >= 0 else ""
    prefix = prefix.strip("_-. ,(")
    return prefix or None
