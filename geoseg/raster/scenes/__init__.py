"""What a path stands for: files with what the scene's metadata says of their bands.

``discover`` is the door; ``sentinel2`` .SAFE products, ``stac`` STAC items, ``zarr_store`` Zarr stores; ``scene`` the
values that they return; ``suffixes`` which files of a folder count. In: a path or URL. Out: a SceneFiles. May import: raster.gdal, raster.names, raster.probe.
"""
