"""Weights that torchgeo lists by name, from the folder in which torch keeps what it has downloaded.

The list is that of the torchgeo that is installed: which file a name stands for differs between its versions.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from geoseg.errors import ModelError, one_line
from geoseg.models.weights import MAX_WEIGHTS_BYTES, read_file
from geoseg.raster.bands.names import from_text
from geoseg.raster.bands.sensors import name_bands
from geoseg.system.download import file_name

NAME = re.compile(r"(\w+)_Weights\.\w+", re.ASCII)

# As torch.hub does: the beginning of the file's SHA-256 is in its name.
_HASH = re.compile(r"-([a-f0-9]{6,})\.")

# Whole networks in torchgeo's list are of smp. Other entries that state an encoder are not: EarthLoc describes places.
_NETWORKS = {"Unet": "unet"}

# Encoders that have the names of timm's and smp's layers; torchgeo's Swin and vision transformers have others.
_ENCODER = re.compile(r"ResNet\d+")

# Satellites as torchgeo's names have them, in words that decide what a band code means.
_SATELLITES = {
    "SENTINEL2": "Sentinel-2", "LANDSAT_TM": "Landsat 5", "LANDSAT_ETM": "Landsat 7", "LANDSAT_OLI": "Landsat 8",
}  # fmt: skip

# Transforms that change the size of a picture and no value but by interpolation; windows are cut by geoseg.
_OF_SIZE = ("Resize", "CenterCrop", "Identity")


def torchgeo_file(name: str) -> tuple[Path, dict[str, Any], str]:
    """Return the file of weights that a name of torchgeo stands for, what is known of it, and its address.

    Parameters
    ----------
    name
        ``"Unet_Weights.SENTINEL2_2CLASS_FTW"``.

    Returns
    -------
    The file in torch's cache; options that it states, by the names of
    :class:`~geoseg.models.imports.described.ImportOptions`; and the address it comes from.

    Raises
    ------
    ModelError
        If torchgeo is not installed, has no such weights, or they are no whole network; or if the file was not
        downloaded yet, or is not what its name says.
    """
    weights = _entry(name)
    kind, encoder = name.partition("_Weights.")[0], _meta(weights).get("encoder")
    if kind not in _NETWORKS or not isinstance(encoder, str):
        offer = f"; train one with them: geoseg train --weights {name} --encoder {kind.lower()}"
        raise ModelError(
            f"{name}: these weights of torchgeo are no network of segmentation-models-pytorch that maps classes"
            f"{offer if _ENCODER.fullmatch(kind) else ''}"
        )
    stated: dict[str, Any] = {"arch": _NETWORKS[kind], "encoder": encoder, **_stated(weights, name)}
    return _cached(str(weights.url), name), stated, str(weights.url)


def torchgeo_encoder(name: str) -> tuple[Path, tuple[str, ...]]:
    """Return the file of an encoder that torchgeo lists, in torch's cache, and its bands; none if it states none.

    Parameters
    ----------
    name
        ``"ResNet18_Weights.SENTINEL2_ALL_MOCO"``; the encoder of a whole network counts too.

    Raises
    ------
    ModelError
        If torchgeo is not installed or has no such weights; or if the file was not downloaded yet, or is not what its
        name says.
    """
    weights = _entry(name)
    return _cached(str(weights.url), name), _bands(weights, name)


def _stated(weights: Any, name: str) -> dict[str, Any]:
    """Return options that the list states of a whole network."""
    meta = _meta(weights)
    stated: dict[str, Any] = dict(_normalisation(weights.transforms))
    if isinstance(meta.get("license"), str):
        stated["license"] = meta["license"]
    if bands := _bands(weights, name):
        stated["bands"] = bands
    classes, count = meta.get("classes"), meta.get("num_classes")
    if isinstance(classes, list | tuple) and len(classes) == count:
        stated["classes"] = tuple(str(one) for one in classes)
    resolution = meta.get("resolution")  # metres
    if isinstance(resolution, int | float) and not isinstance(resolution, bool) and resolution > 0:
        stated["resolution"] = float(resolution)
    return stated


def _meta(weights: Any) -> Mapping[str, Any]:
    return weights.meta if isinstance(weights.meta, Mapping) else {}


def _bands(weights: Any, name: str) -> tuple[str, ...]:
    """Return the bands by common names; those that are there twice, such as of two dates, as ``red_1``, ``red_2``."""
    meta = _meta(weights)
    bands = meta.get("bands")
    if not isinstance(bands, list | tuple) or len(bands) != meta.get("in_chans"):
        return ()
    evidence = [words for begin, words in _SATELLITES.items() if f".{begin}_" in name]
    coded = name_bands([str(band) for band in bands], [evidence]).names
    names = [band.lower() if band in ("VV", "VH") else from_text(band) or band for band in coded]
    return tuple(
        f"{band}_{names[: i + 1].count(band)}" if names.count(band) > 1 else band for i, band in enumerate(names)
    )


def _normalisation(transforms: Any) -> dict[str, Any]:
    """Return mean and std of values as they are in files, if the transforms are one normalisation and changes of size.

    Transforms without a normalisation state none: whether values are divided before them is not said.
    """
    steps = list(transforms) if hasattr(transforms, "__iter__") else [transforms]
    found = [step for step in steps if type(step).__name__ not in _OF_SIZE]
    if len(found) != 1 or type(found[0]).__name__ != "Normalize":
        return {}
    mean, std = (getattr(found[0], key, None) for key in ("mean", "std"))
    if not isinstance(mean, list | tuple) or not isinstance(std, list | tuple):
        return {}
    return {"divide": 1.0, "mean": tuple(float(one) for one in mean), "std": tuple(float(one) for one in std)}


def _entry(name: str) -> Any:
    """Return the entry of torchgeo's list."""
    try:
        from torchgeo.models import get_weight
    except ImportError as error:
        raise ModelError(
            f"{name}: is a name of torchgeo, which is not installed here ({one_line(error)}): pip install torchgeo, or "
            "give the file or the address of the weights"
        ) from None
    try:
        weights = get_weight(name)
    except (ValueError, KeyError, AttributeError):
        raise ModelError(f"{name}: the torchgeo that is installed has no weights of this name") from None
    if not isinstance(getattr(weights, "url", None), str):
        raise ModelError(f"{name}: torchgeo states no address of these weights")
    return weights


def _cached(address: str, name: str) -> Path:
    """Return the file of an address in torch's cache."""
    import torch

    path = Path(torch.hub.get_dir()) / "checkpoints" / file_name(address)
    if not path.is_file():
        raise ModelError(
            f"{name}: was not downloaded yet (no {path}); nothing is fetched by a name alone: download it there from "
            f"{address}"
        )
    stated = _HASH.search(path.name)
    if stated is None:
        return path
    digest = hashlib.sha256(read_file(path, MAX_WEIGHTS_BYTES, str(path))).hexdigest()
    if not digest.startswith(stated[1]):
        raise ModelError(
            f"{path}: was changed or damaged: its SHA-256 is {digest[:16]}…, and should begin with {stated[1]}; delete "
            "it and download it again"
        )
    return path
