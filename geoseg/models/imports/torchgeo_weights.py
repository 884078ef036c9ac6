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
from geoseg.raster.bands.sensors import name_bands
from geoseg.system.download import file_name

NAME = re.compile(r"(\w+)_Weights\.\w+", re.ASCII)

# As torch.hub does: the beginning of the file's SHA-256 is in its name.
_HASH = re.compile(r"-([a-f0-9]{6,})\.")


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
    meta = weights.meta if isinstance(weights.meta, Mapping) else {}
    encoder, arch = meta.get("encoder") or meta.get("backbone"), NAME.fullmatch(name)
    if not isinstance(encoder, str) or arch is None:
        raise ModelError(
            f"{name}: these weights of torchgeo are an encoder, no network that maps classes; train one with them: "
            f"geoseg train --weights {weights.url}"
        )
    path = _cached(str(weights.url), name)
    stated: dict[str, Any] = {"arch": arch[1].lower(), "encoder": encoder}
    if isinstance(meta.get("license"), str):
        stated["license"] = meta["license"]
    bands = meta.get("bands")
    if isinstance(bands, list | tuple) and len(set(bands)) == len(bands):  # those of two dates are told by the user
        stated["bands"] = tuple(
            name_bands([str(band) for band in bands], [[name.replace("SENTINEL2", "Sentinel-2")]]).names
        )
    return path, stated, str(weights.url)


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
    digest = hashlib.sha256(read_file(path, MAX_WEIGHTS_BYTES, str(path))).hexdigest()
    if stated is not None and not digest.startswith(stated[1]):
        raise ModelError(
            f"{path}: was changed or damaged: its SHA-256 is {digest[:16]}…, and should begin with {stated[1]}; delete "
            "it and download it again"
        )
    return path
