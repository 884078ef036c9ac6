"""The cloud and shadow networks of the package ukis-csmask (DLR), run by geoseg's own windows.

The package has four, for four or six bands of Level-1C or Level-2A reflectance, with what each was normalised by in a
JSON file beside it. Only those files are read; its own code, which takes whole pictures, never runs.
Source: https://github.com/dlr-eoc/ukis-csmask; Wieland et al. 2019, https://doi.org/10.1016/j.rse.2019.05.022
"""

from __future__ import annotations

import importlib.util
import json
import math
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geoseg.classes import MapClass
from geoseg.errors import ModelError
from geoseg.models.card.card import BandSpec, ModelCard, card_with
from geoseg.models.card.scaling import ValueScaling
from geoseg.models.networks.onnx_card import BANDS_KEY, made_card
from geoseg.system.files import read_regular
from geoseg.system.json_text import parse_json

if TYPE_CHECKING:
    from geoseg.models.networks.onnx_contract import GraphContract

PACKAGE = "ukis-csmask"
_NAME = re.compile(r"ukis-csmask-([46])b-(l1c|l2a)")
NAMES = tuple(f"{PACKAGE}-{count}b-{level}" for count in (6, 4) for level in ("l2a", "l1c"))
"""Names under which the networks are found."""

_CLASSES = (
    MapClass(0, "background", "#8a8a8a"),
    MapClass(1, "cloud", "#ffffff"),
    MapClass(2, "cloud shadow", "#303050"),
)
# "Approximately 30 m", as the package's documentation has it; its overlap of windows.
_RESOLUTION, _OVERLAP = (15.0, 60.0), 20
_MOST = 1_000_000


def csmask_file(name: str) -> Path | None:
    """Return the ONNX file that a name stands for; None if it is no name of these networks.

    Raises
    ------
    ModelError
        If it is, but the package is not installed; or if it is the package's name alone.
    """
    match = _NAME.fullmatch(name)
    if match is None:
        if name == PACKAGE:
            raise ModelError(
                f"{PACKAGE} has several networks: name the one for the scene's bands and level, {', '.join(NAMES)}"
            )
        return None
    package = importlib.util.find_spec("ukis_csmask")
    folders = list(package.submodule_search_locations or ()) if package is not None else []
    path = Path(folders[0]) / f"model_{match[1]}b_{match[2]}.onnx" if folders else None
    if path is None or not path.is_file():
        raise ModelError(f'model {name!r} is in the package {PACKAGE}, 1.0 or later: pip install "geoseg[csmask]"')
    return path


def csmask_card(contract: GraphContract, path: Path, name: str) -> ModelCard:
    """Return the card of a network, of what is stated beside it.

    Parameters
    ----------
    contract
        What its graph takes and returns.
    path
        Its file.
    name
        One of :data:`NAMES`.

    Raises
    ------
    ModelError
        If the file beside it lacks bands, means or standard deviations, or states others than the graph takes.
    """
    beside = path.with_suffix(".json")
    try:
        stated: Any = parse_json(read_regular(beside, _MOST), str(beside), "the description of a network")
        statistics = stated["data"]["dataset_statistics"]
        bands = [str(band) for band in statistics["band_names"]]
        means, deviations = ([float(number) for number in numbers] for numbers in statistics["img"])
        side, version = int(stated["data"]["target_size"][0]), str(stated["model"]["version"])
    except (OSError, KeyError, TypeError, ValueError, IndexError) as error:
        raise ModelError(f"{beside}: does not say how {name} is normalised; install {PACKAGE} again") from error
    usable = all(map(math.isfinite, means)) and all(math.isfinite(one) and one > 0 for one in deviations)
    if not usable or not len(bands) == len(means) == len(deviations):
        raise ModelError(f"{beside}: does not say how {name} is normalised; install {PACKAGE} again")
    metadata = {
        BANDS_KEY: ",".join(bands),
        "class_names": json.dumps([item.name for item in _CLASSES]),
        "standardization_mean": "0",  # accepted as stated; the numbers are set below
        "standardization_std": "1",
        "tile_size": str(side),
        "tiles_overlap": str(_OVERLAP),
    }
    return card_with(
        made_card(replace(contract, metadata=metadata), path),
        name=name,
        title=f"Clouds and their shadows, {PACKAGE} {version}",
        bands=tuple(BandSpec(name=band, scale=1.0, offset=0.0) for band in bands),
        classes=_CLASSES,
        value_scaling=tuple(
            ValueScaling(type="z-score", mean=mean, stddev=deviation)
            for mean, deviation in zip(means, deviations, strict=True)
        ),
        value_range=(0.0, 1.0),
        resolution=_RESOLUTION,
        license="Apache-2.0",
    )
