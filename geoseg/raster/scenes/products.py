"""Which product a folder or an archive holds, by its metadata file."""

from __future__ import annotations

from pathlib import Path

from geoseg.errors import InputError
from geoseg.raster.scenes import dimap, landsat, sentinel2
from geoseg.raster.scenes.product import Product, product_in
from geoseg.raster.scenes.scene import SceneFiles


def recognized(path: Path, metadata: str | None = None) -> SceneFiles | None:
    """Return the scene of a product that is described by a metadata file of a known kind; None if there is none.

    Parameters
    ----------
    path
        Folder, or archive: in an archive the metadata may be in the folders within.
    metadata
        Name of the metadata file, if it is the one that was named.

    Raises
    ------
    InputError
        If there are several products, or the one that is there is damaged.
    """
    product = product_in(path)
    patterns = ["", "*/", "*/*/", "*/*/*/"] if product.members is not None else [""]
    for prefix in patterns:
        if found := product.named(f"{prefix}{sentinel2.METADATA}"):
            return sentinel2.open_safe(product.at(_only(found, path)))
        for kind in landsat.METADATA:
            if found := _chosen(product.named(prefix + kind), metadata):
                name = _only(found, path)
                return landsat.open_landsat(product.at(name), name.rpartition("/")[2])
        if found := _chosen(product.named(prefix + dimap.METADATA), metadata):
            name = _only(found, path)
            return dimap.open_dimap(product.at(name), name.rpartition("/")[2])
    return None


def is_product(folder: Path) -> bool:
    """Return whether a folder has metadata of a product of a known kind, so that its rasters are one scene."""
    product = Product(folder)
    return any(product.named(kind) for kind in (sentinel2.METADATA, *landsat.METADATA, dimap.METADATA))


def _chosen(found: list[str], metadata: str | None) -> list[str]:
    return found if metadata is None else [name for name in found if name == metadata]


def _only(found: list[str], path: Path) -> str:
    if len(found) > 1:
        names = ", ".join(found[:3]) + (", …" if len(found) > 3 else "")
        raise InputError(f"{path}: holds {len(found)} products ({names}); name the metadata file of one of them")
    return found[0]
