"""Features of labelled pixels, kept in the model folder so that a sketch with more labels takes seconds.

Beside the weights lies ``features.safetensors``: pixels and features of each scene, and in its metadata, as JSON, the
numbers from which the features follow. A sketch that starts from the folder takes these numbers over, and computes only
the features of pixels that are not there. Nothing in the file is trusted: one that does not fit is not used.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from geoseg.models import BandSpec
from geoseg.models.card.percentiles import ValuePercentiles
from geoseg.system.files import read_regular
from geoseg.train.sketch.values import SceneValues

if TYPE_CHECKING:
    from numpy.typing import NDArray

CACHE_FILE = "features.safetensors"
"""Name of the file in the model folder."""

_MOST_BYTES = 2**30

_FORMAT = "1"


@dataclass(frozen=True, eq=False)
class Cache:
    """What a sketch keeps.

    Attributes
    ----------
    values
        Statistics of the scenes, which fix the network's input and buffers.
    pretrained
        Name and fingerprint of the pretrained model; None without one. It is looked for among the models that the user
        or geoseg names, never where a file says.
    pixels, features
        By fingerprint of the scene: (n,) int64 ascending, and (n, features) float32.
    """

    values: SceneValues
    pretrained: tuple[str, str] | None
    pixels: dict[str, NDArray[np.int64]]
    features: dict[str, NDArray[np.float32]]

    def known(self, scene: str, pixels: NDArray[np.int64], count: int) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
        """Return which pixels of a scene are known, and (n, count) features that hold those of these pixels."""
        found = np.zeros((len(pixels), count), np.float32)
        kept = self.pixels.get(scene)
        if kept is None or not len(kept) or self.features[scene].shape[1] != count:
            return np.zeros(len(pixels), np.bool_), found
        at = np.searchsorted(kept, pixels).clip(max=len(kept) - 1)
        known = kept[at] == pixels
        found[known] = self.features[scene][at[known]]
        return known, found


def write_cache(folder: Path, cache: Cache) -> None:
    """Write the file into a folder that is not yet in use."""
    from safetensors.numpy import save

    tensors = {}
    for number, scene in enumerate(cache.pixels):
        tensors[f"pixels.{number}"] = cache.pixels[scene]
        tensors[f"features.{number}"] = cache.features[scene].astype(np.float32)
    described = {
        "format": _FORMAT,
        "scenes": json.dumps(list(cache.pixels)),
        "pretrained": json.dumps(cache.pretrained),
        "values": json.dumps(_plain(cache.values)),
    }
    (folder / CACHE_FILE).write_bytes(save(tensors, metadata=described))


def read_cache(folder: Path) -> Cache | None:
    """Return what a model folder holds; None if it holds nothing that can be used."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        data = read_regular(folder / CACHE_FILE, _MOST_BYTES)
        size = int.from_bytes(data[:8], "little")
        described = json.loads(data[8 : 8 + size])["__metadata__"]
        if described["format"] != _FORMAT:
            return None
        tensors, scenes = load(data), json.loads(described["scenes"])
        pretrained = json.loads(described["pretrained"])
        pixels = {scene: tensors[f"pixels.{number}"] for number, scene in enumerate(scenes)}
        features = {scene: tensors[f"features.{number}"] for number, scene in enumerate(scenes)}
        if not all(_fits(pixels[scene], features[scene]) for scene in scenes):
            return None
        values = _values(json.loads(described["values"]))
        reference = None if pretrained is None else (str(pretrained[0]), str(pretrained[1]))
        return Cache(values, reference, pixels, features)
    except (OSError, SafetensorError, ValueError, KeyError, TypeError, IndexError, AttributeError):
        return None


def _fits(pixels: NDArray[Any], features: NDArray[Any]) -> bool:
    return (
        pixels.ndim == 1
        and features.ndim == 2
        and len(pixels) == len(features)
        and pixels.dtype == np.int64
        and features.dtype == np.float32
        and bool((np.diff(pixels) > 0).all())
        and bool(np.isfinite(features).all())
    )


def _plain(values: SceneValues) -> dict[str, Any]:
    """Return statistics as JSON."""
    found = {name: getattr(values, name) for name in (item.name for item in fields(values))}
    found["bands"] = [band.model_dump() for band in values.bands]
    found["percentiles"] = None if values.percentiles is None else values.percentiles.to_json()
    return {name: item.tolist() if isinstance(item, np.ndarray) else item for name, item in found.items()}


def _values(found: dict[str, Any]) -> SceneValues:
    """Return the statistics in JSON; raises ValueError, KeyError or TypeError if they are none."""
    bands = tuple(BandSpec(**band) for band in found["bands"])
    arrays = {
        name: np.array(found[name], np.float64) for name in ("minimum", "maximum", "zero", "floor", "center", "spread")
    }
    if any(array.shape != (len(bands),) or not np.isfinite(array).all() for array in arrays.values()):
        raise ValueError("statistics do not fit the bands")
    logs = tuple(int(i) for i in found["logs"])
    pairs = tuple((int(i), int(j)) for i, j in found["pairs"])
    positive = (
        (arrays["floor"] > 0).all() and (arrays["spread"] > 0).all() and (arrays["maximum"] > arrays["minimum"]).all()
    )
    if not positive or not set(logs) <= set(range(len(bands))) or not {i for pair in pairs for i in pair} <= set(logs):
        raise ValueError("statistics contradict one another")
    low, high = found["value_range"]
    percentiles = found["percentiles"]
    return SceneValues(
        bands=bands,
        logs=logs,
        pairs=pairs,
        constant=tuple(map(str, found["constant"])),
        value_range=(float(low), float(high)),
        percentiles=None if percentiles is None else ValuePercentiles(**percentiles),
        **arrays,
    )
