"""Quality bands of products: what their values mean, and by which names they are recognized.

Sources: Sentinel-2 scene classification, https://sentiwiki.copernicus.eu/web/s2-processing; Landsat Collection 2
QA_PIXEL, https://www.usgs.gov/landsat-missions/landsat-collection-2-quality-assessment-bands; Fmask of HLS v2.0,
https://lpdaac.usgs.gov/documents/1698/HLS_User_Guide_V2.pdf; Planet's usable data mask 2,
https://docs.planet.com/data/imagery/udm/.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

CLOUDS, SHADOWS, SNOW = "clouds", "shadows", "snow"
MASKED = (CLOUDS, SHADOWS, SNOW)
"""What can be masked."""

_MISSING = "missing"
"""Values that mean that the product has nothing there: masked, whatever else is."""

_VALUES = 2**16


@dataclass(frozen=True)
class Rule:
    """What the values of one band mean.

    Attributes
    ----------
    band
        1-based number of the band.
    codes
        Whole values, by what they mean.
    bits
        Numbers of bits of which one that is set is enough, by what they mean.
    """

    band: int
    codes: tuple[tuple[str, tuple[int, ...]], ...] = ()
    bits: tuple[tuple[str, tuple[int, ...]], ...] = ()

    @property
    def meanings(self) -> frozenset[str]:
        """What can be told from the band."""
        return frozenset(name for name, _ in (*self.codes, *self.bits)) - {_MISSING}

    @functools.lru_cache(maxsize=64)  # noqa: B019 - rules are few and live as long as the process
    def table(self, masked: frozenset[str]) -> NDArray[np.bool_]:
        """Return for each value 0…65535 whether pixels with it are kept."""
        values = np.arange(_VALUES)
        kept = np.ones(_VALUES, np.bool_)
        wanted = masked | {_MISSING}
        for name, codes in self.codes:
            if name in wanted:
                kept[list(codes)] = False
        for name, bits in self.bits:
            if name in wanted:
                for bit in bits:
                    kept &= (values >> bit) & 1 == 0
        return kept


@dataclass(frozen=True)
class Kind:
    """A kind of quality band.

    Attributes
    ----------
    name
        The value of ``mask_clouds`` that asks for it.
    title
        What messages call it.
    rules
        What the values of its bands mean.
    """

    name: str
    title: str
    rules: tuple[Rule, ...]


KINDS = {
    # 8, 9, 10: clouds of medium and high probability, thin cirrus. Dark areas (2) are no cloud shadows, and what is
    # unclassified (7) is mostly clear.
    "scl": Kind("scl", "SCL", (Rule(1, ((CLOUDS, (8, 9, 10)), (SHADOWS, (3,)), (SNOW, (11,)), (_MISSING, (0,)))),)),
    # 0 fill, 1 dilated cloud, 2 cirrus, 3 cloud, 4 cloud shadow, 5 snow.
    "qa": Kind(
        "qa", "QA_PIXEL",
        (Rule(1, bits=((CLOUDS, (1, 2, 3)), (SHADOWS, (4,)), (SNOW, (5,)), (_MISSING, (0,)))),),
    ),
    # 1 cloud, 2 adjacent to cloud or shadow, 3 cloud shadow, 4 snow or ice; 255 fill.
    "fmask": Kind(
        "fmask", "Fmask",
        (Rule(1, ((_MISSING, (255,)),), ((CLOUDS, (1, 2)), (SHADOWS, (3,)), (SNOW, (4,)))),),
    ),
    # Bands: 1 clear, 2 snow, 3 shadow, 4 light haze, 5 heavy haze, 6 cloud, 7 confidence, 8 unusable (bit 0: no data).
    "udm": Kind(
        "udm", "UDM2",
        (
            Rule(2, ((SNOW, (1,)),)), Rule(3, ((SHADOWS, (1,)),)),
            *(Rule(band, ((CLOUDS, (1,)),)) for band in (4, 5, 6)), Rule(8, bits=((_MISSING, (0,)),)),
        ),
    ),
    # Masks of Level-1C since baseline 04.00: opaque clouds, cirrus, snow; none of shadows.
    "classi": Kind(
        "classi", "MSK_CLASSI",
        (Rule(1, ((CLOUDS, (1,)),)), Rule(2, ((CLOUDS, (1,)),)), Rule(3, ((SNOW, (1,)),))),
    ),
}  # fmt: skip

_NAMES = {
    "scl": re.compile(r"(?:^|[^A-Za-z0-9])SCL(?:_\d+m)?$", re.IGNORECASE),
    "qa": re.compile(r"(?:^|[^A-Za-z0-9])QA_PIXEL$", re.IGNORECASE),
    "fmask": re.compile(r"(?:^|[^A-Za-z0-9])Fmask$", re.IGNORECASE),
    "udm": re.compile(r"(?:^|[^A-Za-z0-9])(?:ortho_)?udm2(?:_clip)?$", re.IGNORECASE),
    "classi": re.compile(r"(?:^|[^A-Za-z0-9])MSK_CLASSI_B00$", re.IGNORECASE),
}
_HLS = re.compile(r"(?:^|[^A-Za-z])HLS", re.IGNORECASE)


def kind_named(name: str, evidence: Iterable[str] = ()) -> str | None:
    """Return the kind of quality band that a name of a file, asset or band is of; None if it is none.

    Parameters
    ----------
    name
        The name, without suffix.
    evidence
        What else is said about the product. Fmask is known of HLS only: others have other values.

    Examples
    --------
    >>> from geoseg.raster.clouds.kinds import kind_named
    >>> kind_named("T33UUU_20240601T101031_SCL_20m"), kind_named("Fmask", ["HLSS30_2.0"]), kind_named("Fmask")
    ('scl', 'fmask', None)
    """
    for kind, pattern in _NAMES.items():
        if pattern.search(name):
            known = kind != "fmask" or any(_HLS.search(text) for text in (name, *evidence))
            return kind if known else None
    return None
